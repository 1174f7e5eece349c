"""Records that are native batch jobs already: `{"type": …, "payload": {…}}` passes through."""

from __future__ import annotations

from penstock.destinations.catalogue import load_catalogue
from penstock.model.outcome import Refusal
from penstock.transform import rules
from penstock.transform.externals import bounded
from penstock.transform.keys import one_text
from penstock.transform.render import TOP, Draft, Input
from penstock.transform.steps import Step
from penstock.transform.values import ABSENT
from penstock.transform.workbench import Workbench

COLUMNS = ("type", "payload")
DEDUPLICATION = "deduplication_id"


def already_wrapped(bench: Workbench) -> bool:
    """Whether the dataset's records have the two columns of a job, and nothing says otherwise."""
    destination = bench.destination
    given = destination.fields or destination.object
    return bench.native and not given and set(COLUMNS) <= set(bench.schema.names())


def pass_through(bench: Workbench) -> None:
    """`type` must be a job that the batch endpoint knows, `payload` an object; the payload is sent as it is."""
    jobs = sorted({each.job for each in load_catalogue().values() if each.job is not None})
    for name, rule in (("type", rules.choice(*jobs)), ("payload", rules.whole_object)):
        bench.inputs.append(Input(Step(name, rule, column=name), (TOP, name)))
        bench.required.append(name)
    bench.combinations.append(_deduplicated)
    bench.note("payload", "passed through", "the records are batch jobs already; what is in them is not checked")
    for name in bench.schema.names():
        if name not in COLUMNS and name not in bench.key:
            bench.note(name, "not sent", "a batch job holds a type and a payload only")


def _deduplicated(draft: Draft) -> None:
    """An event needs its id, so that a retry does not count twice."""
    place = (TOP, "payload")
    payloads = list(draft.places[place])
    for row, kind in enumerate(draft.fields["type"]):
        payload, key = payloads[row], draft.keys[row]
        if kind != "event" or payload is ABSENT or isinstance(payload, Refusal) or key is None:
            continue
        if payload.get(DEDUPLICATION) is None:
            limit = load_catalogue()["insert_event"].external
            assert limit is not None
            payloads[row] = payload | {DEDUPLICATION: bounded(one_text(key), limit.max_length)}
            draft.notes[DEDUPLICATION, "derived", "made from the record's key, so that it stays the same"] += 1
    draft.places[place] = payloads
