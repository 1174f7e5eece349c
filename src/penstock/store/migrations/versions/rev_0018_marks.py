"""What a mirror has set on an object in place of a deletion, so that just that is cleared when its record returns.

Which of the decisions that are not carried out yet were for a deletion, and which for a mark, was not stored before:
they have '' in place of the run, so that they are decided anew.
"""

from alembic import op
from sqlalchemy import Column, Text, text

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("sent_identities", Column("mark", Text))
    op.execute(text("UPDATE sent_identities SET deletion = '' WHERE deletion IS NOT NULL"))
