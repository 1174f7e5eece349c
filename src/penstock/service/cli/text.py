"""The results of doctor, backup, restore, compact, prune and hooks as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from penstock.cli.text.words import amount, hint, safe_text, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from penstock.service.model import BackedUp, Compacted, Diagnosis, Erased, Pruned, RestoredState


LEVELS = {"wrong": ("wrong", "bold red"), "note": ("note ", "yellow")}

WAYS = ("header", "query", "basic")


def doctor_text(found: Diagnosis) -> Iterator[Text]:
    """Every finding with its fix, the versions, and how many problems there are."""
    for finding in found.findings:
        word, style = LEVELS[finding.level]
        about = f"{finding.about}: " if finding.about and finding.about not in finding.message else ""
        yield Text.assemble((word, style), "  ", (finding.check, "bold"), "  ") + safe_text(f"{about}{finding.message}")
        if finding.hint:
            yield Text("       ") + hint(finding.hint)
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    yield safe_text(f"{found.database or 'no state'} · {versions}", "dim")
    number = sum(finding.level == "wrong" for finding in found.findings)
    yield Text(f"{amount(number, 'problem')} found." if number else "No problems found.", "bold")


def backup_text(made: BackedUp) -> Iterator[str]:
    """What the backup contains, and what it does not."""
    yield f"Written to {made.file}: {made.bytes / 1e6:,.1f} MB, the state of {made.made_at}."
    if made.frozen:
        yield f"It contains the input of {amount(made.frozen, 'unfinished run')}."
    if made.uploads:
        yield f"It contains {amount(made.uploads, 'uploaded file')}."
    if made.with_key:
        yield "It contains the sealing key: anyone who can read this file can read the API keys."
    elif made.sealed:
        yield f"{amount(made.sealed, 'secret')} in it can only be read with the sealing key, which it does not contain."


def restore_text(done: RestoredState) -> Iterator[str]:
    """What was restored, and what to do next."""
    yield f"Restored the state of {done.made_at} to {done.database}."
    if done.replaced is not None:
        yield f"The previous state is in {done.replaced}. Remove it when you no longer need it."
    if done.key == "missing":
        yield (
            "The sealing key of the API keys is missing: put the old secret.key beside the state, set "
            "PENSTOCK_SECRET_KEY again, or run `penstock credential set NAME` for each credential."
        )
    if done.unfinished:
        yield f"Unfinished: {', '.join(done.unfinished)}. The next run of the same destination continues it."
    yield (
        f"It does not contain what was sent after {done.made_at}. The next run sends "
        + ("all upserts again" if done.resend_all else "upserts that differ again")
        + ", and marks records that must not be sent twice as unknown: see `penstock quarantine list`."
    )


def compact_text(done: Compacted) -> Iterator[str]:
    """The size of the state before and now."""
    was, now = done.before_bytes / 1e6, done.after_bytes / 1e6
    yield f"{was:,.1f} MB before, {now:,.1f} MB now."


def prune_text(pruned: Pruned) -> Iterator[str]:
    """What was removed, and what can be removed with options."""
    would = "would be removed" if pruned.dry_run else "removed"
    parts = [f"{number:,} {name.replace('_', ' ')}" for name, number in pruned.removed.items() if number]
    if pruned.frozen:
        parts.append(amount(len(pruned.frozen), "left-over input"))
    yield f"{', '.join(parts)} {would}." if parts else "No data is older than its retention period."
    for name in pruned.forgotten:
        yield f"The memory of {name} {'would be' if pruned.dry_run else 'is'} removed."
    for name, size in pruned.gone.items():
        what = amount(size, "key") if size else "Some data"
        remove = f"penstock prune --forget-destination {name}"
        yield f"{what} stored for {name}, which is not in the project. To remove: `{remove}`."
    if pruned.free_bytes > 1_000_000:
        yield f"{pruned.free_bytes / 1e6:,.0f} MB of the state are free; `penstock compact` returns them to the disk."


def hooks_text(found: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """One line per source, then the sources that have no key yet."""
    if not found:
        yield "There is no source with `type: webhook`."
        return
    rows = table("source", "URL", "authentication", "received", "last", right=["received"])
    for each in found:
        rows.add_row(each["source"], each["url"], _sender(each["auth"]), f"{each['received']:,}", each["last_at"] or "")
    yield rows
    for each in found:
        if each["auth"].get("has_secret") is False:
            yield f"{each['source']} has no key yet. `penstock hooks new-key {each['source']}` makes one."


def _sender(auth: Mapping[str, Any]) -> str:
    """The authentication of senders in a few words."""
    if auth["type"] == "none":
        return "none"
    if auth["type"] == "hmac":
        return "Standard Webhooks" if auth["scheme"] == "standard" else f"signature in {auth['header']}"
    return next(f"key by {way} {auth[way]}" for way in WAYS if way in auth)


FOUND = {
    "quarantine": ("record in quarantine", "records in quarantine"),
    "discarded": ("reason of a discarded version", "reasons of discarded versions"),
    "ledger": ("entry of the ledger", "entries of the ledger"),
    "requests": ("stored request with its reply", "stored requests with their replies"),
    "responses": ("reply that is a record of a source", "replies that are records of a source"),
    "samples": ("sample record of the dataset", "sample records of the dataset"),
    "posted": ("posted record", "posted records"),
    "links": ("link to a company that was sent", "links to companies that were sent"),
    "identities": ("identity that a mirror deletes by", "identities that a mirror deletes by"),
    "known_ids": ("id of Custify", "ids of Custify"),
    "comparisons": ("report that compares with Custify", "reports that compare with Custify"),
    "texts": ("text that quotes it, such as a note of a run", "texts that quote it, such as notes of runs"),
    "inputs": ("input of an ended run", "inputs of ended runs"),
    "exported": ("record of the exported ledger", "records of the exported ledger"),
}


def erased_text(found: Erased) -> Iterator[Text]:
    """What was found of a record and, if it is removed, what is left to do."""
    where = found.dataset or ", ".join(found.destinations) or "any dataset"
    if not found.found:
        yield Text(f"Nothing of this key is stored for {where}.")
        return
    yield Text(f"{'Erased' if found.erased else 'Found'} for {where} (key {found.key_hash}):")
    for name, number in found.found.items():
        one, several = FOUND[name]
        yield Text(f"  {number:>9,}  {one if number == 1 else several}")
    for note in found.notes:
        yield Text(note)
