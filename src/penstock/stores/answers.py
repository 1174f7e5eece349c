"""What was answered to requests that have a name of their own, so that the same request again does nothing twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from penstock.stores.credentials import Sealer
from penstock.stores.schema_api import answers


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: who asks, how they call it, and a hash of what it is."""

    who: str
    key: str
    asked: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a request; `status` None while it is being done. `sealed` is the body."""

    asked: str
    status: int | None
    headers: Mapping[str, str]
    sealed: bytes | None


def find(conn: Connection, request: Asked, now: float) -> Kept | None:
    """The request of this name; None when there is none, or it is too old."""
    row = conn.execute(select(answers).where(_is(request), answers.c.until >= now)).mappings().one_or_none()
    if row is None:
        return None
    headers: dict[str, Any] = {} if row["headers"] is None else orjson.loads(row["headers"])
    return Kept(row["asked"], row["status"], headers, row["sealed"])


def begin(conn: Connection, request: Asked, until: float) -> None:
    """It is being done; an older one of this name goes. In a transaction that is alone."""
    forget(conn, request)
    row = {"who": request.who, "key": request.key, "asked": request.asked, "until": until}
    conn.execute(insert(answers), row)


def keep(conn: Connection, request: Asked, kept: Kept) -> None:
    """It is done, and this is the answer."""
    row = {"status": kept.status, "headers": orjson.dumps(dict(kept.headers)).decode(), "sealed": kept.sealed}
    conn.execute(update(answers).where(_is(request)).values(row))


def forget(conn: Connection, request: Asked) -> None:
    """It was not done after all."""
    conn.execute(delete(answers).where(_is(request)))


def sealed_name(request: Asked) -> str:
    """Under what name an answer is sealed: no credential can have it."""
    return f"answers/{request.who}/{request.key}"


def seal(sealer: Sealer, request: Asked, body: bytes) -> bytes:
    return sealer.seal(body.decode("latin-1"), sealed_name(request))


def opened(sealer: Sealer, request: Asked, sealed: bytes) -> bytes:
    """The body. InputError when another key has sealed it."""
    return sealer.open(sealed, sealed_name(request)).encode("latin-1")


def _is(request: Asked) -> Any:
    return (answers.c.who == request.who) & (answers.c.key == request.key)
