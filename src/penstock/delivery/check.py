"""The check of a credential: one read, which changes nothing, shows whether its key works and which base URL to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.clock import Clock
from penstock.delivery.http.client import Client
from penstock.delivery.limit.budget import Budget
from penstock.delivery.limit.rate_limit import Allowance
from penstock.delivery.replies import ErrorQuoter, error_text, is_html, parse, quoter_of
from penstock.model.delivery import Connection, Lost, Reply
from penstock.model.record import Request

PATH = "/company/all?itemsPerPage=1&page=1"  # 200 works; 401 bad key; 403 no right; 429 works, but wait
REFUSED = {401: "an API, but the key is refused", 403: "an API, but the key may not read companies"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`answered`: an API responds. `ok`: it accepts the key. `tried`: each base URL with its result."""

    ok: bool
    answered: bool
    base_url: str | None
    tried: tuple[Mapping[str, str], ...]
    allowance: Mapping[str, int] | None
    reason: str


@dataclass(frozen=True, slots=True)
class BaseCheck:
    """The result for one base URL: rank 0 is the best; 3 means that no API responds there."""

    base_url: str
    rank: int
    ok: bool
    text: str


async def check_credential(connections: Sequence[Connection], budget: Budget, clock: Clock) -> CheckResult:
    """Tries each base URL in order; chooses the first with a 2xx reply, else the best one at which an API responds."""
    tried: list[BaseCheck] = []
    for connection in connections:
        tried.append(await _check_base(connection, budget, clock))
        if tried[-1].rank == 0:
            break
    allowance = budget.allowance()
    best = min(tried, key=lambda each: each.rank)
    answered = best.rank < 3
    texts = "; ".join(f"{each.base_url}: {each.text}" for each in tried)
    return CheckResult(
        ok=best.ok,
        answered=answered,
        base_url=best.base_url if answered else None,
        tried=tuple({"base_url": each.base_url, "result": each.text} for each in tried),
        allowance=_shown(allowance),
        reason=f"{best.base_url}: {best.text}" if answered else f"nothing answers as an API: {texts}",
    )


def _shown(allowance: Allowance | None) -> Mapping[str, int] | None:
    if allowance is None or allowance.remaining is None:
        return None
    return {"limit": allowance.limit, "remaining": allowance.remaining}


async def _check_base(connection: Connection, budget: Budget, clock: Clock) -> BaseCheck:
    request = Request("GET", connection.base_url + PATH, (("Accept", "application/json"),), None)
    async with Client(connection, budget, clock, concurrency=1) as client:
        answer = await client.send(request, lane="test")
        if isinstance(answer, Lost) and answer.kind == "cut":
            answer = await client.send(request, lane="test")  # a read may be sent twice
    if isinstance(answer, Lost):
        return BaseCheck(connection.base_url, 3, False, f"no answer: {answer.reason}")
    rank, text = _judge(answer, quoter_of(connection))
    return BaseCheck(connection.base_url, rank, rank == 0 or (rank == 1 and answer.status == 429), text)


def _judge(reply: Reply, quoter: ErrorQuoter) -> tuple[int, str]:
    """The rank of a reply, and why. An API answers JSON with 2xx, 401, 403 or 429: 2xx beats 403 and 429 beat 401."""
    status = reply.status
    if 300 <= status < 400:
        return 3, f"{status}: a redirect to {quoter.clean(reply.headers.get('location', 'elsewhere'))}, not an API"
    if is_html(reply):
        return 3, f"{status}: an HTML page, not an API"
    if not isinstance(parse(reply.body), dict | list):
        return 3, f"{status}: a body that is no JSON, not an API"
    if 200 <= status < 300:
        return 0, f"{status}: works"
    if status == 429:
        return 1, "429: works, and the allowance is used up for now"
    quoted = quoter.quote(status, error_text(reply))
    if status in REFUSED:
        return (1 if status == 403 else 2), f"{REFUSED[status]} ({quoted})"
    return 3, f"{quoted}: not the answer of an API to a credential check"
