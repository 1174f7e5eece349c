"""Settings of the service, alerts and their messages, counts that outlive what they were counted from."""

from alembic import op
from sqlalchemy import Column, Float, Integer, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "settings",
        Column("name", Text, primary_key=True),
        Column("document", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("by", Text, nullable=False),
    )
    op.create_table(
        "alerts",
        Column("id", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("since", Text, nullable=False),
        Column("over_at", Text),
        Column("told", Text),
        Column("told_at", Text),
    )
    op.create_table(
        "messages",
        Column("id", Text, primary_key=True),
        Column("channel", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("due", Float(53), nullable=False),
        Column("error", Text),
    )
    op.create_table(
        "tallies",
        Column("name", Text, primary_key=True),
        Column("labels", Text, primary_key=True),
        Column("value", Float(53), nullable=False),
    )
