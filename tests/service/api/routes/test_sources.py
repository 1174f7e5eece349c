"""Formats, uploads, and unsaved sources and datasets over HTTP."""

import gzip
import os
import sqlite3
from contextlib import closing

import pytest

from penstock.service.intake import uploads
from penstock.usecases import unsaved
from support.kernel.workbooks import table, workbook


@pytest.fixture(scope="module")
def shop(office):
    with closing(sqlite3.connect(office.folder / "shop.db")) as db, db:
        db.execute("create table orders (id integer primary key, total real)")
        db.executemany("insert into orders values (?, ?)", [(n, n * 1.5) for n in range(1, 31)])
    return "sqlite:///shop.db"


def check(office, value, name="new"):
    reply = office.client.post("/sources/check", json={"name": name, "value": value})
    assert reply.status_code == 200, reply.text
    return reply.json()


def preview(office, **value):
    reply = office.client.post("/datasets/preview", json={"name": "new", "value": value})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_file_shows_its_columns_and_rows(office):
    seen = check(office, {"type": "file", "path": "people.csv"})
    assert [column["name"] for column in seen["columns"]] == ["id", "name", "email"]
    assert seen["rows"][0] == {"id": "u1", "name": "Ada", "email": "ada@x.example"}
    assert (seen["records"], seen["complete"], seen["problems"]) == (3, True, [])
    assert "new" not in {source["name"] for source in office.client.get("/sources").json()["items"]}


def test_an_unreadable_source_returns_problems(office):
    seen = check(office, {"type": "file", "path": "peeple.csv"})
    assert (seen["rows"], seen["problems"][0]["code"]) == ([], "missing-file")
    seen = check(office, {"type": "file", "paths": "people.csv"})
    assert {problem["path"] for problem in seen["problems"]} >= {"sources.new.paths"}


def test_an_encoding_that_cannot_be_known_comes_with_choices(office):
    (office.folder / "west.csv").write_bytes("id,name\nc1,Peña\n".encode("cp1252"))
    (problem,) = check(office, {"type": "file", "path": "west.csv"})["problems"]
    assert (problem["code"], problem["path"], problem["line"]) == ("encoding-unknown", "sources.new", 2)
    assert problem["choices"][0] == {"value": "cp1252", "shows": "c1,Peña"}
    assert len({choice["shows"] for choice in problem["choices"]}) == len(problem["choices"]) > 1
    for choice in problem["choices"]:
        seen = check(office, {"type": "file", "path": "west.csv", "encoding": choice["value"]})
        assert [f"{row['id']},{row['name']}" for row in seen["rows"]] == [choice["shows"]]


def test_an_empty_file_is_read_as_no_record(office):
    (office.folder / "nothing.json").write_text("[]")
    seen = check(office, {"type": "file", "path": "nothing.json"})
    assert (seen["columns"], seen["rows"], seen["records"], seen["problems"]) == ([], [], 0, [])


def test_the_check_of_a_database_lists_its_tables(office, shop):
    seen = check(office, {"type": "sql", "url": shop})
    assert (seen["tables"], seen["columns"], seen["problems"]) == (["orders"], [], [])
    seen = check(office, {"type": "sql", "url": shop, "query": "select id, total * 2 as double from orders"})
    assert [column["name"] for column in seen["columns"]] == ["id", "double"]
    assert (len(seen["rows"]), seen["records"]) == (20, 30)
    seen = check(office, {"type": "sql", "url": shop, "table": "nothing"})
    assert seen["problems"][0]["code"] == "sql-error"
    seen = check(office, {"type": "sql", "url": "postgresql://nobody:geheim@127.0.0.1:1/none"})
    assert seen["problems"][0]["code"] == "host-unreachable"
    assert "geheim" not in str(seen)


def test_only_the_first_records_of_a_long_source_are_read(office, monkeypatch):
    monkeypatch.setattr(unsaved, "FIRST", 2)
    seen = check(office, {"type": "file", "path": "people.csv"})
    assert (seen["records"], seen["complete"], len(seen["rows"])) == (2, False, 2)


def test_sql_is_run_over_the_source_before_there_is_a_key(office):
    seen = preview(office, source="crm", sql="select id, upper(name) as big from source where id <> 'u2'")
    assert [row["big"] for row in seen["rows"]] == ["ADA", "EVE"]
    assert seen["errors"] == []
    seen = preview(office, source="crm", key="nope", sql="select id from source")
    assert seen["rows"]
    assert seen["errors"][0]["code"] == "unknown-column"


def test_an_error_points_into_the_sql(office):
    seen = preview(office, source="crm", key="id", sql="select id,\n  namme from source")
    assert [(error["line"], error["column"], error["found"]) for error in seen["errors"]] == [(2, 3, "namme")]
    assert seen["rows"] == []


def test_sql_that_takes_too_long_is_stopped(office, monkeypatch):
    monkeypatch.setattr(unsaved, "PATIENCE_S", 0.2)
    seen = preview(office, source="crm", sql="select count(*) as n from range(100000) a, range(100000) b, range(9) c")
    assert "takes longer than" in seen["errors"][0]["message"]


def test_an_uploaded_file_can_be_read_at_once(office):
    body = b"id,plan\n1,team\n2,free\n"
    kept = [
        office.client.post("/sources/upload", params={"filename": name}, content=body).json()
        for name in ("Plans März.csv", "../../Plans März.csv")
    ]
    assert kept[0]["path"] != kept[1]["path"]
    assert {(one["bytes"], one["format"]) for one in kept} == {(len(body), "csv")}
    for one in kept:
        assert (office.folder / one["path"]).parent == office.folder / "uploads"
        assert (office.folder / one["path"]).stat().st_mode & 0o077 == 0
        assert check(office, {"type": "file", "path": one["path"]})["rows"][1] == {"id": 2, "plan": "free"}


def test_an_upload_without_a_source_is_deleted_after_a_week(office):
    old, read, new = (
        office.client.post("/sources/upload", params={"filename": name}, content=b"id\n1\n").json()["path"]
        for name in ("old.csv", "read-by-a-source.csv", "new.csv")
    )
    daily = office.client.post("/sources/upload", params={"filename": "daily-1.csv"}, content=b"id\n1\n").json()["path"]
    pattern = daily.replace("daily-1", "daily-*")
    office.app.edits.put("sources", "reads", {"type": "file", "path": read}, author="test")
    office.app.edits.put("sources", "reads", {"type": "file", "path": pattern}, author="test")
    office.app.edits.delete("sources", "reads", author="test", if_match=None)  # a version still uses it
    for path in (old, read, daily):
        os.utime(office.folder / path, (1, 1))
    assert uploads.forget_uploads(office.app._ctx) == ["old.csv"]
    assert [(office.folder / path).exists() for path in (old, read, daily, new)] == [False, True, True, True]


def test_a_file_that_decompresses_to_too_much_is_refused_and_not_stored(office):
    bomb = gzip.compress(b"id\n" + b"1" * 30_000_000, 9)
    reply = office.client.post("/sources/upload", params={"filename": "bomb.csv.gz"}, content=bomb)
    assert reply.status_code == 400, reply.text
    (error,) = reply.json()["errors"]
    assert (error["code"], error["path"]) == ("unpacks-too-far", "body")
    assert "200 times" in error["message"]
    assert not any("bomb" in path.name for path in (office.folder / "uploads").iterdir())


def test_an_uploaded_workbook_is_read_by_its_sheet(office):
    book = workbook({"Cover": table(("note",), ("x",)), "People": table(("id", "name"), (1, "Ada"))})
    kept = office.client.post("/sources/upload", params={"filename": "Kunden.xlsx"}, content=book).json()
    assert (kept["bytes"], kept["format"]) == (len(book), "xlsx")
    value = {"type": "file", "path": kept["path"], "sheet": "People"}
    looked = office.client.post("/sources/check", json={"name": "book", "value": value}).json()
    assert ([column["name"] for column in looked["columns"]], looked["rows"]) == (
        ["id", "name"],
        [{"id": 1, "name": "Ada"}],
    )
    assert office.client.put("/sources/book", json=value).json()["value"]["sheet"] == "People"
    wrong = office.client.post("/sources/check", json={"name": "book", "value": {**value, "sheet": "Peple"}}).json()
    assert wrong["problems"][0]["hint"] == "did you mean People? the sheets are Cover, People"


def test_a_large_compressed_file_is_stored_whole(office):
    lines = b"".join(b'{"n": %d}\n' % n for n in range(300_000))
    packed = gzip.compress(lines, 0)
    assert len(packed) > 3_000_000
    kept = office.client.post("/sources/upload", params={"filename": "many.ndjson.gz"}, content=packed).json()
    assert (kept["bytes"], kept["format"]) == (len(packed), "ndjson")
    assert gzip.decompress((office.folder / kept["path"]).read_bytes()) == lines


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("a.xls", b"PK", 400, "unknown-format"),
        ("a.csv", b"", 400, "empty-file"),
        ("a.csv", b"PK\x05\x06" + bytes(18), 400, "wrong-format"),
        ("a.csv", b"x" * 101, 413, "too-large"),
    ],
)
def test_a_refused_upload_leaves_no_file(office, monkeypatch, name, body, status, code):
    monkeypatch.setattr(uploads, "LARGEST", 100)
    folder = office.folder / "uploads"
    before = set(folder.iterdir()) if folder.exists() else set()
    reply = office.client.post("/sources/upload", params={"filename": name}, content=iter([body]))
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (status, code)
    assert (set(folder.iterdir()) if folder.exists() else set()) == before


def saved(office, kind, name):
    return name in {each["name"] for each in office.client.get(f"/{kind}").json()["items"]}


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ({"key": "nummer"}, "key"),
        ({"key": "id", "sql": "select name as person from source"}, "key"),
        ({"key": "id", "sql": "select id, nothing from source"}, "sql"),
        ({"key": "id", "sql": "select id from somewhere"}, "sql"),
        ({"key": "id", "sql": "selec id"}, "sql"),
    ],
)
def test_a_dataset_that_contradicts_its_records_is_not_saved(office, value, at):
    whole = {"source": "crm", **value}
    for reply in (
        office.client.post("/datasets", json={"name": "misfit", "value": whole}),
        office.client.put("/datasets/misfit", json=whole),
    ):
        assert reply.status_code == 400, reply.text
        assert {problem["path"] for problem in reply.json()["errors"]} == {f"datasets.misfit.{at}"}
    assert not saved(office, "datasets", "misfit")


def test_a_dataset_whose_source_cannot_be_read_now_is_saved(office):
    office.client.put("/sources/later", json={"type": "file", "path": "later.csv"})
    reply = office.client.put("/datasets/later", json={"source": "later", "key": "id"})
    assert reply.status_code == 200, reply.text


def test_a_destination_is_not_saved_with_a_field_that_its_records_lack(office):
    value = {
        "dataset": "people",
        "credential": "acme",
        "template": "upsert_person",
        "fields": {"user_id": "id", "name": "nome"},
    }
    reply = office.client.post("/destinations", json={"name": "misfit", "value": value})
    assert reply.status_code == 400, reply.text
    assert [problem["path"] for problem in reply.json()["errors"]] == ["destinations.misfit.fields.name"]
    assert not saved(office, "destinations", "misfit")
    whole = {**value, "fields": {"user_id": "id", "name": "name"}}
    assert office.client.post("/destinations", json={"name": "fits", "value": whole}).status_code == 201
    reply = office.client.patch("/destinations/fits", json={"fields": {"name": "nome"}})
    assert [problem["path"] for problem in reply.json()["errors"]] == ["destinations.fits.fields.name"]
    assert office.client.get("/destinations/fits").json()["value"]["fields"]["name"] == "name"


def test_each_format_of_files_has_its_endings_and_options(office):
    formats = {each["name"]: each for each in office.client.get("/formats").json()["items"]}
    assert list(formats)[:5] == ["csv", "tsv", "json", "ndjson", "parquet"]
    assert formats["tsv"]["extensions"] == [".tsv", ".tab", ".txt"]
    assert "delimiter" in formats["csv"]["options"]
    assert formats["json"]["options"] == ["encoding", "records_path"]
    assert (formats["parquet"]["label"], formats["parquet"]["is_text"]) == ("Parquet", False)
    assert all(each["can_upload"] for each in formats.values())
