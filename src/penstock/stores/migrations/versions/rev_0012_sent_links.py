"""The links to companies that were sent of each person: `company_link: replace` removes those that are gone."""

from alembic import op
from sqlalchemy import Column, LargeBinary, Text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "sent_links",
        Column("destination", Text, primary_key=True),
        Column("identity", LargeBinary, primary_key=True),
        Column("links", Text, nullable=False),
    )
