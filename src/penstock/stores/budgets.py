"""One row per credential: what all processes together have taken of its window, and until when nobody may send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

from sqlalchemy import Float, cast, extract, func, select

from penstock.stores.database import Database
from penstock.stores.put import put
from penstock.stores.schema_shared import budgets

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ration:
    """A credential's row. Moments are epoch seconds; what each number means stands at the table's columns."""

    quota: int
    per: float
    opened: float = 0.0
    answered: float | None = None
    leased: float = 0.0
    used: int = 0
    flying: int = 0
    late: int = 0
    remaining: int | None = None
    blocked_until: float = 0.0


def change(
    database: Database,
    credential: str,
    new: Ration,
    clock: Callable[[], float],
    step: Callable[[Ration, float], tuple[Ration, T]],
) -> T:
    """Change the row by `step(row, now)`, alone with it; `new` is the row while there is none.

    `clock` is this machine's; where the database has one that all machines share, `step` gets that.
    """
    with database.begin(alone=False) as conn:
        if database.is_shared:
            from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - only there

            first = {"credential": credential, **asdict(new)}
            conn.execute(insert(budgets).values(first).on_conflict_do_nothing())
        row = (
            conn.execute(select(budgets).where(budgets.c.credential == credential).with_for_update()).mappings().first()
        )
        if database.is_shared:
            now = conn.execute(select(cast(extract("epoch", func.clock_timestamp()), Float(53)))).scalar_one()
        else:
            now = clock()
        held = new if row is None else Ration(**{name: row[name] for name in asdict(new)})
        after, answer = step(held, now)
        if after != held:
            put(conn, budgets, {"credential": credential, **asdict(after)})
    return answer
