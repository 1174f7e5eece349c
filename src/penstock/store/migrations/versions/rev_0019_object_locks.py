"""The objects of which requests are under way, so that the processes of several machines do not send one at once."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "object_locks",
        Column("place", BigInteger, primary_key=True, autoincrement=False),
        Column("holder", Text, nullable=False),
        Column("fence", BigInteger, nullable=False),
    )
