"""The settings of the sandbox, from the command line and the admin routes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

UnknownCompany = Literal["skip", "error", "create"]
Assignee = Literal["any", "id"]
BatchCost = Literal["1", "jobs"]
NoteText = Literal["text", "html", "trimmed"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate limit: `requests` in a fixed window of `per` seconds."""

    requests: int = 100
    per: float = 10.0

    def __str__(self) -> str:
        return f"{self.requests}/{self.per:g}s"


@dataclass(frozen=True, slots=True)
class Settings:
    """Behaviour that Custify's documents do not define, with the safest defaults.

    `strict` refuses values beyond published limits with 400 (no status is published); lenient drops the value and
    stores a warning. `unknown_company` is the effect of a link to an unknown company. `assignee="id"` refuses emails as
    task assignees, as the documents of Custify's MCP server say. `batch_cost` counts a batch as one request or as the
    number of its jobs. `notes` is the form in which the text of a note is returned; the text is stored as it was sent.
    `visible_after` is the time after which lists and searches show a created object. `ignore_filters` returns the whole
    list whatever a query filters by. Times are in seconds.
    """

    strict: bool = True
    rate: Rate | None = Rate()
    latency: float = 0.0
    job_delay: float = 0.1
    unknown_company: UnknownCompany = "skip"
    assignee: Assignee = "any"
    batch_cost: BatchCost = "1"
    notes: NoteText = "text"
    visible_after: float = 0.0
    ignore_filters: bool = False


def duration(text: str | float) -> float:
    """`"2s"`, `"150ms"`, `"1.5"`, `2` → seconds. Raises ValueError."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        if not 0 <= text < 1e9:
            raise ValueError("a duration must not be negative")
        return float(text)
    matched = _DURATION.fullmatch(str(text).strip())
    if matched is None:
        raise ValueError(f"not a duration: {text!r} (write 150ms, 2s, 1m or a number of seconds)")
    return float(matched[1]) * _SECONDS[matched[2]]


def rate(text: str | None) -> Rate | None:
    """`"100/10s"` → Rate; `"off"` or None → no limit. Raises ValueError."""
    if text is None or text == "off":
        return None
    requests, slash, per = text.partition("/")
    if not slash or not requests.strip().isdigit() or int(requests) < 1:
        raise ValueError(f"not a rate: {text!r} (write 100/10s, or off)")
    seconds = duration(per)
    if seconds <= 0:
        raise ValueError("the window of a rate must be longer than 0 s")
    return Rate(int(requests), seconds)


def changed(settings: Settings, wanted: Mapping[str, Any]) -> Settings:
    """`settings` with the changes of an admin request, where `latency` is in milliseconds. Raises ValueError."""
    known = {f.name for f in fields(Settings)}
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(unknown)} (known: {', '.join(sorted(known))})")
    values = {name: _setting(name, value) for name, value in wanted.items()}
    return replace(settings, **values)


def as_json(settings: Settings) -> dict[str, Any]:
    return {
        "strict": settings.strict,
        "rate": str(settings.rate) if settings.rate else "off",
        "latency": settings.latency * 1000,
        "job_delay": settings.job_delay,
        "unknown_company": settings.unknown_company,
        "assignee": settings.assignee,
        "batch_cost": settings.batch_cost,
        "notes": settings.notes,
        "visible_after": settings.visible_after,
        "ignore_filters": settings.ignore_filters,
    }


def _setting(name: str, value: Any) -> Any:
    choices = {"unknown_company": UnknownCompany, "assignee": Assignee, "batch_cost": BatchCost, "notes": NoteText}
    if name in ("strict", "ignore_filters"):
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false")
        return value
    if name == "rate":
        return rate(value)
    if name == "latency":
        return duration(value) / 1000 if isinstance(value, int | float) else duration(value)
    if name in ("job_delay", "visible_after"):
        return duration(value)
    allowed = get_args(choices[name])
    if str(value) not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}")
    return str(value)
