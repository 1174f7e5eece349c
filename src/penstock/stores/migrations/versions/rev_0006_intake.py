"""Records that were pushed: what webhooks took in."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing yet."""
