"""What mirrors, comparisons with Custify, limited runs and backfills that give way to live runs store."""

revision = "0017"
down_revision = "0016"


def upgrade() -> None: ...  # each part adds its own
