"""The HTTP server: requests, replies, the request log and the admin routes."""
