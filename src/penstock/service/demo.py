"""The sample company in a service: its data, its project, and the local sandbox that it sends to."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from penstock.clock import iso
from penstock.config.loader import SECTIONS
from penstock.model.errors import ConflictError, PenstockError, Problem
from penstock.model.reports import SandboxUrls
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.store.project.resources import put_setting, setting
from penstock.usecases.sandbox import SandboxProcess, sample_project, start_sandbox, write_sample_company

if TYPE_CHECKING:
    from penstock.usecases.applied_project.applied_project import Edits

FOLDER = "demo"
SETTING = "demo"
CREDENTIAL = "sandbox"
HOST = "127.0.0.1"


@dataclass(slots=True)
class Demo:
    """The use-cases of the sample company. The local sandbox runs as long as the service, and restarts with it."""

    ctx: Callable[[], Context]
    edits: Edits
    _sandbox: SandboxProcess | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, *, by: str) -> dict[str, Any]:
        """Apply the sample company as the project. ConflictError if the project is not empty."""
        with self._lock:
            newest = self.edits.newest()
            ctx = self.ctx()
            if any(getattr(ctx.project, section) for section in SECTIONS):
                message, hint = "there is already a project", "the sample company needs a service without a project"
                raise ConflictError(Problem("project", message, "not-empty", hint))
            self.close()
            self._sandbox = sandbox = start_sandbox("--host", HOST, "--api-key", secrets.token_hex(16))
            try:
                made = self._write(ctx, sandbox.urls, by, newest.version)
            except BaseException:
                self.close()
                raise
            port = urlsplit(sandbox.urls.url).port
            with ctx.database.begin() as conn:
                put_setting(conn, SETTING, {"port": port}, by=by, at=iso(ctx.clock.now()))
        return {**made, "sandbox": sandbox.urls.url, "arrived": sandbox.urls.admin_url}

    def state(self) -> dict[str, Any]:
        """Whether the project is the sample company, and the URL of the received records while the sandbox runs."""
        port = self._port(self.ctx())
        here = port is not None and self._sandbox is not None
        return {"loaded": port is not None, "arrived": f"http://{HOST}:{port}/_admin" if here else None}

    def resume(self) -> None:
        """Start the sandbox again on its port. Does nothing if the port is in use: another process has started it."""
        ctx = self.ctx()
        port = self._port(ctx)
        if port is None or not _is_free(port):
            return
        with suppress(PenstockError):  # its destinations will report that the host is unreachable
            key = connection.api_key(ctx, ctx.project.credentials[CREDENTIAL]) or ""
            self._sandbox = start_sandbox("--host", HOST, "--port", str(port), "--api-key", key)

    def close(self) -> None:
        """Stop the local sandbox."""
        if self._sandbox is not None:
            self._sandbox.stop()
            self._sandbox = None

    def _write(self, ctx: Context, urls: SandboxUrls, by: str, version: int) -> dict[str, Any]:
        folder = (ctx.folder / FOLDER).resolve()
        made = write_sample_company(folder)
        base = ctx.project.base.resolve()
        shown = folder.relative_to(base) if folder.is_relative_to(base) else folder
        text = sample_project(str(shown), urls.url, urls.api_key, draft=True)
        written = self.edits.replace(text, author=by, if_match=str(version))
        records = {name: getattr(made, name) for name in ("companies", "people", "subscriptions", "events", "notes")}
        return {"version": written.version, "records": records}

    @staticmethod
    def _port(ctx: Context) -> int | None:
        """The port of the sandbox that the project sends to; None if the project is not the sample company."""
        with ctx.database.read() as conn:
            found = setting(conn, SETTING)
        credential = ctx.project.credentials.get(CREDENTIAL)
        port = None if found is None else int(found.document["port"])
        return port if credential is not None and credential.base_url == f"http://{HOST}:{port}" else None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0
