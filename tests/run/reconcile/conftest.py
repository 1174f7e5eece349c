import csv
import json

import pytest

from penstock.delivery import retry
from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox:
    {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}", rate_limit: {{requests: 100000, per: 1s}}}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it: {{dataset: rows, credential: sandbox, active: true, settle_after: 0s, concurrency: 1, {how}}}
"""


class ReconcileProject:
    """A project with one destination `it`, and the sandbox that it sends to."""

    def __init__(self, shell, sandbox):
        self.shell, self.sandbox = shell, sandbox

    def write(self, how, *rows, base=None):
        text = PROJECT.format(base=base or self.sandbox.url, how=how)
        (self.shell.folder / "penstock.yaml").write_text(text, encoding="utf-8")
        self.write_rows(*rows)

    def write_rows(self, *rows):
        with (self.shell.folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def run(self, code=0):
        return self.shell.json("run it", code)

    def reconcile(self, code=0, options=""):
        """The report of `reconcile`, without the number of its requests."""
        report = self.shell.json(f"reconcile it {options}", code)
        assert report.pop("requests") > 0
        return {name: value for name, value in report.items() if value}

    def fix(self, code=0):
        return self.reconcile(code, "--fix")

    def call(self, what, body=None):
        reply = self.sandbox.call(what, None if body is None else json.dumps(body))
        assert reply.status in (200, 202), reply
        return reply.json()

    def stored(self, kind, by):
        return {each.get(by): each for each in self.sandbox.state()[kind]}


@pytest.fixture(autouse=True)
def _short_pauses():
    """The pauses between the attempts of one request are some milliseconds; their number is the same."""
    policy = retry.DEFAULT_POLICY
    base = policy.base
    object.__setattr__(policy, "base", 0.001)
    yield
    object.__setattr__(policy, "base", base)


@pytest.fixture
def its(tmp_path, sandbox, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    return ReconcileProject(Shell(tmp_path, monkeypatch, capsys), sandbox)
