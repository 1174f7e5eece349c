"""What is to be run, and by whom: the queue, its workers, schedules."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nothing yet."""
