"""`ExactCounts`: which of the records that a plan would send exist in Custify (`plan --exact`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.model.errors import InputError
from penstock.model.outcome import Note
from penstock.model.record import Payload
from penstock.model.runs import PlanReport
from penstock.run.context import Context
from penstock.run.diff.diff import Classified
from penstock.run.preparation.prepare import Prepared
from penstock.run.reconcile.account_objects import AccountObjects, Announce, read_objects, sent_object
from penstock.run.reconcile.people_check import refused, withhold

WHAT = "plan --exact"
Exact = Callable[[Prepared], "ExactCounts"]  # reads Custify


@dataclass(slots=True)
class ExactCounts:
    """Counts payloads by whether Custify has their object, as its lists were read.

    A payload whose object an earlier one creates updates it.
    """

    objects: AccountObjects
    refuses: bool = False  # what would create a second person
    creates: int = 0
    updates: int = 0
    _there: int = 0  # the number of objects that Custify has; those after them are of the plan
    _created: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._there = len(self.objects)

    def add(self, payloads: Iterable[Payload]) -> None:
        """Count these payloads, each with the records that were merged into it."""
        for payload in payloads:
            sent = sent_object(payload)
            number = self.objects.find(sent)
            if number is None:
                number = len(self.objects)
                self.objects.add(sent)
            if number < self._there or number in self._created:
                self.updates += len(payload.ordinals)
            else:
                self._created.add(number)
                self.creates += len(payload.ordinals)

    def withhold(self, classified: Classified) -> None:
        """Refuse what would create a second person, as a run of a destination with `identity: refuse` does."""
        if self.refuses:
            payloads = classified.fresh
            withhold(classified, refused(self.objects, payloads, [sent_object(payload) for payload in payloads]))

    def counted(self, report: PlanReport) -> PlanReport:
        """The plan with these counts, and with a note when the lists may lack objects."""
        notes, gap = report.notes, self.objects.gap
        if gap is not None:
            notes = (*notes, Note("creates", "incomplete", f"{gap}: some of these records may exist"))
        return replace(
            report, creates=self.creates, updates=self.updates, read_requests=self.objects.requests, notes=notes
        )


def exact_counts(ctx: Context, prepared: Prepared, announce: Announce) -> ExactCounts:
    """Read from Custify what the destination writes; `announce` as there. InputError where it cannot be read."""
    template = ctx.catalogue.get(prepared.spec.template or "")
    if template is not None and template.items and not prepared.compiled.shape.grouping.prefix:
        path, message = f"destinations.{prepared.spec.name}", "the records are batch jobs of any kind, made elsewhere"
        hint = "map their fields, with `object`, so that it is known what they write"
        if prepared.address.dialect == "native":
            raise InputError(ctx.problem(path, message, "not-readable", hint=hint, found=template.name))
    refuses = prepared.spec.identity == "refuse"
    return ExactCounts(read_objects(ctx, prepared, WHAT, announce), refuses)


def exact_or_note(exact: Exact, prepared: Prepared) -> tuple[ExactCounts | None, tuple[Note, ...]]:
    """The counts for one destination of a flow; with a note instead where Custify cannot be asked."""
    try:
        return exact(prepared), ()
    except InputError as error:
        if error.problems[0].code not in ("no-reads", "not-readable"):
            raise
        return None, (Note("creates", "not known", str(error.problems[0].message)),)


def sum_of(parts: Sequence[PlanReport]) -> dict[str, Any]:
    """The counts of a flow: none if those of a destination are not known."""
    known = [(part.creates, part.updates) for part in parts if part.creates is not None and part.updates is not None]
    if not known or len(known) < len(parts):
        return {"creates": None, "updates": None, "read_requests": _reads(parts)}
    creates, updates = zip(*known, strict=True)
    return {"creates": sum(creates), "updates": sum(updates), "read_requests": _reads(parts)}


def _reads(parts: Sequence[PlanReport]) -> int | None:
    reads = [part.read_requests for part in parts if part.read_requests is not None]
    return sum(reads) if reads else None
