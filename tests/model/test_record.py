"""Schemas, chunks, keys, payloads and read windows."""

import pyarrow as pa
import pytest

from penstock.model.record import (
    Batch,
    Chunk,
    Column,
    Payload,
    ReadWindow,
    Schema,
    gone_columns,
    key_text,
    place_of,
    window_at,
)


def test_a_column_is_found_by_its_name():
    schema = Schema((Column("id", "text", nullable=False), Column("at", "date", nullable=True)), 2)
    assert schema.names() == ("id", "at")
    assert schema.column("at") == Column("at", "date", nullable=True)
    assert schema.column("At") is None


def test_a_column_that_no_row_has_is_a_gone_column():
    rows = pa.RecordBatch.from_pydict({"id": ["a", "b"], "name": [None, "B"], "plan": [None, None]})
    chunk = Chunk(rows, 0, {"name": frozenset({0}), "plan": frozenset({0, 1})})
    assert gone_columns(chunk) == ["plan"]


@pytest.mark.parametrize(("key", "text"), [(None, "(no key)"), ("", ""), ("a", "a"), (("a", "b"), "a · b")])
def test_the_text_of_a_key(key, text):
    assert key_text(key) == text


@pytest.mark.parametrize(
    "window",
    [
        ReadWindow("7", frozenset({"b", "a"}), "integer"),
        ReadWindow(None, frozenset()),
        ReadWindow("7", frozenset({"a"}), "text", frozenset({"z", "y"})),
    ],
)
def test_the_json_of_a_window_is_read_back_unchanged(window):
    document = window.to_json()
    assert document["ties"] == sorted(window.ties)
    assert ("later" in document) == bool(window.later)
    assert ReadWindow.from_json(document) == window


def test_a_window_that_release_0_1_0_stored_has_no_kind():
    assert ReadWindow.from_json({"value": "7", "ties": ["a"]}) == ReadWindow("7", frozenset({"a"}), "text")


def test_a_place_is_0_for_another_source():
    assert place_of(window_at(12, "app"), "app") == 12
    assert place_of(window_at(0, "app"), "app") == 0
    assert place_of(window_at(12, "app"), "other") == 0
    assert place_of(ReadWindow("12", kind="integer"), "app") == 0
    assert place_of(None, "app") == 0


def test_the_ordinals_of_a_payload_and_the_keys_of_a_batch():
    merged = Payload(7, "a", b"{}", 0, parts=(2, 5))
    assert merged.ordinals == (2, 5, 7)
    assert Batch(1, (merged, Payload(8, ("b", "c"), b"{}", 0))).keys() == ["a", ("b", "c")]
