"""Rows of NDJSON files and of JSON files that hold one list of objects: every member exact, absent known from null."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from penstock.model.errors import InputError
from penstock.model.spec import ColumnType, FileSource
from penstock.sources.encoding import utf8_blocks
from penstock.sources.exact_json import NotJson, parse
from penstock.sources.file_bounds import bounded_blocks
from penstock.sources.files import wrong
from penstock.sources.json_list import BadItem, list_items
from penstock.sources.members import Record, piece_of, word
from penstock.sources.pieces import Caster, Judge, Piece
from penstock.sources.quotes import lines_of
from penstock.sources.value_typing import ValueJudge, value_caster

ROWS = 8192  # rows of a piece at most
CHARACTERS = 1 << 22  # text of a piece at most, one record more


class JsonRows:
    """One or several JSON files. The columns are the members of all objects, in the order in which they appear."""

    open_ended = True

    def __init__(self, source: FileSource, files: list[Path], *, lines: bool) -> None:
        self._source = source
        self._files = files
        self._lines = lines
        self._names: dict[str, None] = {}
        for path in files:
            if path.stat().st_size == 0:
                hint = "write one object a line, or a list of objects"
                raise wrong(
                    source, f"{path.name} is empty", "empty-file", hint=hint, found="nothing", file=str(path), line=1
                )

    def names(self) -> list[str]:
        return list(self._names)

    def declared(self, _name: str) -> ColumnType | None:
        return None

    def judge(self, _name: str) -> Judge:
        return ValueJudge()

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return value_caster(name, kind, given=given)

    def pieces(self) -> Iterator[Piece]:
        for path in self._files:
            records: list[Record] = []
            size = 0
            for record, length in self._line_records(path) if self._lines else self._list_records(path):
                records.append(record)
                size += length
                if len(records) == ROWS or size > CHARACTERS:
                    yield piece_of(records, self._names)
                    records, size = [], 0
            if records:
                yield piece_of(records, self._names)

    def _line_records(self, path: Path) -> Iterator[tuple[Record, int]]:
        for line, text in enumerate(lines_of(bounded_blocks(self._source, path)), start=1):
            if text.isspace():
                continue
            try:
                value = parse(text)
            except NotJson as error:
                hint = "write each object on one line, or all of them as one list" if line == 1 else ""
                raise self._wrong(path, line, str(error), hint) from None
            if not isinstance(value, dict):
                hint = "" if line > 1 else "for a list of objects write format: json"
                raise self._wrong(path, line, f"{word(value)}, where a record is an object {{…}}", hint)
            yield value, len(text)

    def _list_records(self, path: Path) -> Iterator[tuple[Record, int]]:
        try:
            for line, value, length in list_items(utf8_blocks(self._source, path)):
                if not isinstance(value, dict):
                    raise self._wrong(path, line, f"{word(value)}, where a record is an object {{…}}")
                yield value, length
        except BadItem as error:
            raise self._wrong(path, error.line, str(error), error.hint, error.code) from None

    def _wrong(self, path: Path, line: int, reason: str, hint: str = "", code: str = "torn-file") -> InputError:
        message = f"{path.name}, line {line}: {reason}"
        return wrong(self._source, message, code, hint=hint, line=line, file=str(path))
