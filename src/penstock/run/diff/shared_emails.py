"""`SharedEmails`: the e-mails that a read sends with several user_ids, for each of which Custify has a person then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import orjson
import xxhash

from penstock.model.outcome import Note
from penstock.model.record import Payload, Schema
from penstock.model.spec import DestinationSpec
from penstock.render.identity import EMAIL, ID, people_template
from penstock.templates.catalogue import load_catalogue

if TYPE_CHECKING:
    from numpy.typing import NDArray

Words: TypeAlias = "NDArray[np.uint64]"
MOST_RECORDS = 1 << 23  # whose e-mails are compared: 16 bytes each
SECOND = "second person"  # the action of the note


class SharedEmails:
    """Collects a hash of the e-mail and of the user_id of each record that is sent with both."""

    def __init__(self, *, of_people: bool = False) -> None:
        self._of_people = of_people  # whether people are sent; else nothing is collected
        self._pairs: list[Words] = []
        self._records = 0
        self._notes: tuple[Note, ...] = ()

    def add(self, payloads: Sequence[Payload]) -> None:
        """Add payloads of people that are sent."""
        found: list[tuple[int, int]] = []
        for payload in payloads if self._of_people and self._records < MOST_RECORDS else ():
            sent = orjson.loads(payload.text)
            email, own = sent.get(EMAIL), sent.get(ID)
            if isinstance(email, str) and isinstance(own, str):
                found.append((_hash(email.lower()), _hash(own)))
        if found:
            self._pairs.append(np.array(found, dtype=np.uint64))
            self._records += len(found)

    def close(self) -> None:
        """The read is over: count the e-mails that have several user_ids."""
        if not self._pairs:
            return
        pairs = np.concatenate(self._pairs)
        self._pairs = []
        emails, ids = np.unique(np.unique(pairs, axis=0)[:, 0], return_counts=True)
        shared = emails[ids > 1]
        if len(shared):
            has = "1 e-mail has" if len(shared) == 1 else f"{len(shared):,} e-mails have"
            reason = (
                f"{has} several user_ids among these records: Custify creates a person for each; the identity report "
                "of the dataset lists them"
            )
            self._notes = (Note(EMAIL, SECOND, reason, count=int(np.isin(pairs[:, 0], shared).sum())),)

    def notes(self) -> tuple[Note, ...]:
        """A note with the number of such records; none before `close`, and if each e-mail has one user_id."""
        return self._notes


def emails_of(spec: DestinationSpec, schema: Schema) -> SharedEmails:
    """Where the e-mails of a destination are collected."""
    return SharedEmails(of_people=people_template(spec, schema, load_catalogue()) is not None)


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode(errors="surrogatepass"))
