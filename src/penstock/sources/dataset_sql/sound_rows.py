"""A dataset's SQL over posted records. A record for which the SQL fails is refused alone; the others are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from tempfile import NamedTemporaryFile

import pyarrow as pa

from penstock.model.errors import EnvironmentFailure, InputError, PenstockError
from penstock.model.outcome import Refusal
from penstock.model.record import Schema
from penstock.model.spec import ColumnType
from penstock.sources.dataset_sql.shaped_rows import BATCH, ShapedRows
from penstock.sources.pushed.rows import SQL_RULE
from penstock.sources.typing.pieces import Caster, Judge, Piece, Rows
from penstock.sources.typing.rows import typed

REASON = 300  # characters

Fails = Callable[[pa.RecordBatch], "PenstockError | None"]


class SoundRows:
    """The result of the SQL over posted records, then the records that it cannot take: refused, with their own text.

    The SQL is run whole before anything is given, for it may fail at the last record. After a failure the records are
    halved again and again to find those with which it fails. InputError where it fails with none of them alone: then
    it is the SQL that is wrong.
    """

    open_ended = False

    def __init__(self, shaped: ShapedRows, inner: Rows, schema: Schema, given: Mapping[str, ColumnType]) -> None:
        self._shaped = shaped
        self._inner, self._schema, self._given = inner, schema, given
        self._refused: dict[int, tuple[str, Refusal]] = {}  # by the record's number
        self.names = shaped.names
        self.declared = shaped.declared

    def judge(self, name: str) -> Judge:
        return self._shaped.judge(name)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return self._shaped.caster(name, kind, given=given)

    def pieces(self) -> Iterator[Piece]:
        names = self.names()
        with NamedTemporaryFile(prefix="shaped-", suffix=".arrow", dir=self._shaped.workspace) as spool:
            while True:
                try:
                    self._run(spool.name)
                    break
                except InputError:
                    if not self._find_culprits():
                        raise
            with pa.OSFile(spool.name, "rb") as file, pa.ipc.open_stream(file) as reader:
                for batch in reader:
                    yield Piece(batch.num_rows, dict(zip(names, batch.columns, strict=True)))
        found = [self._refused[number] for number in sorted(self._refused)]
        for start in range(0, len(found), BATCH):
            some = found[start : start + BATCH]
            refused = {row: refusal for row, (_, refusal) in enumerate(some)}
            yield Piece(len(some), {}, refused=refused, originals={row: text for row, (text, _) in enumerate(some)})

    def _run(self, path: str) -> None:
        """The whole result, written to a file."""
        results = self._shaped.results(lambda: (batch for batch, _, _ in self._good()))
        with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, self._shaped.result_schema) as writer:
            for batch in results:
                writer.write_batch(batch)

    def _good(self) -> Iterator[tuple[pa.RecordBatch, Sequence[int], Mapping[int, str]]]:
        """The typed records that are not refused, with their numbers and, by number, their texts."""
        first = 0
        for chunk in typed(self._inner, self._schema, self._given, whole=True):
            count = chunk.records.num_rows
            for row, refusal in chunk.misfits.items():
                self._refuse(first + row, chunk.originals[row], refusal)
            kept = [row for row in range(count) if first + row not in self._refused]
            batch = pa.RecordBatch.from_arrays(chunk.records.columns, schema=self._shaped.source_schema)
            if len(kept) < count:
                batch = batch.take(pa.array(kept, pa.int64()))
            yield batch, [first + row for row in kept], {first + row: chunk.originals[row] for row in kept}
            first += count

    def _refuse(self, number: int, text: str, refusal: Refusal) -> None:
        self._refused[number] = (text, replace(refusal, rule=SQL_RULE))

    def _find_culprits(self) -> bool:
        """Refuse every record with which the SQL fails; whether there is one."""
        before = len(self._refused)
        with self._shaped.trial() as fails:
            for batch, numbers, texts in self._good():
                for place, error in _failing(fails, batch, 0):
                    words = error.problems[0].message.splitlines()[0][:REASON]
                    accepted = "a record that the SQL takes; correct the record, or the SQL of the dataset"
                    refusal = Refusal(SQL_RULE, f"the dataset's SQL fails with this record: {words}", accepted=accepted)
                    self._refuse(numbers[place], texts[numbers[place]], refusal)
        return len(self._refused) > before


def _failing(fails: Fails, batch: pa.RecordBatch, start: int) -> Iterator[tuple[int, PenstockError]]:
    """The places of the records with which the SQL fails alone, and how it fails."""
    error = fails(batch) if batch.num_rows else None
    if error is None:
        return
    if isinstance(error, EnvironmentFailure):
        raise error  # it is not about the records
    if batch.num_rows == 1:
        yield start, error
        return
    half = batch.num_rows // 2
    yield from _failing(fails, batch.slice(0, half), start)
    yield from _failing(fails, batch.slice(half), start + half)
