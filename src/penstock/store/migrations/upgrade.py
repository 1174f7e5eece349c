"""Runs the Alembic scripts. Imported only when a database is old, because importing Alembic is slow."""

from __future__ import annotations

from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))


def upgrade(connection: Connection, to: str = "head") -> None:
    """Upgrade the schema to a revision, inside the transaction that is open on `connection`."""
    directory = scripts()

    def steps(revision: str | tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        return directory._upgrade_revs(to, revision)  # type: ignore[arg-type]  # noqa: SLF001 - as Alembic's own command does

    context = MigrationContext.configure(connection, opts={"fn": steps, "script": directory})
    with Operations.context(context):
        context.run_migrations()
