"""What the state has beyond that of release 0.1.0.

`budgets` names the processes that use a credential (its rows hold for a window at most, so they are dropped);
`sent_links` holds the company links sent of each person; refusals are stored as a rule with named values; a run has
its errors; `discards` are discards of many records, done in the background.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, Text

revision = "0015"
down_revision = "0010"


def upgrade() -> None:
    op.drop_table("budgets")
    op.create_table(
        "budgets",
        Column("credential", Text, primary_key=True),
        Column("quota", BigInteger, nullable=False),
        Column("per", Float(53), nullable=False),
        Column("opened", Float(53), nullable=False),
        Column("used", BigInteger, nullable=False),
        Column("blocked_until", Float(53), nullable=False),
        Column("state", Text, nullable=False),
    )
    op.create_table(
        "sent_links",
        Column("destination", Text, primary_key=True),
        Column("identity", LargeBinary, primary_key=True),
        Column("links", Text, nullable=False),
    )
    op.add_column("quarantine", Column("named_values", Text))
    op.add_column("ledger_batches", Column("refusal", Text))
    op.add_column("ledger_exceptions", Column("refusal", Text))
    op.add_column("runs", Column("errors", Text))
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
