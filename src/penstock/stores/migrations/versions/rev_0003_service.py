"""The state shared by processes: versions of the applied project, leases, allowances."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "project_versions",
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        Column("at", Text, nullable=False),
        Column("author", Text, nullable=False),
        Column("base", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("changes", Text, nullable=False),
    )
    op.create_table(
        "leases",
        Column("name", Text, primary_key=True),
        Column("holder", Text, nullable=False),
        Column("fence", BigInteger, nullable=False),
        Column("expires", Float(53), nullable=False),
    )
    op.create_table(
        "budgets",
        Column("credential", Text, primary_key=True),
        Column("quota", BigInteger, nullable=False),
        Column("per", Float(53), nullable=False),
        Column("opened", Float(53), nullable=False),
        Column("answered", Float(53)),
        Column("leased", Float(53), nullable=False),
        Column("used", BigInteger, nullable=False),
        Column("flying", BigInteger, nullable=False),
        Column("late", BigInteger, nullable=False),
        Column("remaining", BigInteger),
        Column("blocked_until", Float(53), nullable=False),
    )
