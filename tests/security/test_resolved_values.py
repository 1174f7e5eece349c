"""No error contains the value of a reference: errors of sources and credentials name the reference."""

import json
import sqlite3

import pytest

from penstock.service.app import ServiceApp
from support.servers.postgres import server
from support.service.http_service import apply_project, served

__all__ = ["server"]

S = "v4lue-of-a-5ecret"
PROJECT = """\
credentials:
  api: {{connector: http, base_url: "http://127.0.0.1:9", api_key: "${{env:KEY}}", headers: {{X-More: "Basic ${{env:MORE}}"}}}}
sources:
  saved: {{type: sql, url: "{url}", query: "{query}"}}
  file: {{type: file, path: people.csv}}
datasets:
  saved: {{source: saved, key: id}}
  people: {{source: file, key: id}}
destinations:
  saved: {{dataset: saved, credential: api, request: {{method: POST, url: /x}}, active: true}}
  people: {{dataset: people, credential: api, request: {{method: POST, url: /x}}, active: true}}
flows:
  nightly: {{destinations: [saved]}}
"""
ONE = "${env:URL}"
ALL = "postgresql://${env:USER_}:${env:PASS}@${env:HOST}:${env:PORT}/${env:NAME}?application_name=${env:MORE}"


@pytest.fixture
def errors_about(tmp_path):
    """Every reply about a saved source with this URL, and the output of the command line."""

    def ask(url, environ, query="select 1 as id"):
        (tmp_path / "people.csv").write_text("id\n1\n")
        (tmp_path / "penstock.yaml").write_text(PROJECT.format(url=url, query=query))
        state = f"sqlite:///{tmp_path}/.penstock/state.db"
        apply_project(tmp_path, state)
        answers = []
        environ = {"KEY": "k", "MORE": "m", **environ}
        with ServiceApp.open_applied(state, environ=environ) as app, served(app, without_sign_in=True) as client:
            value = {"type": "sql", "url": url, "query": query}
            for method, path, body in (
                ("POST", "sources/check", {"name": "saved", "value": value}),
                ("POST", "sources/check", {"name": "saved", "value": {"type": "sql", "url": url}}),
                (
                    "POST",
                    "datasets/preview",
                    {"name": "saved", "value": {"source": "saved", "sql": "select * from source"}},
                ),
                ("GET", "datasets/saved/schema", None),
                ("GET", "datasets/saved/samples", None),
                ("POST", "datasets/saved/refresh", None),
                ("GET", "destinations/saved/preview", None),
                ("GET", "destinations/saved/plan", None),
                ("POST", "destinations/saved/test", {}),
                ("POST", "credentials/api/check", {}),
                ("GET", "doctor", None),
            ):
                reply = client.request(method, f"/api/v1/{path}", json=body)
                assert reply.status_code < 500 or reply.status_code == 503, (path, reply.text)
                answers.append(reply)
        with ServiceApp.open(tmp_path / "penstock.yaml", state, environ=environ) as app:
            for act in (app.dataset, app.preview, app.plan, app.run):
                try:
                    found = act("saved")
                    answers.append(repr(found))
                except Exception as error:
                    answers.append(f"{error!r} {[str(problem) for problem in getattr(error, 'problems', ())]}")
        texts = [each if isinstance(each, str) else each.text for each in answers]
        codes = {
            problem["code"]
            for each in answers
            if not isinstance(each, str)
            for problem in [*each.json().get("errors", []), *each.json().get("problems", [])]
            if isinstance(each.json(), dict)
        }
        return "\n".join(texts), codes

    return ask


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (S, "database-url"),
        (f"{S}://user:{S}@host/{S}", "database-url"),
        (f"me:{S}", "database-url"),
        (f"postgresql://{S}:{S}@127.0.0.1:{S}/{S}", "database-url"),
        (f"postgresql://{S}:{S}@127.0.0.1:9/{S}?{S}={S}", "database-url"),
        (f"postgresql://{S}:{S}@127.0.0.1:9/{S}?x=%{S}", "database-url"),
        (f"postgresql://{S}:{S}@127.0.0.1:9/{S}", "host-unreachable"),
        (f"postgresql://{S}:{S}@{S}.invalid:9/{S}", "unknown-host"),
        (f"postgresql://{S}:{S}@127.0.0.1:9/{S}?sslmode={S}", "host-unreachable"),
        (f"mysql+pymysql://{S}:{S}@127.0.0.1:9/{S}", "missing-driver"),
        (f"oracle+cx_oracle://{S}:{S}@127.0.0.1:9/{S}", "missing-driver"),
        (f"sqlite:///{S}.db", "missing-file"),
        (f"sqlite:///{S}/../{S}", "missing-file"),
        ("sqlite:///:memory:", "missing-file"),
        (f"sqlite:///{S}.txt", "sql-error"),
        (f"sqlite:////etc/{S}", "file-not-allowed"),
        (f"{S}\n{S}\r\n{S}", "database-url"),
        (f"postgresql://{S}\n@127.0.0.1/{S}", None),
    ],
)
def test_a_url_from_the_environment_is_never_shown(errors_about, tmp_path, value, code):
    (tmp_path / f"{S}.txt").write_text("this is no database, and long enough to be read as one" * 30)
    text, codes = errors_about(ONE, {"URL": value})
    assert S not in text
    assert "${env:URL}" in text or code == "sql-error"
    assert code is None or code in codes


def test_the_parts_of_a_url_are_never_shown(errors_about):
    environ = {
        "USER_": "u-5ecret",
        "PASS": "p-5ecret",
        "HOST": "127.0.0.1",
        "PORT": "9",
        "NAME": "n-5ecret",
        "MORE": "m-5ecret",
    }
    text, codes = errors_about(ALL, environ)
    assert [word for word in environ.values() if "5ecret" in word and word in text] == []
    assert "${env:HOST}" in text
    assert "host-unreachable" in codes


def test_errors_of_a_database_server_contain_no_resolved_value(errors_about, server):
    """Unknown logins and databases, whose names PostgreSQL repeats."""
    place = server.partition("?")[2]
    for user, name in (("nobody-5ecret", "postgres"), ("postgres", "nothing-5ecret")):
        text, codes = errors_about(ONE, {"URL": f"postgresql://{user}@/{name}?{place}"})
        assert "5ecret" not in text
        assert codes & {"login-refused", "database-url", "host-unreachable"}


def test_an_error_names_tables_and_not_the_file(errors_about, tmp_path):
    with sqlite3.connect(tmp_path / f"{S}.db") as made:
        made.execute("create table orders as select 1 as id")
    made.close()
    text, codes = errors_about("sqlite:///${env:URL}.db", {"URL": S}, query="select * from order_s")
    assert S not in text
    assert "did you mean orders?" in text
    assert codes == {"sql-error"} or "sql-error" in codes


@pytest.mark.parametrize("value", [f"{S}\n{S}", f"{S}\r", f"{S}\n\n", f"{S}\0", f"\n{S}"])
def test_a_key_or_header_of_several_lines_is_a_clear_error(errors_about, value):
    (text, codes), named = errors_about("sqlite:///x.db", {"KEY": value}), "credentials.api.api_key"
    assert S not in text
    assert "bad-header" in codes
    assert named in text
    assert "${env:KEY}" in text
    text, codes = errors_about("sqlite:///x.db", {"MORE": value})
    assert S not in text
    assert "bad-header" in codes
    assert "credentials.api.headers.X-More" in text


def test_a_key_of_several_lines_is_not_sealed(errors_about, tmp_path):
    errors_about("sqlite:///x.db", {})
    state = f"sqlite:///{tmp_path}/.penstock/state.db"
    with ServiceApp.open_applied(state, environ={}) as app, served(app, without_sign_in=True) as client:
        value = {"connector": "http", "base_url": "http://127.0.0.1:9"}
        assert client.put("/api/v1/credentials/sealed", json=value).status_code < 300
        refused = client.put("/api/v1/credentials/sealed/secret", json={"secret": f"{S}\n{S}"})
    assert [each["code"] for each in refused.json()["errors"]] == ["bad-header"]
    assert S not in refused.text


def test_a_database_of_the_state_that_is_no_url_is_not_repeated(tmp_path, monkeypatch, capsys):
    from penstock.main import execute

    monkeypatch.chdir(tmp_path)
    (tmp_path / "penstock.yaml").write_text("sources: {}\n")
    for value in (S, f"postgresql//{S}", f"{S}://a:{S}@b"):
        monkeypatch.setenv("PENSTOCK_DATABASE_URL", value)
        execute(["runs", "--json"])
        said = "".join(capsys.readouterr())
        assert json.loads(said[: said.rindex("}") + 1])["errors"] if said.lstrip().startswith("{") else said
        assert S not in said.replace(f"{S}://", "")
