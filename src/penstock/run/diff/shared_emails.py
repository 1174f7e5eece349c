"""`SharedEmails`: the e-mails that a read sends with several user_ids, for each of which Custify has a person then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import orjson

from penstock.model.outcome import Note
from penstock.model.record import Payload, Schema
from penstock.model.spec import DestinationSpec
from penstock.render.identity import EMAIL, ID, people_template
from penstock.templates.catalogue import load_catalogue

if TYPE_CHECKING:
    from numpy.typing import NDArray

Hashes: TypeAlias = "NDArray[np.int64]"
MOST_RECORDS = 1 << 23  # whose e-mails are compared: 16 bytes each
SECOND = "second person"  # the action of the note
BEGINNING = re.compile(rf'{{"{ID}":"([^"\\]*)","{EMAIL}":"([^"\\]*)"'.encode())  # of nearly all payloads of people


class SharedEmails:
    """Collects a hash of the e-mail and of the user_id of each record that is sent with both."""

    def __init__(self, *, of_people: bool = False) -> None:
        self._of_people = of_people  # whether people are sent; else nothing is collected
        self._pairs: list[tuple[Hashes, Hashes]] = []
        self._records = 0
        self._notes: tuple[Note, ...] = ()

    def add(self, payloads: Sequence[Payload]) -> None:
        """Add payloads of people that are sent."""
        if not self._of_people or self._records >= MOST_RECORDS:
            return
        emails: list[str] = []
        ids: list[bytes] = []
        for payload in payloads:
            begins = BEGINNING.match(payload.text)  # half the time that parsing it takes
            own, email = _parsed(payload.text) if begins is None else begins.groups()
            if own is not None and email is not None:
                ids.append(own)
                emails.append(email.decode(errors="surrogatepass").lower())
        if emails:
            self._pairs.append((_hashes(emails), _hashes(ids)))
            self._records += len(emails)

    def close(self) -> None:
        """The read is over: count the e-mails that have several user_ids."""
        if not self._pairs:
            return
        emails, ids = map(np.concatenate, zip(*self._pairs, strict=True))
        self._pairs = []
        order = np.lexsort((ids, emails))
        emails, ids = emails[order], ids[order]
        shared = np.unique(emails[1:][(emails[1:] == emails[:-1]) & (ids[1:] != ids[:-1])])
        if len(shared):
            has = "1 e-mail has" if len(shared) == 1 else f"{len(shared):,} e-mails have"
            reason = (
                f"{has} several user_ids among these records: Custify creates a person for each; the identity report "
                "of the dataset lists them"
            )
            self._notes = (Note(EMAIL, SECOND, reason, count=int(np.isin(emails, shared).sum())),)

    def notes(self) -> tuple[Note, ...]:
        """A note with the number of such records; none before `close`, and if each e-mail has one user_id."""
        return self._notes


def emails_of(spec: DestinationSpec, schema: Schema) -> SharedEmails:
    """Where the e-mails of a destination are collected."""
    return SharedEmails(of_people=people_template(spec, schema, load_catalogue()) is not None)


def _parsed(text: bytes) -> tuple[bytes | None, bytes | None]:
    """The user_id and the e-mail of a payload; None for one that is no text."""
    sent = orjson.loads(text)
    own, email = (
        value.encode(errors="surrogatepass") if isinstance(value, str) else None
        for value in (sent.get(ID), sent.get(EMAIL))
    )
    return own, email


def _hashes(texts: Sequence[str] | Sequence[bytes]) -> Hashes:
    return np.array([hash(text) for text in texts], dtype=np.int64)
