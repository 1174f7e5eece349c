"""The limits on data from outside. No other module reads the environment variables that set them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from penstock.model.errors import InputError, Problem

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,3})?) ?([a-z]{0,2})", re.ASCII | re.IGNORECASE)
COUNT = re.compile(r"[0-9]{1,15}", re.ASCII)
BYTES_OF_A_NODE = 20  # of a project file: 1 MB is 50,000 nodes
SMALLEST = 1000  # bytes: less is probably a mistake, such as a forgotten unit


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits on data from outside. Sizes are bytes after decompression.

    `cell`: bytes of one line, cell or value. `unpack_ratio`: decompressed bytes of an upload per byte. `post_records`:
    records in one webhook request. `record_names`: top-level names of one posted record. `columns`: columns of one
    input. `project_bytes` and `project_nodes`: bytes of a project file, and its keys and values.
    """

    cell: int = 16 * 10**6
    unpack_ratio: int = 200
    post_records: int = 10_000
    record_names: int = 2_000
    columns: int = 5_000
    project_bytes: int = 10**6
    project_nodes: int = 50_000


MAX_CELL = "PENSTOCK_MAX_CELL"
MAX_COLUMNS = "PENSTOCK_MAX_COLUMNS"
MAX_POST_RECORDS = "PENSTOCK_MAX_POST_RECORDS"
MAX_PROJECT = "PENSTOCK_MAX_PROJECT"
MAX_RECORD_NAMES = "PENSTOCK_MAX_RECORD_NAMES"
MAX_UNPACK_RATIO = "PENSTOCK_MAX_UNPACK_RATIO"
VARIABLES = frozenset({MAX_CELL, MAX_COLUMNS, MAX_POST_RECORDS, MAX_PROJECT, MAX_RECORD_NAMES, MAX_UNPACK_RATIO})


@cache
def bounds() -> Bounds:
    """The bounds of this process, read once from its environment. Raises InputError with every wrong variable."""
    return read_bounds(os.environ)


def read_bounds(environ: Mapping[str, str]) -> Bounds:
    """The bounds from these variables; unset and empty ones have defaults. Raises InputError with every wrong one."""
    problems: list[Problem] = []
    usual = Bounds()
    project = _size(environ, MAX_PROJECT, usual.project_bytes, problems)
    found = Bounds(
        cell=_size(environ, MAX_CELL, usual.cell, problems),
        unpack_ratio=_count(environ, MAX_UNPACK_RATIO, usual.unpack_ratio, problems),
        post_records=_count(environ, MAX_POST_RECORDS, usual.post_records, problems),
        record_names=_count(environ, MAX_RECORD_NAMES, usual.record_names, problems),
        columns=_count(environ, MAX_COLUMNS, usual.columns, problems),
        project_bytes=project,
        project_nodes=project // BYTES_OF_A_NODE,
    )
    if problems:
        raise InputError(*problems)
    return found


def in_megabytes(size: int) -> str:
    """A number of bytes as text, such as `16 MB`."""
    return f"{size / 10**6:g} MB" if size >= 10**5 else f"{size / 1000:g} kB"


def _size(environ: Mapping[str, str], name: str, usual: int, problems: list[Problem]) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return usual
    found = SIZE.fullmatch(text)
    if found is not None and (unit := UNITS.get(found[2].lower())) is not None:
        size = int(Decimal(found[1]) * unit)
        if size >= SMALLEST:
            return size
    hint = "write bytes, or a number with kB, MB or GB, such as 16MB; the minimum is 1 kB"
    problems.append(Problem(name, f"{name} is not a size", "wrong-value", hint, text[:40]))
    return usual


def _count(environ: Mapping[str, str], name: str, usual: int, problems: list[Problem]) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return usual
    if COUNT.fullmatch(text) and int(text) > 0:
        return int(text)
    hint = f"write a whole number of at least 1, such as {usual}"
    problems.append(Problem(name, f"{name} is not a whole number", "wrong-value", hint, text[:40]))
    return usual
