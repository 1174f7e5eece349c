from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.outcome import Refusal
from penstock.render.values.scalars import moment

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC) | ZONES)  # noqa: DTZ001


@given(MOMENTS)
def test_a_moment_keeps_its_instant_and_ends_in_z(value):
    written = moment(value)
    assert datetime.fromisoformat(written) == value
    assert written.endswith("Z")
    assert len(written) in (20, 24, 27)
    assert moment(written) == written


@given(MOMENTS, st.sampled_from([" ", "T"]))
def test_text_with_an_offset_means_the_same_instant(value, between):
    assert moment(value.isoformat(sep=between)) == moment(value)


@given(st.dates())
def test_a_date_stays_a_date(value):
    assert moment(value) == moment(f" {value.isoformat()} ") == value.isoformat()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-01T00:00+05:30", "2025-12-31T18:30:00Z"),
        ("2026-01-31 08:30", "2026-01-31T08:30:00Z"),
        ("2026-01-31 08:30:15", "2026-01-31T08:30:15Z"),
        ("2026-01-31T08:30:15.5Z", "2026-01-31T08:30:15.500Z"),
        ("2026-01-31T08:30:15.123456789Z", "2026-01-31T08:30:15.123456Z"),
        ("2026-01-31 08:30:15 UTC", "2026-01-31T08:30:15Z"),
        ("2026-01-31 08:30:15-0800", "2026-01-31T16:30:15Z"),
        ("2026-01-31 08:30:15+02", "2026-01-31T06:30:15Z"),
    ],
)
def test_listed_shapes_are_read(text, meant):
    assert moment(text) == meant


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "2026-13-01",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:59:60Z",
        "0000-01-01",
        "0001-01-01T00:00:00+05:00",
        "20260131",
        "31.01.2026",
        "01/31/2026",
        "1769817600",
        "tomorrow",
        "2026-1-1",
        "٢٠٢٦-01-01",
        1769817600,
        1.5,
        True,
        [],
    ],
)
def test_everything_else_is_refused_with_what_would_be_taken(value):
    found = moment(value)
    assert isinstance(found, Refusal)
    assert "2026-01-31" in found.accepted


def test_blank_text_is_null():
    assert moment("") is None
    assert moment(" \t") is None


def test_a_naive_moment_is_utc():
    assert moment(datetime(2026, 1, 31, 8, 30)) == "2026-01-31T08:30:00Z"  # noqa: DTZ001
    assert moment(date(2026, 1, 31)) == "2026-01-31"
