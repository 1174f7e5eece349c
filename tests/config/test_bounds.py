"""Bounds are read from the environment; a wrong value is reported with a hint."""

import os
import subprocess
import sys

import pytest

from penstock.bounds import VARIABLES, Bounds, read_bounds
from penstock.model.errors import InputError


def test_unset_and_empty_variables_mean_the_defaults():
    assert read_bounds({}) == read_bounds(dict.fromkeys(VARIABLES, " ")) == Bounds()


@pytest.mark.parametrize(
    ("text", "size"),
    [("16MB", 16_000_000), ("16 mb", 16_000_000), ("2000", 2000), ("1.5kB", 1500), ("1GB", 10**9), ("5000B", 5000)],
)
def test_sizes_are_written_with_a_unit_or_in_bytes(text, size):
    assert read_bounds({"PENSTOCK_MAX_CELL": text}).cell == size


def test_the_bound_on_nodes_is_proportional_to_the_bound_on_bytes():
    found = read_bounds({"PENSTOCK_MAX_PROJECT": "4MB"})
    assert (found.project_bytes, found.project_nodes) == (4_000_000, 200_000)


def test_all_wrong_variables_are_reported_at_once():
    wrong = {"PENSTOCK_MAX_CELL": "much", "PENSTOCK_MAX_COLUMNS": "0", "PENSTOCK_MAX_PROJECT": "1", "X": "y"}
    with pytest.raises(InputError) as caught:
        read_bounds(wrong)
    found = {problem.path: (problem.code, problem.found) for problem in caught.value.problems}
    assert found == {name: ("wrong-value", wrong[name]) for name in wrong if name != "X"}
    assert all(problem.hint for problem in caught.value.problems)


def test_a_wrong_bound_ends_a_command_with_exit_2_and_names_the_variable(tmp_path):
    environ = {**os.environ, "PENSTOCK_MAX_COLUMNS": "1e6"}
    command = [sys.executable, "-m", "penstock", "validate"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "PENSTOCK_MAX_COLUMNS" in done.stderr
    assert "1e6" in done.stderr
