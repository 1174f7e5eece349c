"""Which records in quarantine a request resends, so that it is known whose request it was if its process dies."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("intents", Column("entries", Text))
