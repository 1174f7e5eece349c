"""What a project can read on the machine: never the state and the keys, and in a service only what an administrator allows."""

import json
import sqlite3
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from penstock.clock import SystemClock
from penstock.config import credentials
from penstock.model.errors import InputError
from penstock.service.app import ServiceApp
from penstock.sources.files import source_files
from penstock.usecases.applied_project.applied_project import AppliedProject
from support.servers.postgres import empty_postgres, postgres, server
from support.service.http_service import apply_project, served

__all__ = ["empty_postgres", "postgres", "server"]

PROJECT = """\
credentials:
  api: {connector: http, base_url: "http://127.0.0.1:9", api_key: "${env:KEY}"}
sources:
  file: {type: file, path: people.csv}
datasets:
  people: {source: file, key: id}
"""
KEY = "cus-key-of-the-environment"
UNREACHED = "unreached-5ecret"


class Reached:
    """A service on a project folder with the state in its default place, and the texts that no reply may contain."""

    def __init__(self, folder: Path, app: ServiceApp, client) -> None:
        self.folder, self.app, self.client = folder, app, client
        self.key = (folder / ".penstock" / "secret.key").read_text()

    def source(self, value) -> dict:
        reply = self.client.post("/api/v1/sources/check", json={"name": "new", "value": value})
        return self.clean(reply)

    def sql(self, sql: str) -> dict:
        value = {"source": "file", "sql": sql}
        return self.clean(self.client.post("/api/v1/datasets/preview", json={"name": "new", "value": value}))

    def clean(self, reply) -> dict:
        for secret in (self.key, self.key[:16], self.key.encode().hex(), "argon2", "CREATE TABLE", KEY, UNREACHED):
            assert secret not in reply.text, secret
        return reply.json()


@contextmanager
def reaching(folder: Path, environ=None, url: str | None = None):
    (folder / "penstock.yaml").write_text(PROJECT)
    (folder / "people.csv").write_text("id,name\n1,Ada\n")
    (folder / ".penstock").mkdir(exist_ok=True)
    url = url or f"sqlite:///{folder / '.penstock' / 'state.db'}"
    apply_project(folder, url)
    with (
        ServiceApp.open_applied(url, environ={"KEY": KEY, "OTHER": UNREACHED, **(environ or {})}) as app,
        served(app, without_sign_in=True) as client,
    ):
        app.people.register.add("ada", "admin", password="correct horse battery")
        app.people.csrf("")  # the first use of the key makes its file
        yield Reached(folder, app, client)


@pytest.fixture
def reached(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "outside.csv").write_text(f"id,{UNREACHED}\n1,2\n")
    with reaching(folder) as made:
        yield made


def linked(folder: Path) -> None:
    """Every kind of link to the key, the state and the system."""
    own = folder / ".penstock"
    (folder / "soft.csv").symlink_to(own / "secret.key")
    (folder / "twice.csv").symlink_to(folder / "soft.csv")
    (folder / "shelf").symlink_to(own)
    (folder / "environ.csv").symlink_to("/proc/self/environ")
    (folder / "out.csv").symlink_to(folder.parent / "outside.csv")
    (folder / "hard.csv").hardlink_to(own / "secret.key")
    (folder / "hard.db").hardlink_to(own / "state.db")


FILES = (
    ".penstock/secret.key", "./x/../.penstock/secret.key", ".penstock/secret.*", ".p*/s*.key", "**/.penstock/*.key", "{}/.penstock/secret.key",
    ".penstock/state.db", ".penstock/state.db-wal", ".penstock/stat?.db", "soft.csv", "twice.csv", "s[o]ft.csv", "shelf/secret.key",
    "shelf/*.key", "hard.csv", "h*.csv", "environ.csv", "/proc/self/environ", "/proc/self/environ*", "/proc/thread-self/../self/environ", "/sys/kernel/notes",
    "/dev/stdin", "/dev/fd/0", "/proc/self/cwd/people.csv",
)  # fmt: skip
OUTSIDE = (
    "../outside.csv",
    "{}/../outside.csv",
    "out.csv",
    "../*.csv",
    "*/../../outside.csv",
    "/etc/passwd",
    "/etc/nothing-there",
    "/etc/p*",
)


@pytest.mark.parametrize("path", [*FILES, *OUTSIDE])
def test_a_file_source_does_not_read_the_state_or_the_keys(reached, path):
    linked(reached.folder)
    (reached.folder / "x").mkdir()
    value = {"type": "file", "path": path.format(reached.folder), "format": "csv"}
    said = reached.source(value)
    assert [each["code"] for each in said["problems"]] == ["file-not-allowed"]
    assert (said["columns"], said["rows"]) == ([], [])


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///.penstock/state.db",
        "sqlite:///{}/.penstock/state.db",
        "SQLite:///.penstock/state.db",
        "sqlite+pysqlite:///.penstock/state.db",
        "sqlite:///.penstock/state.db?mode=ro",
        "sqlite:///%2Epenstock/state%2edb",
        "sqlite:///x/%2e%2e/.penstock/state.db",
        "sqlite:///file:.penstock/state.db?mode=ro&uri=true",
        "sqlite:///file:{}/.penstock/state.db?uri=true&immutable=1",
        "sqlite:///shelf/state.db",
        "sqlite:///hard.db",
        "sqlite:////proc/self/cwd/x.db",
    ],
)
def test_a_sqlite_url_does_not_reach_the_state(reached, url):
    linked(reached.folder)
    (reached.folder / "x").mkdir()
    said = reached.source({"type": "sql", "url": url.format(reached.folder), "query": "select * from people"})
    assert [each["code"] for each in said["problems"]] == ["file-not-allowed"]


def test_a_copy_of_the_state_is_not_a_source(reached):
    with (
        sqlite3.connect(reached.folder / ".penstock" / "state.db") as state,
        sqlite3.connect(reached.folder / "copy.db") as copied,
    ):
        state.backup(copied)
    copied.close()
    state.close()
    said = reached.source({"type": "sql", "url": "sqlite:///copy.db", "query": "select * from people"})
    assert [each["code"] for each in said["problems"]] == ["state-not-a-source"]


@pytest.mark.parametrize(
    "query", ["attach '.penstock/state.db' as s", "select 1 as id) as source; attach '{}/.penstock/state.db' as s; --"]
)
def test_a_query_attaches_no_other_file(reached, query):
    with sqlite3.connect(reached.folder / "data.db") as made:
        made.execute("create table t as select 1 as id")
    made.close()
    value = {"type": "sql", "url": "sqlite:///data.db", "query": query.format(reached.folder)}
    assert [each["code"] for each in reached.source(value)["problems"]] == ["sql-error"]


@pytest.mark.parametrize(
    "sql",
    [
        "select content from read_text('{}/.penstock/secret.key')",
        "select * from read_blob('{}/.penstock/state.db')",
        "select content from read_text('.penstock/secret.key')",
        "select * from read_csv('{}/.penstock/secret.key', header=false)",
        "select * from read_csv_auto('{}/.penstock/secret.*')",
        "select * from read_json('{}/.penstock/secret.key')",
        "select * from read_parquet('{}/.penstock/secret.key')",
        "select * from '{}/.penstock/secret.key'",
        "select * from glob('{}/.penstock/*')",
        "select * from glob('{}/.penstock/spill-*/*')",
        "select * from parquet_metadata('{}/.penstock/state.db')",
        "select * from sniff_csv('{}/.penstock/secret.key')",
        "select content from read_text('{}/people.csv')",
        "select content from read_text('/proc/self/environ')",
        "select getenv('OTHER')",
    ],
)
def test_the_sql_of_a_dataset_does_not_reach_it(reached, sql):
    said = reached.sql(sql.format(reached.folder))
    assert [each["code"] for each in said["errors"]] == ["sql-error"], said


def test_the_spill_folder_of_sql_is_private_and_deleted(reached, monkeypatch):
    """SQL may read its spill folder: nothing of anybody else is in it, and nothing is left of it."""
    from penstock.sources import dataset_sql

    seen = []

    def connected(*arguments, config, **more):
        seen.append(Path(config["temp_directory"]))
        assert list(seen[-1].iterdir()) == []
        return connect(*arguments, config=config, **more)

    connect = dataset_sql.duckdb.connect
    monkeypatch.setattr(dataset_sql.duckdb, "connect", connected)
    assert reached.sql("select id, name from source order by name")["errors"] == []
    assert seen
    assert all(folder.parent == reached.folder / ".penstock" and not folder.exists() for folder in seen)


@pytest.mark.parametrize(
    "path",
    [
        ".penstock/secret.key",
        "shelf/secret.key",
        "hard.csv",
        "soft.csv",
        "/proc/self/environ",
        "environ.csv",
        "/etc/passwd",
        "out.csv",
    ],
)
def test_a_reference_to_a_file_does_not_reach_it(reached, path):
    linked(reached.folder)
    said = reached.source({"type": "sql", "url": f"${{file:{path}}}", "table": "t"})
    assert [(each["code"], each["found"]) for each in said["problems"]] == [("file-not-allowed", f"${{file:{path}}}")]
    with receiving() as (url, got):
        value = {
            "connector": "http",
            "base_url": url,
            "api_key": f"${{file:{path}}}",
            "headers": {"X-It": f"${{file:{path}}}"},
        }
        reply = reached.client.post("/api/v1/credentials/check", json={"name": "new", "value": value})
    assert (reply.status_code, reply.json()["errors"][0]["code"], got) == (400, "file-not-allowed", [])


@contextmanager
def receiving():
    """A host of the editor's choice."""
    got = []

    class Taker(BaseHTTPRequestHandler):
        def do_GET(self):
            got.append(dict(self.headers))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    made = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}", got
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def test_a_service_gives_only_the_variables_that_were_applied(reached):
    assert reached.client.post("/api/v1/credentials/api/check", json={}).status_code == 200
    for name, code in (
        ("OTHER", "variable-not-allowed"),
        ("PATH", "variable-not-allowed"),
        ("PENSTOCK_SECRET_KEY", "bad-reference"),
    ):
        said = reached.source({"type": "sql", "url": f"${{env:{name}}}", "table": "t"})
        assert [each["code"] for each in said["problems"]] == [code], name


def test_applying_a_project_grants_the_variables_that_an_editor_wrote(tmp_path):
    """An edit grants nothing. Applying the same project on the command line grants the names in it at once."""
    with reaching(tmp_path) as reached:
        text = PROJECT.replace("${env:KEY}", "${env:OTHER}")
        assert reached.client.put("/api/v1/project", json={"yaml": text}).status_code == 200
        refused = reached.client.post("/api/v1/credentials/api/check", json={}).json()
        assert refused["errors"][0]["code"] == "variable-not-allowed"
        (tmp_path / "penstock.yaml").write_text(text)
        with AppliedProject.open(
            tmp_path / "penstock.yaml", f"sqlite:///{tmp_path}/.penstock/state.db", {}, SystemClock()
        ) as truth:
            truth.apply()
        assert "errors" not in reached.client.post("/api/v1/credentials/api/check", json={}).json()


def test_an_administrator_sets_the_bounds(tmp_path):
    folder, data = tmp_path / "project", tmp_path / "data"
    folder.mkdir()
    data.mkdir()
    (data / "more.csv").write_text("id\n7\n")
    environ = {
        "PENSTOCK_FILE_ROOTS": f"{data}:/nowhere",
        "PENSTOCK_ENV_ALLOWED": "OTHER, PENSTOCK_X",
        "PENSTOCK_X": "x",
    }
    with reaching(folder, environ) as reached:
        assert reached.source({"type": "file", "path": str(data / "more.csv")})["rows"] == [{"id": 7}]
        assert reached.source({"type": "file", "path": "people.csv"})["problems"][0]["code"] == "file-not-allowed"
        kept = reached.client.post("/api/v1/sources/upload?filename=new.csv", content=b"id\n1\n").json()
        assert reached.source({"type": "file", "path": kept["path"]})["rows"] == [{"id": 1}]
        for name, code in (
            ("OTHER", "database-url"),
            ("KEY", "variable-not-allowed"),
            ("PENSTOCK_X", "variable-not-allowed"),
        ):
            said = reached.source({"type": "sql", "url": f"${{env:{name}}}", "table": "t"})
            assert [each["code"] for each in said["problems"]] == [code]


def test_the_files_of_the_services_own_secrets_are_refused(tmp_path):
    (tmp_path / "oidc.txt").write_text(UNREACHED)
    (tmp_path / "oidc-link.txt").hardlink_to(tmp_path / "oidc.txt")
    with reaching(tmp_path, {"PENSTOCK_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "oidc.txt")}) as reached:
        for name in ("oidc.txt", "oidc-link.txt"):
            said = reached.source({"type": "file", "path": name, "format": "csv"})
            assert [each["code"] for each in said["problems"]] == ["file-not-allowed"]


@pytest.mark.parametrize("path", [path for path in FILES if path != "/proc/self/cwd/people.csv"])  # a folder of data
def test_the_command_line_refuses_the_state_and_the_keys_too(tmp_path, path):
    with reaching(tmp_path):
        pass
    linked_folder = tmp_path
    (tmp_path.parent / "outside.csv").write_text("id\n1\n")
    linked(linked_folder)
    (tmp_path / "x").mkdir()
    value = json.dumps({"type": "file", "path": path.format(tmp_path), "format": "csv"})
    (tmp_path / "penstock.yaml").write_text(f"sources: {{it: {value}}}\ndatasets: {{it: {{source: it, key: id}}}}\n")
    url = f"sqlite:///{tmp_path}/.penstock/other.db"
    with ServiceApp.open(tmp_path / "penstock.yaml", url, environ={}) as app, pytest.raises(InputError) as caught:
        app.dataset("it")
    assert [problem.code for problem in caught.value.problems] == ["file-not-allowed"]


def test_on_the_command_line_the_rights_of_the_user_apply(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "outside.csv").write_text("id\n1\n")
    text = "sources: {it: {type: file, path: ../outside.csv}}\ndatasets: {it: {source: it, key: id}}\n"
    (folder / "penstock.yaml").write_text(text)
    with ServiceApp.open(folder / "penstock.yaml", environ={}) as app:
        assert app.samples("it") == [{"id": 1}]


def test_the_state_in_postgresql_is_never_a_source(postgres, empty_postgres, tmp_path, monkeypatch):
    """Whatever name the server has in the URL."""
    monkeypatch.chdir(tmp_path)
    with psycopg.connect(empty_postgres) as connection:
        connection.execute("create table people as select 1 as id")
    with reaching(tmp_path, url=postgres) as reached:
        for url in (
            postgres,
            postgres.replace("postgresql://", "postgres://"),
            postgres.replace("postgresql://", "postgresql+psycopg2://"),
        ):
            said = reached.source({"type": "sql", "url": url, "query": "select * from people"})
            assert [each["code"] for each in said["problems"]] == ["state-not-a-source"]
        said = reached.source({"type": "sql", "url": empty_postgres, "query": "select * from people"})
        assert (said["problems"], said["rows"]) == ([], [{"id": 1}])


def linked_after_the_check(module, monkeypatch, link: Path, target: Path) -> None:
    """Makes `link` point to `target` after its check and before it is opened."""
    judged = module.denial_of

    def judge(path, reach):
        found = judged(path, reach)
        if Path(path).name == link.name:
            link.unlink()
            link.symlink_to(target)
        return found

    monkeypatch.setattr(module, "denial_of", judge)


@pytest.mark.parametrize("kind", ["csv", "json", "ndjson", "tsv", "xlsx"])
@pytest.mark.parametrize("target", [".penstock/secret.key", "../outside.csv"])
def test_a_symbolic_link_made_after_the_check_is_not_followed(reached, monkeypatch, kind, target):
    link = reached.folder / "late.csv"
    link.symlink_to(reached.folder / "people.csv")
    linked_after_the_check(source_files, monkeypatch, link, reached.folder / target)
    said = reached.source({"type": "file", "path": "late.csv", "format": kind})
    assert [each["code"] for each in said["problems"]] == ["file-not-allowed"]
    assert (said["columns"], said["rows"]) == ([], [])


def test_a_symbolic_link_made_after_the_check_of_a_reference_is_not_followed(reached, monkeypatch):
    link = reached.folder / "late.txt"
    link.symlink_to(reached.folder / "people.csv")
    linked_after_the_check(credentials, monkeypatch, link, reached.folder / ".penstock" / "secret.key")
    with receiving() as (url, got):
        value = {"connector": "http", "base_url": url, "api_key": "${file:late.txt}"}
        reply = reached.client.post("/api/v1/credentials/check", json={"name": "new", "value": value})
    assert (reply.status_code, reply.json()["errors"][0]["code"], got) == (400, "file-not-allowed", [])
