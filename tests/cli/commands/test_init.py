"""`init` writes a valid project for the data file in the folder; `validate` and `schema` read it."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.main import execute
from support.kernel.workbooks import table, workbook


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_init_in_an_empty_folder_writes_a_valid_project(tmp_path, capsys):
    assert execute(["init"]) == 0
    assert "penstock preview people" in capsys.readouterr().out
    assert execute(["validate"]) == 0
    assert capsys.readouterr().out == "penstock.yaml: no problems found\n"
    assert execute(["validate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"errors": []}


def test_init_does_not_overwrite_without_force(tmp_path, capsys):
    (tmp_path / "penstock.yaml").write_text("precious")
    assert execute(["init", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "file-exists"
    assert (tmp_path / "penstock.yaml").read_text() == "precious"
    assert execute(["init", "--force"]) == 0
    assert "credentials:" in (tmp_path / "penstock.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "header", "expected"),
    [
        ("users.csv", "customerID;Email;plan", ["key: customerID", "user_id: customerID", "email: Email"]),
        ("users.csv", "sep=;\n id ;\u00a0Email\u200b;plan", ["key: id", "user_id: id", "email: Email"]),
        ("users.csv", "id,email,Straße", ["key: id", "email: email"]),
        ("companies.csv", "account_id,name", ["key: account_id", "company_id: account_id", "upsert_company"]),
        ("odd name: 1.csv", "'no', \"a b\",yes", ["path: 'odd name: 1.csv'"]),
        ("empty.csv", "", ["path: empty.csv"]),
    ],
)
def test_init_maps_the_columns_of_a_data_file(tmp_path, capsys, name, header, expected):
    (tmp_path / name).write_text(header + "\n", encoding="utf-8")
    assert execute(["init"]) == 0
    text = (tmp_path / "penstock.yaml").read_text()
    assert [part for part in expected if part not in text] == []
    assert execute(["validate"]) == 0, capsys.readouterr().err


def test_init_segment_writes_a_valid_project(tmp_path, capsys):
    assert execute(["init", "--segment"]) == 0
    assert "penstock serve" in capsys.readouterr().out
    example = Path(__file__).parents[3] / "examples" / "segment.yaml"
    assert (tmp_path / "penstock.yaml").read_text() == example.read_text()
    assert execute(["validate"]) == 0, capsys.readouterr().err


def test_init_maps_the_columns_of_a_parquet_file(tmp_path, capsys):
    pq.write_table(pa.table({"uuid": ["1"], "email": ["a@b.c"]}), tmp_path / "people.parquet")
    assert execute(["init"]) == 0
    assert "key: uuid" in (tmp_path / "penstock.yaml").read_text()
    assert execute(["validate"]) == 0, capsys.readouterr().err


def test_init_maps_the_columns_of_an_excel_workbook(tmp_path, capsys):
    (tmp_path / "people.xlsx").write_bytes(workbook({"S": table(("uuid", "email"), ("1", "a@b.c"))}))
    assert execute(["init"]) == 0
    assert "key: uuid" in (tmp_path / "penstock.yaml").read_text()
    assert execute(["validate"]) == 0, capsys.readouterr().err


def test_problems_are_reported_with_line_and_hint(tmp_path, capsys):
    execute(["init"])
    path = tmp_path / "penstock.yaml"
    path.write_text(path.read_text().replace("    credential: custify", "    credental: custify"))
    capsys.readouterr()
    assert execute(["validate", "--json"]) == 2
    errors = json.loads(capsys.readouterr().out)["errors"]
    assert all(list(error)[:6] == ["path", "line", "code", "found", "message", "hint"] for error in errors)
    unknown = next(error for error in errors if error["code"] == "unknown-key")
    assert unknown["line"] == path.read_text().splitlines().index("    credental: custify") + 1
    assert "credential" in unknown["hint"]


def test_a_missing_project_file_is_reported(capsys):
    assert execute(["plan", "people", "--json"]) == 2
    assert "penstock.yaml" in str(json.loads(capsys.readouterr().out)["errors"][0])


def test_schema_prints_the_json_schema_of_the_project_file(capsys):
    for arguments in (["schema"], ["schema", "--json"]):
        assert execute(arguments) == 0
        assert "destinations" in json.loads(capsys.readouterr().out)["properties"]
