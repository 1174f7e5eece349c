"""The records that a case sends: the ten templates in both dialects. A mark in a record says its number and version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Dialect = Literal["native", "flat"]
DIALECTS: tuple[Dialect, ...] = ("native", "flat")
NATIVE: frozenset[Dialect] = frozenset({"native"})
BOTH: frozenset[Dialect] = frozenset(DIALECTS)
NEITHER: frozenset[Dialect] = frozenset()
COMPANIES = 10
MARK = re.compile(r"rec-(\d+)-v(\d+)")
COLUMNS = "id,company,own,mark,amount,at,text"
HARD = '<b>a</b> &amp; b & ""c"" < d  é'  # notes are returned as HTML, or trimmed


@dataclass(frozen=True)
class Template:
    """How a template is fed from the columns, and where the sandbox stores its objects.

    `once`: the dialects in which a request must not be sent twice. `readable`: those in which an object can be read
    back. `batched`: those in which one request holds several records.
    """

    name: str
    fields: str
    stored: str
    attributes: str = "none"
    once: frozenset[Dialect] = NEITHER
    readable: frozenset[Dialect] = NATIVE
    batched: frozenset[Dialect] = NEITHER
    path: str = ""  # of its reads in native


TEMPLATES: Mapping[str, Template] = {
    each.name: each
    for each in (
        Template("upsert_person", "user_id: id, name: mark", "people", batched=NATIVE),
        Template("upsert_company", "company_id: own, name: mark", "companies", batched=NATIVE),
        Template("upsert_subscription", "company_id: company, plan: id, status: mark", "subscriptions"),
        Template("upsert_invoice", "company_id: company, amount: amount, status: mark", "invoices"),
        Template("upsert_deal", "company_id: company, name: id, stage: mark, value: amount", "deals"),
        Template(
            "insert_event",
            "name: {value: synced}, created_at: at, company_id: company",
            "events",
            attributes="[mark]",
            once=frozenset({"flat"}),
            batched=NATIVE,
        ),
        Template("create_task", "name: mark", "tasks", once=BOTH, path="/task"),
        Template("create_note", "text: text, company_id: company", "notes", once=BOTH, path="/note"),
        Template(
            "upsert_custom_object",
            "type: {value: asset}, company_id: own",
            "custom_data",
            attributes="[mark]",
            batched=NATIVE,
        ),
        Template("send_batch", "user_id: id", "people", attributes="[mark]", batched=BOTH),
    )
}


@dataclass(frozen=True)
class Records:
    """The numbers of the records, each with its newest version: `{0: 1, 1: 1}`."""

    newest: Mapping[int, int]

    @classmethod
    def of(cls, count: int, version: int = 1) -> Records:
        return cls(dict.fromkeys(range(count), version))

    def csv(self) -> str:
        return csv(self.newest.items())


def csv(rows: Iterable[tuple[int, int]]) -> str:
    """Rows of (number, version)."""
    return COLUMNS + "\n" + "".join(row(number, version) + "\n" for number, version in rows)


def row(number: int, version: int) -> str:
    mark = f"rec-{number}-v{version}"
    return f'k{number},c{number % COMPANIES},o{number},{mark},{number + 1},2026-01-31T08:30:00Z,"{mark} {HARD}"'


def marks(text: str) -> list[tuple[int, int]]:
    """The records that a text names, as (number, version), each once."""
    return list(dict.fromkeys((int(number), int(version)) for number, version in MARK.findall(text)))


def marks_of(stored: Any) -> list[tuple[int, int]]:
    return marks(json.dumps(stored))


def number_of(key: str | list[str]) -> int:
    """The number of the record with this key."""
    text = key if isinstance(key, str) else key[0]
    return int(text.removeprefix("k").removeprefix("o"))
