"""The identity report of a dataset: people that Custify would hold twice, or whose e-mail it would overwrite.

Custify finds a person by `user_id`, else by `email`; a person with the e-mail and another user_id is not found, and a
second one is created (`docs/custify-api.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NotRequired, cast

from typing_extensions import TypedDict

from penstock.model.reports import as_json

MOST_ENTRIES = 100_000  # of each list
LISTS = ("email_several_ids", "id_several_emails", "scientific_ids", "taken_in_custify")


@dataclass(frozen=True, slots=True)
class EmailOfSeveralIds:
    """An e-mail that records with different ids have: Custify creates a person for each of the ids.

    `ids` are the first ones, `count` is how many there are, `records` how many records have the e-mail and an id.
    """

    email: str
    ids: tuple[str, ...]
    count: int
    records: int


@dataclass(frozen=True, slots=True)
class IdOfSeveralEmails:
    """An id that records with different e-mails have: the e-mail that is sent last overwrites the others."""

    id: str
    emails: tuple[str, ...]
    count: int
    records: int


@dataclass(frozen=True, slots=True)
class ScientificId:
    """An id in scientific notation, which a spreadsheet has shortened: different people may have it."""

    id: str
    records: int


@dataclass(frozen=True, slots=True)
class CustifyPerson:
    """A person as Custify has it: its own `id`, and the `user_id` that was sent, if any."""

    id: str | None
    user_id: str | None


@dataclass(frozen=True, slots=True)
class TakenEmail:
    """An e-mail of a record that people with another user_id have in Custify.

    `creates`: Custify has no person with the record's id, so that a second person with the e-mail would be created;
    otherwise the person with the id would get the e-mail of another one. `people` are the first ones of `count`.
    """

    email: str
    id: str
    creates: bool
    people: tuple[CustifyPerson, ...]
    count: int


@dataclass(frozen=True, slots=True)
class IdentitySource:
    """The columns from which ids and e-mails were read, and why these: `by`.

    `destinations` map them (its `destinations`), or they are named like the fields. `id_by` is `key` where neither
    names a column for the id, and the key of the dataset was taken.
    """

    id: str | None
    email: str | None
    id_by: Literal["destination", "name", "key"] | None = None
    destinations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdentityReport:
    """What was found; each list has at most as many entries as requested, `counts` has the numbers of all.

    `taken_in_custify` is None unless an account was read, which took `requests`.
    """

    dataset: str
    sources: tuple[IdentitySource, ...]
    email_several_ids: tuple[EmailOfSeveralIds, ...] = ()
    id_several_emails: tuple[IdOfSeveralEmails, ...] = ()
    scientific_ids: tuple[ScientificId, ...] = ()
    taken_in_custify: tuple[TakenEmail, ...] | None = None
    requests: int = 0
    records: int = 0
    incomplete: str | None = None  # why people of the account may be missing
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.counts.values())

    @property
    def left_out(self) -> dict[str, int]:
        """The numbers of entries that the lists do not have."""
        return {name: left for name in LISTS if (left := self.counts.get(name, 0) - len(getattr(self, name) or ())) > 0}


class IdentityJson(TypedDict):
    """The identity report of a dataset. `taken_in_custify` is null unless a Custify account was read.

    `left_out` has the numbers of entries that lists do not have, if there are any.
    """

    email_several_ids: list[EmailOfSeveralIds]
    id_several_emails: list[IdOfSeveralEmails]
    scientific_ids: list[ScientificId]
    taken_in_custify: list[TakenEmail] | None
    requests: int
    left_out: NotRequired[dict[str, int]]


def identity_json(report: IdentityReport) -> IdentityJson:
    """The report as `identity --json` prints it."""
    document = {name: as_json(getattr(report, name)) for name in (*LISTS, "requests")}
    if report.left_out:
        document["left_out"] = report.left_out
    return cast(IdentityJson, document)
