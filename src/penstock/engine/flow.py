"""A flow: its destinations in dependency order, companies before people before the rest, as one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from penstock.engine.surroundings import Surroundings
from penstock.model.outcome import COUNT_NAMES, Counts
from penstock.model.spec import DestinationSpec, FlowSpec
from penstock.stores.runs import RunRow

LAST_PHASE = 9  # manual requests: nobody knows what they need to be there


def in_order(around: Surroundings, flow: FlowSpec) -> list[DestinationSpec]:
    """The flow's destinations by phase; within a phase as the project file lists them."""
    specs = [around.destination(name) for name in flow.destinations]
    return sorted(specs, key=lambda spec: _phase(around, spec))


def _phase(around: Surroundings, spec: DestinationSpec) -> int:
    if spec.template is None:
        return LAST_PHASE
    if spec.template == "send_batch":
        return 1 if spec.object == "company" else 2
    return around.catalogue[spec.template].phase


def total(parts: Sequence[RunRow]) -> Counts:
    """The counts of a flow's runs together."""
    sums: Counter[str] = Counter()
    for part in parts:
        for name in COUNT_NAMES:
            sums[name] += getattr(part.counts, name)
    return Counts(**sums)


def status_of_flow(parts: Sequence[RunRow]) -> str:
    """The worst of the parts: cancelled, failed, partial, succeeded."""
    states = {part.status for part in parts}
    return next((state for state in ("cancelled", "failed", "partial") if state in states), "succeeded")
