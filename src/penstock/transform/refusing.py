"""How a rule says no."""

from __future__ import annotations

from dataclasses import replace

from penstock.model.outcome import Refusal

SHOWN = 80  # characters of a value that a refusal quotes


def refuse(rule: str, value: object, reason: str, accepted: str) -> Refusal:
    """A refusal that quotes the value, shortened; the field is filled in by whoever knows it."""
    return Refusal(rule, reason, value=shown(value), accepted=accepted)


def named(refusal: Refusal, field: str) -> Refusal:
    """The refusal with its field, and a reason that begins with it."""
    if refusal.field is not None:
        return refusal
    found = "" if refusal.value is None else f" {refusal.value!r}"
    accepted = "" if refusal.accepted is None else f"; accepted: {refusal.accepted}"
    reason = f"{field}:{found} {refusal.reason}{accepted}"
    return replace(refusal, field=field, reason=reason, finding=refusal.reason)


def shown(value: object) -> str:
    """A value as a person reads it, at most 80 characters, never one that cannot be printed."""
    text = value if isinstance(value, str) else _text(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return repr(value)[:1000]
    except (ValueError, RecursionError):  # an integer or nesting beyond what Python prints
        return f"({type(value).__name__})"
