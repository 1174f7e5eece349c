"""One API request from its bytes to its reply, without a socket."""
