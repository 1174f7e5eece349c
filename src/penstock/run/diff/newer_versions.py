"""The keys of which a run that gave way to others must not send its own versions: those others had newer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from sqlalchemy import Connection

from penstock.model.outcome import Outcome
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import DISCARDED, NO_RECORD_REASON, Classified
from penstock.run.diff.policy import Policy
from penstock.store.key_table import FORGOTTEN, KeyTable
from penstock.store.runs import sent_beside
from penstock.store.runs.runs import RunRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

Words: TypeAlias = "NDArray[np.uint64]"


class NewerVersions:
    """The keys that runs beside this one have read, since its input was read."""

    def __init__(self, hashes: Words) -> None:
        self._keys = KeyTable()
        ones = np.ones(len(hashes), dtype=np.uint64)
        self._keys.put(hashes, ones, ones)

    @staticmethod
    def load(conn: Connection, run: RunRow, policy: Policy) -> NewerVersions | None:
        """None where there are none, as a rule; for a run beside another one; and where each record or part counts."""
        if run.beside is not None or not (policy.versions == "newest" or policy.once_per_key):
            return None
        hashes = sent_beside.keys(conn, run.target)
        return NewerVersions(hashes) if len(hashes) else None

    def exist(self, hashes: Words) -> NDArray[np.bool_]:
        """Which of these keys have a newer version; (n, 2) uint64."""
        known: NDArray[np.bool_] = self._keys.find(hashes).values != FORGOTTEN
        return known


def hashes_read(opened: OpenChunk, classified: Classified, newer: frozenset[int] | None, policy: Policy) -> Words:
    """The keys of a classified chunk of which older versions must not be sent any more.

    `newer` are the ordinals of the records of a resend that are newer than those of the run beside; None: all records.

    A version that Penstock refused, that waits or was discarded does not count: the one before it is sent. Where each
    key is sent once, only what is sent now counts: memory and the quarantine decide about the other keys. Of a resend
    what Penstock refuses counts too: its entry is of the resend from then on, and nothing else shows that it is newer.
    """
    left_out = [rows for rows, reason in classified.unchanged if reason.startswith(NO_RECORD_REASON)]
    if newer is not None:
        rows = np.setdiff1d(opened.rows, np.concatenate([np.empty(0, dtype=np.int64), *left_out]))
        return _keyed(opened.hashes[rows[np.isin(rows + opened.first, list(newer))]])
    if policy.once_per_key:
        sent = [payload.ordinal for payload in classified.fresh]
        return _keyed(opened.hashes[np.array(sent, dtype=np.int64) - opened.first])
    not_sent = [
        decision.ordinal - opened.first
        for decision in classified.decided
        if decision.outcome in (Outcome.QUARANTINED, Outcome.WAITING) or decision.reason is DISCARDED
    ]
    rows = np.setdiff1d(opened.rows, np.concatenate([np.array(not_sent, dtype=np.int64), *left_out]))
    return _keyed(opened.hashes[rows])


def _keyed(hashes: Words) -> Words:
    """Those of records that have a key."""
    keyed: Words = hashes[np.flatnonzero(hashes[:, 0] | hashes[:, 1])]
    return keyed
