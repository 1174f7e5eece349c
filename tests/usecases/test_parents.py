"""A record waits for the company or person that its template says it names, and for nothing else."""

import pytest

from support.cli.shell import Shell
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["sandbox", "shared_sandbox"]

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "{key}", base_url: "{base}"}}
sources:
  companies: {{type: file, path: companies.csv}}
  people: {{type: file, path: people.csv}}
datasets:
  companies: {{source: companies, key: company_id}}
  people: {{source: people, key: user_id}}
destinations:
  companies: {{dataset: companies, credential: sandbox, template: upsert_company, attributes: none, active: true}}
  people: {{dataset: people, credential: sandbox, template: upsert_person, attributes: none, active: true}}
flows:
  all: {{destinations: [companies, people]}}
"""


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(key=sandbox.api_key, base=sandbox.url), encoding="utf-8")
    return Shell(tmp_path, monkeypatch, capsys)


def outcomes(report, destination):
    part = next(part for part in report["destinations"] if part["destination"] == destination)
    return {name: number for name, number in part["records"].items() if number and name != "read"}


def test_a_person_waits_for_their_company_and_a_company_for_no_person(tmp_path, shell):
    (tmp_path / "companies.csv").write_text("company_id,name,size,user_id\nc1,One,70.5,u1\nc2,Two,3,u2\n")
    (tmp_path / "people.csv").write_text("user_id,email,company_id\nu1,a@x.example,c1\nu2,no address,c2\n")
    report = shell.json("run all", code=1)
    assert outcomes(report, "companies") == {"delivered": 1, "quarantined": 1}
    assert outcomes(report, "people") == {"quarantined": 1, "waiting": 1}
    (tmp_path / "companies.csv").write_text("company_id,name,size,user_id\nc1,One,70,u1\nc2,Two,4,u2\n")
    again = shell.json("run all", code=1)
    assert outcomes(again, "companies") == {"delivered": 2}, (
        "c2 names u2, who is in quarantine, in no field of a company"
    )
    assert outcomes(again, "people")["delivered"] == 1
