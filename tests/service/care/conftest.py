from support.servers.postgres import postgres, server
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["postgres", "sandbox", "server", "shared_sandbox"]
