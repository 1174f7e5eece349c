"""What a destination would do with settings that are not saved: its requests, a test send, what would be refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as member
from typing import Any

from penstock.config.edits import literal_key
from penstock.engine import editing
from penstock.engine.preparing import Prepared, prepare
from penstock.engine.preview import batches, preview
from penstock.engine.surroundings import Surroundings
from penstock.engine.unsaved_data import Look, look_at_dataset, look_at_source
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note
from penstock.model.record import Chunk
from penstock.model.reports import CheckReport, Preview, RefusedRecord, TestReport
from penstock.model.spec import CredentialSpec

EXAMPLES = 3  # of each finding


@dataclass(slots=True)
class Finding:
    """Records that break one rule: how many, and some of them."""

    field: str | None
    rule: str
    reason: str
    values: Mapping[str, Any]
    count: int = 0
    examples: list[dict[str, Any]] = member(default_factory=list)


@dataclass(frozen=True, slots=True)
class Findings:
    """The contract check: `checked` of `records` were looked at; None while nobody has counted them."""

    records: int | None
    checked: int
    refused: tuple[Finding, ...]
    notes: tuple[Note, ...]


def with_draft(around: Surroundings, name: str, value: Any) -> Surroundings:
    """The surroundings in which this destination has these settings. InputError with every problem of them.

    Who may run saved code alone runs none of these settings, unless they have the saved code.
    """
    drafted = replace(around, project=editing.draft(around, "destinations", name, value))
    if around.code != "saved":
        return drafted
    same = _code_of(around, name) == _code_of(drafted, name)
    return replace(drafted, code="saved" if same else "none")


def _code_of(around: Surroundings, name: str) -> str | None:
    spec = around.project.destinations.get(name)
    grouping = (
        None if spec is None else (spec.batch if spec.request is None else spec.request.batch or spec.batch).grouping
    )
    return None if grouping is None else grouping.code


def preview_of(around: Surroundings, name: str, value: Any, limit: int) -> Preview:
    """The requests that the samples make with these settings."""
    drafted = with_draft(around, name, value)
    return preview(prepare(drafted, drafted.destination(name)), limit=limit, everything=False)


def findings(around: Surroundings, name: str, value: Any, most_s: float) -> Findings:
    """What would be refused of the whole dataset, as far as `most_s` seconds reach."""
    drafted = with_draft(around, name, value)
    prepared = prepare(drafted, drafted.destination(name))
    data, counted = prepared.data, _Counted()
    notes, refused = prepared.notes(), list[RefusedRecord]()
    for _batch in batches(prepared, counted.until(around, prepared, most_s), notes, refused):
        counted.take(refused)
    counted.take(refused)
    records = data.schema.records if counted.stopped else counted.rows
    return Findings(records, counted.rows, tuple(counted.found.values()), notes.all(counted.rows))


class _Counted:
    def __init__(self) -> None:
        self.rows = 0
        self.stopped = False
        self.found: dict[tuple[str | None, str, str], Finding] = {}

    def until(self, around: Surroundings, prepared: Prepared, most_s: float) -> Iterator[Chunk]:
        """The dataset's chunks, until the time is over."""
        end = around.clock.monotonic() + most_s
        for chunk in prepared.data.dataset.read(prepared.data.schema, rows=4096):
            self.rows += chunk.records.num_rows
            yield chunk
            if around.clock.monotonic() >= end:
                self.stopped = True
                return

    def take(self, refused: list[RefusedRecord]) -> None:
        """Count what was refused so far by field and rule, and let it go."""
        for record in refused:
            reason = record.reason if record.value is None else record.reason.replace(record.value, "…")
            place = (record.field, record.rule, reason)
            finding = self.found.setdefault(place, Finding(record.field, record.rule, record.reason, record.values))
            finding.count += 1
            if len(finding.examples) < EXAMPLES:
                key = list(record.key) if isinstance(record.key, tuple) else record.key
                finding.examples.append({"key": key, "value": record.value})
        refused.clear()


@dataclass(frozen=True, slots=True)
class Unsaved:
    """The door of the App to all this.

    `send` sends the sample of the destination in these surroundings, `ask` asks the API of a credential with a key.
    """

    around: Callable[[], Surroundings]
    send: Callable[..., TestReport]
    ask: Callable[[CredentialSpec, str | None], CheckReport]

    def preview(self, name: str, value: Any, limit: int) -> Preview:
        """The requests that the samples make with these settings."""
        return preview_of(self.around(), name, value, limit)

    def findings(self, name: str, value: Any, most_s: float) -> Findings:
        """What would be refused of the whole dataset, as far as `most_s` seconds reach."""
        return findings(self.around(), name, value, most_s)

    def test(self, name: str, value: Any, *, sample: int = 1, body: str | None = None) -> TestReport:
        """Send the request of one sample, or the edited body, with these settings."""
        drafted = with_draft(self.around(), name, value)
        if drafted.code == "none" and body is None and _code_of(drafted, name) is not None:
            message, hint = "only an editor runs grouping code that is not saved", "save it first, or give a body"
            raise InputError(Problem(f"destinations.{name}", message, "needs-editor", hint))
        return self.send(drafted, name, sample=sample, body=body)

    def source(self, name: str, value: Any) -> Look:
        """What a source with these settings would bring; a database is connected to."""
        return look_at_source(self.around(), name, value)

    def dataset(self, name: str, value: Any) -> Look:
        """What a dataset with these settings would be; problems of its SQL point into it."""
        return look_at_dataset(self.around(), name, value)

    def credential(self, name: str, value: Any, secret: str | None) -> CheckReport:
        """Ask the API whether a credential with these settings and this key works. Nothing of it is kept."""
        spec = editing.draft(self.around(), "credentials", name, value).credentials[name]
        return self.ask(spec, literal_key(value) if secret is None else secret)
