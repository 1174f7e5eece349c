"""The REST API: routes → App → one success shape, one error shape."""
