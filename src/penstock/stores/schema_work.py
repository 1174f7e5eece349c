"""Tables of what is to be run, by whom, and when."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from penstock.stores.schema import metadata

work = Table(
    "work",
    metadata,
    Column("run", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("lane", Text, nullable=False),  # the credential: so many runs of one at a time
    Column("trigger", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("state", Text, nullable=False),  # queued → handed → running → ended
    Column("attempt", Integer, nullable=False),  # grows whenever it is handed out; older tickets are void
    Column("version", Text),  # of the Penstock that handed it out
    Column("worker", Text),  # who has it
    Column("stop", Text),  # why it shall stop: cancel
    Column("stop_by", Text),
    Column("not_before", Text),
    Column("payload", Text),  # JSON: which held records a resend sends
    Column("progress", Text),  # JSON
    Index("work_by_state", "state", "asked_at"),
    Index("work_of_target", "target", "kind", "state"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("place", Text, nullable=False),  # process and machine, for people
    Column("since", Text, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("flow", Text, primary_key=True),
    Column("paused", Boolean, nullable=False),
    Column("by", Text),
    Column("at", Text),
    Column("rule", Text),  # the schedule and its zone as they were when `done` was written
    Column("done", Text),  # every moment until then is dealt with
    Column("seen", Text),  # what the data was when it was last run for
)

ticks = Table(
    "ticks",
    metadata,
    Column("flow", Text, primary_key=True),
    Column("due", Text, primary_key=True),
    Column("missed", Integer, nullable=False),  # earlier moments that this one stands for
    Column("run", Text),  # null: its turn has not come
    Index("ticks_waiting", "run", "flow"),
)

exchanges = Table(
    "exchanges",
    metadata,
    Column("run", Text, primary_key=True),
    Column("delivery", BigInteger, primary_key=True),
    Column("request", Text, nullable=False),  # JSON
    Column("reply", Text),  # JSON
)

frozen_parts = Table(
    "frozen_parts",
    metadata,
    Column("run", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)
