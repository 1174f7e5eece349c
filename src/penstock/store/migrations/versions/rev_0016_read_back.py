"""What is needed to read back records without an answer, and what was found.

`sent_notes` has the notes that were delivered. An unknown record in quarantine has when its request was sent, its place
in its run, and what the last read-back found. A run has the place that its ledger was exported to.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "sent_notes",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("credential", Text, nullable=False),
        Column("entity", Text, nullable=False),
        Column("remote_id", Text),
        Column("text_hash", BigInteger, nullable=False),
        Column("bare_hash", BigInteger, nullable=False),
        Column("at", Text, nullable=False),
    )
    op.create_index("sent_notes_of_entity", "sent_notes", ["credential", "entity"])
    op.create_index("sent_notes_newest", "sent_notes", ["credential", "at"])
    op.add_column("quarantine", Column("ordinal", BigInteger))
    op.add_column("quarantine", Column("reads", Integer))
    for name in ("sent_at", "mark", "finding", "read_at"):
        op.add_column("quarantine", Column(name, Text))
    op.add_column("runs", Column("exported", Text))
    op.create_index("runs_exported", "runs", ["exported"])
