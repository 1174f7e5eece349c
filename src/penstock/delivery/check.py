"""Does the credential work, and which base is the API? Asked with one read that changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.clock import Clock
from penstock.delivery.budget import Budget
from penstock.delivery.client import Client
from penstock.delivery.words import UNREADABLE, is_html, own_words, parse, voice_of
from penstock.model.delivery import Connection, Lost, Reply
from penstock.model.record import Request

PATH = "/company/all?itemsPerPage=1&page=1"  # 200 works; 401 bad key; 403 no right; 429 works, but wait
RANKS = {200: 0, 403: 1, 429: 1, 401: 2}
WORDS = {200: "works", 401: "an API, but the key is refused", 403: "an API, but the key may not read companies"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`answered`: something there answers as an API. `ok`: the key is good. `tried`: each base, in words."""

    ok: bool
    answered: bool
    base_url: str | None
    tried: tuple[Mapping[str, str], ...]
    allowance: Mapping[str, int] | None
    reason: str


async def check_credential(connections: Sequence[Connection], budget: Budget, clock: Clock) -> CheckResult:
    """Ask each candidate base in order; the first that answers 2xx is taken, else the best that answers as an API."""
    tried: list[Mapping[str, str]] = []
    best: tuple[int, Connection, int, str] | None = None
    for connection in connections:
        answer = await _ask(connection, budget, clock)
        rank, words = _judge(answer, connection)
        tried.append({"base_url": connection.base_url, "result": words})
        if rank is not None and (best is None or rank < best[0]):
            status = answer.status if isinstance(answer, Reply) else 0
            best = (rank, connection, status, words)
        if rank == 0:
            break
    told = budget.allowance()
    allowance = None if told is None else {"limit": told.limit, "remaining": told.remaining}
    if best is None:
        reason = "nothing answers as an API: " + "; ".join(f"{each['base_url']}: {each['result']}" for each in tried)
        return CheckResult(False, False, None, tuple(tried), allowance, reason)
    rank, connection, status, words = best
    ok = rank == 0 or status == 429
    return CheckResult(ok, True, connection.base_url, tuple(tried), allowance, f"{connection.base_url} {words}")


async def _ask(connection: Connection, budget: Budget, clock: Clock) -> Reply | Lost:
    request = Request("GET", connection.base_url + PATH, (("Accept", "application/json"),), None)
    async with Client(connection, budget, clock, concurrency=1) as client:
        return await client.send(request, lane="test")


def _judge(answer: Reply | Lost, connection: Connection) -> tuple[int | None, str]:
    """How well it answered (0 is best, None: not as an API), and in words."""
    if isinstance(answer, Lost):
        return None, f"no answer: {answer.reason}"
    if 300 <= answer.status < 400:
        return None, f"{answer.status}: a redirect to {answer.headers.get('location', 'elsewhere')[:200]}, not an API"
    if is_html(answer):
        return None, f"{answer.status}: an HTML page, not an API"
    if parse(answer.body) is UNREADABLE:
        return None, f"{answer.status}: a body that is no JSON, not an API"
    quoted = voice_of(connection).quote(answer.status, own_words(answer))
    if 200 <= answer.status < 300:
        return 0, f"{answer.status}: {WORDS[200]}"
    if answer.status == 429:
        return 1, "429: works, and the allowance is used up for now"
    if answer.status in RANKS:
        return RANKS[answer.status], f"{WORDS[answer.status]} ({quoted})"
    return None, f"{quoted}: not the answer of Custify's API"
