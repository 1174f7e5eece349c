"""`Decision`: the outcome of a record that is known without sending it."""

from __future__ import annotations

from typing import NamedTuple

from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Key

STILL = "still in quarantine: {}"


class Decision(NamedTuple):
    """A record whose outcome is known without sending it. `is_new` False: not for the quarantine, or there already."""

    ordinal: int
    key: Key | None
    outcome: Outcome
    reason: str
    refusal: Refusal | None = None
    is_new: bool = True
    content: int | None = None  # of a record that may have arrived: what a person who settles it remembers
    refused_before: str | None = None  # the refusal of a record that is in quarantine already, as JSON
