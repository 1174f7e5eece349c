from postgres_server import postgres, server
from sandbox_process import sandbox, shared_sandbox

__all__ = ["postgres", "sandbox", "server", "shared_sandbox"]
