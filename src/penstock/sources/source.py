"""A source of any type: its dataset, its rows, its database and its tables, opened from its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penstock.model.errors import InputError, Problem
from penstock.model.reach import PERSONAL, Reach
from penstock.model.spec import CustifySource, DatasetSpec, FileSource, Secret, SourceSpec, SqlSource, WebhookSource
from penstock.sources.api_rows import ApiObjects, ApiRows
from penstock.sources.databases.rows import SourceDatabase, SqlRows
from penstock.sources.databases.sqlite import SqliteDatabase
from penstock.sources.databases.url import SqlUrl
from penstock.sources.dataset import Dataset
from penstock.sources.files.formats import BY_NAME, FileFormat, file_format, options_without_use
from penstock.sources.files.source_files import ReachedFile, file_error, matching_files
from penstock.sources.pushed_rows import Pushed, PushedRows, ReplyRows, StoredReplies
from penstock.sources.typing.pieces import FirstRows, Rows

EMPTY = BY_NAME["ndjson"]  # reads files without a byte as 0 records, whatever format their names say
MOST = 500
QUERIES = {
    "sqlite": (
        "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' order by name"
    ),
    "postgresql": (
        "select case when table_schema = current_schema() then table_name else table_schema || '.' || table_name end "
        "from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') order by 1"
    ),
    "mysql": "select table_name from information_schema.tables where table_schema = database() order by table_name",
}
OTHER_NAMES = {"mariadb": "mysql"}


@dataclass(frozen=True, slots=True)
class Tools:
    """What sources need from the caller.

    `resolve` gives the text of a secret; `workspace` is a private folder that exists, for temporary files;
    `responses` gives the replies of a destination by its name, `pushed` the records of a webhook source, `objects` the
    objects of an account; `reach` says which files and hosts may be read.
    """

    resolve: Callable[[Secret], str]
    workspace: Path
    responses: Callable[[str], StoredReplies] | None = None
    pushed: Callable[[str], Pushed] | None = None
    reach: Reach = PERSONAL
    objects: Callable[[CustifySource], ApiObjects] | None = None


def open_dataset(spec: DatasetSpec, source: SourceSpec, tools: Tools) -> Dataset:
    """Open the source and look at its header. Raises InputError when a file or table is missing or not readable."""
    return Dataset(spec, source, _rows(source, tools, spec), tools.workspace, reach=tools.reach)


def open_first(spec: DatasetSpec, source: SourceSpec, tools: Tools, most: int, patience: float) -> Dataset:
    """The dataset as its source's first `most` rows make it; SQL over them may take `patience` seconds.

    Posted records are stored for a limited time, and read whole.
    """
    rows = _rows(source, tools, spec)
    first = rows if isinstance(rows, PushedRows) else FirstRows(rows, most)
    return Dataset(spec, source, first, tools.workspace, patience, tools.reach)


def open_database(source: SqlSource, resolve: Callable[[Secret], str], reach: Reach) -> SourceDatabase:
    """The database of a source, not queried yet. InputError when it is out of reach."""
    return _database(source, SqlUrl.of(source.url, resolve), reach)


def open_rows(source: SqlSource, resolve: Callable[[Secret], str], reach: Reach) -> SqlRows:
    """The rows of a database, none of them read yet. InputError when it is out of reach."""
    return SqlRows(source, open_database(source, resolve, reach))


def column_names(path: Path) -> list[str]:
    """The columns of one file that are known without reading its records; empty for a file that cannot be read.

    Of text in an unknown encoding only names in ASCII are returned.
    """
    for encoding in (None, "latin-1"):
        try:
            names = _file_rows(FileSource("data", path.name, path.parent, encoding=encoding), PERSONAL).names()
        except InputError:
            continue
        return [name for name in names if encoding is None or name.isascii()]
    return []


def _rows(source: SourceSpec, tools: Tools, spec: DatasetSpec) -> Rows:
    if isinstance(source, FileSource):
        return _file_rows(source, tools.reach)
    if isinstance(source, SqlSource):
        return open_rows(source, tools.resolve, tools.reach)
    if isinstance(source, WebhookSource):
        if tools.pushed is None:
            raise _not_here(source.name, "what was posted")
        return PushedRows(source, tools.pushed(source.name), spec)
    if isinstance(source, CustifySource):
        if tools.objects is None:
            raise _not_here(source.name, f"the {source.object} of {source.credential}")
        return ApiRows(source, tools.objects(source), tools.workspace / "frozen")
    if tools.responses is None:
        raise _not_here(source.name, f"the replies of {source.destination}")
    return ReplyRows(tools.responses(source.destination))


def _not_here(source: str, what: str) -> InputError:
    return InputError(Problem(f"sources.{source}", f"{what} cannot be read here", "no-replies"))


def _database(source: SqlSource, url: SqlUrl, reach: Reach) -> SourceDatabase:
    """The class for the kind of database in the URL; drivers are imported only when used."""
    if url.kind == "sqlite":
        return SqliteDatabase(source, url, reach)
    if url.kind == "postgresql":
        from penstock.sources.databases.postgres import PostgresDatabase  # noqa: PLC0415 - costs 0.1 s

        return PostgresDatabase(source, url, reach)
    from penstock.sources.databases.other import OtherDatabase  # noqa: PLC0415 - costs 0.2 s

    return OtherDatabase(source, url, reach)


def _file_rows(source: FileSource, reach: Reach) -> Rows:
    files = matching_files(source, reach)
    source = ReachedFile.of(source, reach)
    formats = {path: file_format(source, path) for path in files}
    filled = {path: kind for path, kind in formats.items() if path.stat().st_size}
    kinds = {kind.name for kind in filled.values() or formats.values()}
    if len(kinds) > 1:
        found = ", ".join(sorted(kinds))
        message = f"{source.path} matches files of several formats: {found}"
        raise file_error(source, message, "mixed-formats", found=found, hint="narrow the pattern, or write format:")
    kind = BY_NAME[kinds.pop()]
    _check_keys(source, kind)
    if kind.is_text:
        return kind.read(source, files)
    return kind.read(source, list(filled)) if filled else EMPTY.read(source, files)


def _check_keys(source: FileSource, kind: FileFormat) -> None:
    """InputError for keys that have no meaning for files of this format: they would be ignored without a message."""
    own = FileSource(source.name, source.path, source.base)
    given = [key for key in options_without_use(kind) if getattr(source, key) != getattr(own, key)]
    if given:
        hint = "remove it" if len(given) == 1 else "remove them"
        message = f"{', '.join(given)}: no meaning for {source.path}, which is read as {kind.name}"
        raise file_error(source, message, "key-not-here", found=given[0], hint=f"{hint}, or write the right format")


def tables(source: SqlSource, resolve: Callable[[Secret], str], reach: Reach) -> tuple[str, ...] | None:
    """The names of its tables and views; None where it cannot list them. Raises when it cannot be reached."""
    kind = SqlUrl.of(source.url, resolve).kind
    query = QUERIES.get(OTHER_NAMES.get(kind, kind))
    database = open_database(source, resolve, reach)
    if query is None:
        return None
    try:
        found = [str(row[0]) for rows in database.rows(query, ()) for row in rows]
    except InputError as error:
        if any(problem.code != "sql-error" for problem in error.problems):
            raise
        return None
    return tuple(found[:MOST])
