"""The PostgreSQL server of the state is restarted, or stopped, in the middle of a run."""

import pytest

from support.environment.sending import sending


@pytest.mark.parametrize(("kind", "command"), [("people", "stop"), ("notes", "restart")])
def test_the_run_ends_with_the_database_and_the_next_one_continues_it(tmp_path, own_sandbox, own_server, kind, command):
    it = sending(own_sandbox, tmp_path, kind, 300, options=("--database", own_server.url))
    with it.interrupted(after=40) as process:
        own_server.control(command)
        it.failed_clearly(it.end(process), "postgresql://", "unreachable")
    if command == "stop":
        it.failed_clearly(it.run(), "postgresql://", "unreachable")
        own_server.control("start")
    it.completed(it.run("run", "it", "--wait"))  # the lease of the run that ended could not be given back
