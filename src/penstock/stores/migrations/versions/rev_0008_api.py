"""What the REST API remembers: answers to repeated requests."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Nothing yet."""
