"""Golden files: reviewed and committed output. `PENSTOCK_GOLDEN=write` rewrites them."""

import os
from pathlib import Path

WRITES = os.environ.get("PENSTOCK_GOLDEN") == "write"


def golden(path: Path, text: str) -> str:
    """The content of the file. With `PENSTOCK_GOLDEN=write`, `text` is written to it first."""
    if WRITES:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")
