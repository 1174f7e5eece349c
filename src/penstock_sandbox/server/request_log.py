"""The log of received requests, including those whose connection was cut."""

from collections import deque
from dataclasses import dataclass
from typing import Any

ENTRIES = 200_000
BODY_BYTES = 1_000_000
ALL_BODIES_BYTES = 256_000_000

RawHeaders = tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)
class LogEntry:
    """A received request; `status` is None if no reply was sent (yet, or because the connection was cut)."""

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
    """The newest entries. Bodies are cut at 1 MB; beyond 256 MB in total, the oldest are dropped."""

    def __init__(self) -> None:
        self.entries: deque[LogEntry] = deque(maxlen=ENTRIES)
        self.seq = 0
        self._body_bytes = 0
        self._with_body: deque[LogEntry] = deque()
        # Clients repeat their headers: equal sets are stored once.
        self._headers: dict[RawHeaders, RawHeaders] = {}

    def record(self, time: float, method: str, target: str, headers: RawHeaders, body: bytes) -> LogEntry:
        """Add a request. `target` is that of the request line, with the query."""
        self.seq += 1
        path, _, query = target.partition("?")
        if len(self._headers) > 5000:
            self._headers.clear()
        kept = self._headers.setdefault(headers, headers)
        entry = LogEntry(self.seq, time, method, path, query, kept, body[:BODY_BYTES], len(body))
        self.entries.append(entry)
        if body:
            self._store_body(entry)
        return entry

    def since(self, seq: int, limit: int | None = None) -> list[LogEntry]:
        """The entries after `seq`, oldest first; with `limit`, only the newest ones."""
        wanted: list[LogEntry] = []
        for entry in reversed(self.entries):
            if entry.seq <= seq or (limit is not None and len(wanted) >= limit):
                break
            wanted.append(entry)
        return wanted[::-1]

    def clear(self) -> None:
        """Delete all entries. `seq` is not reset, so that the `since` of readers stays valid."""
        self.entries.clear()
        self._with_body.clear()
        self._body_bytes = 0

    def _store_body(self, entry: LogEntry) -> None:
        self._with_body.append(entry)
        self._body_bytes += len(entry.body)
        while self._body_bytes > ALL_BODIES_BYTES or len(self._with_body) > ENTRIES:
            oldest = self._with_body.popleft()
            self._body_bytes -= len(oldest.body)
            oldest.body = b""


def as_json(entry: LogEntry) -> dict[str, Any]:
    """An entry as JSON, with the API key redacted."""
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
