"""A credential's row of the rate limit names the processes that use it. What it held was true for a window at most."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Text

revision = "0011"
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
