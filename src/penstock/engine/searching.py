"""Finds what a person names by a part of it: resources, runs, held records, and records by their exact key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from penstock.engine.surroundings import Surroundings
from penstock.model.record import Key
from penstock.stores import finding

SECTIONS = ("destinations", "flows", "datasets", "sources", "credentials")
SHORTEST = 2  # letters of an id or key: with fewer everything would be found


@dataclass(frozen=True, slots=True)
class Found:
    """`path` is where it stands, in the API and in the UI alike; `where` says it in words."""

    kind: str
    name: str
    title: str
    where: str
    path: str


def search(around: Surroundings, words: str, most: int) -> list[Found]:
    """At most so many, names that begin with the words first."""
    wanted = words.strip()
    if not wanted:
        return []
    names = sorted(_names(around, wanted), key=lambda found: not found.name.casefold().startswith(wanted.casefold()))
    rest = iter(()) if len(wanted) < SHORTEST else _records(around, wanted, most)
    return list(islice((*names, *islice(rest, most)), most))


def _names(around: Surroundings, words: str) -> Iterator[Found]:
    for section in SECTIONS:
        for name, spec in getattr(around.project, section).items():
            if words.casefold() in name.casefold():
                detail = {"destinations": "dataset", "datasets": "source"}.get(section)
                where = "" if detail is None else f"of {getattr(spec, detail)}"
                yield Found(section[:-1], name, name, where, f"/{section}/{name}")


def _records(around: Surroundings, words: str, most: int) -> Iterator[Found]:
    with around.database.read() as conn:
        held, sent = finding.held_keys(conn, words, most), finding.sent_keys(conn, words, most)
        runs = finding.runs_named(conn, words, most)
    for entry in held:
        where = f"{entry.outcome} in {entry.destination}: {entry.reason}"
        yield Found("quarantine", entry.id, _text(entry.key), where, f"/quarantine/{entry.id}")
    for record in sent:
        where = f"record of {record.destination}, {record.at}"
        yield Found("run", record.run, _text(record.key), where, f"/runs/{record.run}")
    for run in runs:
        yield Found("run", run.id, run.id, f"{run.kind} {run.target}: {run.status}", f"/runs/{run.id}")


def _text(key: Key) -> str:
    return key if isinstance(key, str) else ", ".join(map(str, key))
