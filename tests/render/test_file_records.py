"""The records of a file: which columns they have, and the name of the file."""

from datetime import UTC, datetime

import pytest

from penstock.model.errors import InputError
from penstock.model.record import Column, Schema
from penstock.model.spec import Binding, DestinationSpec
from penstock.render.file_names import escapes, extension_of, name_at
from penstock.render.file_records import compile_file

SCHEMA = Schema((Column("id", "integer", False), Column("email", "text", True), Column("name", "text", True)), 3)
BEGAN = datetime(2026, 11, 30, 23, 59, 7, 250_000, tzinfo=UTC)


def spec(**more) -> DestinationSpec:
    return DestinationSpec("it", "people", "disk", path="people.csv", **more)


def test_mapped_fields_come_first_then_the_other_columns():
    made = compile_file(
        spec(fields={"mail": Binding("email"), "kind": Binding(constant=("x",))}), ("id",), SCHEMA, "out"
    )
    assert [each.step.field for each in made.renderer.inputs] == ["mail", "kind", "id", "name"]
    assert (made.shape.method, made.shape.url) == ("WRITE", "out/people.csv")
    assert made.columns == ("id", "email", "name")


def test_excluded_columns_are_not_written_and_the_key_still_identifies():
    made = compile_file(spec(exclude=("id", "name"), append=True), ("id",), SCHEMA, "out")
    assert [each.step.field for each in made.renderer.inputs] == ["email"]
    assert made.shape.method == "APPEND"
    assert made.needed == {"id"}


def test_a_mapped_column_that_does_not_exist_is_a_problem():
    with pytest.raises(InputError) as caught:
        compile_file(spec(fields={"x": Binding("nmae")}), ("id",), SCHEMA, "out")
    assert [problem.code for problem in caught.value.problems] == ["unknown-column"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("people.csv", "people.csv"),
        ("{now:%Y}/{now:%m-%d}.ndjson", "2026/11-30.ndjson"),
        ("{now}-{run.id}.csv", "2026-11-30T23:59:07.250Z-r-1.csv"),
        ("a b{{c}}.csv", "a b{c}.csv"),
    ],
)
def test_macros_of_the_name_are_those_of_the_run(path, name):
    assert name_at(path, run="r-1", began=BEGAN) == name


@pytest.mark.parametrize("path", ["../x.csv", "a/../../x.csv", "/x.csv", "~/x.csv", "", "x\0.csv"])
def test_a_path_that_leaves_its_folder(path):
    assert escapes(path)


def test_the_extension_is_the_format():
    assert extension_of("a/b.2026.CSV") == ".csv"
    assert not escapes("a/b..c.csv")
