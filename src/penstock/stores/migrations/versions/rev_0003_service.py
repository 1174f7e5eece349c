"""The tables of the service: versions, people, queue, leases, budgets, intake, alerts."""

from alembic import op

from penstock.stores.schema import metadata

revision = "0003"
down_revision = "0002"

TABLES: tuple[str, ...] = ("project_versions", "leases", "budgets")


def upgrade() -> None:
    for name in TABLES:
        metadata.tables[name].create(op.get_bind(), checkfirst=True)
