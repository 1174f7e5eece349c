"""What mirrors, comparisons with Custify, limited runs and backfills that give way to live runs store.

`reconciliations` has the last report of each destination, `sent_values` what was last delivered of the fields that are
sent only where Custify still has it, `written_files` what runs of file destinations have written beside the finished
file.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, Text

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        Column("destination", Text, primary_key=True),
        Column("at", Text, nullable=False),
        Column("run", Text),
        Column("report", Text, nullable=False),
    )
    op.create_table(
        "sent_values",
        Column("destination", Text, primary_key=True),
        Column("field", Text, primary_key=True),
        Column("identity", LargeBinary, primary_key=True),
        Column("value", BigInteger, nullable=False),
    )
    op.create_table(
        "written_files",
        Column("destination", Text, primary_key=True),
        Column("run", Text, nullable=False),
        Column("path", Text, nullable=False),
        Column("append", Boolean, nullable=False),
        Column("bytes", BigInteger, nullable=False),
        Column("complete", Boolean, nullable=False),
    )
