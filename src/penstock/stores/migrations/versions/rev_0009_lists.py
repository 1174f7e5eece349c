"""Lists of runs are read by an index, however many runs there are."""

from alembic import op
from sqlalchemy import text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.drop_index("runs_of_parent")
    of_a_flow, listed = text("parent IS NOT NULL"), text("parent IS NULL")
    op.create_index("runs_of_parent", "runs", ["parent"], sqlite_where=of_a_flow, postgresql_where=of_a_flow)
    op.create_index("runs_newest_of_target", "runs", ["target", "started_at", "id"])
    for name, first in (("newest", []), ("newest_in_status", ["status"])):
        columns = [*first, "started_at", "id"]
        op.create_index(f"runs_{name}", "runs", columns, sqlite_where=listed, postgresql_where=listed)
