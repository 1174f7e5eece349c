"""The state of datasets, destinations and Custify's ids besides the runs: schemas, samples, activation, cursors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, delete, select

from penstock.model.outcome import Note
from penstock.model.record import Column, Schema
from penstock.store.database import upsert
from penstock.store.tables import cursors, datasets, known_ids, switches

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
