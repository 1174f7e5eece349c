"""`validate`, `apply` and edits refuse SQL that reads another table than `source`."""

import pytest

from penstock.clock import SystemClock
from penstock.model.errors import InputError
from penstock.service.app import ServiceApp
from penstock.usecases.applied_project.applied_project import AppliedProject

PROJECT = """\
sources:
  app: {{type: webhook, auth: none}}
datasets:
  shaped:
    source: app
    key: id
    sql: "{sql}"
"""


def problems(tmp_path, sql):
    file = tmp_path / "penstock.yaml"
    file.write_text(PROJECT.format(sql=sql))
    return ServiceApp.checked_file(file).problems


@pytest.mark.parametrize(
    "sql",
    [
        "select * from source",
        "select * from SOURCE s join source t using (id)",
        "with a as (select * from source), b as (select * from a) select * from b",
        "from source select id",
        "select * from (values (1)) as t(id)",
        "select * from source, unnest([1, 2]) as u(n)",
        "select id, (select max(n) from range(3) t(n)) as n from source;",
    ],
)
def test_sql_that_reads_only_source_is_valid(tmp_path, sql):
    assert problems(tmp_path, sql) == ()


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select * from missing", "missing"),
        ("select s.* from source s join plans p using (id)", "plans"),
        ("select * from source where id in (select id from other)", "other"),
        ("with a as (select * from gone) select * from a", "gone"),
        ("selec id from source", "selec"),
    ],
)
def test_another_table_is_reported_with_its_line_and_a_hint(tmp_path, sql, found):
    (problem,) = problems(tmp_path, sql)
    assert (problem.path, problem.code, problem.found, problem.line) == (
        "datasets.shaped.sql", "sql-error", found, 7,
    )  # fmt: skip
    assert problem.hint


def test_apply_and_edits_refuse_another_table(tmp_path):
    url = f"sqlite:///{tmp_path / 'state.db'}"
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(sql="select * from missing"))
    with AppliedProject.open(tmp_path / "penstock.yaml", url, {}, SystemClock()) as truth:
        with pytest.raises(InputError, match="no table missing"):
            truth.apply()
        (tmp_path / "penstock.yaml").write_text(PROJECT.format(sql="select * from source"))
        truth.apply()
    with ServiceApp.open_applied(url, environ={}) as app, pytest.raises(InputError, match="no table gone"):
        app.edits.put("datasets", "shaped", {"source": "app", "key": "id", "sql": "select id from gone"}, author="me")
