"""The table of loose key-value pairs goes: nothing was ever kept in it."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.drop_table("meta")
