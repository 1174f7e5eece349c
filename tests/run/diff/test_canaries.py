"""`canary: N`: a run sends N records, and the others only if the API has not refused too many of them."""

import json

import psycopg
import pytest

from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  people: {{type: file, path: people.csv}}
datasets:
  people: {{source: people, key: user_id}}
destinations:
  people:
    dataset: people
    credential: sandbox
    active: true
    canary: 10
    attributes: none
    {keys}
"""
UPSERT = "template: upsert_person"


class Canary:
    def __init__(self, shell, sandbox, url):
        self.shell, self.sandbox, self.url, self.folder = shell, sandbox, url, shell.folder

    def write(self, *keys):
        text = PROJECT.format(base=self.sandbox.url, keys="\n    ".join(keys))
        (self.folder / "penstock.yaml").write_text(text, encoding="utf-8")

    def many(self, number, invalid=()):
        lines = [f"u{each},{'none' if each in invalid else f'u{each}@example.com'}" for each in range(number)]
        (self.folder / "people.csv").write_text("\n".join(["user_id,email", *lines, ""]), encoding="utf-8")

    def run(self, code=0, options=""):
        report = self.shell.json(f"run people {options}".strip(), code)
        counts = report["records"]
        assert counts["read"] == sum(number for name, number in counts.items() if name != "read")
        return report, {name: counts[name] for name in counts if counts[name]}

    def refuse(self, number):
        self.sandbox.fault(status=400, method="POST", path="/people", times=number)

    def kill_when(self, condition):
        """Kill a run at a moment that the state shows."""
        process = self.shell.start("run", "people", "--json")
        while not (reports := self.shell.json("runs")) or not condition(reports[0]):
            assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        self.sandbox.clear_faults()
        if self.url.startswith("postgresql"):
            with psycopg.connect(self.url.replace("postgresql+psycopg", "postgresql")) as connection:
                connection.execute("update leases set expires = 0")  # that of the killed process

    def sent(self):
        found = []
        for request in self.sandbox.requests():
            if request["method"] == "POST":
                body = json.loads(request["body"])
                found += [job["payload"]["user_id"] for job in body["jobs"]] if "jobs" in body else [body["user_id"]]
        return [int(user[1:]) for user in found]


@pytest.fixture
def canary(tmp_path, sandbox, url, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", url)
    sandbox.reset()
    yield Canary(Shell(tmp_path, monkeypatch, capsys), sandbox, url)
    sandbox.clear_faults()


def test_a_refused_canary_stops_the_run_and_the_rest_is_unsent(canary):
    canary.write(UPSERT, 'batch: "off"')
    canary.many(30, invalid=[3])
    canary.refuse(5)
    report, counts = canary.run(code=1)
    assert (report["status"], counts) == ("failed", {"read": 30, "delivered": 5, "quarantined": 6, "unsent": 19})
    assert sorted(canary.sent()) == [each for each in range(11) if each != 3]
    assert "the canary: the API refused 5 of the first 10 records" in canary.shell.text(f"runs {report['run']}")


def test_a_canary_below_the_ratio_lets_the_run_go_on(canary):
    canary.write(UPSERT, 'batch: "off"')
    canary.many(30)
    canary.refuse(4)
    report, counts = canary.run(code=1)
    assert (report["status"], counts) == ("partial", {"read": 30, "delivered": 26, "quarantined": 4})
    assert sorted(canary.sent()[:10]) == list(range(10))  # none of the others was in flight


def test_the_ratio_is_that_of_the_fuse(canary):
    canary.write(UPSERT, 'batch: "off"', "fuse: {ratio: 0.1}")
    canary.many(30)
    canary.refuse(1)
    assert canary.run(code=1)[1] == {"read": 30, "delivered": 9, "quarantined": 1, "unsent": 20}


def test_a_run_that_sends_no_more_than_the_canary_is_not_judged(canary):
    canary.write(UPSERT, 'batch: "off"')
    canary.many(10)
    canary.refuse(10)
    report, counts = canary.run(code=1)
    assert (report["status"], counts) == ("partial", {"read": 10, "quarantined": 10})


def test_records_of_a_batch_job_are_judged_when_it_has_ended(canary):
    canary.write(UPSERT, "fields: {user_id: user_id, email: email}", "batch: {size: 4}")
    canary.many(30)
    canary.sandbox.fault(partial="at:0+1+2+3", times=3)
    report, counts = canary.run(code=1)
    assert (report["status"], counts) == ("failed", {"read": 30, "quarantined": 10, "unsent": 20})


@pytest.mark.parametrize("number", [10, 14, 30])
def test_a_plan_counts_the_requests_as_the_canary_divides_them(canary, number):
    canary.write(UPSERT, "fields: {user_id: user_id, email: email}", "batch: {size: 4}")
    canary.many(number)
    planned = canary.shell.json("plan people")
    canary.run()
    sent = [request for request in canary.sandbox.requests() if request["method"] == "POST"]
    assert planned["requests"] - planned["asking"] == len(sent)


def test_a_run_with_a_limit_below_the_canary_is_not_judged(canary):
    canary.write(UPSERT, 'batch: "off"')
    canary.many(30)
    canary.refuse(10)
    report, counts = canary.run(code=1, options="--limit 10")
    assert (report["status"], counts) == ("partial", {"read": 30, "quarantined": 10, "unsent": 20})


@pytest.mark.parametrize(("more", "counts"), [(0, {"delivered": 26}), (2, {"delivered": 4, "unsent": 20})])
def test_a_run_that_was_killed_within_its_canary_judges_all_of_it(canary, more, counts):
    canary.write(UPSERT, 'batch: "off"', "concurrency: 1")
    canary.many(30)
    canary.refuse(4)
    canary.sandbox.fault(slow="60s", method="POST", times=1, after=4)
    canary.kill_when(lambda report: report["records"]["read"] == 8)
    if more:
        canary.refuse(more)
    report, found = canary.run(code=1)
    assert report["status"] == ("failed" if more else "partial")
    assert found == {"read": 30, "quarantined": 4 + more, **counts}


def test_a_run_that_was_killed_behind_its_canary_is_not_judged_again(canary):
    canary.write(UPSERT, 'batch: "off"', "concurrency: 1")
    canary.many(30)
    canary.sandbox.fault(slow="60s", method="POST", times=1, after=12)
    canary.kill_when(lambda report: report["records"]["read"] == 12)
    canary.refuse(17)
    report, counts = canary.run(code=1)
    assert (report["status"], counts) == ("partial", {"read": 30, "delivered": 13, "quarantined": 17})


def test_a_plan_says_what_bounds_the_first_sends(canary):
    canary.write(UPSERT)
    (canary.folder / "penstock.yaml").open("a").write("flows: {all: {destinations: [people]}}\n")
    canary.many(30)

    def bounds(line):
        notes = canary.shell.json(line)["notes"]
        return [note["reason"] for note in notes if note["field"] in ("canary", "limit")]

    judged = "the first 10 are sent and judged before the rest"
    assert bounds("plan people") == bounds("plan all") == [judged]
    assert bounds("run people --dry-run --limit 12") == ["the first 12 of 30 are sent, then the run stops", judged]
    assert judged in canary.shell.text("plan people")
    assert canary.shell.json("run all --dry-run --limit 1", 2)["errors"][0]["code"] == "limit-of-flow"
    assert canary.sent() == []


def test_a_canary_needs_the_fuse(canary):
    canary.write(UPSERT, 'fuse: "off"')
    canary.many(1)
    [error] = canary.shell.json("validate", 2)["errors"]
    assert (error["path"], error["code"]) == ("destinations.people.canary", "canary-without-fuse")
