"""What the state has of a project besides its runs.

Of datasets their schema and samples, of destinations their activation and cursor, of objects Custify's ids. Also what
people have set: the versions of the applied project, and other settings (alerts, retention) as JSON documents.

Also the mark of a restored state. Such a state does not know what was sent between the backup and now. A destination
whose requests may be sent twice sends again. One whose requests may not (notes, tasks, manual POST) marks what it would
send as `unknown` until a run of it has ended, or a person has activated it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, delete, func, insert, select

from penstock.model.outcome import Note
from penstock.model.record import Column, Schema
from penstock.model.reports import ProjectVersion
from penstock.store.database import upsert
from penstock.store.service_tables import project_versions, settings
from penstock.store.tables import cursors, datasets, known_ids, switches

RESTORE_MARK = "restored"  # the name of its document
SwitchState = Literal["active", "paused"]


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A dataset as it was detected.

    `settings`: what in the project file decided its types; `samples`: packed records; `read_at`: when its types were
    decided (None: by 0.1.0).
    """

    name: str
    settings: str
    identity: str | None
    schema: Schema
    samples: bytes
    read_at: str | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """A person's last choice for a destination: active or paused."""

    state: SwitchState
    by: str
    at: str


def store_dataset(conn: Connection, row: StoredDataset) -> None:
    values = {
        "name": row.name,
        "settings": row.settings,
        "identity": row.identity,
        "schema": orjson.dumps({**_document(row.schema), "read_at": row.read_at}).decode(),
        "samples": row.samples,
    }
    upsert(conn, datasets, values)


def stored_dataset(conn: Connection, name: str) -> StoredDataset | None:
    row = conn.execute(select(datasets).where(datasets.c.name == name)).mappings().one_or_none()
    if row is None:
        return None
    found = orjson.loads(row["schema"])
    read_at = found.get("read_at")
    return StoredDataset(row["name"], row["settings"], row["identity"], _schema(found), row["samples"], read_at)


def dataset_size(conn: Connection, name: str) -> tuple[int, int] | None:
    """How many records and columns a dataset had when it was read; None while it never was."""
    text = conn.execute(select(datasets.c.schema).where(datasets.c.name == name)).scalar_one_or_none()
    if text is None:
        return None
    found = orjson.loads(text)
    return found["records"], len(found["columns"])


def _document(schema: Schema) -> dict[str, Any]:
    columns = [
        [c.name, c.type, c.nullable, c.examples, {"decimal": c.decimal, "open": c.open, "later": c.later}]
        for c in schema.columns
    ]
    source = None if schema.source is None else _document(schema.source)
    notes = [[note.field, note.action, note.reason, note.count] for note in schema.notes]
    return {"columns": columns, "records": schema.records, "source": source, "notes": notes}


def _schema(found: Mapping[str, Any]) -> Schema:
    columns = tuple(
        Column(name, kind, nullable, tuple(examples), **(more[0] if more else {"open": not examples}))
        for name, kind, nullable, examples, *more in found["columns"]
    )
    source = found.get("source")
    notes = tuple(Note(*note) for note in found.get("notes", ()))
    return Schema(columns, found["records"], None if source is None else _schema(source), notes)


def set_switch(conn: Connection, destination: str, state: SwitchState, *, by: str, at: str) -> None:
    row = {"destination": destination, "state": state, "by": by, "at": at}
    upsert(conn, switches, row)


def switch_of(conn: Connection, destination: str) -> Activation | None:
    row = conn.execute(select(switches).where(switches.c.destination == destination)).mappings().one_or_none()
    return None if row is None else Activation(row["state"], row["by"], row["at"])


def switches_of(conn: Connection, destinations: Sequence[str]) -> dict[str, Activation]:
    """The last choice for each of these destinations, where there is one."""
    rows = conn.execute(select(switches)).mappings()
    wanted = set(destinations)
    return {
        row["destination"]: Activation(row["state"], row["by"], row["at"])
        for row in rows
        if row["destination"] in wanted
    }


def store_window(conn: Connection, destination: str, window: Mapping[str, Any]) -> None:
    """How far a destination has read a source with a cursor."""
    row = {"destination": destination, "window": orjson.dumps(window).decode()}
    upsert(conn, cursors, row)


def window_of(conn: Connection, destination: str) -> dict[str, Any] | None:
    text = conn.execute(select(cursors.c.window).where(cursors.c.destination == destination)).scalar_one_or_none()
    return None if text is None else orjson.loads(text)


def known_id(conn: Connection, credential: str, kind: str, by: str, value: str) -> str | None:
    """Custify's own id of an object that was looked up before."""
    return conn.execute(select(known_ids.c.remote).where(_id(credential, kind, by, value))).scalar_one_or_none()


def store_id(conn: Connection, credential: str, what: tuple[str, str, str], remote: str, at: str) -> None:
    """`what` is (kind, by, value)."""
    kind, by, value = what
    row = {"credential": credential, "kind": kind, "by": by, "value": value, "remote": remote, "at": at}
    upsert(conn, known_ids, row)


def forget_id(conn: Connection, credential: str, kind: str, by: str, value: str) -> None:
    conn.execute(delete(known_ids).where(_id(credential, kind, by, value)))


def _id(credential: str, kind: str, by: str, value: str) -> Any:
    c = known_ids.c
    return (c.credential == credential) & (c.kind == kind) & (c.by == by) & (c.value == value)


@dataclass(frozen=True, slots=True)
class Setting:
    """A document, with its author and time."""

    document: Mapping[str, Any]
    at: str
    by: str


def setting(conn: Connection, name: str) -> Setting | None:
    """The document of this name; None while there is none."""
    row = conn.execute(select(settings).where(settings.c.name == name)).mappings().one_or_none()
    return None if row is None else Setting(orjson.loads(row["document"]), row["at"], row["by"])


def put_setting(conn: Connection, name: str, document: Mapping[str, Any], *, by: str, at: str) -> None:
    """Write a document, over the one that is there."""
    upsert(conn, settings, {"name": name, "document": orjson.dumps(document).decode(), "at": at, "by": by})


def forget_setting(conn: Connection, name: str) -> None:
    """Delete the document of this name."""
    conn.execute(delete(settings).where(settings.c.name == name))


@dataclass(frozen=True, slots=True)
class Restored:
    """A state that was restored at `at` from a backup of `made_at`; `settled` are destinations that continued since.

    With `resend_all` the memory of what can be sent twice is ignored until then. `may_delete` are mirrors whose
    deletions a person has confirmed since.
    """

    made_at: str
    at: str
    resend_all: bool = False
    settled: frozenset[str] = frozenset()
    may_delete: frozenset[str] = frozenset()


def note_restored(conn: Connection, restored: Restored) -> None:
    document = {
        "made_at": restored.made_at,
        "resend_all": restored.resend_all,
        "settled": sorted(restored.settled),
        "may_delete": sorted(restored.may_delete),
    }
    put_setting(conn, RESTORE_MARK, document, by="restore", at=restored.at)


def restored_before(conn: Connection) -> Restored | None:
    """What was restored; None when this state never was."""
    found = setting(conn, RESTORE_MARK)
    if found is None:
        return None
    document = found.document
    settled, may_delete = frozenset(document["settled"]), frozenset(document.get("may_delete", ()))
    return Restored(document["made_at"], found.at, document["resend_all"], settled, may_delete)


def unsettled_restore(conn: Connection, destination: str) -> Restored | None:
    """The restore that this destination has not settled; None when it may trust its memory."""
    found = restored_before(conn)
    return None if found is None or destination in found.settled else found


def settle_restored(conn: Connection, destination: str) -> None:
    """Mark the memory of this destination as complete again. Inside a write transaction."""
    found = unsettled_restore(conn, destination)
    if found is not None:
        note_restored(conn, replace(found, settled=found.settled | {destination}))


def deletions_doubt(conn: Connection, destination: str) -> str | None:
    """The moment of the backup from which the state was restored, if no person has confirmed deletions since."""
    found = restored_before(conn)
    return None if found is None or destination in found.may_delete else found.made_at


def confirm_deletions(conn: Connection, destination: str) -> None:
    """A person accepts that a mirror deletes what the restored state remembers. Inside a write transaction."""
    found = restored_before(conn)
    if found is not None and destination not in found.may_delete:
        note_restored(conn, replace(found, may_delete=found.may_delete | {destination}))


def newest_version(conn: Connection) -> ProjectVersion | None:
    """The newest version; None while no project was ever applied."""
    row = (
        conn.execute(select(project_versions).order_by(project_versions.c.version.desc()).limit(1))
        .mappings()
        .one_or_none()
    )
    return None if row is None else _version(row)


def newest_version_number(conn: Connection) -> int:
    """The number of the newest version; 0 while no project was ever applied."""
    return int(conn.execute(select(func.coalesce(func.max(project_versions.c.version), 0))).scalar_one())


def newest_version_by(conn: Connection, author: str) -> ProjectVersion | None:
    """The newest version of this author; None while there is none."""
    query = (
        select(project_versions)
        .where(project_versions.c.author == author)
        .order_by(project_versions.c.version.desc())
        .limit(1)
    )
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _version(row)


def numbered_version(conn: Connection, number: int) -> ProjectVersion | None:
    row = conn.execute(select(project_versions).where(project_versions.c.version == number)).mappings().one_or_none()
    return None if row is None else _version(row)


def listed_versions(conn: Connection, limit: int, before: int | None) -> list[ProjectVersion]:
    """Newest first; `before` starts below that number."""
    query = select(project_versions).order_by(project_versions.c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(project_versions.c.version < before)
    return [_version(row) for row in conn.execute(query).mappings()]


def version_texts(conn: Connection) -> list[str]:
    """The project's text in every version."""
    return list(conn.execute(select(project_versions.c.text)).scalars())


def _version(row: Mapping[Any, Any]) -> ProjectVersion:
    return ProjectVersion(**{**row, "changes": orjson.loads(row["changes"])})


def add_version(conn: Connection, version: ProjectVersion) -> None:
    """Write the next version; of two writers of one number, the second fails."""
    row = {name: getattr(version, name) for name in ("version", "at", "author", "base", "text")}
    conn.execute(insert(project_versions), {**row, "changes": orjson.dumps(list(version.changes)).decode()})
