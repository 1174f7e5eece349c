"""What the run of a file destination has written so far, so that another process continues where this one died."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, insert, select

from penstock.store.tables import written_files


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """The unfinished file of a run. `path` is that of the finished file.

    The first `bytes` of the unfinished one hold the records that have an outcome. `complete`: it is put in place of the
    finished file, or has been.
    """

    destination: str
    run: str
    path: str
    append: bool
    bytes: int
    complete: bool = False


def written_file(conn: Connection, destination: str) -> WrittenFile | None:
    """The unfinished file of a destination."""
    row = conn.execute(select(written_files).where(written_files.c.destination == destination)).mappings().first()
    return None if row is None else WrittenFile(**row)


def put_written_file(conn: Connection, file: WrittenFile) -> None:
    """Store what has been written; a destination has one unfinished file."""
    forget_written_file(conn, file.destination)
    conn.execute(insert(written_files).values(**asdict(file)))


def forget_written_file(conn: Connection, destination: str) -> None:
    """The destination has no unfinished file."""
    conn.execute(delete(written_files).where(written_files.c.destination == destination))
