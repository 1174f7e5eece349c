"""A dataset: detect its schema in one pass, read it as typed chunks, freeze it for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from penstock.model.errors import InputError, Problem
from penstock.model.record import Chunk, Schema
from penstock.model.spec import DatasetSpec, FileSource, SourceSpec
from penstock.sources.detecting import Detected, detect
from penstock.sources.files import files_identity, matching_files
from penstock.sources.freezing import Frozen, Window, read_frozen_chunks, write_frozen
from penstock.sources.names import nearest
from penstock.sources.pieces import Rows
from penstock.sources.rechunking import rechunked
from penstock.sources.typing_rows import typed

CHUNK_ROWS = 16384


def _silent(_records: int) -> None:
    pass


class Dataset:
    """A named, keyed set of records of a source. Made by `open_dataset`."""

    def __init__(self, spec: DatasetSpec, source: SourceSpec, rows: Rows) -> None:
        self.spec = spec
        self.source = source
        self.extra_columns: list[str] = []  # columns of the source that the schema last read with does not have
        self._rows = rows

    def detect(self, progress: Callable[[int], None] = _silent) -> Detected:
        """Types, nullability, examples and sample records, in one full pass; `progress` is told the records seen."""
        self._check_types()
        return detect(self._rows, self.spec.types, progress)

    def read(self, schema: Schema, *, skip: int = 0, rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """The records typed as `schema`, after the first `skip`; every chunk has exactly `rows` rows but the last.

        Raises InputError when a column of the schema is gone or the input is torn.
        """
        self._check_schema(schema)
        return rechunked(typed(self._rows, schema, self.spec.types), skip=skip, rows=rows)

    def identity(self) -> str | None:
        """Changes when the input changes; None when that cannot be known."""
        if self.volatile or not isinstance(self.source, FileSource):
            return None
        return files_identity(matching_files(self.source), self.source, self.spec.types)

    @property
    def volatile(self) -> bool:
        """Whether a second reading may give other rows, or another order: then a run freezes it first."""
        return self.spec.sql is not None or not isinstance(self.source, FileSource)

    def freeze(self, schema: Schema, path: Path, window: Window | None) -> Frozen:
        """Copy the typed records to a private file."""
        del window  # only sources with a cursor have one
        return Frozen(write_frozen(self.read(schema), path), None)

    def check_columns(self, schema: Schema, names: Sequence[str]) -> list[Problem]:
        """A problem for each of `names` (the key's columns) that the schema does not have."""
        known = schema.names()
        path = f"datasets.{self.spec.name}.key"
        return [
            Problem(path, f"there is no column {name}", "unknown-column", nearest(name, known), found=name)
            for name in names
            if name not in known
        ]

    def _check_schema(self, schema: Schema) -> None:
        known = self._rows.names()
        self.extra_columns = [name for name in known if schema.column(name) is None]
        if self._rows.open_ended:
            return
        gone = [name for name in schema.names() if name not in known]
        path = f"datasets.{self.spec.name}"
        hint = f"if that is meant, look at it anew: penstock schema {self.spec.name} --refresh"
        if gone:
            problems = [
                Problem(path, f"the column {name} is gone from the source", "vanished-column", hint, found=name)
                for name in gone
            ]
            raise InputError(*problems)

    def _check_types(self) -> None:
        known = self._rows.names()
        path = f"datasets.{self.spec.name}.types"
        if self._rows.open_ended:
            return
        problems = [
            Problem(f"{path}.{name}", f"there is no column {name}", "unknown-column", nearest(name, known), found=name)
            for name in self.spec.types
            if name not in known
        ]
        if problems:
            raise InputError(*problems)


def read_frozen(path: Path, *, skip: int = 0, rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
    """The records of a frozen file after the first `skip`, in chunks as `Dataset.read` gives them."""
    return rechunked(read_frozen_chunks(path), skip=skip, rows=rows)
