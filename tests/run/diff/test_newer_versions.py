"""Which keys a run beside a backfill keeps that from sending."""

import numpy as np
import pyarrow as pa
import pytest

from penstock.model.outcome import Outcome
from penstock.model.record import Chunk
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.decision import Decision
from penstock.run.diff.diff import Classified
from penstock.run.diff.newer_versions import hashes_read
from penstock.run.diff.policy import Policy


@pytest.mark.parametrize("once", [False, True], ids=["changed", "new"])
def test_a_refused_record_counts_where_a_resend_sends_what_is_newer_than_the_backfill(once):
    policy = Policy("newest", repeats=False, compares=True, once_per_key=once, ignore_changed=False, settings="v1")
    chunk = Chunk(pa.RecordBatch.from_pydict({"id": ["a", "b"]}), 0)
    hashes = np.array([[1, 1], [2, 2]], dtype=np.uint64)
    opened = OpenChunk(chunk, np.arange(2), ["a", "b"], hashes)
    refused = Classified(decided=[Decision(row, key, Outcome.QUARANTINED, "no") for row, key in enumerate("ab")])
    assert hashes_read(opened, refused, None, policy).tolist() == []
    assert hashes_read(opened, refused, frozenset([1]), policy).tolist() == [[2, 2]]
    assert hashes_read(opened, refused, frozenset(), policy).tolist() == []
