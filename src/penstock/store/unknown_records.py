"""The unknown records of a destination: those in quarantine whose request had no answer. Also what was read back.

A record that is resent keeps its entry until it is delivered.

Where each key is sent once, an unknown version stays in quarantine beside other versions of its key. The newest version
replaces those that did not arrive. It has the entry of the key, or one of its own while an unknown version has that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, delete, func, select, update

from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Key
from penstock.store import quarantine
from penstock.store.database import upsert_all
from penstock.store.memory import key_hashes
from penstock.store.quarantine import (
    KeyHash,
    Mark,
    NewQuarantineRow,
    QuarantineRow,
    columns_of,
    hash_of,
    identity_of,
    number_of,
)
from penstock.store.runs.deliveries import key_from_json, to_signed, to_unsigned
from penstock.store.runs.ledger import Intent
from penstock.store.tables import quarantine as table

PAGE = 1000
STAYS = ("destination", "identity", "key", "record", "record_print", "edited")  # of an entry whose record is resent
DIED = "the process ended while the request was under way: it may have arrived or not"
ACCEPTED = "check in Custify whether it arrived: then settle it, else resend it"

IS_UNKNOWN = table.c.outcome == Outcome.UNKNOWN.value
IS_ABSENT = IS_UNKNOWN & (table.c.mark == "absent")
MAY_HAVE_ARRIVED = IS_UNKNOWN & table.c.mark.is_distinct_from("absent")


class NewFinding(NamedTuple):
    """What reading back found of one record in quarantine; `mark` None: not decided."""

    id: str
    mark: Mark | None
    finding: str
    at: str  # when it was read back


class ResentRecord(NamedTuple):
    """A record in quarantine that is sent, by the id of its entry; `version` is the hash of the source's version."""

    id: str
    version: int
    record: str  # its JSON when it was read from the quarantine
    is_fixed: bool  # whether a person has edited it since it was read from the source
    is_raw: bool  # whether the dataset's SQL makes the record that is sent of it


class SentText(NamedTuple):
    """A record that was sent: its JSON, and a stable hash of that."""

    record: str
    print: int


class InterruptedRun(NamedTuple):
    """A run whose process died; `settings` are those of its destination.

    `once_per_key`: it sends each key once; `each_once`: each version of a key, once.
    """

    id: str
    destination: str
    settings: str
    once_per_key: bool
    each_once: bool


def page(
    conn: Connection, destination: str, *, run: str | None = None, mark: Mark | None = None, after: int = 0
) -> list[QuarantineRow]:
    """The first unknown records of a destination whose number is beyond `after`: all, or those of a run or mark."""
    c = table.c
    conditions = [c.destination == destination, c.outcome == Outcome.UNKNOWN.value, c.id > after]
    conditions += [] if run is None else [c.run == run]
    conditions += [] if mark is None else [c.mark == mark]
    return quarantine.rows_of(conn, select(table).where(*conditions).order_by(c.id).limit(PAGE))


def each(conn: Connection, destination: str) -> Iterator[QuarantineRow]:
    """All unknown records of a destination, read page by page."""
    after = 0
    while rows := page(conn, destination, after=after):
        after = rows[-1].number
        yield from rows


def number(conn: Connection, destination: str) -> int:
    """How many there are."""
    return int(conn.execute(_unknown(func.count(), destination)).scalar_one())


def ids(conn: Connection, destination: str) -> set[str]:
    """The ids of all of them."""
    return {f"q-{number}" for number in conn.execute(_unknown(table.c.id, destination)).scalars()}


def keys_in_quarantine(conn: Connection, destination: str) -> set[Key | None]:
    """The keys of a destination that are in quarantine, with any outcome."""
    query = select(table.c.key).where(table.c.destination == destination)
    return {key_from_json(key) for key in conn.execute(query).scalars()}


def _unknown(what: ColumnElement[Any], destination: str) -> Select[Any]:
    c = table.c
    return select(what).select_from(table).where(c.destination == destination, c.outcome == Outcome.UNKNOWN.value)


def store_findings(conn: Connection, findings: Iterable[NewFinding]) -> None:
    """Store what reading back found. A record that has left the quarantine since is passed over."""
    for id_, mark, finding, at in findings:
        this = table.c.id == int(id_.removeprefix("q-"))
        reads = func.coalesce(table.c.reads, 0) + 1
        conn.execute(update(table).where(this).values(mark=mark, finding=finding, reads=reads, read_at=at))


def store_reason(conn: Connection, destination: str, reason: str) -> None:
    """Store why none of a destination's unknown records can be read back."""
    mine = (table.c.destination == destination) & (table.c.outcome == Outcome.UNKNOWN.value)
    conn.execute(update(table).where(mine, table.c.finding.is_distinct_from(reason)).values(finding=reason))


def release_found(conn: Connection, destination: str) -> None:
    """Delete the records that were found in Custify."""
    conn.execute(delete(table).where(table.c.destination == destination, table.c.mark == "found"))


def refuse_absent(conn: Connection, entry: str, refusal: Refusal) -> None:
    """Quarantine a record that was not there, because it must not be sent again."""
    values = {
        "outcome": Outcome.QUARANTINED.value,
        "cause": refusal.cause,
        "rule": refusal.rule,
        "reason": refusal.reason,
        "accepted": refusal.accepted,
        "named_values": orjson.dumps(refusal.values).decode(),
        **dict.fromkeys(("mark", "finding", "reads", "read_at")),
    }
    this = table.c.id == int(entry.removeprefix("q-"))
    conn.execute(update(table).where(this, IS_ABSENT).values(values))


def put_back(
    conn: Connection, id_: str, new: NewQuarantineRow, resent: ResentRecord | None = None, *, once: bool = False
) -> bool:
    """Store in its entry what became of a record that was resent; False if that has gone meanwhile.

    What runs compare with stays the version that the source has. But a record that may have arrived under a key that an
    edit has given it gets that key: the version of the source is discarded. One that may have arrived before stays as
    it is if nothing was sent. `resent` is the record as it was sent. Without it, and if a person has edited the record
    since, the stored text and `edited` stay. With `once` (each key is sent once) see `add_version`.
    """
    c, this = table.c, table.c.id == number_of(id_)
    same = (c.destination, c.identity, c.key, c.record_print, c.content, c.record, c.run, c.ordinal)
    before = conn.execute(select(*same, MAY_HAVE_ARRIVED.label("sent")).where(this)).mappings().one_or_none()
    if before is None:
        return False
    if before["sent"] and new.outcome is not Outcome.UNKNOWN and new.request is None:
        return True
    is_same_text = resent is not None and before["record"] == resent.record
    is_shaped = resent is not None and resent.is_raw and is_same_text
    row, is_replaced = (new, resent is not None and resent.is_fixed) if is_shaped else _of_entry(new, before)
    values = {name: value for name, value in columns_of(row).items() if name not in STAYS}
    if new.ordinal is None and new.run == before["run"]:
        values["ordinal"] = before["ordinal"]
    if is_same_text:
        values |= {"edited": False, "record": new.record if is_shaped else before["record"]}
    identity = _free_identity(conn, row, before["identity"])
    if identity is not None:
        quarantine.discard_versions(conn, [before] if is_replaced else [], "sent as it was edited", new.at)
        values |= {name: columns_of(row)[name] for name in ("key", "record_print")} | {"identity": identity}
    conn.execute(update(table).where(this).values(values))
    if once and new.outcome is Outcome.UNKNOWN:
        conn.execute(delete(table).where(_of_key(new.destination, new.key_hash), ~this, IS_ABSENT))
    return True


def _of_entry(new: NewQuarantineRow, before: RowMapping) -> tuple[NewQuarantineRow, bool]:
    """The row as a version of the source, and whether another key makes the version that the source has obsolete."""
    row, key = replace(new, record_print=to_unsigned(before["record_print"])), key_from_json(before["key"])
    if new.outcome is Outcome.UNKNOWN:
        return row, new.key != key
    return replace(row, key=key, key_hash=(0, 0) if key is None else hash_of(before["identity"])), False


def release_resent(conn: Connection, run: str, resent: Sequence[ResentRecord], at: str) -> None:
    """Delete the entries of records that were delivered, or accepted in a batch.

    The source still has the version of one that was fixed: it is discarded, or the next run would quarantine it again.
    """
    quarantine.release(conn, [each.id for each in resent if not each.is_fixed])
    quarantine.discard(conn, [each.id for each in resent if each.is_fixed], f"fixed, and sent by {run}", at)


def _free_identity(conn: Connection, new: NewQuarantineRow, own: bytes) -> bytes | None:
    """What may identify the entry of this record, and no other one: that of a new entry, else that of its version."""
    some = [columns_of(replace(new, part=part))["identity"] for part in (new.part, True)]
    mine = (table.c.destination == new.destination) & table.c.identity.in_(some)
    taken = set(conn.execute(select(table.c.identity).where(mine)).scalars()) - {own}
    return next((one for one in some if one not in taken), None)


def put_in_doubt(conn: Connection, run: InterruptedRun, intent: Intent, records: Mapping[int, SentText] | None) -> None:
    """The records of a request that a process was sending when it died are unknown.

    `records` are those of them that are known, by ordinal; of the others only the key is. None: it was sending records
    from the quarantine, whose entries are unknown once more.
    """
    refusal = Refusal("no answer", DIED, accepted=ACCEPTED)
    columns = zip(intent.ordinals, intent.keys, key_hashes(intent.keys), intent.contents, strict=True)
    for ordinal, key, hashed, content in columns:
        text = (records or {}).get(ordinal)
        row = NewQuarantineRow(
            destination=run.destination,
            key=key,
            key_hash=(int(hashed[0]), int(hashed[1])),
            outcome=Outcome.UNKNOWN,
            refusal=refusal,
            at=intent.at,
            run=run.id,
            record="{}" if text is None else text.record,
            record_print=0 if text is None else text.print,  # 0: not known, any version of this key counts
            settings=run.settings,
            content=content,
            ordinal=None if text is None else ordinal,
            request=intent.request,
            sent_at=intent.at,
            part=run.each_once,
        )
        entries, once = intent.entries.get(ordinal), run.once_per_key
        if entries is None:
            has_entry = records is None and _put_back_by_key(conn, row, once=once)
        else:
            has_entry = sum(put_back(conn, entry, row, once=once) for entry in entries) > 0
        if not has_entry:
            (add_version if once and key is not None else quarantine.add)(conn, row)


def _put_back_by_key(conn: Connection, new: NewQuarantineRow, *, once: bool) -> bool:
    """Whether the key of what an earlier release was resending has entries.

    The one with this content is unknown from now on, without one all of them. With `once` (each key is sent once) these
    are the edited ones, else those that may have arrived before, if there are any: the others were not sent. Their
    records stay as they are.
    """
    c, columns = table.c, columns_of(new)
    prefix = columns["identity"]
    same_key = (c.destination == new.destination) & (func.substr(c.identity, 1, len(prefix)) == prefix)
    found = conn.execute(
        select(c.id, c.run, c.ordinal, c.content, c.edited, MAY_HAVE_ARRIVED.label("sent")).where(same_key)
    ).all()
    meant = [row for row in found if row.content == columns["content"]]
    if once and not meant:
        meant = [row for row in found if row.edited] or [row for row in found if row.sent]
    meant = meant or list(found)
    changed = {name: value for name, value in columns.items() if name not in STAYS}
    if len(meant) > 1:
        del changed["content"]
    for row in meant:
        own = row.ordinal if row.run == new.run else None
        conn.execute(update(table).where(c.id == row.id).values({**changed, "ordinal": own}))
    return bool(meant)


def add_version(conn: Connection, new: NewQuarantineRow, *, newest: bool = False) -> None:
    """Put a version of a key in quarantine; the entry of the same version is replaced under its id.

    The `newest` version of a key replaces the others, except those that may have arrived. A version that may have
    arrived replaces only those that are known not to have arrived, whichever is newer.
    """
    columns, key = columns_of(new), _of_key(new.destination, new.key_hash)
    own = table.c.record_print == columns["record_print"]
    if newest or new.outcome is Outcome.UNKNOWN:
        superseded = IS_ABSENT if new.outcome is Outcome.UNKNOWN else ~MAY_HAVE_ARRIVED
        conn.execute(delete(table).where(key, ~own, superseded))
    entry = conn.execute(select(table.c.id).where(key, own).limit(1)).scalar_one_or_none()
    if entry is not None:
        del columns["identity"]
        conn.execute(update(table).where(table.c.id == entry).values(columns))
        return
    if conn.execute(select(table.c.id).where(key, table.c.identity == columns["identity"])).first() is not None:
        columns = columns_of(replace(new, part=True))
    upsert_all(conn, table, [columns], ["destination", "identity"])


def release_version(
    conn: Connection, destination: str, key_hash: KeyHash, record_print: int, *, others: bool = False
) -> None:
    """Delete the entry of a version of a key; with `others` also those of versions that cannot have arrived."""
    released = table.c.record_print == to_signed(record_print)
    if others:
        released |= ~MAY_HAVE_ARRIVED
    conn.execute(delete(table).where(_of_key(destination, key_hash), released))


def release_refused(conn: Connection, destination: str, key_hash: KeyHash) -> None:
    """Delete the entries of a key that are not unknown, because a newer version was delivered.

    Also an unknown one that did not arrive and cannot be sent again, because its record was not stored.
    """
    obsolete = ~IS_UNKNOWN | (IS_ABSENT & (table.c.record_print == 0))
    conn.execute(delete(table).where(_of_key(destination, key_hash), obsolete))


def newest_ordinals(conn: Connection, destination: str, run: str, below: int) -> dict[KeyHash, int]:
    """Key hash → the largest ordinal, below this one, of a record of it that this run has put in quarantine."""
    c = table.c
    mine = (c.destination == destination) & (c.run == run) & c.key.is_not(None) & (c.ordinal < below)
    found: dict[KeyHash, int] = {}
    for identity, ordinal in conn.execute(select(c.identity, c.ordinal).where(mine)):
        key_hash = hash_of(identity)
        found[key_hash] = max(ordinal, found.get(key_hash, ordinal))
    return found


def _of_key(destination: str, key_hash: KeyHash) -> ColumnElement[bool]:
    """The entries of a key: its own, and those of its versions."""
    key = identity_of(key_hash, 0)
    return (table.c.destination == destination) & table.c.identity.between(key, key + b"\xff" * 8)
