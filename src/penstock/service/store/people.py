"""The rows of users, one-time links, API tokens and attempts to sign in.

Attempts are counted by name and by address, before a password is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from penstock.service.model import PersonRow, TokenRow
from penstock.store.database import upsert
from penstock.store.service_tables import one_time_links, people, tokens, tries


def person(conn: Connection, name: str) -> PersonRow | None:
    row = conn.execute(select(people).where(people.c.name == name)).mappings().one_or_none()
    return None if row is None else PersonRow(**row)


def person_of_subject(conn: Connection, subject: str) -> PersonRow | None:
    row = conn.execute(select(people).where(people.c.subject == subject)).mappings().one_or_none()
    return None if row is None else PersonRow(**row)


def listed(conn: Connection) -> list[PersonRow]:
    """All users, ordered by name."""
    return [PersonRow(**row) for row in conn.execute(select(people).order_by(people.c.name)).mappings()]


def count(conn: Connection, role: str | None = None) -> int:
    """The number of users, or of users with a role."""
    query = select(func.count()).select_from(people)
    return int(conn.execute(query if role is None else query.where(people.c.role == role)).scalar_one())


def add(conn: Connection, row: PersonRow) -> None:
    conn.execute(insert(people), asdict(row))


def change(conn: Connection, name: str, values: Mapping[str, Any]) -> None:
    if values:
        conn.execute(update(people).where(people.c.name == name).values(**values))


def end_sessions(conn: Connection, name: str) -> None:
    """End all sessions of a user."""
    conn.execute(update(people).where(people.c.name == name).values(epoch=people.c.epoch + 1))


def remove(conn: Connection, name: str) -> None:
    """Delete a user with tokens and links."""
    conn.execute(delete(tokens).where(tokens.c.owner == name))
    conn.execute(delete(one_time_links).where(one_time_links.c.person == name))
    conn.execute(delete(people).where(people.c.name == name))


def add_link(conn: Connection, digest: str, owner: str | None, expires: float) -> None:
    conn.execute(insert(one_time_links), {"hash": digest, "person": owner, "expires": expires})


def link(conn: Connection, digest: str, now: float) -> tuple[str | None] | None:
    """The user of a valid link, as a tuple: `(None,)` for a link that creates the first user. None for other links."""
    query = select(one_time_links.c.person).where(one_time_links.c.hash == digest, one_time_links.c.expires > now)
    row = conn.execute(query).one_or_none()
    return None if row is None else (row[0],)


def end_links(conn: Connection, owner: str | None) -> None:
    """Delete the links of a user; with None, those that create the first user."""
    conn.execute(delete(one_time_links).where(one_time_links.c.person.is_not_distinct_from(owner)))


def add_token(conn: Connection, row: TokenRow) -> None:
    conn.execute(insert(tokens), asdict(row))


def token_of_hash(conn: Connection, digest: str) -> TokenRow | None:
    row = conn.execute(select(tokens).where(tokens.c.hash == digest)).mappings().one_or_none()
    return None if row is None else TokenRow(**row)


def token(conn: Connection, identity: str) -> TokenRow | None:
    row = conn.execute(select(tokens).where(tokens.c.id == identity)).mappings().one_or_none()
    return None if row is None else TokenRow(**row)


def listed_tokens(conn: Connection, owner: str | None = None) -> list[TokenRow]:
    """All tokens, or those of one user, oldest first."""
    query = select(tokens).order_by(tokens.c.made_at, tokens.c.id)
    rows = conn.execute(query if owner is None else query.where(tokens.c.owner == owner)).mappings()
    return [TokenRow(**row) for row in rows]


def token_used(conn: Connection, identity: str, at: str) -> None:
    conn.execute(update(tokens).where(tokens.c.id == identity).values(used_at=at))


def remove_token(conn: Connection, identity: str) -> None:
    conn.execute(delete(tokens).where(tokens.c.id == identity))


@dataclass(frozen=True, slots=True)
class LoginThrottle:
    """After `free` attempts each further one doubles the wait, from 1 s up to `longest_s`. After `forgets_s` seconds
    without an attempt the count begins again.
    """

    free: int
    longest_s: float
    forgets_s: float = 3600.0

    def wait_after(self, count: int) -> float:
        """The seconds after the `count`-th attempt in which further attempts are refused."""
        over = count - self.free
        return 0.0 if over < 0 else min(self.longest_s, 2.0 ** min(over, 30))


def take_attempt(conn: Connection, attempts: Sequence[tuple[str, LoginThrottle]], now: float) -> float:
    """Count an attempt for each of `attempts`; returns 0, or the seconds to wait, in which case nothing was counted."""
    counts: list[tuple[str, int, float]] = []
    for who, throttle in attempts:
        row = conn.execute(select(tries).where(tries.c.who == who)).mappings().one_or_none()
        if row is not None and row["closed_until"] > now:
            return float(row["closed_until"]) - now
        known = row is not None and row["last"] > now - throttle.forgets_s
        count = (row["count"] if row is not None and known else 0) + 1
        counts.append((who, count, now + throttle.wait_after(count)))
    longest = max(throttle.forgets_s for _, throttle in attempts)
    conn.execute(delete(tries).where(tries.c.last < now - longest))
    for who, count, until in counts:
        upsert(conn, tries, {"who": who, "count": count, "last": now, "closed_until": until})
    return 0.0


def refund_attempt(conn: Connection, who: str) -> None:
    """Do not count a successful attempt."""
    changed = {"count": tries.c.count - 1, "closed_until": 0.0}
    conn.execute(update(tries).where(tries.c.who == who, tries.c.count > 0).values(**changed))


def forget_attempts(conn: Connection, who: str) -> None:
    conn.execute(delete(tries).where(tries.c.who == who))
