"""`Orchestrator`: starts, stops and ends the runs of a destination or flow, and of records in quarantine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from penstock.clock import iso
from penstock.delivery.limit.budget import Budget
from penstock.model.errors import CredentialRefused, HostUnreachable, InputError, PenstockError, Problem, StateLocked
from penstock.model.outcome import IN_QUARANTINE, Outcome
from penstock.model.runs import Listener, RunKind, RunReport
from penstock.model.spec import CredentialSpec, DestinationSpec, FlowSpec
from penstock.run import flow
from penstock.run.connection import check, connection
from penstock.run.context import Context, is_active, require_active
from penstock.run.destination_lock import DestinationLocks, Turn, not_a_backfill
from penstock.run.diff.known_records import ParentsInQuarantine, parents_in_quarantine
from penstock.run.mirror.turns import DeletionTurns, Gate
from penstock.run.preparation import start as run_start
from penstock.run.preparation.cursor_reading import CursorReading, reading_of, with_notes
from penstock.run.preparation.datasets import chunks_of, resent_record
from penstock.run.preparation.prepare import Prepared, prepare
from penstock.run.preparation.start import StartedRun
from penstock.run.reconcile.comparison_run import ComparisonRun, comparison_run
from penstock.run.reconcile.reconciliation import Comparison, compare
from penstock.run.recording.commit import Gathered
from penstock.run.recording.progress import progress_given_way
from penstock.run.run import RunRequest, run_destination
from penstock.run.settling.settling import SettleMode
from penstock.run.stop import GAVE_WAY, Fuse, StopKind, Stopped, StopSignal, stopped_by_signals
from penstock.store import unknown_records
from penstock.store.quarantine import QuarantineRow
from penstock.store.runs import deletions, ledger, runs, sent_beside
from penstock.store.runs.runs import RunRow, holder_text, new_run_id


@dataclass(frozen=True, slots=True)
class Execution:
    """What one run of a destination does next; `resent`, `newer`, `gathered` and `again` as in `RunRequest`."""

    prepared: Prepared
    start: StartedRun
    turn: Turn
    signal: StopSignal
    settle: SettleMode = "off"
    parents: ParentsInQuarantine | None = None
    resent: Sequence[QuarantineRow] | None = None
    newer: frozenset[int] | None = None
    gathered: Gathered | None = None
    again: bool = False


@dataclass(slots=True)
class Orchestrator:
    """Runs what one command requested."""

    ctx: Context
    budget: Callable[[CredentialSpec], Budget]
    listener: Listener | None
    wait: bool
    handle_signals: bool
    queued: str | None = None  # the id under which it was requested
    begins_at: str | None = None  # of sources with a cursor: `start`, a value, or None: where they were left
    approved: Mapping[str, str] = field(default_factory=dict)  # destination → hash of the deletions that are approved
    gates: dict[str, Gate] = field(default_factory=dict)  # of a flow's destinations: they wait to delete
    limit: int | None = None  # the number of records that are sent at most; None: all
    signal: StopSignal = field(default_factory=StopSignal)
    sending: dict[str, StopSignal] = field(default_factory=dict)  # of each destination that is run now
    locks: DestinationLocks = field(init=False)

    def __post_init__(self) -> None:
        lost = partial(self.stop, "error")
        self.locks = DestinationLocks(self.ctx, self.wait, self.signal, self.listener, lost)

    async def run_one(self, spec: DestinationSpec) -> RunReport:
        """One destination. InputError when it is a draft or paused; StateLocked when another process runs it."""
        require_active(self.ctx, spec)
        with stopped_by_signals(self._stop_by_hand, wanted=self.handle_signals):
            return runs.to_report(await self._run(spec, None, None, self.queued))

    async def run_flow(self, spec: FlowSpec) -> RunReport:
        """A flow's active destinations in dependency order, under one run. Drafts are skipped, and listed."""
        specs = flow.in_order(self.ctx, spec)
        skipped = {s.name: reason for s in specs for active, reason in [is_active(self.ctx, s)] if not active}
        flow.require_a_key(self.ctx, [each for each in specs if each.name not in skipped])
        with stopped_by_signals(self._stop_by_hand, wanted=self.handle_signals):
            async with self.locks.held(f"flow {spec.name}"), DeletionTurns() as turns:
                row, done = self._start_flow(spec, skipped)
                try:
                    for destination in specs:
                        if destination.name in done | skipped.keys() or self.signal.is_set:
                            continue
                        active, reason = is_active(self.ctx, destination)
                        if active:
                            parents = parents_in_quarantine(self.ctx, destination, specs)
                            await turns.send(partial(self._run_part, destination, row.id, parents))
                        else:  # paused since the flow began
                            skipped[destination.name] = reason
                    await turns.delete(lambda: not self.signal.is_set)
                except StateLocked as locked:
                    self.signal.stop("error", str(locked.problems[0]))
                    await turns.release()
                    self._end_flow(replace(row, skipped=skipped))
                    raise
                return self._end_flow(replace(row, skipped=skipped))

    async def _run_part(self, spec: DestinationSpec, flow_run: str, parents: ParentsInQuarantine, gate: Gate) -> bool:
        """One destination of a flow: whether it was not stopped. Wrong input or settings end this part only."""
        try:
            self.gates[spec.name] = gate
            return (await self._run(spec, flow_run, parents)).stopped_by is None
        except InputError as error:
            self._refuse_part(spec, flow_run, error, "input")
        except (CredentialRefused, HostUnreachable) as error:
            kind: StopKind = "credential" if isinstance(error, CredentialRefused) else "unreachable"
            self._refuse_part(spec, flow_run, error, kind)
            self.signal.stop(kind, str(error.problems[0]))
        return False

    def _refuse_part(self, spec: DestinationSpec, flow_run: str, error: PenstockError, kind: StopKind) -> None:
        part = flow.refused_part(self.ctx, spec, flow_run, error, kind)
        with self.ctx.database.begin() as conn:
            runs.start(conn, part)

    async def settle(self, spec: DestinationSpec) -> RunReport:
        """Settle the unknown records of a destination. InputError when it is a draft or paused."""
        require_active(self.ctx, spec)
        with stopped_by_signals(self._stop_by_hand, wanted=self.handle_signals):
            return runs.to_report(await self._settle(spec, self.queued))

    async def reconcile(self, spec: DestinationSpec, *, fix: bool) -> ComparisonRun:
        """Compare what Custify has with what the destination has sent. `fix` sends again what differs or is missing.

        The destination is locked only while something is sent. InputError when it is to be fixed and a draft or paused.
        """
        if fix:
            require_active(self.ctx, spec)
        with stopped_by_signals(self._stop_by_hand, wanted=self.handle_signals):
            before, run = await self._settle_before(spec) if fix else 0, self.queued or new_run_id(self.ctx.clock)
            async with self.locks.comparing(spec.name, run):
                prepared, checks = await self._prepared(spec, whole=True)
                ctx = replace(self.ctx, stopping=lambda: self.signal.is_set)
                with comparison_run(ctx, prepared, run, before + checks, self.signal) as comparison:
                    found = await asyncio.to_thread(compare, ctx, prepared, self.listener)
                    comparison.compared(found, fix=fix)
                    if fix and found.to_send:
                        await self._fix(prepared, comparison, found)
        return comparison

    async def _settle_before(self, spec: DestinationSpec) -> int:
        """Find out what became of records without an answer, where there are any; returns the number of requests."""
        with self.ctx.database.read() as conn:
            left = unknown_records.number(conn, spec.name) or ledger.leftover_runs(conn, spec.name)
        return (await self._settle(spec, queued=None)).requests if left else 0

    async def _fix(self, prepared: Prepared, comparison: ComparisonRun, found: Comparison) -> None:
        name, run = prepared.spec.name, comparison.run
        async with self.locks.turn(name, not_a_backfill) as turn:
            require_active(self.ctx, prepared.spec)  # it may have been paused meanwhile
            with self._sending(name) as signal:
                for part, chunks in found.parts(prepared):
                    if run.stopped_by is None:
                        run = replace(run, status="running", finished_at=None, input_rows=found.to_send)
                        start = StartedRun(run, chunks, np.empty(0, dtype=np.int64))
                        comparison.run = run = await self._execute(Execution(part, start, turn, signal, again=True))

    async def resend(self, rows: Sequence[QuarantineRow]) -> list[RunReport]:
        """The records in quarantine, edited or not, one run for each destination they belong to."""
        by_destination: dict[str, list[QuarantineRow]] = {}
        for entry in rows:
            by_destination.setdefault(entry.destination, []).append(entry)
        reports = []
        with stopped_by_signals(self._stop_by_hand, wanted=self.handle_signals):
            for name, entries in by_destination.items():
                if not self.signal.is_set:
                    reports.append(runs.to_report(await self._resend(self.ctx.destination(name), entries)))
        return reports

    def stop(self, kind: StopKind, reason: str, destination: str | None = None) -> None:
        """Stop after the requests in flight: everything, or only this destination of a flow. For the loop's thread."""
        if destination is None:
            self.signal.stop(kind, reason)
        for name, signal in self.sending.items():
            if destination in (None, name):
                signal.stop(kind, reason)

    # ── inside ───────────────────────────────────────────────────────────────

    def _stop_by_hand(self) -> None:
        self.stop("cancelled", "stopped by a person")

    async def _run(
        self, spec: DestinationSpec, parent: str | None, parents: ParentsInQuarantine | None, queued: str | None = None
    ) -> RunRow:
        async with self.locks.turn(spec.name, partial(run_start.claim, self.ctx, spec, self.begins_at, queued)) as turn:
            whole = spec.new_columns != "note" or not self._has_frozen_input(spec, queued, turn)
            prepared, checks = await self._prepared(spec, whole=whole)
            reading = await asyncio.to_thread(self._reading, prepared, parent, turn)
            prepared = with_notes(prepared, reading)
            start = await asyncio.to_thread(self._begin, prepared, parent, queued, reading, turn)
            start = replace(start, run=replace(start.run, requests=start.run.requests + checks))
            settle: SettleMode = "automatic" if spec.on_unknown == "settle" else "off"
            gathered = Gathered(prepared.notes(start.run.notes), Fuse(prepared.spec.fuse))
            with self._sending(spec.name) as signal:
                while True:
                    try:
                        execution = Execution(prepared, start, turn, signal, settle, parents, gathered=gathered)
                        ended = await self._execute(execution)
                    except InputError as error:  # before anything was sent
                        ended = self._refused(start.run, error, turn)
                    if ended.finished_at is not None:
                        break
                    try:
                        await turn.give_way(signal, partial(self._report_given_way, ended))
                    except Stopped:
                        return run_start.end_given_way(self.ctx, ended, signal, turn.check_backfill)
                    start = await asyncio.to_thread(self._begin, prepared, parent, ended.id, reading, turn)
                    if start.run.id != ended.id:
                        gathered = Gathered(prepared.notes(start.run.notes), Fuse(prepared.spec.fuse))
            run_start.finish_input(self.ctx, start, ended, turn.check)
            return ended

    def _report_given_way(self, run: RunRow) -> None:
        """Report that a backfill waits for another run of its destination."""
        if self.listener is not None:
            with self.ctx.database.read() as conn:
                self.listener(progress_given_way(run, runs.newest_beside(conn, run.id)))

    def _has_frozen_input(self, spec: DestinationSpec, queued: str | None, turn: Turn) -> bool:
        """Whether an unfinished run has read all of its input: what continues it reads nothing."""
        with self.ctx.database.read() as conn:
            left = run_start.to_continue(runs.unfinished_runs(conn, spec.name), queued, beside=turn.beside)
        return bool(left) and left[0].limit == self.limit and left[0].frozen is not None and self.begins_at is None

    def _refused(self, run: RunRow, error: InputError, turn: Turn) -> RunRow:
        """End a run that has begun and cannot send anything because of an error in its settings."""
        ended = replace(run, reason=str(error.problems[0]), stopped_by="input", errors=error.problems)
        with self.ctx.database.begin() as conn:
            turn.check(conn)
            return runs.finish(conn, ended, "failed", iso(self.ctx.clock.now()))

    def _reading(self, prepared: Prepared, parent: str | None, turn: Turn) -> CursorReading:
        now = self.ctx.clock.now()
        with self.ctx.database.read() as conn:
            beside = runs.unfinished_alone(conn, prepared.spec.name) if turn.beside else None
            return reading_of(conn, prepared, self.begins_at, now, alone=parent is None, beside=beside)

    def _begin(
        self, prepared: Prepared, parent: str | None, queued: str | None, reading: CursorReading, turn: Turn
    ) -> StartedRun:
        origin = run_start.RunOrigin(parent, queued, turn.check, reading, self.limit, turn.beside)
        start, name = run_start.begin(self.ctx, prepared, origin), prepared.spec.name
        if name in self.approved:
            with self.ctx.database.begin() as conn:
                turn.check(conn)
                deletions.approve(conn, name, self.approved[name], start.run.id, iso(self.ctx.clock.now()))
        return start

    @contextmanager
    def _sending(self, name: str) -> Iterator[StopSignal]:
        """The signal that stops a destination, while it is run."""
        signal = self.sending[name] = StopSignal()
        if self.signal.kind is not None:
            signal.stop(self.signal.kind, self.signal.reason)
        try:
            yield signal
        finally:
            del self.sending[name]

    async def _prepared(self, spec: DestinationSpec, *, whole: bool = False) -> tuple[Prepared, int]:
        """The destination compiled for its checked address, and how many requests the check took."""
        credential = connection.credential_spec(self.ctx, spec.credential)
        checks = len(connection.candidates(self.ctx)) if connection.needs_check(self.ctx, credential) else 0
        address = await check.ensure_checked(self.ctx, credential, self.budget(credential))
        connection.connection(self.ctx, credential, address.base_url)  # without its key no run begins
        ctx = replace(self.ctx, stopping=lambda: self.signal.is_set)
        return await asyncio.to_thread(prepare, ctx, spec, address, whole=whole), checks

    async def _execute(self, execution: Execution) -> RunRow:
        prepared, start, turn = execution.prepared, execution.start, execution.turn
        signal, resent = execution.signal.part(), execution.resent
        job = RunRequest(
            prepared=prepared,
            run=start.run,
            chunks=start.chunks,
            decided=start.decided,
            budget=self.budget(prepared.credential),
            signal=signal,
            parents=execution.parents,
            listener=self.listener,
            resend=resent is not None,
            again=execution.again,
            lane=turn.lane_of(start.run.kind),
            settle=execution.settle,
            gate=self.gates.get(prepared.spec.name),
            guard=turn.check,
            resent=dict(enumerate(map(resent_record, resent or ()))),
            newer=execution.newer,
            gathered=execution.gathered or Gathered(prepared.notes(), Fuse(prepared.spec.fuse)),
            turn=turn if turn.is_backfill else None,
        )
        try:
            ended = await run_destination(self.ctx, job)
            trouble = check.stop_problem(self.ctx, prepared.credential, signal, prepared.address.base_url)
            if trouble is None and not signal.problems:
                return ended
            problems = map(self.ctx.placed, signal.problems) if trouble is None else (trouble,)
            return self._with_errors(ended, tuple(problems), turn)
        finally:
            if signal.kind not in (None, "cancelled", "input", GAVE_WAY):  # what stops one, stops the rest of its flow
                self.signal.stop(signal.kind, signal.reason)

    def _with_errors(self, run: RunRow, problems: tuple[Problem, ...], turn: Turn) -> RunRow:
        ended = replace(run, errors=problems)
        with self.ctx.database.begin() as conn:
            turn.check(conn)
            runs.save(conn, ended)
        return ended

    async def _resend(self, spec: DestinationSpec, rows: Sequence[QuarantineRow]) -> RunRow:
        require_active(self.ctx, spec)
        async with self.locks.turn(spec.name, not_a_backfill) as turn:
            prepared, checks = await self._prepared(spec)
            once = prepared.policy.once_per_key  # then one of each key is sent: an unknown one, else the oldest
            entries = sorted(rows, key=lambda row: (once and row.outcome is not Outcome.UNKNOWN, row.number))
            chunks = list(chunks_of(prepared.data, entries))
            start = self._begin_without_input("resend", prepared, checks, len(entries), turn, self.queued)
            start = replace(start, chunks=lambda _: iter(chunks))
            newer = self._newer(start.run, entries)
            with self._sending(spec.name) as signal:
                ended = await self._execute(Execution(prepared, start, turn, signal, resent=entries, newer=newer))
            self._release(ended, entries, turn)
            return ended

    def _newer(self, run: RunRow, entries: Sequence[QuarantineRow]) -> frozenset[int]:
        """Which of the records that are resent were taken in by a run beside the same unfinished run as this one."""
        with self.ctx.database.read() as conn:
            newer = sent_beside.runs_beside(conn, run.beside, {entry.run for entry in entries})
        return frozenset(number for number, entry in enumerate(entries) if entry.run in newer)

    async def _settle(self, spec: DestinationSpec, queued: str | None) -> RunRow:
        async with self.locks.turn(spec.name, not_a_backfill) as turn:
            prepared, checks = await self._prepared(spec)
            with self.ctx.database.read() as conn:
                number = unknown_records.number(conn, spec.name)
            start = self._begin_without_input("settle", prepared, checks, number, turn, queued)
            with self._sending(spec.name) as signal:
                return await self._execute(Execution(prepared, start, turn, signal, settle="only"))

    def _begin_without_input(
        self, kind: RunKind, prepared: Prepared, checks: int, rows: int, turn: Turn, queued: str | None
    ) -> StartedRun:
        """The run of records in quarantine, which is stored; `rows` is their number."""
        run = RunRow(
            id=queued or new_run_id(self.ctx.clock),
            kind=kind,
            target=prepared.spec.name,
            started_at=iso(self.ctx.clock.now()),
            resumable=False,
            requests=checks,
            input_rows=rows,
            settings=prepared.compiled.version,
            holder=holder_text(self.ctx.clock),
        )
        with self.ctx.database.begin() as conn:
            turn.check(conn)
            left = runs.unfinished_alone(conn, run.target)
            run = replace(run, beside=None if left is None else left.id)
            runs.begin(conn, run)
        return StartedRun(run, lambda _: iter(()), np.empty(0, dtype=np.int64))

    def _release(self, run: RunRow, entries: Sequence[QuarantineRow], turn: Turn) -> None:
        """Remove the entries whose record was delivered from the quarantine, also when an edit changed their key."""
        with self.ctx.database.begin() as conn:
            turn.check(conn)
            outcomes = ledger.outcomes(conn, run.id)
            done = {row for row, outcome in outcomes.items() if outcome not in IN_QUARANTINE}
            through = [resent_record(entry) for row, entry in enumerate(entries) if row in done]
            unknown_records.release_resent(conn, run.id, through, iso(self.ctx.clock.now()))

    def _start_flow(self, spec: FlowSpec, skipped: dict[str, str]) -> tuple[RunRow, set[str]]:
        """The flow's run, and those of its destinations that an earlier process has completed."""
        check = partial(self.locks.check, f"flow {spec.name}")
        row, done, self.begins_at = flow.start(self.ctx, spec, skipped, self.queued, self.begins_at, check)
        return row, done

    def _end_flow(self, row: RunRow) -> RunReport:
        with self.ctx.database.begin() as conn:
            self.locks.check(f"flow {row.target}", conn)
            return flow.end(conn, row, self.signal, iso(self.ctx.clock.now()))
