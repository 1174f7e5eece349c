"""The local sandbox for Custify, as a process, and the data of a made-up company to send to it.

Imports nothing from the sandbox. Some records are wrong on purpose. The data is made from a fixed seed, so that the
demo, its documentation and its test show the same records.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from penstock.model.errors import EnvironmentFailure, Problem
from penstock.model.reports import SampleCompany, SandboxUrls

if TYPE_CHECKING:
    import subprocess

    from faker import Faker


LAST_S = 10.0  # until it has ended


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """A running sandbox that this process has started."""

    urls: SandboxUrls
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(LAST_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


def become_sandbox(options: Sequence[str]) -> NoReturn:
    """Replace this process by the sandbox."""
    sys.stdout.flush()
    os.execv(sys.executable, _command_line(options))  # noqa: S606 - no shell is wanted


def start_sandbox(*options: str) -> SandboxProcess:
    """Start a sandbox process. It ends when this process ends, and ignores ^C on the terminal.

    Raises EnvironmentFailure if it does not start.
    """
    import subprocess  # noqa: PLC0415 - help must not wait for it

    command = _command_line(["--with-parent", *options])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.stdout.close()
        process.wait(LAST_S)
        raise EnvironmentFailure(Problem("sandbox", "the sandbox did not start", "sandbox"))
    return SandboxProcess(SandboxUrls(**json.loads(line)), process)


def _command_line(options: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "penstock_sandbox", *options]


@contextmanager
def running_sandbox(*options: str) -> Iterator[SandboxUrls]:
    """A sandbox that runs during the block."""
    started = start_sandbox(*options)
    try:
        yield started.urls
    finally:
        started.stop()


def stored_objects(sandbox: SandboxUrls) -> dict[str, int]:
    """How many objects of each kind a sandbox on this machine has stored."""
    from urllib.request import urlopen  # noqa: PLC0415 - help must not wait for it

    with urlopen(f"{sandbox.admin_url}/state", timeout=30) as reply:  # noqa: S310 - the sandbox on this machine
        state: dict[str, Any] = json.load(reply)
    return {kind: len(objects) for kind, objects in state.items()}


# ── the made-up company ──────────────────────────────────────────────────────

SEED = 20260131
PLANS = ("starter", "team", "business")
EVENT_NAMES = ("login", "report_exported", "seat_added", "dashboard_viewed")
WRONG_PEOPLE = ("u-0021", "u-0058")  # they are quarantined, so that their events would wait for ever
SampleRow = dict[str, Any]

PROJECT = """\
# The demo's project: a made-up company's data, sent to the local sandbox.
credentials:
  sandbox:
    connector: custify
    api_key: %(api_key)s
    base_url: %(base_url)s
sources:
  accounts: {type: file, path: "%(data)s/companies.parquet"}
  contacts: {type: file, path: "%(data)s/people.csv"}
  billing:  {type: sql, url: "sqlite:///%(data)s/billing.db", table: subscriptions}
  usage:    {type: file, path: "%(data)s/events.parquet"}
  meetings: {type: file, path: "%(data)s/notes.csv"}
datasets:
  companies:     {source: accounts, key: account_id}
  people:        {source: contacts, key: id}
  subscriptions: {source: billing, key: subscription_id}
  events:        {source: usage, key: event_id}
  notes:         {source: meetings, key: note_id}
destinations:
  companies:
    dataset: companies
    credential: sandbox
    template: upsert_company
    fields: {company_id: account_id, name: name, website: website, industry: industry, plan: plan,
             size: employees, mrr: mrr, signed_up_at: signed_up_at}
    active: true
  people:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {user_id: id, email: email, name: name, phone: phone, company_id: account, signed_up_at: signed_up_at}
    exclude: [postcode]
    active: true
  subscriptions: {dataset: subscriptions, credential: sandbox, template: upsert_subscription, active: true}
  events:        {dataset: events, credential: sandbox, template: insert_event, active: true}
  notes:         {dataset: notes, credential: sandbox, template: create_note, attributes: none, active: %(notes)s}
flows:
  everything: {destinations: [companies, people, subscriptions, events, notes]}
"""


def write_sample_company(folder: Path) -> SampleCompany:
    """Write `companies.parquet`, `people.csv`, `billing.db`, `events.parquet` and `notes.csv` below `folder`."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import, as are the next two
    import pyarrow.parquet as pq  # noqa: PLC0415
    from faker import Faker  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    fake = Faker(["en_US", "de_DE", "es_ES"])
    fake.seed_instance(SEED)
    Faker.seed(SEED)  # also for the choice of the language
    companies = _companies(fake)
    people = _people(fake, companies)
    subscriptions = _subscriptions(fake, companies)
    events = _events(fake, people)
    notes = _notes(fake, companies)
    pq.write_table(pa.Table.from_pylist(companies), folder / "companies.parquet")
    pq.write_table(pa.Table.from_pylist(events), folder / "events.parquet")
    _write_csv(folder / "people.csv", people)
    _write_csv(folder / "notes.csv", notes)
    _write_sqlite(folder / "billing.db", subscriptions)
    return SampleCompany(len(companies), len(people), len(subscriptions), len(events), len(notes))


def _companies(fake: Faker) -> list[SampleRow]:
    rows: list[SampleRow] = [
        {
            "account_id": f"acc-{number:03}",
            "name": fake.unique.company(),
            "website": f"https://{fake.domain_name()}",
            "industry": fake.random_element(("Software", "Retail", "Logistics", "Health", "Education")),
            "plan": fake.random_element(PLANS),
            "employees": float(fake.random_int(5, 900)),
            "mrr": fake.random_int(2, 120) * 50,
            "signed_up_at": fake.date_between_dates(*_span(2022, 2025)).isoformat(),
            "region": fake.random_element(("emea", "amer", "apac")),
        }
        for number in range(1, 41)
    ]
    rows[11]["employees"] = 70.5  # wrong: a company cannot have half an employee (int32)
    return rows


def _people(fake: Faker, companies: Sequence[SampleRow]) -> list[SampleRow]:
    rows: list[SampleRow] = [
        {
            "id": f"u-{number:04}",
            "name": fake.name(),
            "email": fake.unique.ascii_company_email(),
            "phone": fake.phone_number(),
            "account": companies[number % len(companies)]["account_id"],
            "signed_up_at": fake.date_between_dates(*_span(2023, 2025)).isoformat(),
            "role": fake.job(),
            "postcode": fake.numerify("0####"),
            "newsletter": fake.random_element(("true", "false")),
        }
        for number in range(1, 201)
    ]
    rows[20]["signed_up_at"] = "31/02/2025"  # wrong: no such day, and not an ISO date
    rows[57]["email"] = "not-an-address"
    rows[90]["id"] = ""  # wrong: the record has no key
    return rows


def _subscriptions(fake: Faker, companies: Sequence[SampleRow]) -> list[SampleRow]:
    return [
        {
            "subscription_id": f"sub-{number:03}",
            "company_id": companies[number]["account_id"],
            "plan": companies[number]["plan"],
            "mrr": companies[number]["mrr"],
            "start_date": companies[number]["signed_up_at"],
            "renewal_date": fake.date_between_dates(*_span(2027, 2027)).isoformat(),
            "status": fake.random_element(("active", "active", "trialing")),
        }
        for number in range(24)
    ]


def _events(fake: Faker, people: Sequence[SampleRow]) -> list[SampleRow]:
    known = [person["id"] for person in people if person["id"] not in ("", *WRONG_PEOPLE)]
    rows = [
        {
            "event_id": f"ev-{number:05}",
            "user_id": fake.random_element(known),
            "name": fake.random_element(EVENT_NAMES),
            "created_at": fake.date_time_between_dates(*_span(2026, 2026)).isoformat(timespec="seconds") + "Z",
            "seconds": fake.random_int(1, 900),
        }
        for number in range(1, 401)
    ]
    rows[200]["created_at"] = "yesterday"
    return rows


def _notes(fake: Faker, companies: Sequence[SampleRow]) -> list[SampleRow]:
    rows: list[SampleRow] = [
        {"note_id": f"n-{number:02}", "company_id": companies[number]["account_id"], "text": fake.sentence(12)}
        for number in range(10)
    ]
    rows[4]["text"] = ""  # wrong: a note needs text
    return rows


def _span(first_year: int, last_year: int) -> tuple[Any, Any]:
    from datetime import date  # noqa: PLC0415 - one use

    return date(first_year, 1, 1), date(last_year, 6, 30)


def _write_csv(path: Path, rows: Sequence[SampleRow]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_sqlite(path: Path, rows: Sequence[SampleRow]) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"create table subscriptions ({', '.join(rows[0])})")
        places = ", ".join(f":{name}" for name in rows[0])
        db.executemany(f"insert into subscriptions values ({places})", rows)


def sample_project(data: str, base_url: str, api_key: str, *, draft: bool = False) -> str:
    """The project file that sends the data in the folder `data` to `base_url`; `draft` leaves the notes inactive.

    `api_key` is a reference, or the sandbox's key itself.
    """
    values = {"data": data, "base_url": base_url, "api_key": api_key, "notes": "false" if draft else "true"}
    return PROJECT % values
