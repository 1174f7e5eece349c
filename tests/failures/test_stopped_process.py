"""A process that runs a destination is stopped for longer than its lease lasts, and continues after another took over."""

import os
import signal
import subprocess

import psycopg
import pytest

from penstock.store.postgresql import WRITER
from support.deadline import until
from support.environment.sending import sending

OPEN = """
select state, backend_xid is not null from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
"""


def stop(process: subprocess.Popen[str], postgres: str) -> None:
    """Stop a process inside a transaction that has changed something, between two of its statements."""
    with psycopg.connect(postgres, autocommit=True) as connection:

        def is_stopped_there() -> bool:
            os.kill(process.pid, signal.SIGSTOP)
            states = connection.execute(OPEN).fetchall()
            there = ("idle in transaction", True) in states
            if not there:
                os.kill(process.pid, signal.SIGCONT)
            return there

        until(is_stopped_there)


def test_the_process_that_continues_writes_and_doubles_nothing(tmp_path, own_sandbox, postgres):
    """Inside a transaction the server would keep its locks for as long as it is stopped, and nobody could take over."""
    it = sending(own_sandbox, tmp_path, "notes", 300, options=("--database", postgres))
    with it.interrupted(after=40) as stopped:
        stop(stopped, postgres)
        after = it.received()
        with it.interrupted(after=after + 40, words=("run", "it", "--wait")) as heir:
            os.kill(stopped.pid, signal.SIGCONT)
            overtaken = it.end(stopped)
            ended = it.end(heir)
    assert overtaken.code == 3
    assert overtaken.problem()["code"] in ("held", "unreachable")
    it.completed(ended)


def test_a_process_that_is_stopped_within_a_group_of_statements_blocks_the_others_once(tmp_path, own_sandbox, postgres):
    """The server's limit does not count while it waits for the rest of a group; here such a group is begun by hand."""
    own_sandbox.settings(latency=0)
    it = sending(own_sandbox, tmp_path, "notes", 20, options=("--database", postgres))
    with (
        pytest.raises(psycopg.OperationalError),  # of the stopped process: its connection was ended
        psycopg.connect(postgres, application_name="penstock") as stopped,
        stopped.pipeline(),
    ):
        stopped.execute("select pg_current_xact_id(), pg_advisory_xact_lock(%s)", [WRITER])
        stopped.pgconn.send_flush_request()
        stopped.pgconn.flush()
        with psycopg.connect(postgres, autocommit=True) as connection:
            until(lambda: ("active", True) in connection.execute(OPEN).fetchall())
        it.failed_clearly(it.run(), "postgresql://", "busy")
        it.completed(it.run())
