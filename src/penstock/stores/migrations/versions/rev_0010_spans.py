"""What was sent is added up by parts of time, so that figures of a month need not read its ledger; the newest run of a
target is found by an index alone.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "span_parts",
        Column("minutes", Integer, primary_key=True, autoincrement=False),
        Column("at", Text, primary_key=True),
        Column("destination", Text, primary_key=True),
        Column("word", Text, primary_key=True),
        Column("number", BigInteger, nullable=False),
    )
    op.drop_index("runs_of_target", "runs")
    op.create_index("runs_of_target", "runs", ["target", "kind", "started_at", "id"])
