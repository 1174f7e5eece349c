"""Discards of many records, which are done in the background."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "discards",
        Column("id", Text, primary_key=True),
        Column("which", Text, nullable=False),
        Column("up_to", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("asked_by", Text, nullable=False),
        Column("asked_at", Text, nullable=False),
        Column("total", Integer, nullable=False),
        Column("done", Integer, nullable=False),
        Column("ended_at", Text),
    )
