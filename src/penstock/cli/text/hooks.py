"""Webhook sources as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from penstock.cli.text.words import table

if TYPE_CHECKING:
    from rich.console import RenderableType

WAYS = ("header", "query", "basic")


def hooks_text(found: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """One line a source; what still needs a key says so."""
    if not found:
        yield "No source is `type: webhook`."
        return
    rows = table("source", "address", "sender", "received", "last", right=["received"])
    for each in found:
        rows.add_row(each["source"], each["url"], _sender(each["auth"]), f"{each['received']:,}", each["last_at"] or "")
    yield rows
    for each in found:
        if each["auth"].get("has_secret") is False:
            yield f"Nobody can post to {each['source']} yet: `penstock hooks new-key {each['source']}` makes its key."


def _sender(auth: Mapping[str, Any]) -> str:
    """How who posts proves itself, in a few words."""
    if auth["type"] == "none":
        return "everybody"
    if auth["type"] == "hmac":
        return "Standard Webhooks" if auth["scheme"] == "standard" else f"signature in {auth['header']}"
    return next(f"key by {way} {auth[way]}" for way in WAYS if way in auth)
