"""A faithful local stand-in for Custify's API.

Imports nothing of `penstock`, and `penstock` nothing of it, so that one mistake cannot hide another.

`server` receives a request, `api` checks its key, limit and faults and finds its handler, `native` and `flat` hold the
handlers, `payloads` checks and applies what both dialects share, and `account` stores the objects. Each imports only
those named after it.
"""
