"""The memory of what was delivered, with a million keys: load, compare, remember, bytes a key.

python benchmarks/memory_store.py [keys]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from penstock.store.database import Database
from penstock.store.memory import Memory, key_hashes

CHUNK = 16_384
COMMIT = 500


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(total: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/state.db")
        started = time.perf_counter()
        hashes = np.concatenate(
            [key_hashes([f"customer-{n}" for n in range(a, min(a + CHUNK, total))]) for a in range(0, total, CHUNK)]
        )
        line("hash the keys", started, total)
        words = np.random.default_rng(7).integers(1, 2**63, size=(2, total)).astype(np.uint64)

        started = time.perf_counter()
        before = peak_mb()
        with database.read() as conn:
            memory = Memory.load(conn, "people", "v1")
        for start in range(0, total, CHUNK):
            part = slice(start, start + CHUNK)
            with database.begin() as conn:
                memory.remember(conn, hashes[part], words[0][part], words[1][part])
        line(f"remember, {CHUNK} a commit", started, total)
        print(f"  {memory.nbytes / total:.0f} bytes a key, {(peak_mb() - before) * 2**20 / total:.0f} at the peak")
        size = sum(path.stat().st_size for path in Path(folder).glob("state.db"))
        print(f"  {size / total:.0f} bytes a key on disk")

        started = time.perf_counter()
        with database.read() as conn:
            memory = Memory.load(conn, "people", "v1")
        line("load", started, total)

        started = time.perf_counter()
        same = sum(
            int(memory.same_input(hashes[start : start + CHUNK], words[1][start : start + CHUNK]).sum())
            for start in range(0, total, CHUNK)
        )
        line(f"compare, {CHUNK} at a time", started, total)
        assert same == total

        some = np.random.default_rng(8).permutation(total)[: total // 100]
        started = time.perf_counter()
        for start in range(0, len(some), COMMIT):
            few = some[start : start + COMMIT]
            with database.begin() as conn:
                memory.remember(conn, hashes[few], words[0][few] + np.uint64(1), words[1][few])
        line(f"remember 1 % changed, {COMMIT} a commit", started, len(some))
        database.close()


def line(what: str, started: float, rows: int) -> None:
    took = time.perf_counter() - started
    print(f"{what:40} {took:7.3f} s {took / rows * 1e6:7.3f} µs a key")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
