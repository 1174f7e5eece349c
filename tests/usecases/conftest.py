from support.servers.postgres import empty_postgres, server
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["empty_postgres", "sandbox", "server", "shared_sandbox"]
