"""What a comparison of a destination with Custify found, with the JSON of the command line and the REST API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from typing_extensions import TypedDict  # Pydantic reads the one of `typing` only from Python 3.12 on

from penstock.model.record import Key, KeyJson
from penstock.model.reports import as_json

NOTHING_FIXED: Final = "nothing was fixed: {0}"  # the reason of a run whose fix has sent nothing


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that Custify has otherwise than it was sent. `field` is its name in the request."""

    key: Key
    field: str
    ours: Any
    theirs: Any


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """`differs` and `missing` were changed in Custify since they were sent; `pending` was not sent yet.

    `extra` are objects of Custify that no record makes, by our kind of id, else Custify's. `incomplete`: not all of
    Custify's objects could be read, so that nothing is `missing` or `extra`. After a fix, the same as found before it.
    """

    same: int
    differs: tuple[Difference, ...]
    pending: tuple[Key, ...]
    missing: tuple[Key, ...]
    extra: tuple[str, ...]
    incomplete: bool
    requests: int

    @property
    def has_drift(self) -> bool:
        """Whether what was sent is not what Custify has."""
        return bool(self.differs or self.missing)

    @property
    def drifted(self) -> int:
        """The number of records that differ or are missing."""
        return len({each.key for each in self.differs}) + len(self.missing)


class DifferenceJson(TypedDict):
    """A value that Custify has otherwise than it was sent."""

    key: KeyJson
    field: str
    ours: Any
    theirs: Any


class ReconcileJson(TypedDict):
    """A comparison of what a destination sent with what Custify has. After a fix, the same as found before it."""

    same: int
    differs: list[DifferenceJson]
    pending: list[KeyJson]
    missing: list[KeyJson]
    extra: list[str]
    incomplete: bool
    requests: int


class LastReconcileJson(TypedDict):
    """The last comparison of a destination, when Custify was read, and its run; null if it was never compared.

    `drifted` is how many records differ or are missing since then, 0 after a complete fix. It is compared
    `every_hours`, or only on request.
    """

    at: str | None
    run: str | None
    drifted: int
    every_hours: int | None
    report: ReconcileJson | None


def reconcile_json(report: ReconcileReport) -> ReconcileJson:
    """A comparison as `reconcile --json` prints it."""
    return cast(ReconcileJson, as_json(report))
