"""What is to be run, and by whom: the queue, its workers, schedules."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "work",
        Column("run", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("lane", Text, nullable=False),
        Column("trigger", Text, nullable=False),
        Column("asked_by", Text, nullable=False),
        Column("asked_at", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("version", Text),
        Column("worker", Text),
        Column("stop", Text),
        Column("stop_by", Text),
        Column("not_before", Text),
        Column("payload", Text),
        Column("progress", Text),
        Index("work_by_state", "state", "asked_at"),
        Index("work_of_target", "target", "kind", "state"),
    )
    op.create_table(
        "workers",
        Column("id", Text, primary_key=True),
        Column("version", Text, nullable=False),
        Column("place", Text, nullable=False),
        Column("since", Text, nullable=False),
    )
    op.create_table(
        "schedules",
        Column("flow", Text, primary_key=True),
        Column("paused", Boolean, nullable=False),
        Column("by", Text),
        Column("at", Text),
        Column("rule", Text),
        Column("done", Text),
        Column("seen", Text),
    )
    op.create_table(
        "ticks",
        Column("flow", Text, primary_key=True),
        Column("due", Text, primary_key=True),
        Column("missed", Integer, nullable=False),
        Column("run", Text),
        Index("ticks_waiting", "run", "flow"),
    )
    op.create_table(
        "exchanges",
        Column("run", Text, primary_key=True),
        Column("delivery", BigInteger, primary_key=True),
        Column("request", Text, nullable=False),
        Column("reply", Text),
    )
    op.create_table(
        "frozen_parts",
        Column("run", Text, primary_key=True),
        Column("part", Integer, primary_key=True),
        Column("bytes", LargeBinary, nullable=False),
    )
