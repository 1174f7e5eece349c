"""The entries in quarantine whose records a request resends, so that they are known if its process dies."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("intents", Column("entries", Text))
