"""What mirrors store: by what Custify finds the object of each delivered key, decided deletions, and approvals.

A deletion is decided in one transaction and carried out afterwards, request by request. What a process that died has
not carried out is found here by the next run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import orjson
import xxhash
from sqlalchemy import Connection, Row, delete, select, update

from penstock.model.record import Key
from penstock.store.database import upsert, upsert_all
from penstock.store.runs.deliveries import key_from_json, key_json
from penstock.store.runs.ordinals import Words
from penstock.store.service_tables import approved_deletions as approvals
from penstock.store.tables import sent_identities as table

PAGE = 20_000  # rows of the index in memory at once
AT_ONCE = 500  # keys in one statement
UNCERTAIN = ""  # in place of the run that decided: before marks were stored, so that it may have decided on a mark

Flags: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"


class SentIdentity(NamedTuple):
    """A delivered key, and the members by which Custify finds its object.

    `others` are further members of the record by which it could find the object if the first ones were not there.
    `marked`: the object has the mark of `on_delete: set`. `deletion`: the run that decided its deletion or its mark,
    which is not carried out yet, or `UNCERTAIN`. `mark` has the members that marks have set, or may have set, since the
    object was delivered; None: none, or they were not stored.
    """

    key_hash: bytes  # 16 bytes
    key: Key
    identity: Mapping[str, Any]
    marked: bool = False
    deletion: str | None = None
    others: Sequence[Mapping[str, Any]] = ()
    mark: Mapping[str, Any] | None = None


class IdentityIndex(NamedTuple):
    """The identities of a destination in one place without their texts, in arrays of equal length.

    `other_keys` and `others` are the further identities, each with the hash of its key. `elsewhere` are the hashes of
    the keys whose identity was stored for another place.
    """

    hashes: Words  # (n, 2): the hashes of the keys
    identities: Words  # (n,): hashes of the identities
    marked: np.ndarray[Any, np.dtype[np.bool_]]
    decided: np.ndarray[Any, np.dtype[np.bool_]]  # whether a deletion is decided and not carried out
    other_keys: Words
    others: Words
    elsewhere: Words
    marks: Words  # (n,): the place of the key's mark in `mark_texts`, from 1; 0: none is stored
    mark_texts: Sequence[str]


def packed(hash_: tuple[int, int]) -> bytes:
    """The hash of a key as the table has it."""
    return np.array(hash_, dtype="<u8").tobytes()


def identity_hash(identity: Mapping[str, Any]) -> int:
    """The same for identities by which Custify finds the same object: the case of an e-mail does not count."""
    comparable = {name: str(value).lower() if name == "email" else str(value) for name, value in identity.items()}
    return xxhash.xxh3_64_intdigest(orjson.dumps(comparable))


def put_identities(conn: Connection, destination: str, place: str, rows: Sequence[SentIdentity]) -> None:
    """Store the identities of keys that were delivered to a place, replacing those that they had.

    A repeated key: the last one counts.
    """
    newest = {row.key_hash: row for row in rows}
    columns = [
        {
            "destination": destination,
            "key_hash": row.key_hash,
            "key": key_json(row.key),
            "place": place,
            "identity": _text(row.identity).decode(),
            "others": orjson.dumps([dict(one) for one in row.others]).decode() if row.others else None,
            "marked": row.marked,
            "mark": None if row.mark is None else _text(row.mark).decode(),
            "deletion": row.deletion,
        }
        for row in newest.values()
    ]
    upsert_all(conn, table, columns, ["destination", "key_hash"])


def identity_index(conn: Connection, destination: str, place: str) -> IdentityIndex:
    """All identities of a destination, without their texts."""
    hashes, elsewhere, other_keys = list[bytes](), list[bytes](), list[bytes]()
    numbers, marked, decided, others = list[Words](), list[Flags](), list[Flags](), list[int]()
    marks, texts = list[int](), dict[str, int]()
    columns = table.c.key_hash, table.c.place, table.c.identity, table.c.others, table.c.marked, table.c.deletion
    query = select(*columns, table.c.mark)
    query = query.where(table.c.destination == destination).order_by(table.c.key_hash)
    after = b""
    while rows := conn.execute(query.where(table.c.key_hash > after).limit(PAGE)).all():
        after = rows[-1].key_hash
        elsewhere += (row.key_hash for row in rows if row.place != place)
        here = [row for row in rows if row.place == place]
        hashes += (row.key_hash for row in here)
        numbers.append(np.array([identity_hash(orjson.loads(row.identity)) for row in here], dtype=np.uint64))
        marked.append(np.array([row.marked for row in here], dtype=np.bool_))
        decided.append(np.array([row.deletion is not None for row in here], dtype=np.bool_))
        marks += (0 if row.mark is None else texts.setdefault(row.mark, len(texts) + 1) for row in here)
        for row in here:
            more = [] if row.others is None else orjson.loads(row.others)
            other_keys += [row.key_hash] * len(more)
            others += map(identity_hash, more)
    return IdentityIndex(
        hashes=_words(hashes),
        identities=np.concatenate([np.empty(0, dtype=np.uint64), *numbers]),
        marked=np.concatenate([np.empty(0, dtype=np.bool_), *marked]),
        decided=np.concatenate([np.empty(0, dtype=np.bool_), *decided]),
        other_keys=_words(other_keys),
        others=np.array(others, dtype=np.uint64),
        elsewhere=_words(elsewhere),
        marks=np.array(marks, dtype=np.uint64),
        mark_texts=list(texts),
    )


def kept_identities(conn: Connection, destination: str, place: str) -> Words:
    """The hashes of all identities whose object a destination has delivered to a place and not marked since."""
    mine = (table.c.destination == destination) & (table.c.place == place) & ~table.c.marked
    found: list[int] = []
    for identity, others in conn.execute(select(table.c.identity, table.c.others).where(mine)):
        found += map(identity_hash, [orjson.loads(identity), *([] if others is None else orjson.loads(others))])
    return np.array(found, dtype=np.uint64)


def _words(hashes: Sequence[bytes]) -> Words:
    return np.frombuffer(b"".join(hashes), dtype="<u8").astype(np.uint64).reshape(-1, 2)


def read_identities(conn: Connection, destination: str, hashes: Words) -> list[SentIdentity]:
    """The stored rows of these keys, in the order of the keys' texts."""
    wanted = [part.tobytes() for part in np.ascontiguousarray(hashes, dtype="<u8")]
    found: list[SentIdentity] = []
    for first in range(0, len(wanted), AT_ONCE):
        mine = (table.c.destination == destination) & table.c.key_hash.in_(wanted[first : first + AT_ONCE])
        found += map(_row, conn.execute(select(table).where(mine)))
    return in_order(found)


def decided_deletions(conn: Connection, destination: str) -> list[SentIdentity]:
    """The deletions that are decided and not carried out, in the order of the keys' texts."""
    mine = (table.c.destination == destination) & table.c.deletion.is_not(None)
    return in_order(map(_row, conn.execute(select(table).where(mine))))


def in_order(rows: Iterator[SentIdentity] | Sequence[SentIdentity] | map[SentIdentity]) -> list[SentIdentity]:
    """By the texts of the keys: the order in which they are listed and deleted."""
    return sorted(rows, key=lambda row: (row.key,) if isinstance(row.key, str) else row.key)


def decide_deletions(conn: Connection, destination: str, hashes: Collection[bytes], run: str | None) -> None:
    """Write down that a run decided to delete these keys; None takes the decision back."""
    for part in _parts(hashes):
        mine = (table.c.destination == destination) & table.c.key_hash.in_(part)
        conn.execute(update(table).where(mine).values(deletion=run))


def put_marks(conn: Connection, destination: str, marks: Iterable[tuple[bytes, Mapping[str, Any] | None]]) -> None:
    """Store for each key what marks may have set on its object."""
    alike: dict[str | None, list[bytes]] = {}
    for hash_, mark in marks:
        alike.setdefault(None if mark is None else _text(mark).decode(), []).append(hash_)
    for text, hashes in alike.items():
        for part in _parts(hashes):
            mine = (table.c.destination == destination) & table.c.key_hash.in_(part)
            conn.execute(update(table).where(mine).values(mark=text))


def mark_deleted(conn: Connection, destination: str, hashes: Collection[bytes], *, marked: bool) -> None:
    """These objects are deleted, or have their mark: the key's row goes, or says so."""
    for part in _parts(hashes):
        mine = (table.c.destination == destination) & table.c.key_hash.in_(part)
        if marked:
            conn.execute(update(table).where(mine).values(deletion=None, marked=True))
        else:
            conn.execute(delete(table).where(mine))


def approve(conn: Connection, destination: str, hash_: str, run: str, at: str) -> None:
    """Write down that a person approved the deletions of this hash for a run that has not decided them yet."""
    upsert(conn, approvals, {"destination": destination, "hash": hash_, "run": run, "used": False, "at": at})


def is_approved(conn: Connection, destination: str, hash_: str, runs: Collection[str | None]) -> bool:
    """Whether a person approved these deletions for one of the runs, and no run used it."""
    mine = (approvals.c.destination == destination) & (approvals.c.hash == hash_)
    query = select(approvals.c.run).where(mine, ~approvals.c.used)
    return conn.execute(query).scalar_one_or_none() in set(runs) - {None}


def use_approval(conn: Connection, destination: str, hash_: str, run: str) -> None:
    """The run deletes what was approved: the hash is not valid any more."""
    mine = (approvals.c.destination == destination) & (approvals.c.hash == hash_)
    conn.execute(update(approvals).where(mine).values(used=True, run=run))


def used_hashes(conn: Connection, destination: str) -> dict[str, str]:
    """The hashes of a destination that are not valid any more, each with the run that used it."""
    query = select(approvals.c.hash, approvals.c.run).where(approvals.c.destination == destination, approvals.c.used)
    return {row.hash: row.run for row in conn.execute(query)}


def _parts(hashes: Collection[bytes]) -> Iterator[list[bytes]]:
    every = list(hashes)
    return (every[first : first + AT_ONCE] for first in range(0, len(every), AT_ONCE))


def _text(identity: Mapping[str, Any]) -> bytes:
    return orjson.dumps(dict(identity))


def _row(row: Row[Any]) -> SentIdentity:
    key = key_from_json(row.key)
    assert key is not None
    return SentIdentity(
        key_hash=bytes(row.key_hash),
        key=key,
        identity=orjson.loads(row.identity),
        marked=bool(row.marked),
        deletion=row.deletion,
        others=() if row.others is None else orjson.loads(row.others),
        mark=None if row.mark is None else orjson.loads(row.mark),
    )
