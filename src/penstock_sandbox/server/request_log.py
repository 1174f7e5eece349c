"""The request log: what arrived, also when the connection was then cut."""

from collections import deque
from dataclasses import dataclass
from typing import Any

ENTRIES = 200_000
BODY_BYTES = 1_000_000
ALL_BODIES_BYTES = 256_000_000

RawHeaders = tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)
class LogEntry:
    """`status` is None while no reply was sent (still working, or the connection was cut)."""

    seq: int
    time: float
    method: str
    path: str
    query: str
    headers: RawHeaders
    body: bytes
    size: int
    status: int | None = None
    committed: bool = False
    fault: str | None = None
    error: str | None = None


class RequestLog:
    """The newest entries; bodies beyond 1 MB each, or 256 MB in all (oldest first), are let go."""

    def __init__(self) -> None:
        self.entries: deque[LogEntry] = deque(maxlen=ENTRIES)
        self.seq = 0
        self._held = 0
        self._with_body: deque[LogEntry] = deque()
        # Clients repeat their headers: equal sets are kept once.
        self._headers: dict[RawHeaders, RawHeaders] = {}

    def record(self, time: float, method: str, target: str, headers: RawHeaders, body: bytes) -> LogEntry:
        """Write one request down. `target` is the request line's, with its query."""
        self.seq += 1
        path, _, query = target.partition("?")
        if len(self._headers) > 5000:
            self._headers.clear()
        kept = self._headers.setdefault(headers, headers)
        entry = LogEntry(self.seq, time, method, path, query, kept, body[:BODY_BYTES], len(body))
        self.entries.append(entry)
        if body:
            self._hold(entry)
        return entry

    def since(self, seq: int, limit: int | None = None) -> list[LogEntry]:
        """The entries after `seq`, oldest first; with `limit`, only the newest so many."""
        wanted: list[LogEntry] = []
        for entry in reversed(self.entries):
            if entry.seq <= seq or (limit is not None and len(wanted) >= limit):
                break
            wanted.append(entry)
        return wanted[::-1]

    def clear(self) -> None:
        """Forget all entries. `seq` goes on, so that a reader's `since` stays true."""
        self.entries.clear()
        self._with_body.clear()
        self._held = 0

    def _hold(self, entry: LogEntry) -> None:
        self._with_body.append(entry)
        self._held += len(entry.body)
        while self._held > ALL_BODIES_BYTES or len(self._with_body) > ENTRIES:
            oldest = self._with_body.popleft()
            self._held -= len(oldest.body)
            oldest.body = b""


def as_json(entry: LogEntry) -> dict[str, Any]:
    """One log line; the key is never shown."""
    return {
        "seq": entry.seq,
        "time": entry.time,
        "method": entry.method,
        "path": entry.path,
        "query": entry.query,
        "headers": {name.decode("latin-1"): _shown(name, value) for name, value in entry.headers},
        "body": entry.body.decode("utf-8", errors="replace"),
        "size": entry.size,
        "status": entry.status,
        "committed": entry.committed,
        "fault": entry.fault,
        "error": entry.error,
    }


def _shown(name: bytes, value: bytes) -> str:
    return "[redacted]" if name.lower() == b"authorization" else value.decode("latin-1")
