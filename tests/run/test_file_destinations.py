"""Datasets are written to files: what is in the file, when it is there, and what becomes of it when a process dies."""

import csv
import json
import signal
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from penstock.project import Project as PythonProject
from support.cli import forked_process
from support.cli.project import HERE
from support.cli.shell import Shell
from support.servers.sandbox import running_sandbox

KILLED_RUN = HERE / "killed_run.py"
PEOPLE = 10_000  # three chunks, several commits


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, monkeypatch, capsys)


def project(folder: Path, destinations: str, *, source: str = "people.csv", more: str = "") -> None:
    lines = "".join(f"  {line}\n" for line in destinations.strip().splitlines())
    (folder / "penstock.yaml").write_text(
        f"credentials:\n  disk: {{connector: file, path: out/}}\n{more}"
        f"sources:\n  crm: {{type: file, path: {source}}}\n"
        f"datasets:\n  people: {{source: crm, key: id}}\ndestinations:\n{lines}",
        encoding="utf-8",
    )


def entry(path: str, more: str = "") -> str:
    return f"{{dataset: people, credential: disk, path: {path}, active: true{more}}}"


def people(folder: Path, number: int, of: str = "Person") -> None:
    rows = "".join(f"{n},{of} {n}\n" for n in range(number))
    (folder / "people.csv").write_text(f"id,name\n{rows}", encoding="utf-8")


def left(folder: Path) -> list[str]:
    """The files of the folder, hidden ones too."""
    return sorted(path.name for path in (folder / "out").iterdir())


AWKWARD = r"""
{"id": 1, "name": "Ann", "score": 29.85, "big": 9007199254740993, "born": "1990-02-03", "tags": ["a", 1.10], "on": true}
{"id": 2, "name": "", "score": 3, "big": -1, "born": null, "tags": {"a": {"b": null}}, "on": false}
{"id": 3, "name": "a,\"b\"\nc", "score": null, "big": null, "on": null}
{"id": 4, "name": " ", "score": 1e-7, "born": "2026-11-30"}
"""


def test_every_value_arrives_in_each_format(tmp_path, shell):
    (tmp_path / "people.ndjson").write_text(AWKWARD.strip() + "\n", encoding="utf-8")
    entries = f"nd: {entry('p.ndjson', ', nulls: send')}\ncs: {entry('p.csv')}\npq: {entry('p.parquet')}"
    project(tmp_path, entries, source="people.ndjson", more="  # null and absent differ in NDJSON only\n")
    for name in ("nd", "cs", "pq"):
        report = shell.json(f"run {name}")
        assert (report["records"]["read"], report["records"]["delivered"], report["requests"]) == (4, 4, 0)
    given = [json.loads(line) for line in AWKWARD.strip().splitlines()]
    assert [json.loads(line) for line in (tmp_path / "out" / "p.ndjson").read_text().splitlines()] == given
    table = pq.read_table(tmp_path / "out" / "p.parquet")
    assert table.column("big").to_pylist() == [9007199254740993, -1, None, None]
    assert table.column("name").to_pylist() == ["Ann", "", 'a,"b"\nc', " "]
    assert table.column("score").to_pylist() == [29.85, 3.0, None, 1e-7]
    assert table.column("on").to_pylist() == [True, False, None, None]
    assert [None if text is None else json.loads(text) for text in table.column("tags").to_pylist()] == [
        row.get("tags") for row in given
    ]
    text = (tmp_path / "out" / "p.csv").read_text()
    assert '\n2,"",3,-1,,' in text, "empty text differs from null"
    [header, *rows] = csv.reader(text.splitlines(keepends=True))
    assert header == ["id", "name", "score", "big", "born", "tags", "on"]
    assert [row[1] for row in rows] == ["Ann", "", 'a,"b"\nc', " "]
    (tmp_path / "again").mkdir()
    project(tmp_path / "again", f"nd: {entry('p.ndjson')}", source="../out/p.csv")
    shell.text(f"run nd -f {tmp_path}/again/penstock.yaml")
    again = [json.loads(line) for line in (tmp_path / "again" / "out" / "p.ndjson").read_text().splitlines()]
    for before, after in zip(given, again, strict=True):
        expected = {name: value for name, value in before.items() if value is not None}
        assert {name: json.loads(v) if name == "tags" else v for name, v in after.items()} == expected


def test_a_parquet_file_has_the_types_of_a_parquet_source(tmp_path, shell):
    duckdb.sql(
        "copy (select range as id, (range / 7)::decimal(18, 4) as price, make_date(2026, 1, 1) + range::int as day,"
        " make_timestamp(2026, 1, 1, 0, 0, range + 0.000001) as at, range % 2 = 0 as even, range * 1e18::hugeint as much"
        f" from range(5)) to '{tmp_path}/in.parquet'"
    )
    project(tmp_path, f"pq: {entry('out.parquet', ', exclude: [much]')}", source="in.parquet")
    shell.text("run pq")
    before, after = pq.read_table(tmp_path / "in.parquet"), pq.read_table(tmp_path / "out" / "out.parquet")
    for name in ("id", "price", "day", "at", "even"):
        assert after.column(name).to_pylist() == before.column(name).to_pylist(), name
        assert after.schema.field(name).type == before.schema.field(name).type


def test_a_run_replaces_the_whole_file_also_with_nothing(tmp_path, shell):
    people(tmp_path, 3)
    project(tmp_path, f"it: {entry('people.csv')}")
    shell.text("run it")
    people(tmp_path, 1, of="New")
    shell.text("run it")
    assert (tmp_path / "out" / "people.csv").read_text() == "id,name\n0,New 0\n"
    people(tmp_path, 0)
    assert shell.json("run it")["records"]["read"] == 0
    assert (tmp_path / "out" / "people.csv").read_text() == "id,name\n"
    assert left(tmp_path) == ["people.csv"]


def test_records_are_added_once_as_long_as_they_do_not_change(tmp_path, shell):
    people(tmp_path, 2)
    project(tmp_path, f"it: {entry('log.csv', ', append: true, mode: changed')}")
    shell.text("run it")
    assert shell.json("run it")["records"]["unchanged"] == 2
    (tmp_path / "out" / "log.csv").write_bytes(b"id,name\n0,Person 0\n1,Person 1")  # as an editor may leave it
    (tmp_path / "people.csv").write_text("id,name\n0,Person 0\n1,Other\n2,Third\n")
    assert shell.json("run it")["records"] | {"delivered": 2, "unchanged": 1} == shell.json("runs")[0]["records"]
    assert (tmp_path / "out" / "log.csv").read_text() == "id,name\n0,Person 0\n1,Person 1\n1,Other\n2,Third\n"
    (tmp_path / "people.csv").write_text("id,name,age\n3,Fourth,5\n")
    shell.text("schema people --refresh")
    [problem] = shell.json("run it", 2)["errors"]
    assert problem["code"] == "file-columns"
    assert left(tmp_path) == ["log.csv"]


def test_preview_plan_test_and_deliveries_of_a_file(tmp_path, shell):
    people(tmp_path, 3)
    named = entry("'people-{now:%Y}.csv'", ", fields: {key: id, label: {value: x}}, attributes: none")
    project(tmp_path, f"it: {named}")
    [shown] = shell.json("preview it")
    assert (shown["method"], shown["url"], shown["headers"]) == ("WRITE", "out/people-{now:%Y}.csv", {})
    assert shown["body"] == "key,label\n0,x\n1,x\n2,x\n"
    plan = shell.json("plan it")
    assert (plan["records"], plan["creates_or_updates"], plan["requests"]) == (3, 3, 0)
    sent = shell.json("test it --sample 2")
    assert (sent["request"]["body"], sent["response"], sent["error"]) == ("key,label\n1,x\n", None, None)
    assert left(tmp_path) == [], "a test leaves nothing behind"
    run = shell.json("run it")["run"]
    year = datetime.now(UTC).year
    assert left(tmp_path) == [f"people-{year}.csv"]
    [delivery] = shell.json(f"deliveries {run}")
    assert (delivery["method"], delivery["url"]) == ("WRITE", f"out/people-{year}.csv")
    assert (delivery["status"], delivery["records"], delivery["outcome"]) == (None, ["0", "1", "2"], "delivered")


def test_the_check_of_a_folder_says_what_is_wrong(tmp_path, shell):
    people(tmp_path, 1)
    project(tmp_path, f"it: {entry('people.csv')}")
    missing = shell.json("check disk", 3)
    assert (missing["ok"], missing["base_url"], missing["allowance"]) == (False, None, None)
    (tmp_path / "out").write_text("a file")
    assert "no folder" in shell.json("check disk", 3)["reason"]
    [problem] = shell.json("run it", 3)["errors"]
    assert (problem["code"], problem["path"]) == ("cannot-write", "out")
    (tmp_path / "out").unlink()
    shell.text("run it")
    assert shell.json("check disk")["ok"]


def test_a_folder_out_of_reach_is_refused(tmp_path, shell):
    people(tmp_path, 1)
    project(tmp_path, f"it: {entry('people.csv')}")
    (tmp_path / "out").symlink_to(tmp_path / ".penstock")
    [problem] = shell.json("run it", 2)["errors"]
    assert (problem["code"], problem["path"]) == ("file-not-allowed", "credentials.disk.path")


TWO = f"it: {entry('a.csv')}\nother: {{dataset: people, credential: same, path: a.csv}}"


@pytest.mark.parametrize(
    ("source", "entries", "code", "path"),
    [
        ("out/people.csv", f"it: {entry('people.csv')}", "source-file", "destinations.it.path"),
        ("out/p*.csv", f"it: {entry('people.csv')}", "source-file", "destinations.it.path"),
        ("'**/*.csv'", f"it: {entry('a/b/people.csv')}", "source-file", "destinations.it.path"),
        ("link/people.csv", f"it: {entry('people.csv')}", "source-file", "destinations.it.path"),
        (None, f"it: {entry(repr('x{now:/..}/{now:/..}/esc.ndjson'))}", "outside-folder", "destinations.it.path"),
        (None, TWO, "same-file", "destinations.other.path"),
        (None, f"it: {entry('a.csv', ', fields: {n: {column: name, truncate: true}}')}", "key-not-here", None),
        (None, f"it: {entry('a.csv', ', fields: {n: {column: name, if_unchanged: true}}')}", "key-not-here", None),
        (None, f"it: {entry('a.csv', ', company_link: replace')}", "key-not-here", "destinations.it.company_link"),
    ],
)
def test_settings_that_would_destroy_or_misplace_a_file_are_refused(tmp_path, shell, source, entries, code, path):
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    people(tmp_path, 2)
    people(tmp_path / "out", 1)
    more = "  same: {connector: file, path: link/}\n"
    project(tmp_path, entries, source=source or "people.csv", more=more)
    [problem] = shell.json("run it", 2)["errors"]
    assert problem["code"] == code
    assert path in (None, problem["path"])
    assert (tmp_path / "out" / "people.csv").read_text() == "id,name\n0,Person 0\n"
    assert left(tmp_path) == ["people.csv"]


def test_a_name_of_today_may_be_that_of_a_source_and_links_are_not_added_to(tmp_path, shell):
    people(tmp_path, 1)
    (tmp_path / "out").mkdir()
    today = f"out/{datetime.now(UTC):%Y}.csv"
    (tmp_path / "people.csv").rename(tmp_path / today)
    project(tmp_path, f"it: {entry(repr('{now:%Y}.csv'))}", source=today)
    assert shell.json("run it", 2)["errors"][0]["code"] == "source-file"
    assert (tmp_path / today).read_text() == "id,name\n0,Person 0\n"
    people(tmp_path, 1)
    (tmp_path / "out" / "log.csv").symlink_to(tmp_path / "private.txt")
    (tmp_path / "private.txt").write_text("private\n")
    project(tmp_path, f"it: {entry('log.csv', ', append: true')}")
    [problem] = shell.json("run it", 2)["errors"]
    assert (problem["code"], problem["path"]) == ("linked-file", "destinations.it.path")
    assert (tmp_path / "private.txt").read_text() == "private\n"
    assert sorted(left(tmp_path)) == sorted([today.removeprefix("out/"), "log.csv"])


def test_records_in_quarantine_are_not_written_alone_over_the_others(tmp_path, shell):
    (tmp_path / "people.csv").write_text("id,name\n1,Ann\n,Nobody\n")
    project(tmp_path, f"it: {entry('people.csv')}")
    assert shell.json("run it", 1)["records"]["quarantined"] == 1
    [problem] = shell.json("quarantine resend --all", 2)["errors"]
    assert problem["code"] == "written-whole"
    assert (tmp_path / "out" / "people.csv").read_text() == "id,name\n1,Ann\n"


def test_a_limit_is_refused_for_a_whole_file_and_followed_by_the_next_one_where_records_are_added(tmp_path, shell):
    people(tmp_path, 8)
    project(tmp_path, f"whole: {entry('people.csv')}\nlog: {entry('log.csv', ', append: true')}")
    shell.text("run whole")
    before = (tmp_path / "out" / "people.csv").read_text()
    [problem] = shell.json("run whole --limit 3", 2)["errors"]
    assert (problem["code"], problem["path"]) == ("written-whole", "destinations.whole")
    assert (tmp_path / "out" / "people.csv").read_text() == before
    for _ in range(3):
        shell.text("run log --limit 3")
    assert (tmp_path / "out" / "log.csv").read_text() == before


MOMENTS = [
    ("before a chunk", "3"),
    ("between verdict and commit", "2"),
    ("inside the commit", "2"),
    ("after the commit", "1"),
    ("before the file is in place", "1"),
    ("after the file is in place", "1"),
]
KINDS = {
    "ndjson": entry("people.ndjson"),
    "csv": entry("people.csv", ", append: true, mode: changed"),
    "parquet": entry("people.parquet"),
}


def keys_of(folder: Path, kind: str) -> list[int]:
    path = folder / "out" / f"people.{kind}"
    if kind == "parquet":
        return pq.read_table(path).column("id").to_pylist()
    lines = path.read_text().splitlines()
    return [json.loads(line)["id"] for line in lines] if kind == "ndjson" else [int(x.split(",")[0]) for x in lines[1:]]


DEATHS = [
    *(("ndjson", moment, "sqlite") for moment in MOMENTS),
    *(("csv", moment, "sqlite") for moment in MOMENTS[2:]),
    *(("parquet", moment, "sqlite") for moment in MOMENTS[1:]),
    ("parquet", MOMENTS[2], "postgres"),
    ("csv", MOMENTS[-1], "postgres"),
]


@pytest.mark.parametrize(("kind", "moment", "state"), DEATHS)
def test_the_finished_file_holds_every_record_once_after_kill_9(tmp_path, shell, request, kind, moment, state):
    people(tmp_path, PEOPLE)
    project(tmp_path, f"it: {KINDS[kind]}")
    shell.monkeypatch.setenv("PENSTOCK_DATABASE_URL", request.getfixturevalue(state))
    (tmp_path / "out").mkdir()
    before = tmp_path / "out" / f"people.{kind}"
    if kind == "ndjson":
        before.write_text('{"id": "old"}\n')
    died = forked_process.run(
        [KILLED_RUN, *moment, "run", "it", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    if kind == "ndjson" and moment[0] != "after the file is in place":
        assert before.read_text() == '{"id": "old"}\n', "an unfinished file is under the final name"
    report = shell.json("run it --wait")
    assert report["records"]["read"] == report["records"]["delivered"] == PEOPLE
    assert report["run"] == shell.json("runs")[-1]["run"], "the run was continued"
    assert keys_of(tmp_path, kind) == list(range(PEOPLE))
    assert left(tmp_path) == [f"people.{kind}"]


def test_what_a_dead_run_has_added_is_kept_when_the_source_changes(tmp_path, shell):
    people(tmp_path, PEOPLE)
    project(tmp_path, f"it: {KINDS['csv']}\nwhole: {KINDS['ndjson']}")
    for name in ("it", "whole"):
        command = [KILLED_RUN, "after the commit", "1", "run", name, "--json"]
        assert forked_process.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == -signal.SIGKILL
    people(tmp_path, PEOPLE + 1)
    assert shell.json("run it")["records"]["read"] == PEOPLE + 1
    assert shell.json("run whole")["records"]["delivered"] == PEOPLE + 1
    assert keys_of(tmp_path, "csv") == keys_of(tmp_path, "ndjson") == list(range(PEOPLE + 1))
    assert left(tmp_path) == ["people.csv", "people.ndjson"]


@pytest.mark.parametrize("mode", ["changed", "all"])
def test_records_whose_unfinished_file_is_gone_are_written_by_the_next_run(tmp_path, shell, mode):
    people(tmp_path, PEOPLE)
    project(tmp_path, f"it: {entry('people.csv', f', append: true, mode: {mode}')}")
    limit = ["--limit", "9000"] if mode == "all" else []
    command = [KILLED_RUN, "after the commit", "1", "run", "it", *limit, "--json"]
    assert forked_process.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == -signal.SIGKILL
    [part] = (tmp_path / "out").iterdir()
    part.unlink()
    report = shell.json(" ".join(["run it", *(["--limit 20000"] if limit else [])]))
    assert report["records"]["delivered"] == PEOPLE
    assert keys_of(tmp_path, "csv") == list(range(PEOPLE))
    [note] = [note for note in report["notes"] if note["action"] == "forgotten"]
    assert note["count"] > 0
    assert left(tmp_path) == ["people.csv"]


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.dont_write_bytecode = True
from penstock.delivery.files.output_file import OutputFile
write, sizes = OutputFile.write, []
def full(self, data):
    if sizes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.length + 100, resource.RLIM_INFINITY))
    sizes.append(len(data))
    try:
        write(self, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
OutputFile.write = full
from penstock.main import main
sys.argv = ["penstock", *sys.argv[1:]]
sys.exit(main())
"""


def test_a_full_disk_is_reported_and_the_next_run_completes_the_file(tmp_path, shell):
    people(tmp_path, PEOPLE)
    project(tmp_path, f"it: {KINDS['ndjson']}")
    (tmp_path / "full.py").write_text(FULL)
    ended = forked_process.run(
        ["full.py", "run", "it", "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 3, ended.stdout + ended.stderr
    [problem] = json.loads(ended.stdout)["errors"]
    assert (problem["code"], problem["path"]) == ("disk-full", "out")
    assert not (tmp_path / "out" / "people.ndjson").exists()
    assert shell.json("run it")["records"]["delivered"] == PEOPLE
    assert keys_of(tmp_path, "ndjson") == list(range(PEOPLE))
    assert left(tmp_path) == ["people.ndjson"]


def test_an_account_is_written_to_parquet_and_counted_by_duckdb(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with running_sandbox("--rate", "off", "--job-delay", "0") as account:
        for n in range(250):
            account.call("POST /people", json.dumps({"user_id": f"u{n}", "email": f"u{n}@example.com"}))
        (tmp_path / "penstock.yaml").write_text(
            f"""\
credentials:
  theirs: {{connector: custify, api_key: "{account.api_key}", base_url: "{account.url}"}}
  disk: {{connector: file, path: lake/}}
sources:
  account: {{type: custify, credential: theirs, object: people}}
datasets:
  people: {{source: account, key: id}}
destinations:
  it: {{dataset: people, credential: disk, path: people.parquet, active: true}}
flows:
  nightly: {{destinations: [it]}}
"""
        )
        with PythonProject.load(tmp_path / "penstock.yaml") as opened:
            report = opened.run("nightly")
        held = {person["user_id"] for person in account.state()["people"]}
    assert report.records.delivered == 250
    rows = duckdb.sql(f"select count(*), count(distinct id) from '{tmp_path}/lake/people.parquet'").fetchall()
    assert rows == [(250, 250)]
    assert {user for (user,) in duckdb.sql(f"select user_id from '{tmp_path}/lake/people.parquet'").fetchall()} == held
