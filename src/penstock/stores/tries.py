"""How often somebody tried to sign in lately, by name and by address: counted before a password is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from penstock.stores.put import put
from penstock.stores.schema_people import tries


@dataclass(frozen=True, slots=True)
class Patience:
    """After `free` tries each further one doubles the wait, from 1 s up to `longest_s`; `forgets_s` without any
    try, and all is forgotten.
    """

    free: int
    longest_s: float
    forgets_s: float = 3600.0

    def wait_after(self, count: int) -> float:
        """Seconds from the `count`-th try on in which no other is looked at."""
        over = count - self.free
        return 0.0 if over < 0 else min(self.longest_s, 2.0 ** min(over, 30))


def take(conn: Connection, asked: Sequence[tuple[str, Patience]], now: float) -> float:
    """Count a try for each; answers 0, or how many seconds are to be waited (then nothing was counted)."""
    counts: list[tuple[str, int, float]] = []
    for who, patience in asked:
        row = conn.execute(select(tries).where(tries.c.who == who)).mappings().one_or_none()
        if row is not None and row["closed_until"] > now:
            return float(row["closed_until"]) - now
        known = row is not None and row["last"] > now - patience.forgets_s
        count = (row["count"] if row is not None and known else 0) + 1
        counts.append((who, count, now + patience.wait_after(count)))
    longest = max(patience.forgets_s for _, patience in asked)
    conn.execute(delete(tries).where(tries.c.last < now - longest))
    for who, count, until in counts:
        put(conn, tries, {"who": who, "count": count, "last": now, "closed_until": until})
    return 0.0


def refund(conn: Connection, who: str) -> None:
    """That try was a good one: it does not count, and the next need not wait for it."""
    changed = {"count": tries.c.count - 1, "closed_until": 0.0}
    conn.execute(update(tries).where(tries.c.who == who, tries.c.count > 0).values(**changed))


def forget(conn: Connection, who: str) -> None:
    conn.execute(delete(tries).where(tries.c.who == who))
