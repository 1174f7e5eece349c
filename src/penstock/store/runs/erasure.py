"""Removes the values of one record from the state: quarantine, ledger, stored requests and replies, samples, posts.

Hashes of keys and contents stay, and every outcome keeps its place: a removed key is the text `(erased)`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import Column, Connection, RowMapping, Table, delete, select, update

from penstock.model.outcome import IN_QUARANTINE
from penstock.model.record import Key
from penstock.store.runs.deliveries import key_json
from penstock.store.service_tables import alerts, discards, exchanges, messages, pushed, work
from penstock.store.tables import (
    discarded,
    intents,
    jobs,
    known_ids,
    ledger_batches,
    ledger_exceptions,
    quarantine,
    reconciliations,
    responses,
    runs,
    sent_identities,
    sent_links,
)

ERASED = "(erased)"
SHORTEST = 3  # characters of a value that is looked for in texts
WITHOUT_VALUES = ("field", "column", "type", "since", "limit", "mapped")  # of a refusal
TEXTS: tuple[tuple[Table, Column[Any]], ...] = (  # texts in which a key or a value may be quoted
    *((alerts, column) for column in (alerts.c.subject, alerts.c.reason)),
    *((messages, column) for column in (messages.c.title, messages.c.body)),
    (runs, runs.c.reason),
)
DOCUMENTS: tuple[tuple[Table, Column[Any]], ...] = (  # JSON in which a text may quote a key or a value
    (discards, discards.c.which),
    (work, work.c.progress),
    *((runs, column) for column in (runs.c.errors, runs.c.skipped)),
)
NO_QUOTES = frozenset(  # members of these documents whose text never is of a record
    {
        *("action", "code", "destination", "file", "ids", "kind", "method", "outcome", "path", "phase", "rule", "run"),
        *("status", "target"),
    }
)


@dataclass(slots=True)
class Erasure:
    """What is erased: a key, in these destinations. `identity` is its hash, as tables have it.

    `values` are further texts of the record that were found.
    """

    conn: Connection
    key: Key
    identity: bytes
    destinations: Sequence[str]
    values: set[str] = field(default_factory=set)
    found: Counter[str] = field(default_factory=Counter)
    runs: set[str] = field(default_factory=set)  # whose ledger had the key
    inputs: set[str] = field(default_factory=set)  # files of frozen inputs that had the record

    @property
    def json(self) -> str:
        return str(key_json(self.key))

    def in_flight(self) -> bool:
        """Whether a request with the key is in flight, or a batch job with it has not ended."""
        mine = select(runs.c.id).where(runs.c.target.in_(self.destinations))
        keys = select(intents.c["keys"]).where(intents.c.run.in_(mine), _has(intents.c["keys"], self.json))
        held = select(jobs.c.records).where(jobs.c.destination.in_(self.destinations), _has(jobs.c.records, self.json))
        listed = (orjson.loads(text) for text in self.conn.execute(keys).scalars())
        taken = (orjson.loads(text) for text in self.conn.execute(held).scalars())
        plain = orjson.loads(self.json)
        return any(plain in keys for keys in listed) or any(plain == row[1] for rows in taken for row in rows)

    def erase(self) -> None:
        """Erase it from every table that knows the record by its key, then from texts that quote it."""
        self._quarantined()
        self._known()
        for row in self._batches():
            self._batch(row)
        self._replies()
        self._texts()

    def posted(self, source: str, key_of: Callable[[Mapping[str, Any]], Key | None]) -> None:
        """Erase posted records of a source whose key it is."""
        rows = self.conn.execute(select(pushed.c.id, pushed.c.record).where(pushed.c.source == source))
        mine = [(row.id, record) for row in rows if key_of(record := orjson.loads(row.record)) == self.key]
        for _, record in mine:
            self.note_values(record)
        self._delete(pushed, pushed.c.id.in_([number for number, _ in mine]), "posted")

    def note_values(self, record: object) -> None:
        """Note the texts of a record, so that texts that quote them are found."""
        if isinstance(record, str) and len(record.strip()) >= SHORTEST and record != ERASED:
            self.values.add(record)
        elif isinstance(record, Mapping):
            for value in record.values():
                self.note_values(value)
        elif isinstance(record, list):
            for value in record:
                self.note_values(value)

    # ── tables that know the record by its key ───────────────────────────────

    def _quarantined(self) -> None:
        mine = quarantine.c.destination.in_(self.destinations) & (quarantine.c.key == self.json)
        for text in self.conn.execute(select(quarantine.c.record).where(mine)).scalars().all():
            self.note_values(orjson.loads(text))
        self._delete(quarantine, mine, "quarantine")
        old = discarded.c.destination.in_(self.destinations) & (discarded.c.identity == self.identity)
        old &= discarded.c.reason != ERASED
        self.found["discarded"] += self.conn.execute(update(discarded).where(old).values(reason=ERASED)).rowcount

    def _known(self) -> None:
        """Its links, what finds it in Custify, Custify's own id, and reports about it."""
        links = sent_links.c.destination.in_(self.destinations) & (sent_links.c.identity == self.identity)
        self._delete(sent_links, links, "links")
        identity = sent_identities.c.destination.in_(self.destinations) & (sent_identities.c.key == self.json)
        query = select(sent_identities.c.identity, sent_identities.c.others).where(identity)
        for text, others in self.conn.execute(query).all():
            for each in (orjson.loads(text), *([] if others is None else orjson.loads(others))):
                self.note_values(each)
        self._delete(sent_identities, identity, "identities")
        texts = [text for text in (*self._key_parts(), *self.values) if len(text) >= SHORTEST]
        self._delete(known_ids, known_ids.c.value.in_(texts), "known_ids")
        report = reconciliations.c.destination.in_(self.destinations) & _has(reconciliations.c.report, self.json)
        self._delete(reconciliations, report, "comparisons")

    def _key_parts(self) -> tuple[str, ...]:
        return (self.key,) if isinstance(self.key, str) else self.key

    def _delete(self, table: Table, which: Any, name: str) -> None:
        self.found[name] += self.conn.execute(delete(table).where(which)).rowcount

    # ── the ledger ───────────────────────────────────────────────────────────

    def _batches(self) -> list[RowMapping]:
        mine = select(runs.c.id).where(runs.c.target.in_(self.destinations))
        query = select(ledger_batches).where(ledger_batches.c.run.in_(mine), _has(ledger_batches.c["keys"], self.json))
        return list(self.conn.execute(query).mappings())

    def _batch(self, row: RowMapping) -> None:
        keys, mine = orjson.loads(row["keys"]), orjson.loads(self.json)
        items = [item for item, key in enumerate(keys) if key == mine]
        if not items:
            return
        self.found["ledger"] += len(items)
        self.runs.add(row["run"])
        kept = [ERASED if key == mine else key for key in keys]
        new: dict[str, Any] = {"keys": orjson.dumps(kept).decode(), "url": self.without(row["url"])}
        odd = ledger_exceptions.c.batch == row["id"]
        known = {found["item"]: found for found in self.conn.execute(select(ledger_exceptions).where(odd)).mappings()}
        for item in items:
            if item in known:
                which = odd & (ledger_exceptions.c.item == item)
                self.conn.execute(update(ledger_exceptions).where(which).values(_without_values(known[item])))
        if row["outcome"] in IN_QUARANTINE and not set(items) <= known.keys():
            new |= _without_values(row)
        new["reason"] = self.without(new.get("reason", row["reason"]))
        self.conn.execute(update(ledger_batches).where(ledger_batches.c.id == row["id"]).values(new))
        if row["delivery"] is not None:
            self._exchange(row["run"], row["delivery"])

    def _exchange(self, run: str, number: int) -> None:
        mine = (exchanges.c.run == run) & (exchanges.c.delivery == number)
        row = self.conn.execute(select(exchanges).where(mine)).mappings().first()
        if row is None:
            return
        reply = None if row["reply"] is None else orjson.loads(row["reply"])
        texts = {"request": self._request(orjson.loads(row["request"])), "reply": _reply(reply)}
        new = {name: None if value is None else orjson.dumps(value).decode() for name, value in texts.items()}
        self.conn.execute(update(exchanges).where(mine).values(new))
        self.found["requests"] += 1

    def _request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        headers = {name: self.without(value) for name, value in (request.get("headers") or {}).items()}
        body = None if request.get("body") is None else ERASED
        return {**request, "url": self.without(request["url"]), "headers": headers, "body": body}

    def _replies(self) -> None:
        """The replies that are records of a source."""
        mine = responses.c.destination.in_(self.destinations) & _has(responses.c.record, self.json)
        plain = orjson.loads(self.json)
        for row in self.conn.execute(select(responses).where(mine)).mappings().all():
            record = orjson.loads(row["record"])
            if plain not in record["records"]:
                continue
            new = {
                **record,
                "request": self._request(record["request"]),
                "response": _reply(record["response"]),
                "records": [ERASED if key == plain else key for key in record["records"]],
                "error": None if record["error"] is None else ERASED,
            }
            which = responses.c.id == row["id"]
            self.conn.execute(update(responses).where(which).values(record=orjson.dumps(new).decode()))
            self.found["responses"] += 1

    # ── texts ────────────────────────────────────────────────────────────────

    def without(self, text: str | None) -> str | None:
        """The text without the key and the known values of the record."""
        if text is None:
            return None
        words = [word for word in (*self._key_parts(), *self.values) if _is_distinctive(word)]
        if not words:
            return text
        forms = {form for word in words for form in (word, quote(word, safe=""), orjson.dumps(word).decode()[1:-1])}
        pattern = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", ERASED, text)

    def _in_document(self, document: Any) -> Any:
        """A JSON document whose texts are without the key and the values; its names and its structure stay."""
        if isinstance(document, str):
            return self.without(document)
        if isinstance(document, list):
            return [self._in_document(each) for each in document]
        if isinstance(document, dict):
            return {name: each if name in NO_QUOTES else self._in_document(each) for name, each in document.items()}
        return document

    def _in_notes(self, notes: list[list[Any]]) -> list[list[Any]]:
        """The notes of a run, each a field, an action, a reason and a count: only a reason quotes values."""
        return [[field, action, self.without(reason), *more] for field, action, reason, *more in notes]

    def _texts(self) -> None:
        for table, column in TEXTS:
            self._replace(table, column, self.without)
        for table, column in DOCUMENTS:
            self._replace(table, column, _of_json(self._in_document))
        self._replace(runs, runs.c.notes, _of_json(self._in_notes))

    def _replace(self, table: Table, column: Column[Any], changed: Callable[[str], str | None]) -> None:
        keys = list(table.primary_key)
        for row in self.conn.execute(select(*keys, column).where(column.is_not(None))).all():
            new = changed(row[-1])
            if new != row[-1]:
                which = [key == value for key, value in zip(keys, row, strict=False)]
                self.conn.execute(update(table).where(*which).values({column.name: new}))
                self.found["texts"] += 1


def _of_json(changed: Callable[[Any], Any]) -> Callable[[str], str]:
    """The function of JSON text that changes the document; text of an equal document stays as it is."""

    def of_text(text: str) -> str:
        before = orjson.loads(text)
        after = changed(before)
        return text if after == before else orjson.dumps(after).decode()

    return of_text


def _has(column: Any, text: str) -> Any:
    """The condition for rows that may have this text; the rows themselves decide."""
    return column.contains(text, autoescape=True)


def _is_distinctive(word: str) -> bool:
    """Whether a word in a text can be taken for this value: a short number may be any count."""
    return len(word) >= SHORTEST and not (word.isdigit() and len(word) <= SHORTEST)


def _without_values(row: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    """The reason and the refusal of a record, without its values."""
    if row["refusal"] is None:
        return {"reason": None if row["reason"] is None else ERASED}
    refusal = orjson.loads(row["refusal"])
    values = {name: refusal["values"][name] for name in WITHOUT_VALUES if name in refusal["values"]}
    refusal["values"] = {**values, "sentence": ERASED}
    place = values.get("field")
    reason = f"{refusal['rule']} {ERASED}" if place is None else f"{place}: {refusal['rule']} {ERASED}"
    return {"reason": reason, "refusal": orjson.dumps(refusal).decode()}


def _reply(reply: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A stored reply without what it says."""
    if reply is None:
        return None
    said = {name: ERASED for name in ("body", "error") if name in reply}
    return {**reply, **said, "headers": {}} if "headers" in reply else {**reply, **said}


def found_names(found: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    """What was found, without what was not."""
    return ((name, number) for name, number in found.items() if number)
