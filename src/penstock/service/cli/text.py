"""The results of doctor, backup, restore, compaction and pruning, and webhook sources, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from penstock.cli.text.words import amount, hint, safe_text, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from penstock.service.model import BackedUp, Compacted, Diagnosis, Pruned, RestoredState


LEVELS = {"wrong": ("wrong", "bold red"), "note": ("note ", "yellow")}

WAYS = ("header", "query", "basic")


def doctor_text(found: Diagnosis) -> Iterator[Text]:
    """Every finding with what to do about it, and how many checks found nothing."""
    for finding in found.findings:
        word, style = LEVELS[finding.level]
        about = f"{finding.about}: " if finding.about and finding.about not in finding.message else ""
        yield Text.assemble((word, style), "  ", (finding.check, "bold"), "  ") + safe_text(f"{about}{finding.message}")
        if finding.hint:
            yield Text("       ") + hint(finding.hint)
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    yield safe_text(f"{found.database or 'no state'} · {versions}", "dim")
    number = sum(finding.level == "wrong" for finding in found.findings)
    yield Text(f"{amount(number, 'thing is', 'things are')} wrong." if number else "Nothing is wrong.", "bold")


def backup_text(made: BackedUp) -> Iterator[str]:
    """What is in the backup, and what is not."""
    yield f"Written to {made.file}: {made.bytes / 1e6:,.1f} MB, the state of {made.made_at}."
    if made.frozen:
        yield f"With the input of {amount(made.frozen, 'unfinished run')}."
    if made.uploads:
        yield f"With {amount(made.uploads, 'uploaded file')}."
    if made.with_key:
        yield "The sealing key is inside: whoever can read this file can read the API keys."
    elif made.sealed:
        yield f"{amount(made.sealed, 'secret')} in it can only be opened with the sealing key, which is not inside."


def restore_text(done: RestoredState) -> Iterator[str]:
    """What stands there now, and what is to be done next."""
    yield f"Restored the state of {done.made_at} to {done.database}."
    if done.replaced is not None:
        yield f"What was there is kept in {done.replaced}: remove it when it is not needed any more."
    if done.key == "missing":
        yield (
            "Nothing here opens the sealed API keys: put the old secret.key beside the state, or give back "
            "PENSTOCK_SECRET_KEY, or run `penstock credential set NAME` again."
        )
    if done.unfinished:
        yield f"Not finished yet: {', '.join(done.unfinished)}; the next run of the same destination goes on with it."
    yield (
        f"What was sent after {done.made_at} is not known to it. Upserts "
        + ("are all sent once more" if done.resend_all else "that differ are sent again")
        + "; requests that must not be sent twice are held as unknown by the next run: see `penstock quarantine list`."
    )


def compact_text(done: Compacted) -> Iterator[str]:
    """How large the state was and is."""
    was, now = done.before_bytes / 1e6, done.after_bytes / 1e6
    yield f"{was:,.1f} MB before, {now:,.1f} MB now."


def prune_text(pruned: Pruned) -> Iterator[str]:
    """What was removed, and what only a person may remove."""
    would = "would be removed" if pruned.dry_run else "removed"
    parts = [f"{number:,} of {name.replace('_', ' ')}" for name, number in pruned.removed.items() if number]
    if pruned.frozen:
        parts.append(amount(len(pruned.frozen), "left-over input"))
    yield f"{', '.join(parts)} {would}." if parts else "Nothing is older than the retention says."
    for name in pruned.forgotten:
        yield f"What {name} has sent is {'to be ' if pruned.dry_run else ''}forgotten."
    for name, size in pruned.gone.items():
        what = amount(size, "key") if size else "something"
        yield f"{what} remembered of {name}, which is not in the project: `penstock prune --forget-destination {name}`."
    if pruned.free_bytes > 1_000_000:
        yield f"{pruned.free_bytes / 1e6:,.0f} MB inside the state to reuse; `penstock compact` gives them back."


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
