"""What the REST API remembers: the whole answer of a credential's check, answers to repeated requests."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("checks", Column("report", Text))
