"""The records in quarantine, whole, with their last request and reply.

There is one live entry per destination and key or, where records may be parts of an object, per version of a key. Of a
key that is sent once, versions that may have arrived have entries of their own (`unknown_records.add_version`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, delete, func, select, update

from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Key
from penstock.model.reports import QuarantineFilter
from penstock.store.database import upsert_all
from penstock.store.runs.deliveries import key_from_json, key_json, rule_json, to_signed, to_unsigned
from penstock.store.tables import discarded
from penstock.store.tables import quarantine as table

KeyHash = tuple[int, int]
Mark = Literal["found", "absent"]  # of an unknown record that was read back; an absent one is to be sent again
DISCARDED_AT_ONCE = 500
DIGITS = re.compile(r"[0-9]{1,18}")  # of a number that a database holds


@dataclass(frozen=True, slots=True)
class NewQuarantineRow:
    """A record to put in quarantine: its JSON, and a stable hash of that (0: any version of the key)."""

    destination: str
    key: Key | None
    key_hash: KeyHash  # (0, 0) without a key: then the record's own hash identifies it
    outcome: Outcome
    refusal: Refusal
    at: str
    run: str
    record: str
    record_print: int
    settings: str
    content: int | None = None
    request: Mapping[str, Any] | None = None
    reply: Mapping[str, Any] | None = None
    part: bool = False  # of its object: then each version of the key has an entry of its own
    ordinal: int | None = None  # of the record in its run
    sent_at: str | None = None  # of an unknown record: its request left not before


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A record in quarantine as it is stored."""

    id: str
    destination: str
    key: Key | None
    key_hash: KeyHash
    outcome: Outcome
    cause: str
    reason: str
    field: str | None
    rule: str
    value: str | None
    accepted: str | None
    values: Mapping[str, Any] | None  # of the refusal; None: written by 0.1.0
    at: str
    run: str
    record: str
    record_print: int
    edited: bool
    content: int | None
    settings: str
    request: Mapping[str, Any] | None
    reply: Mapping[str, Any] | None
    ordinal: int | None = None
    sent_at: str | None = None
    mark: Mark | None = None
    finding: str | None = None
    reads: int | None = None
    read_at: str | None = None

    @property
    def number(self) -> int:
        """Its place in the order in which records were quarantined."""
        return int(self.id.removeprefix("q-"))


class QuarantinedVersion(NamedTuple):
    """What a run needs about a version of a key in quarantine. `settings` is the version it was refused under."""

    outcome: Outcome
    record: int  # hash of the record's JSON; 0: any version of the key
    settings: str
    reason: str
    refusal: str | None = None  # JSON {"rule", "values"}
    mark: Mark | None = None
    content: int | None = None  # hash of what was, or may have been, sent of it

    @property
    def may_have_arrived(self) -> bool:
        """Whether it was sent, and it is not known that it did not arrive."""
        return self.outcome is Outcome.UNKNOWN and self.mark != "absent"


def add(conn: Connection, *new: NewQuarantineRow) -> None:
    """Put records in quarantine; an entry of the same key (of a part: of the same version) is replaced under its id.

    Of equal ones the last counts. A record without a key stays as a person edited it. Ids are never used twice.
    """
    for stay in ((), ("record", "edited")):
        some = [columns_of(each) for each in new if (each.key is None) is bool(stay)]
        rows = {(row["destination"], row["identity"]): row for row in some}
        upsert_all(conn, table, list(rows.values()), ["destination", "identity"], stay)


def columns_of(new: NewQuarantineRow) -> dict[str, Any]:
    """The columns of a new entry, by name."""
    refusal = new.refusal
    return {
        "destination": new.destination,
        "identity": identity_of(new.key_hash, new.record_print, part=new.part),
        "key": key_json(new.key),
        "outcome": new.outcome.value,
        "cause": refusal.cause,
        "reason": refusal.reason,
        "field": refusal.field,
        "rule": refusal.rule,
        "value": refusal.value,
        "accepted": refusal.accepted,
        "named_values": orjson.dumps(refusal.values).decode(),
        "at": new.at,
        "run": new.run,
        "record": new.record,
        "record_print": to_signed(new.record_print),
        "edited": False,
        "content": None if new.content is None else to_signed(new.content),
        "settings": new.settings,
        "request": None if new.request is None else orjson.dumps(new.request).decode(),
        "reply": None if new.reply is None else orjson.dumps(new.reply).decode(),
        "ordinal": new.ordinal,
        "sent_at": new.sent_at,
        **dict.fromkeys(("mark", "finding", "reads", "read_at")),
    }


def entries(conn: Connection, *, destination: str | None = None, cause: str | None = None) -> list[QuarantineRow]:
    """The records in quarantine, oldest first."""
    return page(conn, QuarantineFilter(destination, cause))


@dataclass(frozen=True, slots=True)
class Group:
    """Records in quarantine with one destination, cause, outcome and field; `reason` etc. are the oldest's."""

    destination: str
    cause: str
    outcome: str
    field: str | None
    count: int
    reason: str
    rule: str
    values: Mapping[str, Any] | None
    first_at: str
    last_at: str


def _conditions(which: QuarantineFilter) -> list[ColumnElement[bool]]:
    given = {"destination": which.destination, "cause": which.cause, "outcome": which.outcome}
    return [table.c[name] == value for name, value in given.items() if value is not None]


def page(conn: Connection, which: QuarantineFilter, limit: int | None = None, after: int = 0) -> list[QuarantineRow]:
    """Records in quarantine whose number is beyond `after`, oldest first."""
    return rows_of(conn, select(table).where(table.c.id > after, *_conditions(which)).order_by(table.c.id).limit(limit))


def rows_of(conn: Connection, query: Select[Any]) -> list[QuarantineRow]:
    """The rows of a query of all columns."""
    return [_row_of(row) for row in conn.execute(query).mappings()]


def ids(conn: Connection, which: QuarantineFilter) -> list[str]:
    """The ids of records in quarantine, oldest first."""
    query = select(table.c.id).where(*_conditions(which)).order_by(table.c.id)
    return [f"q-{number}" for number in conn.execute(query).scalars()]


def some_ids(conn: Connection, which: QuarantineFilter, up_to: int, most: int) -> list[str]:
    """The first of the ids whose number is at most `up_to`."""
    query = select(table.c.id).where(table.c.id <= up_to, *_conditions(which)).order_by(table.c.id).limit(most)
    return [f"q-{number}" for number in conn.execute(query).scalars()]


def extent(conn: Connection, which: QuarantineFilter) -> tuple[int, int]:
    """How many records are in quarantine, and the largest number of one; 0 without any."""
    query = select(func.count(), func.coalesce(func.max(table.c.id), 0)).where(*_conditions(which))
    number, last = conn.execute(query).one()
    return int(number), int(last)


def by_destination(conn: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """Those of these ids that are in quarantine, by destination."""
    found: dict[str, list[str]] = {}
    numbers = [number for number in map(number_of, ids) if number is not None]
    for first in range(0, len(numbers), DISCARDED_AT_ONCE):
        part = numbers[first : first + DISCARDED_AT_ONCE]
        for number, destination in conn.execute(select(table.c.id, table.c.destination).where(table.c.id.in_(part))):
            found.setdefault(destination, []).append(f"q-{number}")
    return found


def get_all(conn: Connection, ids: Sequence[str]) -> list[QuarantineRow]:
    """Those of these records that are in quarantine, in the order of the ids."""
    numbers = [number for number in map(number_of, ids) if number is not None]
    found: dict[int, QuarantineRow] = {}
    for first in range(0, len(numbers), DISCARDED_AT_ONCE):
        part = numbers[first : first + DISCARDED_AT_ONCE]
        for row in conn.execute(select(table).where(table.c.id.in_(part))).mappings():
            found[row["id"]] = _row_of(row)
    return [found[number] for number in numbers if number in found]


def groups(conn: Connection) -> list[Group]:
    """All records in quarantine by destination, cause, outcome and field; the largest group first."""
    c = table.c
    same = (c.destination, c.cause, c.outcome, c.field)
    number = func.count().label("number")
    oldest = func.min(c.id).label("oldest")
    ends = (func.min(c.at).label("first_at"), func.max(c.at).label("last_at"))
    query = select(*same, number, oldest, *ends).group_by(*same)
    found = conn.execute(query.order_by(number.desc(), oldest)).mappings().all()
    oldest_ids = [row["oldest"] for row in found]
    why = select(c.id, c.reason, c.rule, c.named_values).where(c.id.in_(oldest_ids))
    reasons = {row.id: row for row in conn.execute(why)}
    return [
        Group(
            **{name: row[name] for name in ("destination", "cause", "outcome", "field", "first_at", "last_at")},
            count=row["number"],
            reason=reasons[row["oldest"]].reason,
            rule=reasons[row["oldest"]].rule,
            values=_values(reasons[row["oldest"]].named_values),
        )
        for row in found
    ]


def count(conn: Connection, destination: str) -> int:
    """How many records of a destination are in quarantine."""
    mine = table.c.destination == destination
    return int(conn.execute(select(func.count()).select_from(table).where(mine)).scalar_one())


def counts(conn: Connection, destinations: Sequence[str], outcome: Outcome | None = None) -> dict[str, int]:
    """How many records (with this outcome; None: any) are in quarantine for each of these destinations that has any."""
    mine = _conditions(QuarantineFilter(outcome=None if outcome is None else outcome.value))
    rows = conn.execute(select(table.c.destination, func.count()).where(*mine).group_by(table.c.destination))
    wanted = set(destinations)
    return {name: int(number) for name, number in rows if name in wanted}


def get(conn: Connection, entry: str) -> QuarantineRow | None:
    """The record in quarantine of this id (`q-12`), or None."""
    number = number_of(entry)
    if number is None:
        return None
    row = conn.execute(select(table).where(table.c.id == number)).mappings().one_or_none()
    return None if row is None else _row_of(row)


def edit(conn: Connection, entry: str, record: str) -> None:
    """Put an edited record in its place. What a run compares with stays the version that the source has."""
    conn.execute(update(table).where(table.c.id == number_of(entry)).values(record=record, edited=True, mark=None))


def release(conn: Connection, ids: Sequence[str]) -> None:
    """Delete these entries."""
    for entry in ids:
        conn.execute(delete(table).where(table.c.id == number_of(entry)))


def release_key(conn: Connection, destination: str, key_hash: KeyHash) -> None:
    """Delete the entry of a key, because a newer version of its record was delivered."""
    mine = (table.c.destination == destination) & (table.c.identity == identity_of(key_hash, 0))
    conn.execute(delete(table).where(mine))


def release_part(conn: Connection, destination: str, key_hash: KeyHash, record_print: int) -> None:
    """Delete the entry of one version of a key, because it was delivered."""
    both = [identity_of(key_hash, record_print, part=part) for part in (True, False)]
    mine = (table.c.destination == destination) & table.c.identity.in_(both)
    conn.execute(delete(table).where(mine, table.c.record_print == to_signed(record_print)))


def discard(conn: Connection, ids: Sequence[str], reason: str, at: str) -> int:
    """Delete the entries, and remember their versions as unwanted: they are never sent. Returns their number."""
    c, done = table.c, 0
    numbers = [number for number in map(number_of, ids) if number is not None]
    for first in range(0, len(numbers), DISCARDED_AT_ONCE):
        part = numbers[first : first + DISCARDED_AT_ONCE]
        query = select(c.id, c.destination, c.key, c.identity, c.record_print, c.content).where(c.id.in_(part))
        entries = conn.execute(query.order_by(c.id)).mappings().all()
        discard_versions(conn, entries, reason, at)
        conn.execute(delete(table).where(c.id.in_(part)))
        done += len(entries)
    return done


def discard_versions(conn: Connection, entries: Sequence[RowMapping], reason: str, at: str) -> None:
    """Remember the source's versions of these entries as unwanted: they are never sent."""
    rows = {}
    for row in entries:
        key_hash = (0, 0) if key_from_json(row["key"]) is None else hash_of(row["identity"])
        identity = identity_of(key_hash, to_unsigned(row["record_print"]))
        same = {name: row[name] for name in ("destination", "record_print", "content")}
        rows[identity, row["destination"], row["record_print"]] = dict(same, identity=identity, reason=reason, at=at)
    upsert_all(conn, discarded, list(rows.values()), [column.name for column in discarded.primary_key])


def unknown(conn: Connection, ids: Sequence[str]) -> str | None:
    """The first of these ids that is not in quarantine; None when all are."""
    numbers, known = {entry: number_of(entry) for entry in ids}, set[int]()
    wanted = [number for number in numbers.values() if number is not None]
    for first in range(0, len(wanted), DISCARDED_AT_ONCE):
        part = wanted[first : first + DISCARDED_AT_ONCE]
        known.update(conn.execute(select(table.c.id).where(table.c.id.in_(part))).scalars())
    return next((entry for entry, number in numbers.items() if number not in known), None)


def runs_behind(conn: Connection, destination: str, run: str) -> tuple[bool, str | None]:
    """Whether this run has put records of the destination in quarantine, and the earliest other run that has."""
    refused = (table.c.destination == destination) & (table.c.outcome == Outcome.QUARANTINED.value)
    others = conn.execute(select(func.min(table.c.run)).where(refused, table.c.run != run)).scalar_one()
    own = conn.execute(select(table.c.id).where(refused, table.c.run == run).limit(1)).first()
    return own is not None, others


def versions(conn: Connection, destination: str) -> Iterator[tuple[KeyHash, QuarantinedVersion]]:
    """(key hash, version) of the records of one destination in quarantine that have a key."""
    c = table.c
    columns = (c.identity, c.outcome, c.record_print, c.settings, c.reason, c.rule, c.named_values, c.mark, c.content)
    for row in conn.execute(select(*columns).where(c.destination == destination, c.key.is_not(None))):
        refusal = None if row[6] is None else rule_json(row[5], row[6])
        content = None if row[8] is None else to_unsigned(row[8])
        version = QuarantinedVersion(Outcome(row[1]), to_unsigned(row[2]), row[3], row[4], refusal, row[7], content)
        yield hash_of(row[0]), version


def discarded_versions(conn: Connection, destination: str) -> Iterator[tuple[KeyHash, int]]:
    """(key hash, hash of the record) of every discarded version."""
    query = select(discarded.c.identity, discarded.c.record_print).where(discarded.c.destination == destination)
    for identity, record_print in conn.execute(query):
        yield hash_of(identity), to_unsigned(record_print)


def _packed(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def identity_of(key_hash: KeyHash, record_print: int, *, part: bool = False) -> bytes:
    """What identifies an entry: the key's hash; of a part also the record's hash."""
    pair = key_hash if key_hash != (0, 0) else (0, record_print)
    return _packed(*pair, record_print) if part else _packed(*pair)


def hash_of(identity: bytes) -> KeyHash:
    """The key hash of an entry."""
    high, low, *_ = struct.unpack(f"<{len(identity) // 8}Q", identity)
    return high, low


def number_of(entry: str) -> int | None:
    """The number in an id such as `q-12`; None if it is not an id."""
    digits = entry.removeprefix("q-")
    return int(digits) if DIGITS.fullmatch(digits) else None


def _values(text: str | None) -> dict[str, Any] | None:
    return None if text is None else orjson.loads(text)


def _row_of(row: RowMapping) -> QuarantineRow:
    same = ("destination", "cause", "reason", "field", "rule", "value", "accepted", "at", "run", "record", "edited")
    more = ("settings", "ordinal", "sent_at", "mark", "finding", "reads", "read_at")
    key = key_from_json(row["key"])
    return QuarantineRow(
        **{name: row[name] for name in (*same, *more)},
        id=f"q-{row['id']}",
        key=key,
        key_hash=(0, 0) if key is None else hash_of(row["identity"]),
        outcome=Outcome(row["outcome"]),
        record_print=to_unsigned(row["record_print"]),
        values=_values(row["named_values"]),
        content=None if row["content"] is None else to_unsigned(row["content"]),
        request=None if row["request"] is None else orjson.loads(row["request"]),
        reply=None if row["reply"] is None else orjson.loads(row["reply"]),
    )
