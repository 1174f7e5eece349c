from support.kernel.states import database, sqlite, url
from support.servers.postgres import postgres, server
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["database", "postgres", "sandbox", "server", "shared_sandbox", "sqlite", "url"]
