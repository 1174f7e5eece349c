"""A flow: runs its destinations in dependency order (companies, then people, then the rest) as one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.model.errors import InputError, PenstockError, Problem
from penstock.model.outcome import COUNT_NAMES, Counts, only_quarantine
from penstock.model.runs import RunReport, RunStatus, sum_totals, worst_status
from penstock.model.spec import DestinationSpec, FlowSpec
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.run.mirror.decision import hash_together
from penstock.run.stop import StopSignal
from penstock.store.runs import runs
from penstock.store.runs.runs import NOT_BEGUN, RunRow, holder_text, new_run_id

LAST_PHASE = 9  # manual requests: what they depend on is not known


def in_order(ctx: Context, flow: FlowSpec) -> list[DestinationSpec]:
    """The flow's destinations by phase; within a phase as the project file lists them."""
    specs = [ctx.destination(name) for name in flow.destinations]
    return sorted(specs, key=lambda spec: _phase(ctx, spec))


def _phase(ctx: Context, spec: DestinationSpec) -> int:
    if spec.template is None:
        return LAST_PHASE
    template = ctx.catalogue[spec.template]
    item = template.items.get(spec.object or "")
    return template.phase if item is None else min(template.phase, ctx.catalogue[item].phase)


def require_a_key(ctx: Context, specs: Sequence[DestinationSpec]) -> None:
    """InputError when none of the destinations has a usable credential."""
    problems: dict[Problem, None] = {}
    for name in dict.fromkeys(spec.credential for spec in specs):
        credential = connection.credential_spec(ctx, name)
        try:
            connection.connection(ctx, credential, connection.address(ctx, credential).base_url)
        except InputError as error:
            problems.update(dict.fromkeys(error.problems))
        else:
            return
    if problems:
        raise InputError(*problems)


def refused_part(ctx: Context, spec: DestinationSpec, flow_run: str, error: PenstockError, kind: str) -> RunRow:
    """A destination's part of a flow's run that could not begin: it has an end, and no input."""
    at = iso(ctx.clock.now())
    return RunRow(
        id=new_run_id(ctx.clock),
        kind="destination",
        target=spec.name,
        started_at=at,
        finished_at=at,
        status="failed",
        parent=flow_run,
        resumable=False,
        position=NOT_BEGUN,
        reason=str(error.problems[0]),
        stopped_by=kind,
        errors=error.problems,
    )


def start(
    ctx: Context,
    spec: FlowSpec,
    skipped: Mapping[str, str],
    queued: str | None,
    begins_at: str | None,
    check: Callable[[Connection], None],
) -> tuple[RunRow, set[str], str | None]:
    """The flow's run, its destinations that an earlier process has completed, and where it begins to read.

    `queued` is the id under which it was requested; `check` raises in a transaction of a process that lost the flow.
    """
    at, holder = iso(ctx.clock.now()), holder_text(ctx.clock)
    with ctx.database.read() as conn:
        last = runs.unfinished(conn, spec.name, "flow")
        if last is not None and begins_at not in (None, last.begins_at):
            last = None  # another one is requested than the one that was left unfinished
        parts = [] if last is None else runs.children(conn, last.id)
    ended = [part for part in parts if not part.resumable and part.stopped_by != "input"]
    stale = any(input_changed(ctx, part) for part in ended)
    with ctx.database.begin() as conn:
        check(conn)
        if last is not None and not stale:
            row = replace(last, status="running", finished_at=None, skipped=skipped, holder=holder)
            runs.save(conn, row)
            return row, {part.target for part in ended}, last.begins_at
        for left in runs.left_open(conn, spec.name):
            runs.finish(conn, replace(left, **sums(runs.children(conn, left.id))), "interrupted", at)
        row = RunRow(
            id=runs.fresh(conn, queued, None) or new_run_id(ctx.clock),
            kind="flow",
            target=spec.name,
            started_at=at,
            skipped=skipped,
            holder=holder,
            window=None if begins_at is None else {"from": begins_at},
        )
        runs.begin(conn, row)
    return row, set(), begins_at


def total(parts: Sequence[RunRow]) -> Counts:
    """The counts of a flow's runs together."""
    sums: Counter[str] = Counter()
    for part in parts:
        for name in COUNT_NAMES:
            sums[name] += getattr(part.counts, name)
    return Counts(**sums)


def sums(parts: Sequence[RunRow]) -> dict[str, Any]:
    """What a flow's runs count together: the counts of records and every total, as fields of `RunRow`."""
    waiting = hash_together([part.deletes_hash for part in parts])
    return {"counts": total(parts), **sum_totals(parts), "deletes_hash": waiting}


def status_of_flow(parts: Sequence[RunRow]) -> RunStatus:
    """The worst of the parts: cancelled, failed, partial, succeeded."""
    return worst_status(part.status for part in parts)


def reason_of(parts: Sequence[RunRow]) -> str | None:
    """Why a flow's run has not succeeded, if the settings of a destination or the quarantine are the cause."""
    refused = [part for part in parts if part.stopped_by == "input"]
    if refused:
        names = ", ".join(part.target for part in refused)
        return f"{names}: {refused[0].reason}"
    if not only_quarantine(status_of_flow(parts), total(parts)):
        return None
    return "; ".join(f"{part.target}: {part.reason}" for part in parts if part.status == "partial")


def end(conn: Connection, row: RunRow, signal: StopSignal, at: str) -> RunReport:
    """End a flow's run as its parts have ended, or as it was stopped."""
    parts = runs.children(conn, row.id)
    ended = replace(row, **sums(parts), reason=signal.reason or reason_of(parts), stopped_by=signal.kind)
    status: RunStatus = "cancelled" if signal.kind == "cancelled" else status_of_flow(parts)
    ended = runs.finish(conn, ended, status, at, resumable=signal.kind == "cancelled")
    return runs.to_report(ended, parts)


def input_changed(ctx: Context, part: RunRow) -> bool:
    """Whether a destination that has run would read different input now. False if that is not known."""
    if part.input_identity is None or part.frozen is not None or part.target not in ctx.project.destinations:
        return False
    from penstock.run.preparation.datasets import known_dataset  # noqa: PLC0415 - a waiting service needs no Arrow

    try:
        known = known_dataset(ctx, ctx.destination(part.target).dataset)
        return known.dataset.identity() != part.input_identity
    except InputError:
        return True
