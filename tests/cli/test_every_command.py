"""Every command on a project with the sandbox; as a separate process where signals and terminals matter."""

import json
import os
import pty
import signal

import pytest

from support.cli.shell import Shell

PEOPLE = "id,email,name,plan\nu1,a@example.com,Ada,pro\nu2,nobody,Bob,free\nu3,c@example.com,Zoë 🚀,\n"
PROJECT = """\
credentials:
  sandbox:
    {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}", rate_limit: {{requests: 9999, per: 1s}}}}
  sealed: {{connector: custify, base_url: "{url}"}}
  nowhere: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "http://127.0.0.1:9"}}
sources:
  file: {{type: file, path: people.csv}}
datasets:
  people: {{source: file, key: id}}
destinations:
  people:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {{user_id: id, email: email, name: name}}
    batch: off
  lost: {{dataset: people, credential: nowhere, template: upsert_person, fields: {{user_id: id}}, active: true}}
  mine: {{dataset: people, credential: sealed, template: upsert_person, fields: {{user_id: id}}, active: true}}
  calls:
    {{dataset: people, credential: sandbox, template: create_task, fields: {{name: id}}, attributes: none, on_unknown: hold,
      settle_after: 0s, concurrency: 1, active: true}}
flows:
  nightly: {{destinations: [people]}}
"""


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(url=sandbox.url), encoding="utf-8")
    return Shell(tmp_path, monkeypatch, capsys)


def test_the_commands_from_check_to_the_second_run(shell, sandbox):
    assert shell.json("check sandbox")["ok"] is True
    assert [c["name"] for c in shell.json("schema people")["columns"]] == ["id", "email", "name", "plan"]
    assert shell.json("validate") == {"errors": []}

    requests = shell.json("preview people")
    assert [request["records"] for request in requests] == [["u1"], ["u3"]]
    assert sandbox.api_key not in json.dumps(requests)
    assert shell.json("test people --sample 3")["response"]["status"] == 200
    [person] = sandbox.state()["people"]
    assert person["name"] == "Zoë 🚀"

    plan = shell.json("plan people")
    assert (plan["records"], plan["creates_or_updates"], plan["invalid"], plan["requests"]) == (3, 2, 1, 2)
    assert shell.json("run people", code=2)["errors"][0]["path"].startswith("destinations.people")
    assert shell.json("activate people")["state"] == "active"

    run = shell.json("run people", code=1)
    assert (run["status"], run["records"]["delivered"], run["records"]["quarantined"]) == ("partial", 2, 1)
    sent = [entry["body"] for entry in sandbox.requests() if entry["method"] == "POST"][-2:]
    assert sorted(sent) == sorted(request["body"] for request in requests)  # what was previewed is what was sent

    again = shell.json("run nightly", code=1)
    assert (again["flow"], again["requests"], again["records"]["unchanged"]) == ("nightly", 0, 2)
    assert again["destinations"][0]["records"]["quarantined"] == 1

    listed = shell.json("runs")
    assert [item["run"] for item in listed] == [again["run"], run["run"]]  # a test send is not a run
    assert shell.json(f"runs {run['run']}")[0]["records"] == run["records"]
    deliveries = shell.json(f"deliveries {run['run']}")
    assert sorted(delivery["records"] for delivery in deliveries) == [["u1"], ["u3"]]
    assert {delivery["outcome"] for delivery in deliveries} == {"delivered"}


def test_a_quarantined_record_is_edited_and_resent(shell, sandbox):
    shell.text("activate people")
    shell.text("run people", code=1)
    [entry] = shell.json("quarantine list")
    assert (entry["key"], entry["field"], entry["outcome"]) == ("u2", "email", "quarantined")
    shown = shell.json(f"quarantine show {entry['id']}")
    assert shown["record"]["email"] == "nobody"

    edited = shell.json(f"quarantine edit {entry['id']} --set email=bob@example.com")
    assert edited["record"] == {**shown["record"], "email": "bob@example.com"}
    whole = {**edited["record"], "name": "Bób"}
    assert shell.json(f"quarantine edit {entry['id']}", stdin=json.dumps(whole))["record"] == whole
    assert shell.json(f"quarantine edit {entry['id']}", code=2, stdin="{nonsense")["errors"][0]["code"] == "not-json"

    resent = shell.json(f"quarantine resend {entry['id']}")
    assert (resent["status"], resent["records"]["delivered"]) == ("succeeded", 1)
    assert {person["name"] for person in sandbox.state()["people"]} == {"Ada", "Zoë 🚀", "Bób"}
    assert shell.json("quarantine list") == []
    run = shell.json("run people")  # the source still has the wrong version: it is neither sent nor quarantined again
    assert (run["status"], run["requests"], run["records"]["unchanged"]) == ("succeeded", 0, 3)


def test_discarded_records_are_not_sent_and_only_unknown_records_are_settled(shell, sandbox):
    shell.text("activate people")
    shell.text("run people", code=1)
    [entry] = shell.json("quarantine list")
    assert shell.json(f"quarantine settle {entry['id']} --delivered", code=2)["errors"][0]["code"] == "not-unknown"
    assert shell.json("quarantine show q-999", code=2)["errors"][0]["code"] == "unknown-id"
    assert shell.json("quarantine discard --all --reason test") == {"discarded": 1}
    run = shell.json("run people")
    assert (run["status"], run["records"]["unchanged"]) == ("succeeded", 3)


def test_unknown_records_are_settled_until_every_one_is_decided(shell, sandbox):
    for way in ("after", "before", "after"):
        sandbox.fault(cut=way, method="POST", path="/task", times=1)
    assert shell.json("run calls", code=1)["records"]["unknown"] == 3
    *_, last = shell.json("quarantine list")
    shell.json(f"quarantine edit {last['id']} --set name=Zoe")
    settled = shell.json("settle calls", code=1)
    assert settled == {"delivered": 1, "sent_again": 1, "undecided": 1, "requests": settled["requests"]}
    assert len(sandbox.state()["tasks"]) == 3
    assert "edited" in shell.json(f"quarantine show {last['id']}")["finding"]
    shell.json(f"quarantine settle {last['id']} --delivered")
    before = len(sandbox.requests())
    assert shell.json("settle calls") == {"delivered": 0, "sent_again": 0, "undecided": 0, "requests": 0}
    assert len(sandbox.requests()) == before
    assert shell.json("settle nobody", code=2)["errors"][0]["code"] == "unknown-destination"


def test_an_edited_body_is_sent_unchanged(shell, sandbox):
    body = '{"user_id": "u9",  "name": "manual"}'
    report = shell.json("test people --body -", stdin=body)
    assert report["request"]["body"] == body
    assert sandbox.requests()[-1]["body"] == body
    assert shell.json("runs") == []  # a test send is not a run


def test_every_report_is_printed_as_text(shell):
    shell.text("activate people")
    for line, code in (
        ("check sandbox", 0),
        ("schema people", 0),
        ("preview people", 0),
        ("test people", 0),
        ("plan people", 0),
        ("plan nightly", 0),
        ("run people --dry-run", 0),
        ("run nightly", 1),
        ("runs", 0),
        ("quarantine list", 0),
    ):
        assert shell.text(line, code).strip(), line
    run = shell.json("runs")[0]["run"]
    assert run in shell.text(f"runs {run}")
    assert "POST" in shell.text(f"deliveries {run}")


def test_a_paused_destination_is_not_sent(shell):
    shell.text("activate people")
    shell.text("pause people")
    assert "paused" in shell.json("run people", code=2)["errors"][0]["message"]
    assert "people" in shell.json("run nightly")["skipped"]


def test_an_unreachable_host_and_a_refused_key_end_with_3(shell):
    assert shell.json("run lost", code=3)["status"] == "failed"
    assert shell.json("check nowhere", code=3)["ok"] is False
    shell.monkeypatch.setenv("SANDBOX_KEY", "wrong")
    refused = shell.json("check sandbox", code=3)
    assert refused["ok"] is False
    shell.text("activate people")
    run = shell.json("run people", code=3)
    assert (run["status"], run["records"]["unsent"], run["records"]["delivered"]) == ("failed", 2, 0)
    assert shell.json("test people", code=1)["response"]["status"] == 401


def test_unknown_names_get_a_suggestion(shell):
    for line in ("preview peple", "plan peple", "run peple", "check sandbx", "schema peple", "activate peple"):
        [error] = shell.json(line, code=2)["errors"]
        assert "did you mean" in error["hint"], line
    assert shell.json("runs r-0", code=2)["errors"][0]["code"] == "unknown-run"


def test_a_key_is_read_from_stdin_and_shown_nowhere(shell, sandbox):
    assert shell.json("run mine", code=2)["errors"][0]["path"] == "credentials.sealed.api_key"
    assert shell.json("credential set sealed", code=2, stdin="\n")["errors"][0]["code"] == "no-key"
    assert shell.json("credential set sealed", stdin=sandbox.api_key + "\n")["credential"] == "sealed"
    assert shell.json("check sealed")["ok"] is True
    state = b"".join(path.read_bytes() for path in (shell.folder / ".penstock").rglob("*") if path.is_file())
    assert sandbox.api_key.encode() not in state


def test_a_key_is_typed_without_being_shown(shell, sandbox):
    ours, theirs = pty.openpty()
    process = shell.start(
        "credential", "set", "sealed", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    while b"not shown" not in seen:
        seen += os.read(ours, 1000)
    os.write(ours, sandbox.api_key.encode() + b"\n")
    try:
        while part := os.read(ours, 1000):
            seen += part
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    assert process.wait(timeout=30) == 0
    assert sandbox.api_key.encode() not in seen
    assert shell.json("check sealed")["ok"] is True


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_cleanly_and_can_be_continued(shell, sandbox, sign):
    rows = "".join(f"u{number},u{number}@example.com,N,\n" for number in range(150))
    (shell.folder / "people.csv").write_text("id,email,name,plan\n" + rows)
    shell.text("activate people")
    sandbox.settings(latency=50)
    process = shell.start("run", "people", "--json")
    while sandbox.stats()["requests"] < 10:
        assert process.poll() is None
    process.send_signal(sign)
    out, err = process.communicate(timeout=30)
    stopped = json.loads(out)
    assert (process.returncode, stopped["status"]) == (130, "cancelled"), err
    assert stopped["records"]["unsent"] > 0
    sandbox.settings(latency=0)
    ended = shell.json("run people")
    assert ended["run"] == stopped["run"]
    assert ended["records"]["delivered"] == ended["records"]["read"] == 150
    assert len(sandbox.state()["people"]) == 150
