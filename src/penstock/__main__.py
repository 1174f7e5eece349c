"""The command `penstock`, also as `python -m penstock`. It handles signals before the rest is imported."""

from __future__ import annotations

import json
import os
import signal
import sys

CANCELLED = 130
STOPPED = {
    "path": "penstock",
    "line": None,
    "code": "cancelled",
    "found": None,
    "message": "stopped by ^C",
    "hint": "",
    "file": None,
}


def main() -> int:
    """Run the command line of this process; returns its exit code.

    SIGTERM ends it as ^C does, with one JSON document under `--json`, also while the rest is being loaded. Commands
    that have something to finish (runs, the service, a worker) put their own handlers in its place.
    """
    _open_closed_streams()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from penstock.main import main as command  # noqa: PLC0415 - takes a part of a second

        return command()
    except KeyboardInterrupt:
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"errors": [STOPPED]}, indent=2) + "\n")
        else:
            sys.stderr.write("penstock: stopped by ^C\n")
        return CANCELLED


def _open_closed_streams() -> None:
    """Open what the caller has closed (`>&-`): else the next file that is opened, the state's, would be stdout.

    Writing to a stdout that was closed fails as it should; what goes to a closed stderr is lost.
    """
    for name, flags, mode in (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
