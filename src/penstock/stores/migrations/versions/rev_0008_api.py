"""What the REST API remembers: the whole answer of a credential's check, answers to repeated requests."""

from alembic import op
from sqlalchemy import Column, Float, Integer, LargeBinary, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("checks", Column("report", Text))
    op.create_table(
        "answers",
        Column("who", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("asked", Text, nullable=False),
        Column("status", Integer),
        Column("headers", Text),
        Column("sealed", LargeBinary),
        Column("until", Float(53), nullable=False),
    )
    op.create_index("answers_until", "answers", ["until"])
