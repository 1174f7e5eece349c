from postgres_server import empty_postgres, server
from sandbox_process import sandbox, shared_sandbox

__all__ = ["empty_postgres", "sandbox", "server", "shared_sandbox"]
