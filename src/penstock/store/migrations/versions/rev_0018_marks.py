"""What a mirror has set on an object in place of a deletion, so that just that is cleared when its record returns."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("sent_identities", Column("mark", Text))
