"""The shared rate limit: one row per credential with what all processes have used of its window, and any pause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import orjson
from sqlalchemy import Float, cast, extract, func, select

from penstock.store.database import Database, upsert
from penstock.store.tables import budgets

T = TypeVar("T")

_COLUMNS = ("quota", "per", "opened", "used", "blocked_until")
_OTHERS = ("configured", "first", "answered", "last_end", "leased", "late", "late_end", "late_taken", "remaining")


class BudgetUser(NamedTuple):
    """What one event loop of a process has of the window, as it reported last. Moments are epoch seconds."""

    in_hand: int  # places leased and not used
    flying: int  # cost of the requests in flight
    oldest: float  # when the oldest of both was leased or left
    due: float  # it reports again by then, or it has died
    rank: int | None = None  # of the lane of the request that waits first; None: none waits
    since: float = 0.0  # when that request began to wait
    least: int = 0  # places that this request costs
    wants: int = 0  # places that all waiting requests cost


@dataclass(frozen=True, slots=True)
class RateLimitRow:
    """A credential's row. Moments are epoch seconds."""

    quota: int  # requests per window
    per: float  # seconds
    configured: tuple[int, float] = (0, 0.0)  # the settings that `quota` and `per` came from
    opened: float = 0.0  # places given out since then belong to this window or a later one
    first: float | None = None  # the server's window did not begin before; None: nothing was given out
    answered: float | None = None  # the server's window has begun by then; None: no reply yet
    last_end: float = 0.0  # when the last request ended
    leased: float = 0.0  # when places were given out last
    used: int = 0
    late: int = 0  # ended, but perhaps counted in the next window already
    late_end: float = 0.0  # when the last of those ended
    late_taken: float = 0.0  # when the first of those left
    remaining: int | None = None  # the lowest in a reply of this window
    blocked_until: float = 0.0
    users: Mapping[str, BudgetUser] = field(default_factory=dict)


def change(
    database: Database,
    credential: str,
    new: RateLimitRow,
    clock: Callable[[], float],
    step: Callable[[RateLimitRow, float], tuple[RateLimitRow, T]],
) -> T:
    """Change the row by `step(row, now)`, alone with it; `new` is the row while there is none.

    `clock` is this machine's; where the database has one that all machines share, `step` gets that.
    """
    with database.begin(alone=False) as conn:
        if database.is_shared:
            from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - only there

            first = {"credential": credential, **_written(new)}
            conn.execute(insert(budgets).values(first).on_conflict_do_nothing())
        row = (
            conn.execute(select(budgets).where(budgets.c.credential == credential).with_for_update()).mappings().first()
        )
        if database.is_shared:
            now = conn.execute(select(cast(extract("epoch", func.clock_timestamp()), Float(53)))).scalar_one()
        else:
            now = clock()
        before = new if row is None else _read(row)
        after, answer = step(before, now)
        if after != before:
            upsert(conn, budgets, {"credential": credential, **_written(after)})
    return answer


def _written(row: RateLimitRow) -> dict[str, Any]:
    others = {name: getattr(row, name) for name in _OTHERS}
    state = orjson.dumps({**others, "users": {name: [*user] for name, user in row.users.items()}}).decode()
    return {name: getattr(row, name) for name in _COLUMNS} | {"state": state}


def _read(row: Mapping[Any, Any]) -> RateLimitRow:
    state = orjson.loads(row["state"])
    state["configured"] = tuple(state["configured"])
    users = {name: BudgetUser(*user) for name, user in state.pop("users").items()}
    return RateLimitRow(**{name: row[name] for name in _COLUMNS}, **state, users=users)
