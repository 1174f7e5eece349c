"""Cases of the fault campaign (`benchmarks/faults`) with fixed seeds, small enough for every run of the tests."""

import pytest

from faults.campaign import all_cases
from faults.case import Size
from faults.harness import Harness
from faults.judge import Result
from faults.report import in_words
from support.cli import forked_process


@pytest.fixture(scope="module")
def harness():
    made = Harness(start=forked_process.Process)
    yield made
    made.close()


@pytest.fixture
def sample(harness):
    """Runs a case; it is skipped where it cannot run."""

    def run(name: str, size: float = 0.1, seed: int = 1) -> Result:
        [case] = [case for case in all_cases(Size(size)) if case.name == name]
        result = case.result(harness, seed)
        if result.not_run:
            pytest.skip(f"not run: {result.not_run}")
        assert result.passed, in_words(result)
        assert result.faults > 0
        return result

    return run
