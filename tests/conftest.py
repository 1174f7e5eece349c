"""Settings of all tests."""

import ast
import gc
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.environment.shared_caches import share_caches
from support.servers import postgres, sandbox

HERE = Path(__file__).parent
# The folders whose tests `make quick` runs (`pytest --quick`), but for those that need PostgreSQL. Here and nowhere else.
QUICK = (
    "config",
    "delivery",
    "docs",
    "model",
    "oracle",
    "render",
    "run",
    "sources",
    "templates",
    "usercode",
)
LONG = ("run/retries", "run/settling")  # whole runs, whose pauses are real
assert all((HERE / folder).is_dir() for folder in (*QUICK, *LONG))

# Their files take minutes: a worker that began one of them last would keep the others waiting.
FIRST = ("ui", "failures", "attacks", "cases", "contract", "acceptance", "cli", "store", "service", "security")

# A busy machine makes slow examples, not wrong ones. The examples are the same in every run, so that a test that passed
# passes again; `make random` looks for new ones, `make quick` takes a few.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fixed", derandomize=True, database=None, max_examples=60, **_PATIENT)
settings.register_profile("quick", settings.get_profile("fixed"), max_examples=20)  # a test may take a multiple
settings.register_profile("random", print_blob=True, max_examples=200, **_PATIENT)
settings.load_profile(os.environ.get("PENSTOCK_EXAMPLES", "fixed"))


def _one_at_a_time() -> None:
    """Python 3.11's `ast.parse` in two threads at once is a SystemError, and one while pytest reports ends the process."""
    parse, turn = ast.parse, threading.RLock()

    def taking_turns(*arguments, **options):
        with turn:
            return parse(*arguments, **options)

    ast.parse = taking_turns


_one_at_a_time()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what takes less than a minute altogether")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Under --quick, a folder of tests that is none of QUICK, or is one of LONG, is not even imported."""
    if not config.getoption("quick") or not collection_path.is_dir():
        return None
    is_left_out = collection_path.parent == HERE and collection_path.name not in QUICK
    return True if is_left_out or collection_path.relative_to(HERE).as_posix() in LONG else None


def _needs_postgres(item: pytest.Item) -> bool:
    """Whether it takes the fixture of the server, or is the case of PostgreSQL among several."""
    return "server" in getattr(item, "fixturenames", ()) or "[postgres" in item.name


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(HERE).parts[0]
    return FIRST.index(folder) if folder in FIRST else len(FIRST)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not quick, or begin with what takes longest."""
    if not config.getoption("quick"):
        items.sort(key=_turn)
    else:
        left_out = [item for item in items if _needs_postgres(item)]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_collection_finish() -> None:
    """Share caches among the tests. The garbage collector need not look at the collected tests again and again."""
    share_caches()
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    postgres.stop()
    sandbox.stop()
