"""Refusals as a rule with named values, from which the web UI makes a text of its own. Older rows have their text."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("quarantine", Column("named_values", Text))
    op.add_column("ledger_batches", Column("refusal", Text))
    op.add_column("ledger_exceptions", Column("refusal", Text))
