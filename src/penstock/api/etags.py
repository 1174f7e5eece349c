"""ETags: who changes something changes what they have read, or is told that it was changed meanwhile (412)."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import Header, Response

from penstock.model.errors import ConflictError, Problem

IfNoneMatch = Annotated[str | None, Header(description="The etag of what is known: 304 while it is still so.")]
IfMatch = Annotated[str | None, Header(description="The etag that was read: a newer one answers 412.")]


def etag_of(document: Any) -> str:
    """The ETag of what a person sees."""
    return sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def tell(response: Response, document: Any) -> None:
    """Say the ETag with the answer."""
    response.headers["ETag"] = f'"{etag_of(document)}"'


def bare(if_match: str | None) -> str | None:
    """The etag that is meant; None for whatever is there."""
    found = None if if_match is None else if_match.strip().removeprefix("W/").strip('"')
    return None if found == "*" else found


def require(if_match: str | None, document: Any, what: str) -> None:
    """ConflictError when what is there now is not what was read. To be called where nobody writes meanwhile."""
    if bare(if_match) not in {None, etag_of(document)}:
        hint = "read it again, then write"
        raise ConflictError(Problem("If-Match", f"{what} was changed meanwhile", "changed-meanwhile", hint))
