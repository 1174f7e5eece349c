"""`--json` of every command on one project, with keys, structure and values. Values that differ between runs are masked."""

import http.client
import json
import os
import re
import sqlite3
from contextlib import closing
from urllib.parse import urlsplit

import pytest

WITHOUT = {"every command", "demo"}  # no command; tests/cli/commands/test_demo.py has its document
COMPANIES = "company_id,name,mrr,size\nacme,Acme,12.50,7\nbolt,Bolt,0,half\n"
PEOPLE = """\
id,email,name,company,signed_up
007,ada@example.com,Ada,acme,2025-03-01
8,grace@example.com,Zoë 🚀,acme,2025-04-12
9,not-an-address,Nobody,acme,2025-04-13
10,eve@example.com,Eve,acme,2025-04-14
"""
NOTES = [("n-1", "acme", "Called them"), ("n-2", "acme", "")]
PROJECT = """\
credentials:
  page: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{flat_url}"}}
  native: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}"}}
  sealed: {{connector: custify, base_url: "{flat_url}"}}
sources:
  companies: {{type: file, path: companies.csv}}
  people: {{type: file, path: people.csv}}
  notes: {{type: sql, url: "sqlite:///notes.db", table: notes}}
  app: {{type: webhook}}
datasets:
  companies: {{source: companies, key: company_id}}
  people: {{source: people, key: id}}
  notes: {{source: notes, key: note_id}}
  posted: {{source: app, key: id}}
destinations:
  companies: {{dataset: companies, credential: page, template: upsert_company, concurrency: 1, active: true}}
  people:
    dataset: people
    credential: page
    template: upsert_person
    fields: {{user_id: id, email: email, name: name, company_id: company, signed_up_at: signed_up}}
    concurrency: 1
  both:
    dataset: people
    credential: native
    template: upsert_person
    fields: {{user_id: id, email: email}}
    attributes: none
    batch: {{size: 2}}
    concurrency: 1
    active: true
  notes:
    dataset: notes
    credential: page
    template: create_note
    attributes: none
    concurrency: 1
    active: true
flows:
  nightly: {{destinations: [companies, people, notes], schedule: "0 3 * * *"}}
"""

MEASURED = {"duration_s", "duration_ms", "eta_s", "bytes", "before_bytes", "after_bytes", "free_bytes", "freed_bytes"}
SHAPES = (
    ("time", re.compile(r"\d{4}-\d\d-\d\dT[\d:]{6,8}(\.\d+)?(Z|\+00:00)")),
    ("time", re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT")),
    ("port", re.compile(r"(?<=127\.0\.0\.1:)\d+")),
    ("id", re.compile(r"\b[0-9a-f]{24}\b")),
    ("server", re.compile(r"Python/[\d.]+ aiohttp/[\d.]+")),
)
RUN_OR_TOKEN = re.compile(r"\b(r-\d{8}-\d{6}-\w{6}|t-[0-9a-f]{12})\b")


@pytest.fixture
def masked(tmp_path):
    """The document with a word in `<>` for each value that differs between runs or machines.

    One id is one word everywhere. `hidden`: names whose values differ, too.
    """
    ids: dict[str, str] = {}

    def mask(value, hidden, name=""):
        if isinstance(value, dict):
            return {name: mask(inner, hidden, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [mask(each, hidden, name) for each in value]
        if value is None or isinstance(value, bool):
            return value
        if name in hidden or (name in MEASURED and not isinstance(value, str)):
            return f"<{name}>"
        if not isinstance(value, str):
            return value
        text = value.replace(str(tmp_path), "<folder>")
        for word, shape in SHAPES:
            text = shape.sub(f"<{word}>", text)
        return RUN_OR_TOKEN.sub(lambda found: ids.setdefault(found[0], f"<id {len(ids) + 1}>"), text)

    return mask


def test_every_command(penstock, golden, sandbox, masked, monkeypatch):
    found = {}
    folder = penstock.folder
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    (folder / "companies.csv").write_text(COMPANIES, encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    with closing(sqlite3.connect(folder / "notes.db")) as db, db:
        db.execute("create table notes (note_id text, company_id text, text text)")
        db.executemany("insert into notes values (?, ?, ?)", NOTES)

    def step(line, *, stdin="", title=None, hidden=()):
        answer = penstock(*line.split(), "--json", stdin=stdin)
        found[title or line] = {"exit": answer.code, "document": masked(answer.document, hidden)}
        return answer.document

    with penstock.running("sandbox", "--with-parent", str(os.getpid())) as ready:
        found["sandbox"] = {"document": masked(ready, ())}
    # set up
    step("init")
    (folder / "penstock.yaml").write_text(PROJECT.format(url=sandbox.url, flat_url=sandbox.flat_url), encoding="utf-8")
    step("validate")
    step("validate -f people.csv")
    step("check page")
    step("check sealed")
    step("credential set sealed", stdin=sandbox.api_key)
    step("credential rotate-key", hidden={"key"})
    step("check native")
    for name in ("companies", "people", "notes"):
        step(f"schema {name}")
    # look, send, look again
    step("preview both")
    step("preview companies --limit 1")
    step("test people --sample 1")
    step("plan nightly")
    step("identity people")
    step("run people")
    step("activate people")
    sandbox.fault(status=422, path="/people", method="POST", containing="eve@", times=1)
    sandbox.fault(cut="after", path="/note", method="POST", times=1)
    nightly = step("run nightly")
    step("runs")
    for part in nightly["destinations"]:
        step(f"runs {part['run']}", title=f"runs RUN ({part['destination']})")
        step(f"deliveries {part['run']}", title=f"deliveries RUN ({part['destination']})")
    both = step("run both")
    step(f"deliveries {both['run']}", title="deliveries RUN (both)")
    step("run both --dry-run")
    # records in quarantine
    in_quarantine = {(entry["destination"], entry["key"]): entry["id"] for entry in step("quarantine list")}
    for (destination, key), entry in in_quarantine.items():
        step(f"quarantine show {entry}", title=f"quarantine show ID ({destination} {key})")
    step(
        f"quarantine edit {in_quarantine['people', '9']} --set email=bob@example.com", title="quarantine edit ID --set"
    )
    step(f"quarantine resend {in_quarantine['people', '9']}", title="quarantine resend ID")
    step("settle both")
    step("settle notes")
    sandbox.call("POST /people", '{"user_id": "7", "email": "other@example.com"}')
    step("reconcile both")
    step("reconcile both --fix")
    step("reconcile notes")
    step(f"quarantine settle {in_quarantine['notes', 'n-1']} --delivered", title="quarantine settle ID --delivered")
    step(f"quarantine discard {in_quarantine['people', '10']} --reason test", title="quarantine discard ID")
    step("quarantine resend --all")
    step("pause people")
    # the project in the database
    step("apply --dry-run")
    step("apply")
    step("versions")
    (folder / "penstock.yaml").write_text((folder / "penstock.yaml").read_text().replace("0 3 *", "0 4 *"))
    step("plan people", title="plan people (the file differs)")
    step("apply", title="apply (again)")
    step("roll-back 1")
    step("versions", title="versions (after roll-back)")
    step("export")
    step("export --output exported.yaml")
    step("apply", title="apply (after roll-back)")
    step("hooks list")
    step("hooks new-key app", hidden={"key"})
    # people
    step("people setup-link", hidden={"link"})
    step("people add ada --role admin --email ada@example.com", hidden={"link"})
    step("people add eve --role viewer", hidden={"link"})
    step("people role eve operator")
    step("people unlink eve")
    step("people reset eve", hidden={"link"})
    step("people setup-link", title="people setup-link (there is an admin)")
    step("people list")
    token = step("token add ada scraper --role viewer --expires 2099-01-31", hidden={"token"})
    step("token list")
    step(f"token remove {token['id']}", title="token remove ID")
    step("people remove eve")
    # what runs by itself
    step("flow pause nightly")
    step("flow resume nightly")
    with penstock.running("serve", "--port", "0", "--no-worker", "--without-sign-in") as served:
        found["serve"] = {"document": masked(served, ())}
        run = ask(served["url"], "POST", "/api/v1/runs", {"target": "nightly"})["run"]
        step(f"cancel {run}", title="cancel RUN")
    with penstock.running("worker") as working:
        found["worker"] = {"document": masked(working, {"worker"})}
    step("audit", hidden={"who", "from"})
    # care
    step("doctor", hidden={"penstock", "python", "state", "sqlite"})
    step("backup backup.tar", hidden={"schema"})
    step("retention")
    step("retention runs=30")
    step("erase bolt --yes")
    step("prune --dry-run")
    step("prune")
    step("compact")
    step("restore backup.tar")
    step("restore backup.tar --replace", hidden={"schema"})
    golden("json", found)


def ask(url, method, path, body):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    with closing(connection):
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())


def test_every_command_is_shown(known):
    shown = {name.split(" (")[0] for name in known("json")}
    commands = known("commands").keys() - WITHOUT
    assert {
        name for name in commands if not any(line == name or line.startswith(f"{name} ") for line in shown)
    } == set()
