"""The whole life of a service, with a distinctive secret in every place that accepts one; then everything that it wrote is searched.

The API at the other end echoes whatever it is sent, its key too. Searched are answers, events, exports, logs, traces, every file
of the state and a backup, for each secret as it is and as it may have been written: in base64, hex, percent-encoded.
"""

import base64
import io
import json
import logging
import tarfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import httpx
import pytest

from penstock.main import execute
from penstock.service.watch.watch import watched
from support.servers.identity_provider import CLIENT, SECRET, running_provider
from support.service.applied_project import ended
from support.service.security_service import running

SECRETS = {
    "key of the environment": "cus-env-5ecret/k3y+A1",
    "literal in the YAML": "cus-yaml-5ecret/k3y+B2",
    "sealed through the API": "cus-sealed-5ecret/k3y+C3",
    "unsaved": "cus-unsaved-5ecret/k3y+D4",
    "header of a credential": "header-5ecret/k3y+E5",
    "database password": "database-5ecret-k3y-F6",
    "mistyped password": "mistyped 5ecret pass G7",
    "password": "person 5ecret password H8",
    "channel": "channel-5ecret-k3y-I9",
    "signing secret": "whsec_" + base64.b64encode(b"signing-5ecret-k3y-J0-of-a-hook!").decode(),
    "client secret": SECRET,
}
S = SECRETS
PROJECT = """\
credentials:
  env: {{connector: http, api_key: "${{env:KEY}}", base_url: "{url}", headers: {{X-Extra: "${{env:EXTRA}}"}}}}
  literal: {{connector: http, api_key: "{literal}", base_url: "{url}"}}
  sealed: {{connector: http, base_url: "{url}"}}
sources:
  file: {{type: file, path: people.csv}}
  db: {{type: sql, url: "${{env:SOURCE_URL}}", table: people}}
  hook: {{type: webhook, auth: {{type: key}}}}
  signed: {{type: webhook, auth: {{type: hmac, scheme: standard}}, secret: "${{env:HOOK_SIGNING}}"}}
datasets:
  people: {{source: file, key: id}}
  rows: {{source: db, key: id}}
  posts: {{source: hook, key: id}}
destinations:
  fine: {{dataset: people, credential: env, request: {{method: POST, url: /echo}}, responses: true, active: true}}
  refused: {{dataset: people, credential: literal, request: {{method: POST, url: /refuse}}, responses: true, active: true}}
  lost: {{dataset: people, credential: sealed, request: {{method: POST, url: /cut}}, responses: true, active: true}}
  unreadable: {{dataset: rows, credential: env, request: {{method: POST, url: /echo}}, active: true}}
flows:
  all: {{destinations: [fine, refused, lost]}}
"""


class Echo(BaseHTTPRequestHandler):
    """Replies with the received request and its headers; refuses, or closes the connection, if the path says so."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path.startswith("/cut"):
            self.close_connection = True
            return
        sent = dict(self.headers)
        answer = json.dumps({"error": f"you sent {sent}", "headers": sent, "body": body}).encode()
        self.send_response(422 if self.path.startswith("/refuse") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-You-Sent", sent.get("Authorization", ""))
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_: object) -> None: ...


class Collector(BaseHTTPRequestHandler):
    """Receives traces."""

    def do_POST(self) -> None:
        self.server.got.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def listening(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.got = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def echoing():
    with listening(Echo) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def forms(secret: str) -> set[bytes]:
    """The forms in which a secret can be written, with base64 at each of its three offsets."""
    raw = secret.encode()
    shifted = {base64.b64encode(b"x" * n + raw)[4 if n else 0 : -4] for n in range(3)}
    return {raw, quote(secret, safe="").encode(), raw.hex().encode(), json.dumps(secret)[1:-1].encode(), *shifted}


class RecordingClient:
    """Every reply, by its request."""

    def __init__(self, client: httpx.Client) -> None:
        self.client, self.answers = client, {}

    def ask(self, line: str, body=None, **more):
        method, path = line.split(" ", 1)
        reply = self.client.request(method, path if path.startswith("/hooks") else f"/api/v1{path}", json=body, **more)
        self.answers[f"{len(self.answers)} {line} {reply.status_code}"] = reply.content + repr(reply.headers).encode()
        return reply


@pytest.fixture
def service(tmp_path):
    with echoing() as url, running_provider() as provider:
        environ = {
            "KEY": S["key of the environment"],
            "EXTRA": S["header of a credential"],
            "SOURCE_URL": f"postgresql://reader:{S['database password']}@127.0.0.1:9/crm",
            "HOOK_SIGNING": S["signing secret"],
            "PENSTOCK_ENV_ALLOWED": "KEY,EXTRA,SOURCE_URL,HOOK_SIGNING",
            "PENSTOCK_OIDC_ISSUER": provider.issuer,
            "PENSTOCK_OIDC_CLIENT_ID": CLIENT,
            "PENSTOCK_OIDC_CLIENT_SECRET": SECRET,
        }
        with running(tmp_path, environ=environ) as made:
            made.app.people.register.add("admin", "admin", password=S["password"])
            made.echo = url
            yield made


def through_people(api: RecordingClient, service) -> dict[str, str]:
    """Sign in, mistype, add users; returns the secrets that were created."""
    session = api.client.post("/api/v1/session", json={"name": "admin", "password": S["password"]}).json()
    api.client.headers["X-Penstock-CSRF"] = session["csrf"]
    wrong = S["mistyped password"]
    api.ask("POST /session", {"name": "admin", "password": wrong})
    api.ask("POST /session", {"name": wrong, "password": wrong})
    api.ask("POST /session", {"name": wrong, "password": wrong, "more": wrong})
    api.ask("POST /people/me/password", {"old": wrong, "new": S["password"]})
    token = api.client.post("/api/v1/tokens", json={"name": "ci", "role": "admin"}).json()["token"]
    link = api.client.post("/api/v1/people", json={"name": "grace", "role": "viewer"}).json()["link"].partition("=")[2]
    browser = service.client()
    browser.get("/api/v1/session/oidc")
    browser.get(f"/api/v1/session/oidc/callback?code={wrong}&state=x")
    return {
        "token": token,
        "link": link,
        "cookie": api.client.cookies["penstock_session"],
        "csrf": session["csrf"],
        "sign-on cookie": browser.cookies.get("penstock_sign_on", "none was ever kept here"),
    }


def through_settings(api: RecordingClient, service) -> dict[str, str]:
    """The project, keys, wrong input of every kind with secrets in it, and an alert channel that fails."""
    project = PROJECT.format(url=service.echo, literal=S["literal in the YAML"])
    for kind in ("?dry_run=true", ""):
        assert api.ask(f"PUT /project{kind}", {"yaml": project}).status_code == 200
    api.ask("PUT /project", {"yaml": project + f"nonsense: {S['unsaved']}\n"})
    api.ask("PUT /project", {"yaml": project.replace("request:", "requst:")})
    api.ask("PUT /credentials/sealed/secret", {"secret": S["sealed through the API"]})
    value = {"connector": "http", "base_url": service.echo}
    api.ask("POST /credentials/check", {"name": "sealed", "value": value, "secret": S["unsaved"]})
    api.ask(
        "POST /credentials/check", {"name": "sealed", "value": {**value, "x": S["unsaved"]}, "secret": S["unsaved"]}
    )
    for wrong in ({"api_key": S["unsaved"], "base_url": "https://a.example"}, {"api_key": {"x": S["unsaved"]}}):
        api.ask("POST /credentials/validate", {"name": "new", "value": {**value, **wrong}})
        api.ask("PUT /credentials/sealed", {**value, **wrong, "timeout": "no"})
    url = f"postgresql://reader:{S['database password']}@127.0.0.1:9/crm"
    for wrong in (
        {"type": "sql", "url": url, "table": "people"},
        {"type": "sql", "url": f"{url}?x=%zz", "query": "selec"},
        {"type": "sql", "url": "${env:SOURCE_URL}", "table": "people"},
        {"type": "sql", "url": "${env:KEY}", "table": "people"},
        {"type": "sql", "url": "sqlite:///${env:EXTRA}", "table": "people"},
        {"type": "sql", "url": "postgresql://reader:${env:KEY}@127.0.0.1:9/${env:EXTRA}", "table": "people"},
    ):
        api.ask("POST /sources/check", {"name": "new", "value": wrong})
        api.ask("POST /sources/validate", {"name": "new", "value": wrong})
    channel = f"json://user:{S['channel']}@127.0.0.1:9/{S['channel']}?x={S['channel']}"
    api.ask("PUT /settings/alerts", {"channels": {"ops": {"url": channel, "allowed_hosts": ["127.0.0.1"]}}})
    api.ask("PUT /settings/alerts", {"channels": {"ops": {"url": f"nonsense://{S['channel']}"}}})
    api.ask("POST /settings/alerts/test")
    return {"hook key": api.client.post("/api/v1/sources/hook/hook/key").json()["key"]}


def through_runs(api: RecordingClient, service, hook_key: str) -> None:
    """Posts, previews, tests, and runs that succeed, are refused and lose their replies; then the records in quarantine are read."""
    api.ask("POST /hooks/hook", [{"id": "1"}], headers={"Authorization": hook_key})
    api.ask(f"POST /hooks/hook?key={hook_key}x", [{"id": "1"}], headers={"X-Api-Key": hook_key + "x"})
    api.ask("POST /hooks/signed", [{"id": "1"}], headers={"webhook-signature": "v1,nonsense", "webhook-id": "1"})
    for name in ("fine", "refused", "lost", "unreadable"):
        for line in ("GET /destinations/{}/preview", "GET /destinations/{}/plan", "POST /destinations/{}/test"):
            api.ask(line.format(name), {"sample": 1} if line.startswith("POST") else None)
        run = api.ask("POST /runs", {"target": name}).json()["run"]
        ended(service.app, run)
        for part in ("", "/events", "/deliveries", "/records", "/records/export"):
            api.ask(f"GET /runs/{run}{part}")
        for one in api.client.get(f"/api/v1/runs/{run}/deliveries").json().get("items", []):
            api.ask(f"GET /runs/{run}/deliveries/{one['delivery']}")
        api.ask(f"GET /responses/{name}")
    for entry in api.client.get("/api/v1/quarantine").json()["items"]:
        api.ask(f"GET /quarantine/{entry['id']}")
        api.ask(f"POST /quarantine/{entry['id']}/preview", {})
    service.app.watch.tick()


def through_looking(api: RecordingClient) -> None:
    kinds = ("credentials", "sources", "datasets", "destinations", "flows", "people", "tokens", "runs", "quarantine")
    more = ("audit", "audit/export", "alerts", "settings/alerts", "project", "project/export", "doctor", "overview")
    for path in (*kinds, *more, "versions", "versions/2", "stats", "search?q=5ecret", "quarantine/groups"):
        api.ask(f"GET /{path}")
    for name in ("env", "literal", "sealed"):
        api.ask(f"POST /credentials/{name}/check", {"refresh": True})
        api.ask(f"GET /credentials/{name}")
    for name in ("hook", "signed"):
        api.ask(f"GET /sources/{name}/hook")
    api.ask("GET /datasets/rows/schema")
    api.ask("POST /datasets/rows/refresh")
    metrics = api.client.get("/metrics")
    api.answers["metrics"] = metrics.content


@pytest.fixture
def collector(monkeypatch):
    """A receiver of traces; `got` has the received bodies, decompressed."""
    with listening(Collector) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        yield server


def test_no_secret_is_found_in_anything_a_service_wrote(service, collector, caplog, capsys, tmp_path_factory):
    caplog.set_level(logging.DEBUG)
    stream, api = io.StringIO(), RecordingClient(service.client())
    worker = service.app.worker()
    wanted = {"PENSTOCK_LOG_LEVEL": "debug", "PENSTOCK_LOG_FORMAT": "json", "PENSTOCK_TRACES": "on"}
    with watched(service.app, wanted, stream):
        worker.start()
        try:
            drawn = through_people(api, service)
            drawn |= through_settings(api, service)
            through_runs(api, service, drawn["hook key"])
            through_looking(api)
        finally:
            worker.stop()
    backup = tmp_path_factory.mktemp("backup") / "made"
    place = ["--database", f"sqlite:///{service.folder}/state.db", "--json"]
    for command in (["backup", str(backup)], ["doctor"], ["people", "list"], ["token", "list"], ["audit"]):
        execute([*command, *place])
    printed = "".join(capsys.readouterr())
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]  # the browser's
    assert "run.ended" in stream.getvalue()
    assert b"penstock.request" in b"".join(collector.got)
    searched = {
        **api.answers,
        "log": stream.getvalue().encode(),
        "records of the log": "".join(map(logging.Formatter().format, ours)).encode(),
        "commands": printed.encode(),
        "traces": b"".join(collector.got),
        **{
            f"file {path.name}": path.read_bytes()
            for path in service.folder.rglob("*")
            if path.is_file() and path.name != "penstock.yaml"
        },
    }
    with tarfile.open(backup) as archive:
        for member in archive:
            content = archive.extractfile(member)
            searched[f"backup {member.name}"] = b"" if content is None else content.read()
    assert {"backup state.db", "file state.db"} <= searched.keys()
    assert b"/echo" in searched["file state.db"] + searched.get("file state.db-wal", b"")
    wanted = {name: forms(text) for name, text in {**SECRETS, **drawn}.items()}
    found = {
        (name, where)
        for name, any_of in wanted.items()
        for where, text in searched.items()
        for form in any_of
        if form in text
    }
    assert "\n".join(f"{name} in {where}" for name, where in sorted(found)) == ""


def test_deleting_a_resource_deletes_its_secret(service):
    api = RecordingClient(service.client())
    through_people(api, service)
    api.ask("PUT /project", {"yaml": PROJECT.format(url=service.echo, literal=S["literal in the YAML"])})
    for name in ("spare", "other"):
        value = {"connector": "http", "base_url": service.echo, "api_key": S["sealed through the API"]}
        assert api.ask("POST /credentials", {"name": name, "value": value}).status_code == 201
    assert (
        api.ask("POST /sources", {"name": "gone", "value": {"type": "webhook", "auth": {"type": "key"}}}).status_code
        == 201
    )
    api.ask("POST /sources/gone/hook/key")
    api.ask("POST /credentials/spare/check", {"refresh": True})

    def sealed():
        from penstock.store.project import credentials

        with service.app._ctx.database.read() as conn:
            return {
                name
                for name in ("spare", "other", "literal", "sources/gone")
                if credentials.has_secret(conn, name) or credentials.stored_check(conn, name)
            }

    assert sealed() == {"spare", "other", "literal", "sources/gone"}
    assert api.ask("DELETE /credentials/spare").status_code == 204
    assert sealed() == {"other", "literal", "sources/gone"}
    assert api.ask("PUT /project", {"yaml": "sources: {}\n"}).status_code == 200
    assert sealed() == set()
