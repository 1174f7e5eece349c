"""The local sandbox for Custify: a server with the behaviour of Custify's API.

It imports nothing of `penstock`, and `penstock` imports nothing of it, so that a mistake in one cannot hide a mistake
in the other.

`server` receives requests. `api` checks key, rate limit and faults, and finds the handler. `native` and `flat` have the
handlers. `payloads` has the checks and upserts that both dialects share. `account` stores the objects. Each package
imports only those after it in this list.
"""
