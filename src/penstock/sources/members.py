"""JSON objects → pieces: a column for each member, absent known from null."""

from __future__ import annotations

from penstock.sources.pieces import Piece

ABSENT = object()
Record = dict[str, object]


def piece_of(records: list[Record], names: dict[str, None]) -> Piece:
    """Some objects as rows. `names` are the members met so far, in order; new ones are added to it."""
    first = list(records[0])
    if all(list(record) == first for record in records):  # the usual case, three times as fast
        names.update(dict.fromkeys(first))
        return Piece(len(records), dict(zip(first, zip(*map(dict.values, records), strict=True), strict=True)))
    columns: dict[str, list[object]] = {}
    absent: dict[str, frozenset[int]] = {}
    for record in records:
        if not record.keys() <= names.keys():
            names.update(dict.fromkeys(record))
    shared: dict[frozenset[int], frozenset[int]] = {}  # columns that are absent in the same rows share one set
    used = set().union(*records)
    for name in [name for name in names if name in used]:
        column = [record.get(name, ABSENT) for record in records]
        if ABSENT in column:
            rows = frozenset(row for row, value in enumerate(column) if value is ABSENT)
            absent[name] = shared.setdefault(rows, rows)
            column = [None if value is ABSENT else value for value in column]
        columns[name] = column
    return Piece(len(records), columns, absent)


def word(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    return {list: "a list", str: "a text", bool: "true or false", dict: "an object"}.get(type(value), "a number")
