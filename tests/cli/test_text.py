"""Output for people: plain text on a pipe, colours on a terminal; data cannot control the terminal."""

import os
import pty
import subprocess
import sys
from dataclasses import replace

import pytest

from penstock.main import execute
from penstock.model.outcome import Counts, Note
from penstock.model.reports import QuarantineDetail, SettleReport
from penstock.model.runs import PlanReport, RunReport
from support.cli.fake_app import ANSWERS, FLOW, FakeApp, ended, quarantine_entry


def shown(capsys, line: str, **answers) -> str:
    execute(line.split(), FakeApp(answers).opener)
    return capsys.readouterr().out


def test_a_preview_shows_requests_then_invalid_records_notes_and_base_url(capsys):
    assert (
        shown(capsys, "preview people")
        == """\
── Request 1 of 1  u-1
POST https://app.custify.com/api/people
Authorization: Bearer ***
Content-Type: application/json

{"user_id":"u-1","name":"Zoë 🚀"}
looked up when the request is sent: entity_id

Would be quarantined
  u-2: is no e-mail address (found nobody); accepted: name@example.com
Notes
  due_date: not sent (3 records): the native API has no place for it
Base URL https://app.custify.com/api, assumed until checked
→ from the cached sample records; `penstock preview people --all` shows the whole dataset
"""
    )


def test_a_body_is_printed_unchanged(capsys):
    body = "<records>\n\t<record>[bold]:smile: \xa0 " + "x" * 500 + "</record></records>"
    request = replace(ANSWERS["preview"].requests[0], body=body)
    assert body in shown(capsys, "preview people", preview=replace(ANSWERS["preview"], requests=(request,)))


def test_a_plan_shows_what_would_be_sent_and_what_would_not(capsys):
    text = shown(capsys, "plan people")
    assert text.startswith("people: 3 records → 1 request → 0.1 s at the credential's rate limit\n")
    assert "1  to create or update\n" in text
    assert "1  unchanged: not sent\n" in text
    assert "1  invalid: would be quarantined\n" in text
    assert "Would be quarantined\n  u-2: is no e-mail address" in text
    assert text.endswith("→ penstock run people\n")


def test_the_plan_of_a_draft_ends_with_the_command_that_activates_it(capsys):
    draft = replace(ANSWERS["plan"], active=False, asking=1)
    text = shown(capsys, "plan people", plan=draft)
    assert text.endswith("→ penstock activate people\n")
    assert "1  of the requests only reads: " in text


def test_the_plan_of_a_mirror_above_its_share_ends_with_the_command_that_approves(capsys):
    reason = "20 of 40 delivered keys are more than the share of 0.05; `--allow-deletes abc` deletes exactly these"
    notes = (Note("on_delete", "not deleted", reason, 20),)
    plan = PlanReport(20, 0, 20, 20, 0, 0, 0.0, notes=notes, destination="people", deletes_hash="abc")
    text = shown(capsys, "plan people", plan=plan)
    assert "20  to delete, when a person allows it\n" in text
    assert text.endswith("\n→ penstock run people --allow-deletes abc deletes them\n")
    assert "nothing to send" not in text
    sends = shown(capsys, "plan people", plan=replace(plan, creates_or_updates=1, requests=1))
    assert sends.endswith("→ penstock run people\n→ penstock run people --allow-deletes abc deletes them\n")
    allowed = shown(capsys, "plan people", plan=replace(plan, notes=(), requests=20))
    assert "20  to delete\n" in allowed
    assert allowed.endswith("→ penstock run people\n")
    run = replace(ended("partial", reason=reason), notes=notes)
    assert shown(capsys, "run people", run=run).count("more than the share") == 1


def test_a_comparison_and_a_settle_run_say_in_words_what_came_out(capsys):
    same = RunReport("r-8", "succeeded", Counts(), destination="people", kind="reconcile", requests=2)
    drift = replace(same, status="partial", reason="117 records are not in Custify as they were sent")
    assert "comparison: nothing differs" in shown(capsys, "runs", runs=[same])
    assert (
        shown(capsys, "runs r-8", runs=[drift])
        == """\
people partial  run r-8
  comparison: 117 records are not in Custify as they were sent
  2 requests in less than 0.1 s
"""
    )
    settled = replace(same, kind="settle", records=Counts(4, delivered=1, unchanged=2, unknown=1))
    assert "settle: 2 had arrived, 1 sent again, 1 unknown" in shown(capsys, "runs", runs=[settled])
    assert "  4 unknown records: 2 had arrived, 1 sent again, 1 unknown\n" in shown(capsys, "runs r-8", runs=[settled])


def test_a_flow_shows_the_result_of_each_destination_and_the_next_step(capsys):
    assert (
        shown(capsys, "run nightly", run=FLOW)
        == """\
nightly partial  run r-3
  6 records: 3 delivered, 1 unchanged, 2 quarantined
  4 requests in less than 0.1 s
  destination  status     records  outcomes                    requests
  people       succeeded        3  2 delivered, 1 unchanged           2
  people       partial          3  1 delivered, 2 quarantined         2
  skipped: notes (it is a draft)
  people · due_date: not sent (3 records): the native API has no place for it
→ penstock quarantine list shows the records in quarantine, and why
"""
    )


@pytest.mark.parametrize(
    ("report", "advice"),
    [
        (ended("cancelled", "cancelled"), "run the same command again to continue run r-9"),
        (ended("failed", "credential", reason="401: key refused — see `penstock check a`"), "penstock check a"),
        (ended("failed", "fuse", reason="the fuse: 100 in a row"), "the next run sends the unsent records"),
    ],
)
def test_a_stopped_run_shows_the_reason_and_the_next_step(capsys, report, advice):
    text = shown(capsys, "run people", run=report)
    assert advice in text
    assert report.reason is None or report.reason in text


def test_the_quarantine_is_grouped_by_cause(capsys):
    text = shown(capsys, "quarantine list")
    assert text.startswith("3 records in quarantine\n\nemail: email  2 records\n")
    assert "  q-1  people       u-1  quarantined  why 1\n" in text
    assert "company_id: required  1 record\n" in text
    assert "settle ID --delivered" in text
    assert shown(capsys, "quarantine list", quarantine=[]) == "The quarantine is empty.\n"


def test_settling_says_what_was_found_and_why_the_rest_is_undecided(capsys):
    left = [replace(quarantine_entry(n, outcome="unknown"), finding="Custify cannot tell") for n in (1, 2)]
    answers = {"settle_destination": SettleReport("r-5", 2, 1, 2, 7), "quarantine": [*left, quarantine_entry(3)]}
    answers["runs"] = [ended("partial")]
    assert (
        shown(capsys, "settle people", **answers)
        == """\
people  5 unknown records  run r-5
  2 had arrived
  1 was not there: sent again
  2 could not be decided
    2: Custify cannot tell
  7 requests
→ look for them in Custify, then penstock quarantine settle ID --delivered, or resend ID
"""
    )
    nothing = SettleReport("r-5", 0, 0, 0, 0)
    assert (
        shown(capsys, "settle people", settle_destination=nothing, runs=[ended("succeeded")])
        == "people: no record is unknown.\n"
    )


def test_an_unknown_record_shows_what_was_found_when_it_was_read_back(capsys):
    entry = quarantine_entry(1, outcome="unknown")
    detail = replace(ANSWERS["quarantined"], entry=replace(entry, finding="Custify cannot tell"))
    assert "  read back: Custify cannot tell\n" in shown(capsys, "quarantine show q-1", quarantined=detail)
    assert "  read back: not yet\n" in shown(capsys, "quarantine show q-1", quarantined=replace(detail, entry=entry))


def test_a_long_group_is_cut_and_names_the_command_for_the_rest(capsys):
    many = [quarantine_entry(number) for number in range(25)]
    text = shown(capsys, "quarantine list", quarantine=many)
    assert text.count("why") == 10
    assert "… and 15 more: penstock quarantine list --cause 'email: email'" in text
    assert shown(capsys, "quarantine list --all", quarantine=many).count("why") == 25


def test_a_record_in_quarantine_is_shown_with_request_and_reply(capsys):
    request = {"method": "POST", "url": "https://x/people", "headers": {"a": "b"}, "body": "{}"}
    reply = {"status": 422, "headers": {}, "body": "no such company"}
    detail = replace(ANSWERS["quarantined"], request=request, reply=reply)
    text = shown(capsys, "quarantine show q-1", quarantined=detail)
    for part in ("why 1", '"n": 12345678901234567890', "POST https://x/people", "422", "no such company"):
        assert part in text
    assert "penstock quarantine edit q-1" in text


def test_runs_deliveries_checks_schemas_and_tests_as_text(capsys):
    assert "r-3  nightly  partial    2026-01-31 12:00:00" in shown(capsys, "runs")
    assert "nightly partial  run r-3" in shown(capsys, "runs r-3")
    assert "No runs yet." in shown(capsys, "runs", runs=[])
    assert "r-1-1     POST https://x/people" in shown(capsys, "deliveries r-1")
    assert shown(capsys, "check acme").startswith("acme works\n")
    assert "counts as 1 request for each of its jobs, as replies showed in runs" in shown(capsys, "check acme")
    refused = replace(ANSWERS["check"], ok=False, reason="401: key refused")
    assert shown(capsys, "check acme", check=refused).startswith("acme does not work: 401: key refused\n")
    assert "  id      text        007 · [bold]\n" in shown(capsys, "schema contacts")
    assert "Reply 201  after 12 ms" in shown(capsys, "test people")


def test_control_characters_in_data_are_escaped(capsys):
    nasty = quarantine_entry(1)
    nasty = replace(nasty, key=("a\x1b[2Jb", "c\nd"), reason="\x9b31m[red]\u202e")
    text = shown(capsys, "quarantine list", quarantine=[nasty])
    assert "a\\x1b[2Jb / c\\nd" in text
    assert "\\x9b31m[red]\\u202e" in text
    detail = QuarantineDetail(nasty, {"a": "\x1b]0;x\x07"})
    assert "\x1b" not in shown(capsys, "quarantine show q-1", quarantined=detail)


FAKE_RUN = """
import sys
sys.path[:0] = {path!r}
from support.cli.fake_app import FakeApp
from penstock.main import execute
sys.exit(execute(["run", "people"], FakeApp().opener))
"""


def on_a_terminal(**environ: str) -> str:
    """The output of `penstock run` when stdout and stderr are a terminal."""
    ours, theirs = pty.openpty()
    usual = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    usual.pop("NO_COLOR", None)
    command = [sys.executable, "-c", FAKE_RUN.format(path=sys.path)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**usual, **environ})
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return written.decode()


def test_a_terminal_gets_progress_bars_and_colours():
    text = on_a_terminal()
    assert "2 delivered · 2 requests" in text
    assert "\x1b[1;32msucceeded" in text
    assert text.rstrip().splitlines()[0].startswith("\x1b[?25l")  # the cursor is hidden while the bar moves
    assert "\x1b[?25h" in text  # and shown again


def test_no_color_is_respected():
    assert "\x1b[1;32m" not in on_a_terminal(NO_COLOR="1")
