"""The command `penstock`, also as `python -m penstock`. Imports little: it takes signals before the rest is loaded."""

from __future__ import annotations

import json
import signal
import sys

CANCELLED = 130
STOPPED = {
    "path": "penstock",
    "line": None,
    "code": "cancelled",
    "found": None,
    "message": "stopped by a person",
    "hint": "",
    "file": None,
}


def main() -> int:
    """Run the command line of this process; answers its exit code.

    SIGTERM ends it as ^C does, with one JSON document under `--json`, also while the rest is being loaded. Commands
    that have something to finish (runs, the service, a worker) put their own handlers in its place.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from penstock.cli.main import main as command  # noqa: PLC0415 - takes a part of a second

        return command()
    except KeyboardInterrupt:
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"errors": [STOPPED]}, indent=2) + "\n")
        else:
            sys.stderr.write("penstock: stopped by a person\n")
        return CANCELLED


if __name__ == "__main__":
    sys.exit(main())
