"""Decompresses replies up to a limit, because a small reply can contain gigabytes of zeros. Pure."""

from __future__ import annotations

import zlib

GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
BARE = -zlib.MAX_WBITS  # some servers send `deflate` without its wrapper


def unpack(body: bytes, encoding: str, limit: int) -> tuple[bytes, bool]:
    """The decompressed body, and whether it is complete. Returns a body that cannot be decompressed as it is."""
    whole = True
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        if name not in {"gzip", "x-gzip", "deflate"}:
            continue
        body, complete = _inflate(body, limit)
        whole = whole and complete
    return body, whole


def _inflate(body: bytes, limit: int) -> tuple[bytes, bool]:
    for wbits in (GZIP_OR_ZLIB, BARE):
        try:
            return _members(body, wbits, limit)
        except zlib.error:
            continue
    return body, False


def _members(body: bytes, wbits: int, limit: int) -> tuple[bytes, bool]:
    """All members of a gzip file; False if the limit was reached or the data ends early."""
    parts: list[bytes] = []
    size = 0
    while body:
        inflater = zlib.decompressobj(wbits)
        part = inflater.decompress(body, limit - size + 1)
        parts.append(part)
        size += len(part)
        if size > limit:
            return b"".join(parts)[:limit], False
        if not inflater.eof:
            return b"".join(parts), False
        body = inflater.unused_data
    return b"".join(parts), True
