"""Checks before a run of a destination: known problems, and whether there are records to read."""

from __future__ import annotations

from penstock.model.errors import PenstockError, StateLocked
from penstock.model.record import ReadWindow
from penstock.model.spec import DestinationSpec
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.run.destination_lock import lock_destination
from penstock.run.preparation.datasets import known_dataset
from penstock.run.preparation.prepare import prepare
from penstock.store.project import resources
from penstock.store.runs import runs


def known_problem(ctx: Context, spec: DestinationSpec) -> str | None:
    """The problem of settings or environment that would make a run of this destination fail; None if none is known."""
    try:
        credential = connection.credential_spec(ctx, spec.credential)
        connection.connection(ctx, credential, connection.address(ctx, credential).base_url)
        prepare(ctx, spec)
    except PenstockError as error:
        return str(error.problems[0]) if error.problems else str(error)
    return None


def has_new_records(ctx: Context, spec: DestinationSpec) -> bool:
    """Whether a run would read a record. If the SQL leaves out all new records, the place moves on without a run."""
    try:
        data = known_dataset(ctx, spec.dataset)
        with ctx.database.read() as conn:
            stored = resources.window_of(conn, spec.name)
            left = runs.unfinished_alone(conn, spec.name)
        window = None if stored is None else ReadWindow.from_json(stored)
        if data.spec.sql is None:
            return data.dataset.since(window) is not None
        found, reached = data.dataset.any_since(data.schema, window)
        if found or reached is None or (stored is None and left is not None):
            return found
        with lock_destination(ctx, spec.name, lambda: None), ctx.database.begin() as conn:
            resources.store_window(conn, spec.name, reached.to_json())
    except StateLocked:
        return False
    except PenstockError:  # the run will report the problem
        return True
    return False
