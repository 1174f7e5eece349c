"""`python -m penstock_sandbox`: prints its URLs as one line of JSON, then serves until a signal stops it."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, get_args

import orjson

from penstock_sandbox.account import settings
from penstock_sandbox.account.account import Account
from penstock_sandbox.account.settings import Settings, UnknownCompany
from penstock_sandbox.api.api import Api
from penstock_sandbox.api.faults import parse_fault
from penstock_sandbox.server.request_log import RequestLog
from penstock_sandbox.server.server import SandboxServer, serve


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("penstock sandbox", description="The local sandbox for Custify's API.")
    parser.add_argument("--json", action="store_true", help="no effect: the output is always one line of JSON")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 uses a free port (default)")
    parser.add_argument("--api-key", default="sandbox-key")
    parser.add_argument("--read-only-key", help="a second key that may only read (403 on writes)")
    parser.add_argument("--strict", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--lenient", dest="strict", action="store_false", help="warn instead of refusing with 400")
    parser.add_argument("--rate", type=_type(settings.rate), default="100/10s", help="100/10s, or off")
    parser.add_argument("--fault", type=_type(parse_fault), action="append", default=[], metavar="FAULT")
    parser.add_argument(
        "--job-delay", type=_type(settings.duration), default=0.1, help="time until a batch job is done"
    )
    parser.add_argument("--unknown-company", choices=get_args(UnknownCompany), default="skip")
    parser.add_argument("--assignee", choices=get_args(settings.Assignee), default="any")
    parser.add_argument("--batch-cost", choices=get_args(settings.BatchCost), default="1")
    parser.add_argument(
        "--notes", choices=get_args(settings.NoteText), default="text", help="how reads return the text of a note"
    )
    parser.add_argument(
        "--visible-after",
        type=_type(settings.duration),
        default=0.0,
        metavar="DURATION",
        help="time until lists and searches show a created object",
    )
    parser.add_argument(
        "--ignore-filters", action="store_true", help="return whole lists, whatever the query filters by"
    )
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="delay of every reply")
    parser.add_argument(
        "--with-parent",
        nargs="?",
        # The id of the parent has to be read at once: after its end the process has another parent.
        const=os.getppid(),
        type=int,
        metavar="PID",
        help="stop when this process has ended (default: the parent of this process)",
    )
    return parser.parse_args(argv)


def _type(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """`read` for argparse, which shows the text of an ArgumentTypeError only."""

    def convert(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def sandbox(given: argparse.Namespace) -> SandboxServer:
    chosen = Settings(
        strict=given.strict,
        rate=given.rate,
        latency=given.latency / 1000,
        job_delay=given.job_delay,
        unknown_company=given.unknown_company,
        assignee=given.assignee,
        batch_cost=given.batch_cost,
        notes=given.notes,
        visible_after=given.visible_after,
        ignore_filters=given.ignore_filters,
    )
    api = Api(Account(chosen), given.api_key, given.read_only_key)
    for fault in given.fault:
        api.faults.add(fault)
    return SandboxServer(api, RequestLog())


async def run(given: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the address is not available."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    runner, port = await serve(sandbox(given), given.host, given.port)
    host = f"[{given.host}]" if ":" in given.host else given.host
    url = f"http://{host}:{port}"
    ready = {"url": url, "flat_url": f"{url}/api", "admin_url": f"{url}/_admin", "api_key": given.api_key}
    sys.stdout.write(orjson.dumps(ready).decode() + "\n")
    sys.stdout.flush()
    watching = None
    if given.with_parent is not None:
        watching = asyncio.create_task(_until_orphaned(given.with_parent, stopped))
    await stopped.wait()
    if watching is not None:
        watching.cancel()
    await runner.cleanup()


async def _until_orphaned(parent: int, stopped: asyncio.Event) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - no event reports the end of the parent
        await asyncio.sleep(0.5)
    stopped.set()


def main() -> None:
    given = arguments()
    try:
        import uvloop  # noqa: PLC0415 - optional: it is only faster
    except ImportError:
        start: Callable[[Any], None] = asyncio.run
    else:
        start = uvloop.run
    try:
        with contextlib.suppress(KeyboardInterrupt):
            start(run(given))
    except OSError as error:
        sys.stderr.write(f"the sandbox cannot listen on {given.host}:{given.port}: {error}\n")
        raise SystemExit(3) from error


if __name__ == "__main__":
    main()
