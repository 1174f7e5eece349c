"""Settings of all tests."""

import ast
import os
import threading

from hypothesis import HealthCheck, settings

import postgres_server
import sandbox_process

# A busy machine makes slow examples, not wrong ones. The examples are the same in every run, so that a test that passed
# passes again; `make random` looks for new ones.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fixed", derandomize=True, database=None, **_PATIENT)
settings.register_profile("random", print_blob=True, **_PATIENT)
settings.load_profile(os.environ.get("PENSTOCK_EXAMPLES", "fixed"))


def _one_at_a_time() -> None:
    """Python 3.11's `ast.parse` in two threads at once is a SystemError, and one while pytest reports ends the process."""
    parse, turn = ast.parse, threading.RLock()

    def taking_turns(*arguments, **options):
        with turn:
            return parse(*arguments, **options)

    ast.parse = taking_turns


_one_at_a_time()


def pytest_sessionfinish() -> None:
    postgres_server.stop()
    sandbox_process.stop()
