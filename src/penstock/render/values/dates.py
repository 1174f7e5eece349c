"""Rules on dates and moments. Everything is sent as ISO 8601 in UTC, in the forms that Custify recognises.

Custify's OpenAPI 1.5.7 lists `YYYY-MM-DD`, `…THH:MM:SSZ`, `….SSSZ` and `….SSSSSSZ`; it stores anything else as text.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from penstock.model.outcome import refuse

_SHAPE = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r" ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
DATE_LENGTH, MIDNIGHT = 10, "T00:00:00Z"
ACCEPTED = "a date such as 2026-01-31, or a moment such as 2026-01-31T08:30:00Z or 2026-01-31 08:30:00+01:00"


def moment(value: object) -> object:
    """Dates and times as ISO 8601 in UTC; a time without an offset is UTC; a date stays a date. Blank text is null.

    Numbers are refused: seconds, milliseconds and day numbers look alike, and Custify lists none of them.
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, datetime):
        return iso(value if value.tzinfo is not None else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return refuse("date", value, "is a number, not a date", ACCEPTED)
    return refuse("date", value, "is not a date", ACCEPTED)


def date_time(value: object) -> object:
    """As `moment`; a date is its first second: Custify's OpenAPI 1.5.7 says date-time of its own fields."""
    found = moment(value)
    return f"{found}{MIDNIGHT}" if isinstance(found, str) and len(found) == DATE_LENGTH else found


def iso(value: datetime) -> object:
    """An aware moment in UTC with as many decimals as it needs: none, 3 or 6."""
    try:
        utc = value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return refuse("date", value.isoformat(), "is outside the years 1 to 9999", ACCEPTED)
    if utc.microsecond % 1000:
        return utc.isoformat(timespec="microseconds") + "Z"
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds") + "Z"


def _from_text(value: str) -> object:
    text = value.strip()
    if not text:
        return None
    match = _SHAPE.fullmatch(text)
    if match is None:
        return refuse("date", value, "is not a date", ACCEPTED)
    return _from_parts(value, *match.groups())


def _from_parts(
    value: str, day: str, clock: str | None, seconds: str | None, fraction: str | None, offset: str | None
) -> str | object:
    """Finer than microseconds is cut off: Custify knows nothing finer."""
    try:
        if clock is None:
            return date.fromisoformat(day).isoformat()
        zone = "+00:00" if offset in (None, "Z", "z", "UTC") else offset
        micros = (fraction or "0")[:6].ljust(6, "0")
        return iso(datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}.{micros}{zone}"))
    except ValueError:
        return refuse("date", value, "is no day or time of the calendar", ACCEPTED)
