"""The web UI's structure, types and component tests: `python ui/check.py`, in `make test` before the rest.

Node is the machine's; where there is none, it comes from PyPI into this Python, as it does for building the pages.
"""

import os
import subprocess
import sys
from pathlib import Path

import node
import structure

UI = Path(__file__).parent


def main() -> None:
    if faults := structure.faults(UI / "src"):
        sys.exit("\n".join(faults))
    environ = {key: value for key, value in os.environ.items() if key != "NODE_ENV"}  # what tests need is wanted too
    if not node.machine_has_node():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", node.PACKAGE], check=True)
    npm = node.npm(environ)
    lock = (UI / "package-lock.json").read_text()
    installed = UI / "node_modules" / ".penstock-checks"
    if not installed.is_file() or installed.read_text() != lock:
        options = ("--no-save", "--include=dev", "--prefer-offline", "--no-audit", "--no-fund", "--silent")
        subprocess.run([*npm, "install", *options], cwd=UI, env=environ, check=True)
        installed.write_text(lock)
    sys.exit(subprocess.run([*npm, "run", "--silent", "check"], cwd=UI, env=environ, check=False).returncode)


if __name__ == "__main__":
    main()
