"""The memory of this process: how much it uses, and how it is returned to the system."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE")
MMAP_THRESHOLD, ARENA_MAX = -3, -8  # glibc's numbers for them in `mallopt`
LARGE = 256 * 1024  # bytes of a block that has its own mapping
GROWN = 32 * 1024 * 1024  # bytes by which the memory of a service may grow before it is given back
ARENAS = 2  # heaps that threads share: each retains what was freed in it


def resident() -> int:
    """The resident memory of this process in bytes; 0 where the system does not report it."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except OSError:
        return 0


def give_back() -> None:
    """Give memory that is not used back to the system: Arrow's, Python's and the allocator's."""
    gc.collect()
    if "pyarrow.lib" in sys.modules:  # not loaded in an idle service
        import pyarrow as pa  # noqa: PLC0415 - it is there already

        pa.default_memory_pool().release_unused()
    trim()


class Growth:
    """Whether this process uses more memory than it needs while idle."""

    def __init__(self, most: int = GROWN) -> None:
        """`most` is how many bytes above the idle value may be in use before memory is given back."""
        self._most = most
        self._at_rest = resident()

    def is_large(self) -> bool:
        """Whether memory should be given back."""
        now = resident()
        self._at_rest = min(self._at_rest, now)
        return now > self._at_rest + self._most

    def accept(self) -> None:
        """Use the present resident memory as the idle value from now on."""
        self._at_rest = resident()


def trim() -> None:
    """Return to the system what the allocator retains."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _library() -> Any:
    """The C library, where it has `malloc_trim`."""
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None


def map_large_blocks() -> None:
    """Let freed large blocks return to the system from now on; otherwise glibc retains up to 32 MB of each kind."""
    library = _library()
    if library is not None:
        library.mallopt(MMAP_THRESHOLD, LARGE)
        library.mallopt(ARENA_MAX, ARENAS)
