"""Rows of NDJSON files and of JSON files with a list of objects. Every member is exact; absent differs from null."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from penstock.model.errors import InputError
from penstock.model.outcome import Note
from penstock.model.spec import ColumnType, FileSource
from penstock.sources.files.encoding import bounded_blocks, utf8_blocks
from penstock.sources.files.json_parser import BadItem, list_items, lists_of, lists_within, parse_record
from penstock.sources.files.lines import OPENING_UTF8, has_marks, lines_of, without_marks
from penstock.sources.files.source_files import file_error, refuse_wide
from penstock.sources.typing.exact_json import NotJson, word
from penstock.sources.typing.pieces import Caster, Judge, Piece, Record, piece_of
from penstock.sources.typing.values import ValueJudge, value_caster

ROWS = 8192  # rows of a piece at most
CHARACTERS = 1 << 22  # text of a piece at most, one record more
CELLS = 1 << 18  # rows x names of a piece at most
LOOK = 256  # rows after which the names of a piece are counted


class JsonRows:
    """One or several JSON files. The columns are the members of all objects, in the order in which they appear."""

    open_ended = True

    def __init__(self, source: FileSource, files: list[Path], *, lines: bool) -> None:
        self._source = source
        self._files = files
        self._lines = lines
        self._names: dict[str, None] = {}
        self._empty: list[str] = []  # names of files read to their end that hold no record
        self._alone: dict[str, int] | None = None  # of a file that is one object on one line: the lists in it

    def names(self) -> list[str]:
        return list(self._names)

    def declared(self, _name: str) -> ColumnType | None:
        return None

    def judge(self, _name: str) -> Judge:
        return ValueJudge()

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return value_caster(name, kind, given=given)

    def notes(self) -> tuple[Note, ...]:
        """The notes about the files, as far as they have been read."""
        return tuple(Note(name, "empty", "the file holds no records") for name in self._empty)

    @property
    def way_to_list(self) -> str:
        """What to write where the records seem to be a list within the one object that was read; else nothing."""
        return _way_to_list(self._source, self._alone) if self._alone else ""

    def pieces(self) -> Iterator[Piece]:
        self._empty.clear()
        self._alone = None
        for path in self._files:
            records: list[Record] = []
            here: set[str] = set()  # the names of this piece, as far as they are counted
            size = 0
            is_empty = True
            for line, record, length in self._line_records(path) if self._lines else self._list_records(path):
                refuse_wide(self._source, path, len(record), line)
                records.append(record)
                is_empty = False
                size += length
                if len(records) % LOOK == 0:
                    here.update(*records[-LOOK:])
                    refuse_wide(self._source, path, len(here), line)
                if len(records) == ROWS or size > CHARACTERS or len(records) * len(here) > CELLS:
                    yield self._piece(records, path, line)
                    records, here, size = [], set(), 0
            if is_empty:
                self._empty.append(path.name)
            if records:
                yield self._piece(records, path, line)

    def _piece(self, records: list[Record], path: Path, line: int) -> Piece:
        """The records as a piece. Raises InputError when the file has more names than the bound up to this line."""
        refuse_wide(self._source, path, len(self._names.keys() | set().union(*records)), line)
        return piece_of(records, self._names)

    def _line_records(self, path: Path) -> Iterator[tuple[int, Record, int]]:
        read = 0
        for line, text in enumerate(lines_of(bounded_blocks(self._source, path)), start=1):
            if text.isspace():
                continue
            try:
                value = parse_record(text)
            except NotJson as error:
                hint = "write each object on one line, or all of them as one list" if line == 1 else ""
                raise self._one_object(path) or self._error(path, line, str(error), hint) from None
            if not isinstance(value, dict):
                hint = "" if line > 1 else "for a list of objects write format: json"
                raise self._error(path, line, f"{word(value)}, where a record is an object {{…}}", hint)
            read += 1
            self._alone = lists_of(value) if read == 1 and len(self._files) == 1 else None
            yield line, without_marks(value, self._source.encoding) if has_marks(text) else value, len(text)

    def _list_records(self, path: Path) -> Iterator[tuple[int, Record, int]]:
        marked = False

        def watched() -> Iterator[bytes]:
            nonlocal marked
            for block in utf8_blocks(self._source, path):
                marked = marked or (not block.isascii() and OPENING_UTF8 in block)
                yield block

        try:
            for line, value, length in list_items(watched(), self._source.records_path):
                if not isinstance(value, dict):
                    raise self._error(path, line, f"{word(value)}, where a record is an object {{…}}")
                yield line, without_marks(value, self._source.encoding) if marked else value, length
        except BadItem as error:
            one = self._one_object(path) if self._source.records_path is None else None
            raise one or self._error(path, error.line, str(error), error.hint, error.code) from None

    def _one_object(self, path: Path) -> InputError | None:
        """The error of a file that is one object with the records in a list within it; None for another file."""
        try:
            lists = lists_within(utf8_blocks(self._source, path))
        except BadItem:
            return None
        if not lists:
            return None
        name, count = next(iter(lists.items()))
        holds = "1 object" if count == 1 else f"{count} objects"
        message = f"{path.name} is one object; its member {name} is a list of {holds}"
        hint = _way_to_list(self._source, lists)
        return file_error(self._source, message, "no-list", hint=hint, found="an object", line=1, file=str(path))

    def _error(self, path: Path, line: int, reason: str, hint: str = "", code: str = "torn-file") -> InputError:
        message = f"{path.name}, line {line}: {reason}"
        return file_error(self._source, message, code, hint=hint, line=line, file=str(path))


def _way_to_list(source: FileSource, lists: Mapping[str, int]) -> str:
    ways = " or ".join(f"records_path: {name}" for name in list(lists)[:3])
    return f"write {ways} at sources.{source.name}"
