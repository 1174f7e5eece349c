"""What a comparison of a destination with Custify found, with the JSON of the command line and the REST API."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

from typing_extensions import TypedDict  # Pydantic reads the one of `typing` only from Python 3.12 on

from penstock.model.record import Key, KeyJson
from penstock.model.reports import as_json

STORED: Final = 10_000  # entries of each list of a report that are stored
LONGEST: Final = 1000  # characters of a value that are stored
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
    The lists may be read from a file.
    """

    same: int
    differs: Sequence[Difference]
    pending: Sequence[Key]
    missing: Sequence[Key]
    extra: Sequence[str]
    incomplete: bool
    requests: int
    differing: int  # records that have a difference

    @property
    def has_drift(self) -> bool:
        """Whether what was sent is not what Custify has."""
        return bool(self.differs or self.missing)

    @property
    def drifted(self) -> int:
        """The number of records that differ or are missing."""
        return self.differing + len(self.missing)


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


class ReconcileCountsJson(TypedDict):
    """How many entries the lists of a comparison have; `records` have a difference, `fields`: differences by field."""

    differs: int
    records: int
    fields: dict[str, int]
    pending: int
    missing: int
    extra: int


class LastReconcileJson(TypedDict):
    """The last comparison of a destination, when Custify was read, and its run; null if it was never compared.

    `drifted` is how many records differ or are missing since then, 0 after a complete fix. It is compared
    `every_hours`, else as often as `reconcile_every` of `flows` says, or only on request. `report` has the first 10,000
    entries of each list, `counts` has the numbers of all, and `cut` is true if entries or the ends of long values were
    left out: `penstock reconcile DEST --json` prints all.
    """

    at: str | None
    run: str | None
    drifted: int
    every_hours: int | None
    report: ReconcileJson | None
    counts: ReconcileCountsJson | None
    cut: bool
    flows: list[str]


LISTS: Final = ("differs", "pending", "missing", "extra")


def reconcile_text(report: ReconcileReport) -> Iterator[str]:
    """A comparison as `reconcile --json` prints it, in parts, so that the whole is never in memory."""
    yield "{\n"
    for name in (*ReconcileJson.__annotations__,):
        end = "\n" if name == "requests" else ",\n"
        value = getattr(report, name)
        if name not in LISTS or not value:
            yield f'  "{name}": {_text([] if name in LISTS else value)}{end}'
            continue
        yield f'  "{name}": ['
        for number, each in enumerate(value):
            text = _text(as_json(each)).replace("\n", "\n    ")
            yield f"{',' if number else ''}\n    {text}"
        yield f"\n  ]{end}"
    yield "}\n"


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only a \\u escape can express
        return json.dumps(value, allow_nan=False, indent=2)
    return text


def stored_report(report: ReconcileReport) -> Mapping[str, Any]:
    """What is stored of a report: `ReconcileJson` with at most `STORED` entries in each list, `counts` and `cut`."""
    lists = {name: [as_json(each) for each in islice(getattr(report, name), STORED)] for name in LISTS}
    cut = any(len(getattr(report, name)) > STORED for name in LISTS)
    for each in lists["differs"]:
        for side in ("ours", "theirs"):
            text = json.dumps(each[side], ensure_ascii=False)
            if len(text) > LONGEST:
                each[side], cut = text[:LONGEST] + "…", True
    others = {"same": report.same, "incomplete": report.incomplete, "requests": report.requests}
    return {**others, **lists, "counts": dict(counts_of(report)), "cut": cut}


def counts_of(report: ReconcileReport) -> ReconcileCountsJson:
    """The numbers of a comparison."""
    return {
        "differs": len(report.differs),
        "records": report.differing,
        "fields": dict(Counter(each.field for each in report.differs).most_common()),
        "pending": len(report.pending),
        "missing": len(report.missing),
        "extra": len(report.extra),
    }


def read_stored(stored: Mapping[str, Any]) -> tuple[ReconcileJson, ReconcileCountsJson, bool]:
    """The report, the counts and `cut` of what `stored_report` made, also of older versions, which cut nothing."""
    report = cast(ReconcileJson, {name: stored[name] for name in ReconcileJson.__annotations__})
    if "counts" in stored:
        return report, stored["counts"], stored["cut"]
    fields = Counter(each["field"] for each in report["differs"])
    counts: ReconcileCountsJson = {
        "differs": len(report["differs"]),
        "records": len({json.dumps(each["key"]) for each in report["differs"]}),
        "fields": dict(fields.most_common()),
        "pending": len(report["pending"]),
        "missing": len(report["missing"]),
        "extra": len(report["extra"]),
    }
    return report, counts, False
