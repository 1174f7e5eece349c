"""Wrong input on the real command line: the exit code, and a message with place, finding and hint.

`PENSTOCK_GOLDEN=write pytest tests/acceptance/test_wrong_input.py` rewrites the messages: read the difference.
"""

import http.server
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.cli import forked_process
from support.cli.project import Project
from support.golden import golden

GOLDEN = Path(__file__).parent / "golden"
NOWHERE_IN_A_FILE = {"disk", "disk-full"}
PEOPLE = "id,email\n1,a@example.com\n2,b@example.com\n"
CREDENTIAL = '{connector: custify, api_key: "${env:SANDBOX_KEY}", base_url: "BASE", dialect: native}'
USUAL = {
    "credential": CREDENTIAL,
    "source": "{type: file, path: people.csv}",
    "dataset": "{source: file, key: id}",
    "destination": "template: upsert_person, fields: {user_id: id, email: email}",
    "active": "true",
}


def write_project(folder, base, **changes):
    parts = {**USUAL, **changes}
    text = (
        f"credentials:\n  acme: {parts['credential']}\n"
        f"sources:\n  file: {parts['source']}\n"
        f"datasets:\n  data: {parts['dataset']}\n"
        "destinations:\n"
        f"  it: {{dataset: data, credential: acme, {parts['destination']}, active: {parts['active']}}}\n"
    )
    (folder / "penstock.yaml").write_text(text.replace("BASE", base), encoding="utf-8")


def call(project, *arguments, environ=None, small=None):
    """The command line as a process, whose files may have at most `small` bytes."""

    def limit():
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (small, small))

    command = ["-m", "penstock", *arguments]
    settings = {"cwd": project.folder, "env": {**project.environ, **(environ or {})}, "text": True, "timeout": 60}
    if small is None:
        return forked_process.run(command, capture_output=True, **settings)
    command = [sys.executable, "-B", *command]  # compiled files would be truncated, and would stay so
    return subprocess.run(command, check=False, capture_output=True, preexec_fn=limit, **settings)


def run_and_compare(project, name, code, *, command=("run", "it"), **settings):
    """Run it as text and as JSON, compare both with the golden file, and return the errors of the JSON."""
    text = call(project, *command, **settings)
    document = call(project, "--json", *command, **settings)
    assert (text.returncode, document.returncode) == (code, code), text.stderr + document.stdout + document.stderr
    assert "Traceback" not in text.stderr + document.stderr
    parsed = json.loads(document.stdout)
    shown = json.dumps(parsed, indent=1, ensure_ascii=False, sort_keys=True)
    whole = f"exit {code}\n--- stderr\n{text.stderr}--- stdout\n{text.stdout}--- json\n{shown}\n"
    whole = normal(whole, project)
    assert golden(GOLDEN / f"{name}.txt", whole) == whole
    return parsed


def normal(text, project):
    text = text.replace(str(project.folder), "FOLDER").replace(project.sandbox.api_key, "SECRET")
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:PORT", text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", "TIME", text)
    text = re.sub(r"\br-\d{8}-\d{6}-\w+", "RUN", text)
    text = re.sub(
        r"^it: (\d+ of|stopping) .*\n", "", text, flags=re.MULTILINE
    )  # progress: how often depends on the machine
    text = re.sub(r" \(_ssl\.c:\d+\)", "", text)
    text = re.sub(r'("duration_s": )[\d.e-]+', r"\1SECONDS", text)
    return re.sub(r"(less than )?\b\d+(\.\d+)? ?(ms|s)\b", "SECONDS", text)


def names(parsed):
    """Every error of the document names the place, what was found and what to do."""
    assert parsed["errors"]
    for error in parsed["errors"]:
        assert error["path"]
        assert error["found"]
        assert error["hint"]
        assert error["line"] or error["code"] in NOWHERE_IN_A_FILE


@pytest.fixture
def project(tmp_path, sandbox):
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    write_project(tmp_path, sandbox.url)
    return Project(tmp_path, sandbox)


WRONG = {
    "missing-file": {"source": "{type: file, path: peple.csv}"},
    "wrong-column": {"destination": "template: upsert_person, fields: {user_id: id, email: emial}"},
    "wrong-key": {"dataset": "{source: file, key: idd}"},
    "sql-error": {"dataset": "{source: file, key: id, sql: 'select id, emial from source'}"},
    "unknown-template": {"destination": "template: upsert_persn"},
    "template-and-request": {"destination": "template: upsert_person, request: {method: POST, url: /people}"},
    "batch-too-large": {"destination": "template: upsert_person, batch: {size: 101}"},
    "name-clash": {
        "destination": "request: {method: POST, url: /x, batch: {size: 5, grouping: "
        "{algorithm: property, property: batch, other_props: {batch: 1}}}}"
    },
    "forbidden-header": {"destination": "request: {method: POST, url: /people, headers: {Authorization: x}}"},
    "unset-variable": {"credential": '{connector: custify, api_key: "${env:PENSTOCK_NOT_SET}", base_url: "BASE"}'},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_ends_with_2_and_says_where_what_and_what_to_write(name, project):
    write_project(project.folder, project.sandbox.url, **WRONG[name])
    names(run_and_compare(project, name, 2))
    assert project.sandbox.requests() == []
    write_project(project.folder, project.sandbox.url)
    # and there is no run that a later one would continue
    assert json.loads(call(project, "--json", "runs").stdout) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("encoding-unknown", "id,email,name\n1,a@example.com,Peña\n".encode("cp1252")),
        ("wrong-format", b"PK\x05\x06" + bytes(18)),
    ],
)
def test_a_file_that_cannot_be_read_is_wrong_input(name, content, project):
    (project.folder / "people.csv").write_bytes(content)
    names(run_and_compare(project, name, 2))
    assert project.sandbox.requests() == []


@pytest.mark.parametrize("content", ["id,email\n", "", "\n\n"])
def test_a_dataset_without_records_succeeds_and_sends_nothing(project, content):
    (project.folder / "people.csv").write_text(content, encoding="utf-8")
    document = call(project, "--json", "run", "it")
    assert document.returncode == 0, document.stderr
    report = json.loads(document.stdout)
    assert report["status"] == "succeeded"
    assert set(report["records"].values()) == {0}
    assert [each for each in project.sandbox.requests() if each["method"] == "POST"] == []


def test_a_draft_sends_nothing(project):
    write_project(project.folder, project.sandbox.url, active="false")
    names(run_and_compare(project, "draft", 2))
    assert project.sandbox.requests() == []


def stopped(parsed):
    """Assert that a run with an error of the environment has it in its errors, and one outcome for each record."""
    names(parsed)
    if "records" not in parsed:
        return
    counts = parsed["records"]
    assert parsed["status"] == "failed"
    assert counts["read"] == sum(counts.values()) - counts["read"]
    assert counts["unsent"] == counts["read"] == 2
    assert parsed["reason"].startswith("credentials.acme: ")


def test_a_refused_key(project):
    stopped(run_and_compare(project, "refused-key", 3, environ={"SANDBOX_KEY": "not-the-key"}))


def test_a_host_that_is_not_reached(project):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound and not listening: refused
        write_project(project.folder, f"http://127.0.0.1:{silent.getsockname()[1]}")
        stopped(run_and_compare(project, "unreachable", 3))


class Page(http.server.BaseHTTPRequestHandler):
    """A website that replies to every request with an HTML page."""

    def do_GET(self):
        body = b"<!doctype html><title>Sign in</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@contextmanager
def website(context=None):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.handle_error = lambda *_: None
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_host_that_is_not_an_api(project):
    with website() as url:
        write_project(project.folder, "auto")
        stopped(run_and_compare(project, "not-an-api", 3, environ={"PENSTOCK_CUSTIFY_BASES": f"{url}/api,{url}"}))


def test_an_untrusted_certificate(project):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(project.folder))
    with website(context) as url:
        write_project(project.folder, url)
        stopped(run_and_compare(project, "tls-failure", 3))


def self_signed(folder):
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_disk_that_is_full_for_the_state(project):
    assert call(project, "validate").returncode == 0
    stopped(run_and_compare(project, "disk-full", 3, small=16_384))


# ── a PostgreSQL server as the source ────────────────────────────────────────

FROM_POSTGRES = {
    "source": '{type: sql, url: "${env:PEOPLE_URL}", query: "QUERY"}',
    "dataset": "{source: file, key: id}",
}


def write_postgres_project(project, query):
    settings = {**FROM_POSTGRES, "source": FROM_POSTGRES["source"].replace("QUERY", query)}
    write_project(project.folder, project.sandbox.url, **settings)


@pytest.fixture
def guarded(postgres):
    """The URL of a database, with a wrong password."""
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        hba = Path(connection.execute("show hba_file").fetchone()[0])
        before = hba.read_text(encoding="utf-8")
        rules = "".join(
            f"{kind} all guarded {where}scram-sha-256\n" for kind, where in (("local", ""), ("host", "all "))
        )
        hba.write_text(rules + before, encoding="utf-8")
        connection.execute("create role guarded login password 'the-right-one'")
        connection.execute("select pg_reload_conf()")
    yield postgres.replace("postgres:@", "guarded:not-this-one@")
    hba.write_text(before, encoding="utf-8")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("select pg_reload_conf()")
        connection.execute("drop role guarded")


def without_the_place(monkeypatch, url):
    """The text without the address of this session's server, for golden files."""
    from urllib.parse import parse_qs, urlsplit

    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    plain = normal

    def more(text, project):
        text = re.sub(r"FATAL:  password", "FATAL: password", plain(text.replace(host, "SERVER"), project))
        return text.replace(parts.path.strip("/"), "DATABASE")

    monkeypatch.setattr(sys.modules[__name__], "normal", more)


def test_a_postgres_that_refuses_the_password(project, guarded, monkeypatch):
    without_the_place(monkeypatch, guarded)
    write_postgres_project(project, "select 1 as id, 'a@example.com' as email")
    parsed = run_and_compare(project, "postgres-wrong-password", 3, environ={"PEOPLE_URL": guarded})
    names(parsed)
    assert "not-this-one" not in json.dumps(parsed)
    assert project.sandbox.requests() == []


def test_a_postgres_whose_connection_is_lost_during_a_read(project, postgres, monkeypatch):
    import psycopg

    without_the_place(monkeypatch, postgres)
    write_postgres_project(
        project,
        "select i as id, 'p' || i || '@example.com' as email, pg_sleep(case when i = 9000 then 60 else 0 end)::text as s"
        " from generate_series(1, 10000) as i",
    )
    over = threading.Event()

    def end_readers():
        with psycopg.connect(postgres, autocommit=True) as connection:
            while not over.wait(0.05):  # as soon as a reader waits for the row that takes a minute
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'"
                )

    ending = threading.Thread(target=end_readers)
    ending.start()
    try:
        parsed = run_and_compare(project, "postgres-lost-in-mid-read", 3, environ={"PEOPLE_URL": postgres})
    finally:
        over.set()
        ending.join()
    names(parsed)
    assert project.sandbox.requests() == []
    write_postgres_project(project, "select 1 as id, 'a@example.com' as email")
    again = call(project, "--json", "run", "it", environ={"PEOPLE_URL": postgres})
    assert json.loads(again.stdout)["records"]["delivered"] == 1, "the same command continues the run"
