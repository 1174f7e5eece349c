"""Problems as text and as JSON, and the errors that carry them."""

import errno

import pytest

from penstock.model.errors import Choice, InputError, Problem, TooManyTries, not_stored, problem_json, problem_of

WHOLE = Problem(
    "destinations.it.fields.email",
    "no such column",
    "unknown-column",
    "write one of: id, mail",
    "email",
    7,
    "people.yaml",
    (Choice("latin-1", "Müller"),),
)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            WHOLE,
            "people.yaml:7: destinations.it.fields.email: no such column (found email) — write one of: id, mail",
        ),
        (Problem("it", "wrong", "x"), "it: wrong"),
        (Problem("", "wrong", "x", found="a", line=0), "0: wrong (found a)"),
        (Problem("", "`a` is wrong", "x", "write b", found="a"), "`a` is wrong — write b"),
        (Problem("it", "nothing is there", "x", found=""), "it: nothing is there"),
    ],
)
def test_the_text_of_a_problem_has_only_the_known_parts(problem, text):
    assert str(problem) == text


def test_a_problem_shows_invisible_characters_as_escapes():
    problem = Problem("it", "no column a\u200bb", "x", "write ä", found="a\u200bb")
    assert (problem.message, problem.hint, problem.found) == (r"no column a\u200bb", "write ä", r"a\u200bb")


@pytest.mark.parametrize("problem", [WHOLE, Problem("it", "wrong", "x"), Problem("it", "wrong", "x", found="", line=0)])
def test_the_json_of_a_problem_is_read_back_unchanged(problem):
    assert problem_of(problem_json(problem)) == problem


def test_the_json_of_a_problem_has_file_and_choices_only_if_they_are_set():
    assert set(problem_json(WHOLE)) == {"path", "line", "code", "found", "message", "hint", "file", "choices"}
    assert set(problem_json(Problem("it", "wrong", "x", file=""))) == {
        "path",
        "line",
        "code",
        "found",
        "message",
        "hint",
    }


def test_an_error_has_all_its_problems():
    error = InputError(Problem("a", "one", "x"), Problem("b", "two", "x"))
    assert str(error) == "one; two"
    assert [problem.path for problem in error.problems] == ["a", "b"]


def test_the_wait_after_too_many_tries_is_rounded_up_to_whole_seconds():
    assert TooManyTries(0.2).retry_after_s == 1
    assert "in 3 s" in str(TooManyTries(2.5))


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EACCES, "cannot-write")])
def test_a_file_that_cannot_be_stored_names_its_folder_and_what_to_do(number, code):
    (problem,) = not_stored(".penstock", "the lock of the run", OSError(number, "no")).problems
    assert (problem.path, problem.code, problem.message) == (
        ".penstock",
        code,
        "the lock of the run cannot be stored: no",
    )
    assert problem.hint
