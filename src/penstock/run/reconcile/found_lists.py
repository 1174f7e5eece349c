"""Lists of what a comparison found, which are read from files: a report may have millions of entries."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import Generic, TypeVar, overload

from penstock.model.reconciliation import Difference
from penstock.model.record import Key
from penstock.model.reports import as_json
from penstock.run.reconcile.comparison import FieldDifference

T = TypeVar("T")


class LazyList(Sequence[T], Generic[T]):
    """A list whose entries `read` makes from the places of them."""

    def __init__(self, places: array[int], read: Callable[[int], T]) -> None:
        self._places, self._read = places, read

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> list[T]: ...

    def __getitem__(self, number: int | slice) -> T | list[T]:
        if isinstance(number, slice):
            return [self._read(place) for place in self._places[number]]
        return self._read(self._places[number])

    def __iter__(self) -> Iterator[T]:
        return map(self._read, self._places)


class DifferencesFile:
    """Differences in a file without a name."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - it ends with this object

    def add(self, key: Key, found: FieldDifference) -> int:
        """Add one more; returns its place."""
        place = self._file.seek(0, 2)
        self._file.write(f"{json.dumps([as_json(key), *found])}\n".encode())
        return place

    def read(self, place: int) -> Difference:
        """The difference at this place."""
        self._file.seek(place)
        key, *found = json.loads(self._file.readline())
        return Difference(tuple(key) if isinstance(key, list) else key, *found)
