"""Builds the web UI into the package before a wheel, a source distribution or an editable install is made.

Only when its sources changed since the last time. Uses the machine's node; where there is none (or an old one), node
comes from PyPI as a build requirement. `PENSTOCK_SKIP_UI=1` skips it: the service then says how to build its pages.
"""

import hashlib
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LEFT_OUT = {"node_modules", "dist", "__pycache__"}
SKIP = "PENSTOCK_SKIP_UI"


class WebUI(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node itself, where the machine has none that is new enough and something is to be built."""
        return [] if self._is_done() or _node().machine_has_node() else [_node().PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        if not self._is_done():
            self._build()

    @property
    def _ui(self) -> Path:
        return Path(self.root, "ui")

    @property
    def _web(self) -> Path:
        return Path(self.root, "src", "penstock", "service", "api", "web")

    def _is_done(self) -> bool:
        if os.environ.get(SKIP) == "1" or not self._ui.is_dir():
            return True
        marker = self._web / ".built"
        return marker.is_file() and marker.read_text() == _digest(self._ui)

    def _build(self) -> None:
        environ, npm = _npm()
        lock = _hash([self._ui / "package-lock.json"], self._ui)
        installed = self._ui / "node_modules" / ".penstock-lock"
        if not installed.is_file() or installed.read_text() != lock:
            self._run([*npm, "ci", "--omit=dev", "--prefer-offline", "--no-audit", "--no-fund"], environ)
            installed.write_text(lock)
        self._run([*npm, "run", "build", "--", "--logLevel", "warn"], environ)
        (self._web / ".built").write_text(_digest(self._ui))

    def _run(self, command: list[str], environ: dict[str, str]) -> None:
        ended = subprocess.run(
            command, cwd=self._ui, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if ended.returncode != 0:
            said = "\n".join(ended.stdout.splitlines()[-25:])
            sys.exit(
                f"The web UI could not be built: `{' '.join(command)}` in {self._ui} ended with {ended.returncode}:\n"
                f"{said}\nIt needs an npm registry (npm config get registry). {SKIP}=1 installs Penstock without it."
            )


def _digest(ui: Path) -> str:
    """Of every source of the UI: names and contents."""
    return _hash(sorted(p for p in ui.rglob("*") if p.is_file() and not LEFT_OUT & set(p.relative_to(ui).parts)), ui)


def _hash(files: list[Path], folder: Path) -> str:
    made = hashlib.sha256()
    for file in files:
        made.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return made.hexdigest()


def _node() -> ModuleType:
    """`ui/node.py`: there whenever something is to be built."""
    sys.path.insert(0, str(Path(__file__).parent / "ui"))
    return import_module("node")


def _npm() -> tuple[dict[str, str], list[str]]:
    """The environment in which node is found, and how npm is called."""
    environ = dict(os.environ)
    try:
        return environ, _node().npm(environ)
    except ImportError:
        sys.exit(
            "The web UI could not be built: there is no node here, and none came with the build requirements.\n"
            f"Install Node 20.19 or newer with npm, or build with isolation, or set {SKIP}=1 to do without the UI."
        )
