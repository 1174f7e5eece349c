"""What mirrors, comparisons with Custify, limited runs and backfills that give way to live runs store.

`reconciliations` has the last report of each destination, `sent_values` what was last delivered of the fields that are
sent only where Custify still has it, `written_files` what runs of file destinations have written beside the finished
file. `sent_identities` has by what Custify finds the object of each delivered key of a mirror, where it was delivered,
and which deletions are decided and not done; `approved_deletions` the hashes that a person approved.
`sent_beside` has the keys that runs beside an unfinished run have read; such a run has that run's id in `beside`.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Text

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        Column("destination", Text, primary_key=True),
        Column("at", Text, nullable=False),
        Column("run", Text, nullable=False),
        Column("drifted", Integer, nullable=False),
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
    _mirrors()
    _backfills()
    _first_sends()


def _mirrors() -> None:
    op.create_table(
        "sent_identities",
        Column("destination", Text, primary_key=True),
        Column("key_hash", LargeBinary, primary_key=True),
        Column("key", Text, nullable=False),
        Column("place", Text, nullable=False),
        Column("identity", Text, nullable=False),
        Column("others", Text),
        Column("marked", Boolean, nullable=False),
        Column("deletion", Text),
    )
    op.create_index("sent_identities_to_delete", "sent_identities", ["destination", "deletion"])
    op.create_table(
        "approved_deletions",
        Column("destination", Text, primary_key=True),
        Column("hash", Text, primary_key=True),
        Column("run", Text, nullable=False),
        Column("used", Boolean, nullable=False),
        Column("at", Text, nullable=False),
    )
    op.add_column("runs", Column("deletes_hash", Text))


def _backfills() -> None:
    op.create_table(
        "sent_beside",
        Column("destination", Text, primary_key=True),
        Column("run", Text, primary_key=True),
        Column("first", BigInteger, primary_key=True),
        Column("hashes", LargeBinary, nullable=False),
    )
    op.add_column("runs", Column("beside", Text))


def _first_sends() -> None:
    op.add_column("runs", Column("limit", BigInteger))  # of `--limit`
    op.add_column("runs", Column("first_sends", Text))  # what `--limit` and `canary` have counted
