"""Every fault that a request can meet, and what becomes of its record, by the retry class of the request.

`tests/run/retries` runs every cell; `docs/guarantees/retries.md` is made of the same table.
"""

from dataclasses import dataclass
from typing import Literal

from support.servers.faulty_proxy import WireFault

RetryClassName = Literal["idempotent", "settled", "once"]
CLASSES: tuple[RetryClassName, ...] = ("idempotent", "settled", "once")
PAGE = b"<!doctype html><html><title>Sign in</title><body>Sign in</body></html>"
A_DAY = {"Retry-After": "86400"}


@dataclass(frozen=True)
class Cell:
    """Whether the run sends the request again, and the outcome of the record while every attempt meets the fault.

    `end`: when the fault is over and the next run has ended. `reason`: a part of the one that the run reports.
    """

    again: bool
    first: str
    end: str
    reason: str


@dataclass(frozen=True)
class Row:
    """A fault in words, as the proxy makes it, and its cells by class. `stops`: it ends the run."""

    text: str
    fault: WireFault
    cells: dict[RetryClassName, Cell]
    stops: bool = False
    why: str = ""

    @property
    def whole_api(self) -> bool:
        """Whether the fault is one of connections, whatever they carry."""
        return self.fault.how in ("refuse", "close unread")


def cells(idempotent: Cell, settled: Cell | None = None, once: Cell | None = None) -> dict[RetryClassName, Cell]:
    settled = settled or idempotent
    return {"idempotent": idempotent, "settled": settled, "once": once or settled}


def same(again: bool, first: str, end: str, reason: str) -> dict[RetryClassName, Cell]:
    return cells(Cell(again, first, end, reason))


LOST = cells(
    Cell(True, "unknown", "delivered", "sent, no answer after"),
    Cell(False, "unknown", "delivered", "sent, no answer"),
    Cell(False, "unknown", "unknown", "sent, no answer"),
)
REFUSED = (
    "An answer that says no: another attempt would get the same one. A person decides, or the record or its settings "
    "change."
)
MAY_BE_DONE = "The API may have executed it before it failed."
NOTHING_DONE = "The API says that it did nothing, so even a request that must not be done twice is sent again."
NO_ANSWER = "Nobody knows whether the API executed it."


def transient(status: int) -> dict[RetryClassName, Cell]:
    return cells(
        Cell(True, "quarantined", "quarantined", f"{status}"),
        Cell(False, "unknown", "delivered", f"sent, but {status}"),
        Cell(False, "unknown", "unknown", f"sent, but {status}"),
    )


def refused(status: int) -> Row:
    return Row(
        f"{status}", WireFault(status=status), same(False, "quarantined", "quarantined", f"{status}"), why=REFUSED
    )


def rate_limited(text: str, headers: dict[str, str]) -> Row:
    fault = WireFault(status=429, headers=headers)
    return Row(f"429, {text}", fault, same(True, "unsent", "delivered", "429"), stops=True, why=NOTHING_DONE)


def in_both_ways(name: str, text: str, fault: WireFault, what: dict[RetryClassName, Cell], why: str) -> dict[str, Row]:
    done = WireFault(fault.how, fault.status, fault.body, fault.headers, done=True)
    return {
        f"{name}-not-done": Row(f"{text}, not executed", fault, what, why=why),
        f"{name}-done": Row(f"{text}, executed", done, what, why=why),
    }


ROWS: dict[str, Row] = {
    "refused": Row(
        "connection refused",
        WireFault("refuse"),
        same(True, "unsent", "delivered", "host-unreachable"),
        stops=True,
        why="No byte left.",
    ),
    "unread": Row("connection closed before the request was read", WireFault("close unread"), LOST, why=NO_ANSWER),
    **in_both_ways("cut", "connection cut before the reply", WireFault("cut"), LOST, NO_ANSWER),
    "cut-body": Row(
        "reply cut in its body (2xx)",
        WireFault("cut in the body", done=True),
        same(False, "delivered", "delivered", "the reply was cut"),
        why="The status has arrived, and it says that the request was executed.",
    ),
    **in_both_ways("timeout", "no reply in time", WireFault("time out"), LOST, NO_ANSWER),
    **in_both_ways("408", "408", WireFault(status=408), transient(408), MAY_BE_DONE),
    "425": Row("425", WireFault(status=425), same(True, "quarantined", "quarantined", "425"), why=NOTHING_DONE),
    "429-seconds": rate_limited("`Retry-After` in seconds", {"Retry-After": "1"}),
    "429-date": rate_limited("`Retry-After` with a date", {"Retry-After": "in 2 s"}),
    "429-past": rate_limited("`Retry-After` with a date in the past", {"Retry-After": "an hour ago"}),
    "429-zero": rate_limited("`Retry-After: 0`", {"Retry-After": "0"}),
    "429-absent": rate_limited("without `Retry-After`", {}),
    "429-unreadable": rate_limited("`Retry-After: soon`", {"Retry-After": "soon"}),
    "429-absurd": Row(
        "429, `Retry-After` of a day",
        WireFault(status=429, headers=A_DAY),
        same(False, "unsent", "delivered", "429"),
        stops=True,
        why="A run waits 10 minutes for the rate limit at most.",
    ),
    **in_both_ways("500", "500", WireFault(status=500), transient(500), MAY_BE_DONE),
    **in_both_ways("502", "502", WireFault(status=502), transient(502), MAY_BE_DONE),
    **in_both_ways("503", "503", WireFault(status=503), transient(503), MAY_BE_DONE),
    "503-absurd": Row(
        "503, `Retry-After` of a day",
        WireFault(status=503, headers=A_DAY),
        cells(
            Cell(False, "quarantined", "quarantined", "503"),
            Cell(False, "unknown", "delivered", "sent, but 503"),
            Cell(False, "unknown", "unknown", "sent, but 503"),
        ),
        why="A request waits 2 minutes for its next attempt at most.",
    ),
    **in_both_ways("504", "504", WireFault(status=504), transient(504), MAY_BE_DONE),
    "html": Row(
        "200 with an HTML page",
        WireFault(body=PAGE, headers={"Content-Type": "text/html"}),
        same(False, "quarantined", "quarantined", "an HTML page"),
        why="It is not the API that replied, but a login page or a proxy.",
    ),
    "unreadable": Row(
        "200 with unreadable JSON",
        WireFault(body=b'{"id": "a', done=True),
        same(False, "delivered", "delivered", "not JSON, so its status counts"),
        why="The status says that the request was executed.",
    ),
    "redirect": Row(
        "307 to another host",
        WireFault(status=307, headers={"Location": "https://other.example.com/"}),
        same(False, "quarantined", "quarantined", "a redirect is not followed"),
        why="The key would travel with it.",
    ),
    "400": refused(400),
    "401": Row(
        "401",
        WireFault(status=401),
        same(False, "unsent", "delivered", "401"),
        stops=True,
        why="The credential is refused, so the run stops, and the next one continues.",
    ),
    "403": Row(
        "403",
        WireFault(status=403),
        same(False, "unsent", "delivered", "403"),
        stops=True,
        why="The credential is refused, so the run stops, and the next one continues.",
    ),
    "404": refused(404),
    "409": refused(409),
    "413": refused(413),
    "422": refused(422),
}
