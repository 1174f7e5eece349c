from sandbox_process import sandbox, shared_sandbox

__all__ = ["sandbox", "shared_sandbox"]
