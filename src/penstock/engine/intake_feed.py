"""Pushed records on their way: a run as soon as enough wait, or one has waited long enough; and what is let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from penstock.clock import iso
from penstock.engine import starting
from penstock.engine.datasets import known_dataset
from penstock.engine.flow import in_order
from penstock.engine.preparing import is_active
from penstock.engine.surroundings import Surroundings
from penstock.engine.work import Work
from penstock.model.errors import PenstockError, StateLocked
from penstock.model.spec import DestinationSpec, FlowSpec, WebhookSource
from penstock.sources.freezing import Window
from penstock.sources.pushed_rows import place_of
from penstock.stores import flow_times, pushed, resources, runs, work

ASKED_BY = "intake"
LET_GO_S = 60.0
LONGEST_WAIT_S = 300.0


@dataclass(slots=True)
class Behind:
    """A destination that has not read all: since when (monotonic), and how often a run of it has failed."""

    since: float
    failures: int = 0
    not_before: float = 0.0
    run: str = ""  # the last that was looked at


@dataclass(slots=True)
class Feed:
    """Call it often; it asks for runs of active destinations whose webhook source has new records."""

    around: Callable[[], Surroundings]
    work: Work
    _behind: dict[str, Behind] = field(default_factory=dict)
    _tips: dict[str, int] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)  # by target: why it was not run, as it was told
    _let_go: float = 0.0

    def __call__(self) -> bool:
        """Whether it asked for a run."""
        around = self.around()
        readers, now, asked = dict(_readers(around)), around.clock.monotonic(), False
        is_time = now - self._let_go > LET_GO_S
        if not readers and not is_time:
            return False
        with around.database.read() as conn:
            tips = pushed.tips(conn)
        if tips != self._tips or self._behind:
            self._tips = tips
            for target, specs in _targets(around, readers).items():
                if self._is_due(around, target, specs, readers, now):
                    asked = self._ask(target) or asked
        if is_time:
            self._let_go = now
            let_go(around)
        return asked

    def _is_due(
        self,
        around: Surroundings,
        target: str,
        specs: list[DestinationSpec],
        readers: dict[str, WebhookSource],
        now: float,
    ) -> bool:
        waiting = 0
        for spec in specs:
            place = _place(around, spec.name, readers[spec.name].name)
            waiting = max(waiting, self._tips.get(readers[spec.name].name, 0) - place)
        if waiting <= 0 or not any(is_active(around, spec)[0] for spec in specs):
            self._behind.pop(target, None)
            return False
        behind = self._behind.setdefault(target, Behind(now))
        flush = readers[specs[0].name].flush
        if now < behind.not_before or (waiting < flush.records and now - behind.since < flush.after):
            return False
        if self._is_held_up(around, target, specs, behind, now):
            return False
        if any(_has_news(around, spec) for spec in specs):
            return True
        self._behind.pop(target, None)
        return False

    @staticmethod
    def _is_held_up(
        around: Surroundings, target: str, specs: list[DestinationSpec], behind: Behind, now: float
    ) -> bool:
        """Whether it runs already, or its last run failed a moment ago."""
        kind: runs.RunKind = "destination" if [spec.name for spec in specs] == [target] else "flow"
        with around.database.read() as conn:
            if work.of_target(conn, kind, target, ["queued", "handed", "running"]) is not None:
                return True
            last = runs.last(conn, target, kind)
        if last is None or last.status in ("succeeded", "partial") or last.id == behind.run:
            return False
        behind.run = last.id
        behind.failures += 1
        behind.not_before = now + min(2.0**behind.failures, LONGEST_WAIT_S)
        return True

    def _ask(self, target: str) -> bool:
        self._behind[target].since = self.around().clock.monotonic()
        try:
            self.work.enqueue(target, trigger="intake", asked_by=ASKED_BY)
        except PenstockError as error:
            if self._said.get(target) != str(error):  # once, and not again and again while it is so
                self._said[target] = str(error)
                self.around().events.tell("intake.not-run", target=target, reason=str(error))
            return False
        self._said.pop(target, None)
        return True


def _readers(around: Surroundings) -> Iterator[tuple[str, WebhookSource]]:
    """The destinations whose records are pushed, with their source."""
    for name, spec in around.project.destinations.items():
        dataset = around.project.datasets.get(spec.dataset)
        source = around.project.sources.get(dataset.source) if dataset is not None else None
        if isinstance(source, WebhookSource):
            yield name, source


def _targets(around: Surroundings, readers: dict[str, WebhookSource]) -> dict[str, list[DestinationSpec]]:
    """What is run: flows of nothing but such destinations, in their order, and the destinations that are in none.

    Nothing of a paused flow, unless another flow has it too.
    """
    found: dict[str, list[DestinationSpec]] = {}
    covered: set[str] = set()
    resting: set[str] = set()
    awake: set[str] = set()
    with around.database.read() as conn:
        paused = flow_times.paused(conn)
    for name, flow in around.project.flows.items():
        (resting if name in paused else awake).update(flow.destinations)
        if name not in paused and flow.destinations and all(each in readers for each in flow.destinations):
            found[name] = in_order(around, flow)
            covered.update(flow.destinations)
    covered |= resting - awake
    alone = FlowSpec("", tuple(name for name in readers if name not in covered))
    found.update({spec.name: [spec] for spec in in_order(around, alone)})
    return found


def _place(around: Surroundings, destination: str, source: str) -> int:
    """The id of the last record that a destination has sent."""
    with around.database.read() as conn:
        stored = resources.window_of(conn, destination)
    return place_of(None if stored is None else Window.from_json(stored), source)


def _has_news(around: Surroundings, spec: DestinationSpec) -> bool:
    """Whether a run would read a record. Where the SQL makes none of what came, its place moves on without a run."""
    try:
        data = known_dataset(around, spec.dataset)
        with around.database.read() as conn:
            stored = resources.window_of(conn, spec.name)
        window = None if stored is None else Window.from_json(stored)
        if data.spec.sql is None:
            return data.dataset.since(window) is not None
        found, reached = data.dataset.any_since(data.schema, window)
        if found or reached is None:
            return found
        with starting.hold(around, spec.name, lambda: None), around.database.begin() as conn:
            resources.store_window(conn, spec.name, reached.to_json())
    except StateLocked:
        return False
    except PenstockError:  # the run will say what is wrong
        return True
    return False


def let_go(around: Surroundings) -> int:
    """Let go of records that every destination is past, and that are older than `retain`; answers how many.

    Drafts that never ran hold nothing back. What belongs to no source any more goes after a week.
    """
    with around.database.read() as conn:
        known = pushed.tips(conn)
    gone = 0
    for name, tip in known.items():
        source = around.project.sources.get(name)
        kept_s = source.retain if isinstance(source, WebhookSource) else WebhookSource(name).retain
        places = [tip]
        for destination, read in _readers(around):
            if read.name == name:
                place = _place(around, destination, name)
                if place or _is_wanted(around, destination):
                    places.append(place)
        before = iso(around.clock.now() - timedelta(seconds=kept_s))
        while True:
            with around.database.begin() as conn:
                count = pushed.let_go(conn, name, min(places), before)
            gone += count
            if count < pushed.BITE:
                break
    return gone


def _is_wanted(around: Surroundings, destination: str) -> bool:
    """Whether it is active, or paused: then what comes meanwhile is for it, too."""
    active, _ = is_active(around, around.destination(destination))
    with around.database.read() as conn:
        return active or resources.switch_of(conn, destination) is not None
