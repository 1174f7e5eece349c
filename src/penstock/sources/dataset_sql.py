"""A dataset's SQL over its source: one SELECT of DuckDB, on a connection that can read nothing but `source`.

A value that does not fit its column stops it here; `sql_refusals` refuses the record of such a value alone, where the
SQL allows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp
from typing import Any, NamedTuple

import duckdb
import orjson
import pyarrow as pa
import pyarrow.dataset

from penstock.bounds import MAX_COLUMNS, bounds
from penstock.deadline import Deadline, current_deadline
from penstock.model.errors import NO_ROOM, InputError, PenstockError, Problem, StateUnavailable
from penstock.model.reach import SPILL
from penstock.model.record import Chunk, Column, Schema
from penstock.model.spec import ColumnType, DatasetSpec
from penstock.model.text import did_you_mean, repeated
from penstock.sources.sql_text import EARLY_COLUMN, MISSING_COLUMN, pointed, quoted, without_semicolon, word_at
from penstock.sources.typing.arrow import ArrowJudge, arrow_caster, column_type
from penstock.sources.typing.pieces import Caster, Judge, Piece, Rows
from penstock.sources.typing.schema import arrow_schema, typed

BATCH = 16384  # rows
CHANGE = "change the SQL;"
STEPS = frozenset({"PROJECTION", "FILTER", "PYTHON_ARROW_SCAN", "UNNEST"})  # each makes rows of one row
SORT = "ORDER_BY"
FEW = 256  # rows of a batch in a look
FOUND = 80  # characters
LINES = 4  # of DuckDB's words that are shown
PLAN = "explain (format json) "
SETTINGS: Mapping[str, Any] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "errors_as_json": True,  # the only form that has a position in the SQL
    "memory_limit": "128MB",  # what does not fit is spilled to a folder of its own
    "threads": 1,  # else sums of numbers differ between reads
    "preserve_insertion_order": True,
}
NO_ROOM_WORDS = frozenset(map(str, NO_ROOM))
NOT_SPILLED = "failed to offload data block"  # DuckDB's words where the disk has less room than a spill needs
KINDS: tuple[ColumnType, ...] = ("text", "number", "timestamp", "json", "boolean")
"""Types that columns without a record are tried with: `seats * 2` needs a number, `date_trunc('day', at)` a time."""
AS_TEXT = ("BIT", "BIGNUM", "INTERVAL", "TIME WITH TIME ZONE", "UNION", "VARIANT", "GEOMETRY", "UHUGEINT")


class UnknownColumns(InputError):  # noqa: N818 - it says what the SQL is about
    """The SQL is well formed, but names columns that `source` does not have (yet)."""


class RowWisePlan(NamedTuple):
    """The plan of SQL in which each row of the result comes from one row of the source.

    `filters`: its conditions; `sorts`: it sorts the rows; `multiplies`: it makes any number of rows of one.
    """

    filters: str
    sorts: bool
    multiplies: bool


class SqlResult:
    """The result of a dataset's SQL. JSON columns of the source are text to it.

    `plan` is set where each row of the result comes from one row of the source.
    """

    open_ended = False

    def __init__(
        self,
        spec: DatasetSpec,
        inner: Rows,
        schema: Schema,
        workspace: Path,
        patience: float | None = None,
    ) -> None:
        """`patience`: seconds after which a query is stopped; None: never."""
        self._spec = spec
        self._patience = patience
        self._inner = inner
        self._schema = schema
        self._workspace = workspace
        self._arrow = pa.schema([field.remove_metadata() for field in arrow_schema(inner, schema, spec.types)])
        self._sql = without_semicolon(spec.sql or "")
        self._refuse_folded([field.name for field in self._arrow])
        with self._connection(self._arrow.empty_table()) as connection:
            self._scans, self.plan = self._planned(connection)
            try:
                self._statement, self._types = self._described(connection)
            except duckdb.Error as error:  # it may fail, or take too long, over no rows of the source at all
                raise self._failure(str(error), self._sql) from None

    def names(self) -> list[str]:
        return list(self._types)

    def declared(self, name: str) -> ColumnType | None:
        return column_type(self._types[name])

    def judge(self, name: str) -> Judge:
        return ArrowJudge(self._types[name], narrow=True)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return arrow_caster(name, self._types[name], kind, given=given)

    @property
    def source_schema(self) -> pa.Schema:
        """The columns of `source`."""
        return self._arrow

    @property
    def result_schema(self) -> pa.Schema:
        """The columns of the result, as `results` and `runner` give them."""
        return pa.schema([pa.field(name, kind) for name, kind in self._plain_types.items()])

    @property
    def workspace(self) -> Path:
        """A private folder for temporary files."""
        return self._workspace

    def pieces(self) -> Iterator[Piece]:
        for batch in self.results(lambda: self.batches(self.chunks())):
            yield self.piece(batch)

    def piece(self, batch: pa.RecordBatch) -> Piece:
        """A batch of the result, as `results` gives it."""
        return Piece(batch.num_rows, dict(zip(self._types, batch.columns, strict=True)))

    def chunks(self) -> Iterator[Chunk]:
        """The typed source."""
        return typed(self._inner, self._schema, self._spec.types, whole=True)

    def batches(self, chunks: Iterable[Chunk]) -> Iterator[pa.RecordBatch]:
        """Chunks of the typed source as batches for `results`.

        Raises InputError at a value that no longer fits: SQL could hide which record it is of.
        """
        for chunk in chunks:
            for refusal in chunk.misfits.values():
                hint = f"`penstock schema {self._spec.name} --refresh` detects its columns again; or set types:"
                path = f"datasets.{self._spec.name}.types.{refusal.field}"
                raise InputError(Problem(path, refusal.reason, "misfit", hint, refusal.value))
            yield pa.RecordBatch.from_arrays(chunk.records.columns, schema=self._arrow)

    def results(self, batches: Callable[[], Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
        """The result of the SQL over `batches` of the typed source. Raises InputError, or what `batches` raises."""
        failures: list[PenstockError] = []
        with self._source(batches, failures) as source, self._connection(source) as connection:
            try:
                rows = BATCH if self._waiting() is None else FEW
                yield from connection.sql(self._statement).to_arrow_reader(rows)
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise (failures[0] if failures else self.failure(error)) from None

    def failure(self, error: Exception) -> PenstockError:
        """The error for a failed statement, with the place in the dataset's SQL."""
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return self._no_room()
        return self._failure(str(error), self._statement)

    @contextmanager
    def runner(self) -> Iterator[Callable[[pa.RecordBatch], pa.Table]]:
        """A function that returns the result of the SQL over one batch of the typed source; raises duckdb.Error."""
        with self._connection(self._arrow.empty_table()) as connection:

            def run(batch: pa.RecordBatch) -> pa.Table:
                connection.register("source", pa.Table.from_batches([batch]))
                table: pa.Table = connection.sql(self._statement).to_arrow_table()
                return table

            yield run

    @contextmanager
    def trial(self) -> Iterator[Callable[[pa.RecordBatch], PenstockError | None]]:
        """A function that runs the SQL over one batch of the typed source and returns the error, or None."""
        with self._connection(self._arrow.empty_table()) as connection:

            def fails(batch: pa.RecordBatch) -> PenstockError | None:
                connection.unregister("source")
                connection.register("source", pa.Table.from_batches([batch]))
                try:
                    for _ in connection.sql(self._statement).to_arrow_reader(BATCH):
                        pass
                except (duckdb.Error, pa.ArrowException) as error:
                    return self.failure(error)
                return None

            yield fails

    @contextmanager
    def _source(self, batches: Callable[[], Iterator[pa.RecordBatch]], failures: list[PenstockError]) -> Iterator[Any]:
        """The data of `source`: a stream, or a private copy when the SQL reads it more than once."""
        reader = pa.RecordBatchReader.from_batches(self._arrow, _noted(batches(), failures))
        if self._scans <= 1:
            yield reader
            return
        handle, name = mkstemp(suffix=".arrow", dir=self._workspace)
        try:
            with os.fdopen(handle, "wb") as file, pa.ipc.new_file(file, self._arrow) as writer:
                for batch in batches():
                    writer.write_batch(batch)
            yield pyarrow.dataset.dataset(name, format="ipc")
        finally:
            Path(name).unlink()

    @contextmanager
    def _connection(self, source: Any) -> Iterator[duckdb.DuckDBPyConnection]:
        with (
            TemporaryDirectory(prefix=SPILL, dir=self._workspace, ignore_cleanup_errors=True) as spill,
            closing(duckdb.connect(":memory:", config={**SETTINGS, "temp_directory": spill})) as connection,
        ):  # SQL may read the folder for what does not fit in memory: nothing else is in it
            connection.execute("set TimeZone = 'UTC'")
            connection.register("source", source)
            connection.execute("set lock_configuration = true")
            with self._interrupted_in_time(connection):
                yield connection

    @contextmanager
    def _interrupted_in_time(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        waiting = self._waiting()
        if waiting is None:
            yield
            return
        with waiting.stopped_by(connection.interrupt):
            yield

    def _waiting(self) -> Deadline | None:
        """The deadline of the caller; else the limit for one query."""
        return current_deadline() or (None if self._patience is None else Deadline(self._patience))

    def _planned(self, connection: duckdb.DuckDBPyConnection) -> tuple[int, RowWisePlan | None]:
        """Plan the SQL without running it; how often it reads `source`, and the plan of what is row-wise.

        Raises InputError that points into the SQL.
        """
        try:
            statements = connection.extract_statements(self._sql)
        except duckdb.Error as error:
            raise self._failure(str(error), self._sql) from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise self._error("the sql of a dataset is one SELECT", "write: select … from source")
        try:
            plan = connection.execute(PLAN + self._sql).fetchall()[0][1]
        except duckdb.BinderException as error:
            raise UnknownColumns(*self._failure(str(error), PLAN + self._sql).problems) from None
        except duckdb.Error as error:
            raise self._failure(str(error), PLAN + self._sql) from None
        return int(str(plan).count('"name": "PYTHON_ARROW_SCAN"')), _row_wise_plan(str(plan))

    def _described(self, connection: duckdb.DuckDBPyConnection) -> tuple[str, dict[str, pa.DataType]]:
        """The statement that is run (what Arrow has no form for becomes text), and the Arrow types of its columns."""
        found = connection.sql(self._sql)
        names, kinds = list(found.columns), [str(kind) for kind in found.types]
        most = bounds().columns
        if len(names) > most:
            hint = f"name the columns that are needed; if all are, raise {MAX_COLUMNS}"
            message = f"the result has more than {most:,} columns"
            problem = Problem(f"datasets.{self._spec.name}.sql", message, "too-many-columns", hint, f"{len(names):,}")
            raise InputError(problem)
        if (name := repeated(names)) is not None:
            raise self._error(f"the column {name} occurs twice in the result", "name one of them: … as another_name")
        columns = [
            f"cast({quoted(name)} as varchar) as {quoted(name)}" if kind.startswith(AS_TEXT) else quoted(name)
            for name, kind in zip(names, kinds, strict=True)
        ]
        plain = not any(kind.startswith(AS_TEXT) for kind in kinds)
        statement = self._sql if plain else f"select {', '.join(columns)} from ({self._sql}\n) as result"
        with closing(connection.sql(statement).to_arrow_reader(BATCH)) as reader:
            types = [field.type for field in reader.schema]
        self._plain_types = dict(zip(names, types, strict=True))
        marked = [pa.json_() if kind == "JSON" else arrow for kind, arrow in zip(kinds, types, strict=True)]
        return statement, dict(zip(names, marked, strict=True))

    def _refuse_folded(self, names: list[str]) -> None:
        folded = repeated([name.casefold() for name in names])
        if folded is not None:
            same = " and ".join(name for name in names if name.casefold() == folded)
            raise self._error(f"the columns {same} of the source differ only in case, which SQL ignores", "rename one")

    def _no_room(self) -> PenstockError:
        message = "the disk has no room for what the SQL of the dataset sorts and groups"
        hint = "free space on the disk of the state, or sort and group less"
        return StateUnavailable(Problem(f"datasets.{self._spec.name}.sql", message, "disk-full", hint))

    def _failure(self, words: str, statement: str) -> PenstockError:
        """The error with DuckDB's message and the place in the dataset's SQL."""
        waiting = self._waiting()
        if "INTERRUPT" in words.upper() and waiting is not None:
            return waiting.too_slow(f"datasets.{self._spec.name}.sql", "the SQL")
        head, _, rest = words.partition(": ")
        try:
            said = orjson.loads(rest)
        except orjson.JSONDecodeError:
            return self._error(f"DuckDB says: {words.strip()}", "change the SQL")
        if str(said.get("errno", "")) in NO_ROOM_WORDS or NOT_SPILLED in str(said.get("exception_message", "")):
            return self._no_room()
        lines = str(said.get("exception_message", rest)).splitlines()[:LINES]
        message = "\n".join([f"DuckDB says: {head}: {lines[0]}", *lines[1:]])
        found = None
        if "position" in said:
            start = len(statement[: statement.find(self._sql)].encode())
            inside = self._sql.encode()[: max(int(said["position"]) - start, 0)].decode(errors="ignore")
            message = pointed(message, self._sql, len(inside))
            found = word_at(self._sql, len(inside))
        known = self._schema.names()
        missing = MISSING_COLUMN.search(message)
        way = did_you_mean(missing[1], known, CHANGE) if missing else CHANGE
        return self._error(message, f"{way} `source` has: {', '.join(known)}", found)

    def _error(self, message: str, hint: str, found: str | None = None) -> InputError:
        found = " ".join((found or self._sql).split())[:FOUND]
        return InputError(Problem(f"datasets.{self._spec.name}.sql", message, "sql-error", hint, found))


def _row_wise_plan(plan: str) -> RowWisePlan | None:
    """A plan (JSON of DuckDB's `explain`) when it is row-wise; None when it is not."""
    nodes: list[dict[str, Any]] = list(orjson.loads(plan))
    conditions: list[str] = []
    names: set[str] = set()
    scans = 0
    while nodes:
        node = nodes.pop()
        names.add(node["name"])
        if node["name"] not in STEPS and node["name"] != SORT:
            return None
        scans += node["name"] == "PYTHON_ARROW_SCAN"
        about = node.get("extra_info") or {}
        conditions += [str(about.get(name, "")) for name in ("Expression", "Filters")]
        nodes += node.get("children", [])
    return RowWisePlan("\n".join(conditions), SORT in names, "UNNEST" in names) if scans == 1 else None


def _noted(batches: Iterator[pa.RecordBatch], failures: list[PenstockError]) -> Iterator[pa.RecordBatch]:
    """The batches; DuckDB and Arrow report an error in them with another message, so the original is stored here."""
    try:
        yield from batches
    except PenstockError as error:
        failures.append(error)
        raise


# ── columns that no record has yet ────────────────────────────────────────────


def with_missing_columns(
    result: Callable[[Schema], Rows], inner: Schema, unknown: UnknownColumns
) -> tuple[Rows, tuple[str, ...]]:
    """The result of the SQL over `inner` and the columns that it lacks, and the names of these.

    `result` returns the result over a schema. Raises `unknown`, which it raised for `inner`, where the SQL fails with
    columns of each type.
    """
    for kind in KINDS:
        names: list[str] = []
        while len(names) < bounds().columns:
            more = (Column(name, kind, nullable=True) for name in names)
            try:
                return result(replace(inner, columns=(*inner.columns, *more))), tuple(names)
            except UnknownColumns as error:
                words = error.problems[0].message
                found = MISSING_COLUMN.search(words) or EARLY_COLUMN.search(words)
                if found is None or found[1] in names:
                    break
                names.append(found[1])
    raise unknown
