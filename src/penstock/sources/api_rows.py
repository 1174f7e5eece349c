"""The objects of an API as rows, read page by page.

Every page is stored when it was read: several passes over the rows are one read of the API, and a read whose process
died, or that was interrupted, is continued by the next one.
"""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Protocol

import orjson

from penstock.model.outcome import Note
from penstock.model.settings_text import settings_text
from penstock.model.spec import ColumnType, CustifySource
from penstock.sources.typing.pieces import Caster, Judge, Piece, RowsLike, piece_of
from penstock.sources.typing.values import ValueJudge, value_caster

CONTINUED_S = 600.0  # after its last page, an unfinished read is not continued
OF_READING = ("read", "incomplete")  # actions of notes
FEW = 3  # pages from which the columns are found when not all records are read
CELLS = 1 << 16  # of a piece


@dataclass(frozen=True, slots=True)
class ApiPage:
    """Objects that no page before had. `place` is what the reader needs to continue after this page.

    `gap` is why objects may be missing up to here; `requests` and `seconds` are what a complete read takes.
    """

    objects: Sequence[Mapping[str, Any]]
    place: Mapping[str, Any]
    gap: str | None
    requests: int
    seconds: float


class ApiObjects(Protocol):
    """Reads the objects of a source from its API."""

    requests: int  # that were made so far

    def account(self) -> str:
        """What tells the account apart from others, without its key. Raises InputError."""
        ...

    def pages(self, places: Sequence[Mapping[str, Any]]) -> Iterator[ApiPage]:
        """The pages after those with these places. Raises InputError and EnvironmentFailure."""
        ...


class ApiRows:
    """The objects of a source. Their pages are stored in a file of `folder`, named for the source and the account.

    The file is used by one process at a time; others have their own.
    After the whole list was read, `gap` says why objects may be missing, and what was read does not change any more.
    """

    open_ended = True

    def __init__(self, source: CustifySource, api: ApiObjects, folder: Path, since: str = "") -> None:
        """A read that was interrupted continues only under the same `since`."""
        self._since = since
        self._source = source
        self._api = api
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._places: list[Mapping[str, Any]] = []
        self._last: ApiPage | None = None
        self._reading: Iterator[ApiPage] | None = None
        self._ended = False
        self._interrupted: list[bool] = []  # true if a page could not be read: the next read continues there
        self._names: dict[str, None] = {}
        self._released: Callable[[], object] = bool  # does nothing

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._api.requests

    @property
    def whole(self) -> tuple[int, float]:
        """How many requests and seconds a complete read takes, as far as known."""
        return (0, 0.0) if self._last is None else (self._last.requests, self._last.seconds)

    def names(self) -> list[str]:
        return list(self._names)

    def declared(self, _name: str) -> ColumnType | None:
        return None

    def judge(self, _name: str) -> Judge:
        return ValueJudge()

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return value_caster(name, kind, given=given)

    def notes(self) -> tuple[Note, ...]:
        """What a complete read takes where that is much, and why it is incomplete."""
        found: list[Note] = []
        requests, seconds = self.whole
        if self._source.object == "custom_data" and requests:
            time = "less than a minute" if seconds < 60 else f"{seconds / 60:,.1f} minutes"
            noun = "request" if requests == 1 else "requests"
            reason = f"a complete read takes about {requests:,} {noun} and {time}"
            found.append(Note(self._source.name, "read", reason))
        if self._last is not None and self._last.gap is not None:
            found.append(Note(self._source.name, "incomplete", self._last.gap))
        return tuple(found)

    def first(self) -> FirstPages:
        """The objects of the first pages."""
        return FirstPages(self)

    def pages(self) -> Iterator[ApiPage]:
        """The pages in their order, each read once."""
        return self._pages()

    def close(self) -> None:
        """Free the file: another read may use it, and continues there if this one was interrupted."""
        self._released()

    def pieces(self) -> Iterator[Piece]:
        for page in self._pages():
            yield from self.pieces_of(page)

    def first_pieces(self) -> Iterator[Piece]:
        """The rows of the first pages, of which no later one is read."""
        for number, page in enumerate(self._pages(), start=1):
            yield from self.pieces_of(page)
            if number == FEW:
                return

    def pieces_of(self, page: ApiPage) -> Iterator[Piece]:
        """The objects of a page in pieces of few cells."""
        left = list(page.objects)
        while left:
            names = len(set().union(*left))
            rows = max(1, CELLS // max(names, 1))
            yield piece_of([dict(each) for each in left[:rows]], self._names)
            left = left[rows:]

    # ── pages ────────────────────────────────────────────────────────────────

    def _pages(self) -> Iterator[ApiPage]:
        """The pages that were stored, then those that the API has after them."""
        file, at = self._store(), 0
        while True:
            file.seek(at)
            line = file.readline()
            if line:
                at = file.tell()
                yield _page(line)
            elif not self._read():
                return

    def _read(self) -> bool:
        """Read and store one more page; False when there is none."""
        if self._ended:
            return False
        reading = iter(self._api.pages(self._places)) if self._reading is None else self._reading
        self._reading = None  # after an exception, a later pass begins a new one
        self._interrupted[:] = [True]
        page = next(reading, None)
        self._interrupted.clear()
        if page is None:
            self._ended = True
            return False
        self._reading = reading
        self._add(page)
        file = self._store()
        file.seek(0, os.SEEK_END)
        file.write(_line(page))
        file.flush()
        return True

    def _add(self, page: ApiPage) -> None:
        self._places.append(page.place)
        self._last = page

    def _store(self) -> IO[bytes]:
        """The file of the pages, with what a process that died has stored in it."""
        if self._file is None:
            mark = f"{settings_text(self._source)} {self._api.account()}{self._since}"
            path = self._folder / f"{blake2b(mark.encode(), digest_size=12).hexdigest()}.pages"
            locked = _locked(path)
            self._file = _unnamed(self._folder) if locked is None else locked
            if locked is not None:
                self._released = weakref.finalize(self, _release, locked, path, self._interrupted)
            end = 0
            for line in self._file:
                if not line.endswith(b"\n"):
                    break  # the process died while it was written
                self._add(_page(line))
                end += len(line)
            self._file.truncate(end)
        return self._file


class FirstPages(RowsLike):
    """The rows of the first pages."""

    def __init__(self, rows: ApiRows) -> None:
        super().__init__(rows)
        self.pieces = rows.first_pieces


def _line(page: ApiPage) -> bytes:
    parts = [page.objects, page.place, page.gap, page.requests, page.seconds]
    return orjson.dumps(parts, option=orjson.OPT_APPEND_NEWLINE)


def _page(line: bytes) -> ApiPage:
    return ApiPage(*orjson.loads(line))


def _locked(path: Path) -> IO[bytes] | None:
    """The file, locked for this object; None while another one has it. What it has is removed if it is old."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_there = path.exists() and os.path.samestat(
            path.stat(), os.fstat(file.fileno())
        )  # else the one that had it has removed it
    except BlockingIOError:
        is_there = False
    if not is_there:
        file.close()
        return None
    if time.time() - os.fstat(file.fileno()).st_mtime > CONTINUED_S:
        file.truncate(0)
    return file


def _unnamed(folder: Path) -> IO[bytes]:
    """A file without a name, which ends with this object."""
    return TemporaryFile(dir=folder)


def _release(file: IO[bytes], path: Path, interrupted: Sequence[bool]) -> None:
    """What was read is not used again, unless the read was interrupted."""
    if not any(interrupted):
        with suppress(OSError):
            path.unlink()
    file.close()
