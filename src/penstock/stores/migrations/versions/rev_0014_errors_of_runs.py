"""What is wrong with the input, the settings or the environment, where that ended a run."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("runs", Column("errors", Text))
