"""`FileOutput`: the file of one run, with what the state knows about it.

What was written counts as soon as a commit has stored how many bytes it is, together with the outcomes of its records.
So a process that continues the run cuts off the rest, and the finished file holds every record once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection

from penstock.delivery.files.columns import file_columns
from penstock.delivery.files.output_file import OutputFile
from penstock.delivery.files.row_formats import EncodedRows, NdjsonFormat, RowFormat, row_format
from penstock.model.delivery import Delivery
from penstock.model.errors import InputError, Problem, not_stored
from penstock.model.outcome import Note
from penstock.model.record import Payload
from penstock.run.context import Context
from penstock.run.preparation.output_place import file_at, file_of
from penstock.run.preparation.prepare import Prepared
from penstock.run.recording.commit import Write
from penstock.run.stop import StopKind
from penstock.store.database import Database
from penstock.store.key_table import forget_in_segments
from penstock.store.memory import key_hashes
from penstock.store.runs.deliveries import delivered_keys
from penstock.store.runs.runs import RunRow
from penstock.store.runs.written_files import WrittenFile, forget_written_file, put_written_file, written_file


def format_of(prepared: Prepared) -> RowFormat:
    """How the records of a file destination are written."""
    columns = file_columns(prepared.compiled.renderer.inputs, prepared.data.schema, prepared.data.samples)
    return row_format(prepared.spec.path or "", columns)


def text_of(rows: RowFormat, encoded: EncodedRows) -> bytes:
    """What was written, as text; of a format that is no text, the records as lines of JSON."""
    return NdjsonFormat(()).rows(encoded.written).data if rows.converts else encoded.data


@dataclass(slots=True)
class FileOutput:
    """The file of one run. `guard` raises in a transaction of a process that has lost the destination."""

    database: Database
    file: OutputFile
    destination: str
    shown: str  # the path as the project writes it
    guard: Callable[[Connection], None]
    counted: int = 0  # bytes of records that have an outcome
    written: bool = False  # whether a record was written
    done: bool = False  # an earlier process has put the file in place
    left: bool = False  # for the next process
    notes: tuple[Note, ...] = ()  # about what a dead process left
    _storing: bool = field(default=False, repr=False)

    @staticmethod
    def open(ctx: Context, prepared: Prepared, run: RunRow, guard: Callable[[Connection], None]) -> FileOutput:
        """Begin the file of a run, or continue the one that an earlier process of the run has left."""
        file = OutputFile(file_of(ctx, prepared, run), run.id, prepared.spec.append, format_of(prepared))
        shown = f"{str(prepared.credential.path).rstrip('/')}/{file.final.name}"
        output = FileOutput(ctx.database, file, prepared.spec.name, shown, guard)
        with output.reporting(), ctx.placing():
            output._begin()
        return output

    def _begin(self) -> None:
        found = self.file.other_header()
        if found is not None:
            raise InputError(other_columns(self.destination, found))
        with self.database.read() as conn:
            row = written_file(conn, self.destination)
        mine = row is not None and row.run == self.file.run
        if row is not None and not (mine and not row.complete):
            self._end_left(row)
            self.done = mine and not row.append
        if not self.done:
            self.file.begin(row.bytes if row is not None and mine and not row.complete else None)
            self.counted = self.file.length
            self.written = mine and row is not None and not row.complete

    def _end_left(self, row: WrittenFile) -> None:
        """End what a dead process left: what is complete or was to be added is put in place, the rest is removed.

        The records of what was to be added and is gone (a folder may be cleaned up) count as not written.
        """
        left = OutputFile(Path(row.path), row.run, row.append)
        is_lost = row.append and not row.complete and not left.holds(row.bytes)
        if row.complete and not row.append:
            left.publish()
        elif row.append and left.holds(row.bytes) and (left.ready.exists() or not row.complete):
            self._put(replace(row, complete=True), left)
        left.remove()
        with self.database.begin() as conn:
            self.guard(conn)
            if is_lost:
                self._forget_records(conn, row)
            forget_written_file(conn, row.destination)

    def _forget_records(self, conn: Connection, row: WrittenFile) -> None:
        keys = delivered_keys(conn, row.run)
        forget_in_segments(conn, row.destination, key_hashes(keys))
        reason = f"the unfinished file of {row.run} is gone: the records in it count as not written"
        self.notes = (Note("path", "forgotten", reason, len(keys)),)

    def _put(self, row: WrittenFile, file: OutputFile) -> None:
        """Put a file in place. If the process dies, the next one sees by the missing complete file that it was done."""
        file.complete(row.bytes)
        with self.database.begin() as conn:
            self.guard(conn)
            put_written_file(conn, row)
        file.publish()

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """For the block, an OSError becomes the error that names the folder."""
        try:
            yield
        except OSError as error:
            self.file.close()
            raise not_stored(str(Path(self.shown).parent), f"the file {self.file.final.name}", error) from error

    @property
    def rows(self) -> RowFormat:
        assert self.file.rows is not None
        return self.file.rows

    def write(self, payloads: Sequence[Payload]) -> EncodedRows:
        """Write these records. StateUnavailable if the disk fails."""
        assert not self.done, "a complete file has no records to come"
        encoded = self.rows.rows(payloads)
        if encoded.written:
            with self.reporting():
                self.file.write(encoded.data)
        return encoded

    def count(self, _delivery: Delivery, write: Callable[[Write], None]) -> None:
        """Store with the next commit, how far the file holds the records that have an outcome."""
        self.counted, self.written = self.file.length, True
        if not self._storing:
            self._storing = True
            write(self._store)

    def _store(self, conn: Connection) -> None:
        self._storing = False
        with self.reporting():
            self.file.sync()
        put_written_file(conn, self._row())

    def _row(self, *, complete: bool = False) -> WrittenFile:
        file = self.file
        return WrittenFile(self.destination, file.run, str(file.final), file.append, self.counted, complete)

    def end(self, stopped_by: StopKind | None) -> None:
        """Put the file in place, or leave it for the next process, or remove it.

        A file that is written whole is put in place when all was read; what is added to a file, in any case.
        """
        self.left = stopped_by == "cancelled" and not self.file.append and not self.done
        with self.reporting():
            if self.left:
                self.file.close()
            elif not self.done and (self.written if self.file.append else stopped_by is None):
                self._put(self._row(complete=True), self.file)
            elif not self.done:
                self.file.remove()

    def forget(self, conn: Connection) -> None:
        """In the transaction that ends the run: it has no unfinished file, unless the next process continues it."""
        if not self.left:
            forget_written_file(conn, self.destination)


def try_folder(ctx: Context, prepared: Prepared, run: str, data: bytes) -> str | None:
    """Write these bytes to a file beside the real one, and remove it. Returns why that is not possible, or None."""
    path = file_at(ctx, prepared, run, ctx.clock.now())
    trial = path.with_name(f".{path.name}.{run}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(data)
    except OSError as error:
        return f"the file {path.name} cannot be stored: {error.strerror}"
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)
    return None


def other_columns(destination: str, found: str) -> Problem:
    """The problem of a CSV file that has other columns than the records to be added."""
    path = f"destinations.{destination}.path"
    message = "the file has other columns than the records that would be added to it"
    hint = "write another path, such as one with {now:%Y-%m}, or give the fields their former names and order"
    return Problem(path, message, "file-columns", hint, found.strip()[:80])
