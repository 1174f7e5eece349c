"""Another program writes to the SQLite file of the state for longer than Penstock waits."""

import sqlite3
from contextlib import closing

from support.environment.sending import sending


def test_a_state_that_stays_locked_ends_the_run_and_the_next_one_continues_it(tmp_path, own_sandbox):
    it = sending(own_sandbox, tmp_path, "notes", 300)
    with (
        it.interrupted(after=40) as process,
        closing(sqlite3.connect(it.state / "state.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        ended = it.end(process)
    it.failed_clearly(ended, "state.db", "busy")
    it.completed(it.run())
