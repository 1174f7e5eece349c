"""How many records `--limit` and `canary` let a run send, and where a chunk is divided."""

import asyncio

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.delivery import Settled
from penstock.model.outcome import Outcome
from penstock.model.record import Chunk, Payload
from penstock.model.spec import DestinationSpec, FuseSpec
from penstock.run.diff.backlog import SENT_AGAIN_FROM, OpenChunk
from penstock.run.diff.diff import Classified
from penstock.run.diff.first_sends import (
    FirstSends,
    first_sends_notes,
    part_within,
    planned_batches,
    records_of,
    send_parts,
)
from penstock.store.runs.runs import RunRow


def opened_chunk(keys, first=0):
    batch = pa.RecordBatch.from_pydict({"key": pa.array(keys, pa.string())})
    rows, prints = np.arange(len(keys)), np.arange(len(keys), dtype=np.uint64) + 1
    return OpenChunk(Chunk(batch, first), rows, list(keys), np.zeros((len(keys), 2), dtype=np.uint64), prints)


def newest(opened):
    """Of several rows of a key the last; rows without a key are refused. Folds fingerprints, as the classifier does."""
    last = {opened.keys[row]: row for row in opened.rows.tolist() if opened.keys[row] is not None}
    opened.prints[opened.rows] *= 2
    return Classified(
        fresh=[payload(opened.first + row, key) for key, row in sorted(last.items(), key=lambda kv: kv[1])]
    )


def merged(opened):
    """The rows of a key as one payload."""
    rows = {}
    for row in opened.rows.tolist():
        rows.setdefault(opened.keys[row], []).append(opened.first + row)
    made = [payload(own[-1], key, parts=tuple(own[:-1])) for key, own in rows.items()]
    return Classified(fresh=sorted(made, key=lambda each: each.ordinal))


def payload(ordinal, key="k", parts=()):
    return Payload(ordinal, key, b"{}", 1, parts=parts)


def spec(canary=None, fuse=FuseSpec()):  # noqa: B008 - it is frozen
    return DestinationSpec("people", "people", "sandbox", template="upsert_person", canary=canary, fuse=fuse)


def run_row(**fields):
    return RunRow("r-1", "destination", "people", "2026-01-01T00:00:00Z", **fields)


def settled(number, outcome=Outcome.DELIVERED, first=0):
    return [Settled(payload(first + ordinal), outcome) for ordinal in range(number)]


@pytest.mark.parametrize(
    ("limit", "canary", "taken", "room"),
    [(None, None, 7, None), (10, None, 7, 3), (None, 5, 2, 3), (10, 5, 2, 3), (3, 5, 2, 1), (3, None, 3, 0)],
)
def test_the_room_is_what_the_nearest_bound_allows(limit, canary, taken, room):
    first = FirstSends(limit, canary, taken=taken)
    assert first.room() == room
    assert first.limit_taken is (room == 0)


@given(
    keys=st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), max_size=30),
    limit=st.integers(1, 12),
    canary=st.none() | st.integers(1, 12),
    classify=st.sampled_from([newest, merged]),
)
def test_parts_of_a_chunk_hold_each_row_once_and_no_more_records_than_allowed(keys, limit, canary, classify):
    opened, first, seen = opened_chunk(keys, first=100), FirstSends(limit, canary), []
    rows = opened.rows
    while len(rows) and not first.limit_sent:
        room, before = first.room(), rows
        classified, rows = part_within(classify, opened, rows, first)
        assert records_of(classified) <= room
        assert [*opened.rows, *rows] == list(before)
        if first.reaches_limit(records_of(classified)) and records_of(classified):
            assert classified.fresh[-1].ordinal == 100 + opened.rows[-1]  # the rest is unsent
        seen += opened.rows.tolist()
        first.take(records_of(classified))
        first.count([Settled(each, Outcome.DELIVERED) for each in classified.fresh], answered=True)
        if first.limit_taken or (len(rows) and not classified.fresh):
            assert first.judge() is None
    assert seen == list(range(len(seen)))
    assert first.sent <= limit
    assert (first.sent == limit) or not len(rows)


def test_fingerprints_are_changed_only_once_and_only_those_of_the_part():
    opened = opened_chunk(["a", "b", "c", "d"])
    _, rows = part_within(newest, opened, opened.rows, FirstSends(2))
    assert opened.prints.tolist() == [2, 4, 3, 4]
    assert (opened.rows.tolist(), rows.tolist(), opened.is_part) == ([0, 1], [2, 3], True)
    opened.prints = None
    _, rest = part_within(lambda _: Classified(), opened, rows, FirstSends(2))
    assert not len(rest)


class Pairs:
    """Batches of two payloads, with the interface of `Batcher`."""

    def __init__(self):
        self.open = []

    def add(self, payloads):
        for each in payloads:
            self.open.append(each.ordinal)
            if len(self.open) == 2:
                yield from self.flush()

    def flush(self):
        if self.open:
            yield self.open
            self.open = []


@pytest.mark.parametrize(
    ("canary", "batches"),
    [(None, [[0, 1], [2, 3], [4]]), (1, [[0], [1, 2], [3, 4]]), (3, [[0, 1], [2], [3, 4]]), (9, [[0, 1], [2, 3], [4]])],
)
def test_a_plan_has_the_batches_of_a_run_whose_canary_is_sent_first(canary, batches):
    batcher, first = Pairs(), FirstSends(canary=canary)
    payloads = [payload(ordinal) for ordinal in range(5)]
    planned = [*planned_batches(batcher, payloads[:4], first), *planned_batches(batcher, payloads[4:], first)]
    assert [*planned, *batcher.flush()] == batches


def test_without_a_bound_a_chunk_is_whole():
    opened = opened_chunk(["a", "b"])
    classified, rest = part_within(newest, opened, opened.rows, FirstSends())
    assert (records_of(classified), len(rest), opened.is_part) == (2, 0, False)


def test_records_that_penstock_refuses_are_given_back():
    first = FirstSends(5)
    first.take(5)
    first.count(settled(3), answered=True)
    assert first.judge() is None
    assert (first.limit_sent, first.room()) == (False, 2)


@pytest.mark.parametrize(("refused", "trips"), [(0, False), (4, False), (5, True), (10, True)])
def test_a_canary_is_judged_once_by_the_share_of_refused_records(refused, trips):
    first = FirstSends(canary=10, ratio=0.5)
    first.take(10)
    assert first.canary_taken
    first.count(settled(refused, Outcome.QUARANTINED), answered=True)
    first.count(settled(10 - refused, first=refused), answered=True)
    found = first.judge()
    assert found == (f"the canary: the API refused {refused} of the first 10 records" if trips else None)
    assert (first.room(), first.canary_taken, first.judge()) == (None, False, None)


def test_a_canary_waits_until_it_is_judged():
    first = FirstSends(canary=1)
    assert first.canary_waits
    first.take(1)
    first.add_sent(1)
    assert first.canary_waits
    first.judge()
    assert not first.canary_waits
    assert not FirstSends(limit=1).canary_waits


def test_a_canary_is_not_judged_where_no_record_may_follow():
    first = FirstSends(limit=2, canary=2, sent=2, refused=2)
    assert (first.judge(), first.judged) == (None, False)


def test_only_what_the_api_refused_counts_as_refused():
    first = FirstSends(canary=10)
    first.count(settled(2, Outcome.ACCEPTED), answered=True)
    first.count(settled(1, Outcome.QUARANTINED), answered=True, again=True)  # the end of its batch job
    first.count(settled(1, Outcome.UNKNOWN), answered=False)
    first.count(settled(1, Outcome.QUARANTINED), answered=False)
    first.count(settled(3, Outcome.UNSENT), answered=True)
    first.count(settled(3, first=SENT_AGAIN_FROM), answered=True)
    first.count([Settled(payload(9, parts=(7, 8)), Outcome.DELIVERED)], answered=True)
    assert (first.sent, first.refused) == (7, 1)


def test_a_run_continues_with_what_was_counted():
    first = FirstSends.of(spec(canary=5, fuse=FuseSpec(ratio=0.2)), run_row(limit=9))
    first.take(4)
    first.add_sent(4)
    stored = first.document()
    again = FirstSends.of(spec(canary=5), run_row(limit=9, first_sends=stored))
    assert (again.sent, again.taken, again.room(), first.ratio) == (4, 4, 1, 0.2)
    assert FirstSends.of(spec(fuse=None), run_row()).document() is None


def test_a_run_with_a_limit_ends_at_the_first_row_that_it_leaves():
    assert FirstSends().ended(run_row(position=3), 7) == run_row(position=3)
    ended = FirstSends(5, sent=5).ended(run_row(limit=5, input_rows=9), 7)
    assert (ended.position, ended.at_end, ended.limited) == (7, False, True)
    assert FirstSends(5, sent=5).ended(run_row(limit=5, input_rows=7), 7).at_end


@pytest.mark.parametrize(
    ("limit", "canary", "sent", "left"), [(3, None, 3, 103), (None, 2, 2, 102), (None, None, 6, 106)]
)
def test_a_chunk_is_sent_until_the_run_must_not_go_on(limit, canary, sent, left):
    opened, first, seen = opened_chunk(["a", "b", "c", "d", "e", "f"], first=100), FirstSends(limit, canary), []

    async def send(classified):
        seen.extend(each.ordinal for each in classified.fresh)
        first.count([Settled(each, Outcome.DELIVERED) for each in classified.fresh], answered=True)

    async def wait():
        return False

    classified, row = asyncio.run(send_parts(newest, opened, first, send, wait))
    assert (records_of(classified), row, seen) == (sent, left, list(range(100, 100 + sent)))


@pytest.mark.parametrize(
    ("canary", "records", "limit", "noted"),
    [
        (50, 51, None, ["the first 50 are sent and judged before the rest"]),
        (50, 50, None, []),
        (None, 51, 51, []),
        (50, 1200, 50, ["the first 50 of 1,200 are sent, then the run stops"]),
        (
            5,
            30,
            10,
            ["the first 10 of 30 are sent, then the run stops", "the first 5 are sent and judged before the rest"],
        ),
    ],
)
def test_a_plan_notes_what_bounds_the_first_sends(canary, records, limit, noted):
    assert [note.reason for note in first_sends_notes(canary, records, limit)] == noted
