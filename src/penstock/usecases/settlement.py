"""Use-cases on records in quarantine that need the settings of their destination: preview, typed edits, settle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock.clock import iso
from penstock.model.errors import CredentialRefused, EnvironmentFailure, HostUnreachable, InputError, Problem
from penstock.model.outcome import Outcome
from penstock.model.reports import Preview, SettleReport
from penstock.model.runs import RunReport, settled
from penstock.model.spec import DestinationSpec
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.run.preparation.datasets import chunks_of, known_dataset, resent_record
from penstock.run.preparation.prepare import Prepared, prepare
from penstock.run.reconcile.unchanged_fields import value_hashes
from penstock.run.settling.sent_records import found_note, sent_object
from penstock.sources.pushed_rows import SQL_RULE
from penstock.sources.typing.exact_json import read_record
from penstock.store.memory import Memory, put_sent_values
from penstock.store.quarantine import QuarantineRow
from penstock.store.sent_notes import add_sent_notes
from penstock.store.unknown_records import release_resent
from penstock.usecases.preview import preview_of_chunks
from penstock.usecases.quarantine import chosen, entry_of

STOPS: Mapping[str | None, type[EnvironmentFailure]] = {"credential": CredentialRefused, "unreachable": HostUnreachable}


def preview_of(ctx: Context, name: str) -> Preview:
    """The requests that a resend of this record in quarantine would make."""
    held = chosen(ctx, [name], cause=None, everything=False)
    prepared = prepare(ctx, ctx.destination(held[0].destination))
    return preview_of_chunks(prepared, chunks_of(prepared.data, held), None, 1)


def typed_changes(ctx: Context, name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of `--set column=text` by the column's type: text, dates and timestamps are text, others JSON."""
    with ctx.database.read() as conn:
        held = entry_of(conn, name)
    spec = ctx.destination(held.destination)
    schema = known_dataset(ctx, spec.dataset).schema
    if held.rule == SQL_RULE and schema.source is not None:
        schema = schema.source
    values: dict[str, Any] = {}
    for path, text in texts.items():
        column = schema.column(path) or schema.column(path.split(".")[0])
        if column is None:
            have = ", ".join(schema.names())
            raise InputError(Problem(path, f"there is no column {path}", "unknown-column", f"columns: {have}", path))
        if column.type in ("text", "date", "timestamp"):
            values[path] = text
            continue
        try:
            values[path] = read_record(text)
        except ValueError:
            values[path] = text  # rendering refuses it, and names what is accepted
    return values


def can_be_read_back(ctx: Context, spec: DestinationSpec) -> bool:
    """Whether what a destination has sent can be read back: by the native API, or by the recipe of a request."""
    if spec.request is not None and spec.request.settle is not None:
        return True
    return connection.address(ctx, connection.credential_spec(ctx, spec.credential)).dialect == "native"


def require_reads(ctx: Context, spec: DestinationSpec) -> None:
    """InputError when nothing that the destination sends can be read back, because the flat API publishes no reads."""
    if can_be_read_back(ctx, spec):
        return
    path, dialect = f"credentials.{spec.credential}.dialect", "flat"
    message = "the flat API publishes no reads: what arrived can be read back only from the native API"
    hint = "use a credential with `dialect: native`"
    if spec.request is not None:
        hint += ", or write `settle: {url, found}` in the request"
    raise InputError(ctx.problem(path, message, "no-reads", hint=hint, found=dialect))


def settle_report(run: RunReport) -> SettleReport:
    """What a run of the kind `settle` found and did.

    Raises CredentialRefused or HostUnreachable when that stopped it; then the records stay unknown.
    """
    if run.stopped_by in STOPS and run.errors:
        raise STOPS[run.stopped_by](*run.errors)
    return settled(run)


def settle(ctx: Context, name: str, *, delivered: bool) -> None:
    """Remember an unknown record as sent. Raises InputError unless it is unknown and `delivered` is true."""
    if not delivered:
        message = "--delivered is missing"
        hint = "write --delivered if the record arrived; else resend or discard it"
        raise InputError(Problem("quarantine", message, "settle-how", hint))
    held = chosen(ctx, [name], cause=None, everything=False)[0]
    _settle_delivered(ctx, prepare(ctx, ctx.destination(held.destination)), held)


def _settle_delivered(ctx: Context, prepared: Prepared, held: QuarantineRow) -> None:
    """Remember the content as sent, and release the record from quarantine."""
    if held.outcome is not Outcome.UNKNOWN:
        message = f"{held.id} is {held.outcome}, not unknown: only unknown records can be settled"
        raise InputError(
            Problem("quarantine", message, "not-unknown", "resend or discard the record", found=held.outcome)
        )
    with ctx.database.begin() as conn:
        if held.content is not None and held.key is not None and prepared.policy.compares:
            memory = Memory.load(conn, held.destination, prepared.fingerprints)
            hashes = np.array([held.key_hash], dtype=np.uint64)
            contents = np.array([held.content], dtype=np.uint64)
            memory.remember(conn, hashes, contents, np.zeros(1, dtype=np.uint64))
            unchanged = prepared.compiled.unchanged
            sent = sent_object(prepared, held) if unchanged else None
            if sent is not None:
                put_sent_values(conn, held.destination, value_hashes(held.key_hash, sent, unchanged))
        note = found_note(prepared, held, None)
        if note is not None:
            add_sent_notes(conn, [note])
        release_resent(conn, held.run, [resent_record(held)], iso(ctx.clock.now()))
