"""What a new run takes over from the last run of its destination: its place in the input, and its frozen input.

The mode `all` remembers nothing of what it has sent. So a run behind one that was stopped, and a run with `--limit`
behind another one, begins where that one ended, as long as the input is the same.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from penstock.model.outcome import Note
from penstock.model.record import Schema
from penstock.model.spec import Mode
from penstock.run.context import Context
from penstock.run.preparation.cursor_reading import CursorReading
from penstock.run.preparation.datasets import settings_of
from penstock.run.preparation.prepare import Prepared
from penstock.store.runs import frozen_inputs
from penstock.store.runs.runs import RunRow

GONE_INPUT = "the input of the last run with a limit is gone or has changed: begins at the first record"


def is_followed(prepared: Prepared, before: RunRow, limit: int | None, reading: CursorReading | None) -> bool:
    """Whether a new run begins behind the records of the last one, `before`.

    It does in the mode `all` after a run that was stopped, and with a limit also after a run with a limit, unless it
    was requested to begin elsewhere. A file that is written whole begins at the first record.
    """
    elsewhere = reading is not None and reading.begins_at is not None
    if prepared.mode is not Mode.ALL or _is_whole(prepared) or elsewhere or before.counts.read == before.counts.unsent:
        return False
    stopped = before.status == "failed" or (before.status == "interrupted" and limit is not None)
    return stopped or (before.limited and limit is not None)


def may_be_followed(prepared: Prepared, run: RunRow) -> bool:
    """Whether a later run with a limit may begin behind the records of this one."""
    return prepared.mode is Mode.ALL and run.limited and not _is_whole(prepared)


def _is_whole(prepared: Prepared) -> bool:
    return prepared.is_file and not prepared.spec.append


def with_frozen_input(ctx: Context, run: RunRow) -> RunRow:
    """The run with its frozen input on this machine; fetched from the database if another machine froze it."""
    if run.frozen is None or Path(run.frozen).exists():
        return run
    path = ctx.folder / "frozen" / f"{run.id}.arrow"
    return replace(run, frozen=str(path)) if frozen_inputs.fetch_frozen_input(ctx.database, run.id, path) else run


def same_input(prepared: Prepared, before: RunRow) -> bool:
    """Whether the input of the last run can be read again: the same files, or a frozen input of the same dataset."""
    if before.frozen is None:
        return before.input_identity is not None and before.input_identity == prepared.data.dataset.identity()
    return Path(before.frozen).exists() and before.input_identity in (None, frozen_identity(prepared))


def frozen_identity(prepared: Prepared) -> str:
    """A text that changes with the settings that decide what is in a frozen input."""
    source = prepared.data.dataset.source
    return _digest(settings_of(prepared.data.spec, source), prepared.data.schema)


def _digest(settings: str, schema: Schema) -> str:
    columns = [(column.name, column.type) for column in schema.columns]
    return blake2b(f"{settings} {columns}".encode(), digest_size=12).hexdigest()


def place_notes(before: RunRow, run: RunRow, *, followed: bool) -> tuple[Note, ...]:
    """What to say about the place at which a run with a limit begins behind the last one."""
    if not run.limited:
        return ()
    behind = f"begins behind the records that {before.id} and the runs before it have sent: the mode is all"
    return (Note("limit", "read", behind if followed else GONE_INPUT),)  # a note about reading
