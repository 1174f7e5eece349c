"""A real file, or a generated one like it: every attribute of every record arrives unchanged, and a second run sends nothing.

`PENSTOCK_TELCO_CSV` names the file of 7,043 telecom customers; without it, it is looked for in `../shared/data/telco`.
The twin (same columns, same number of rows, blank cells, seeded) always runs.
"""

import csv
import json
import os
import random
import re
from pathlib import Path

import pytest

from support.cli.project import Project, run_penstock

ROWS = 7043
DEFAULT = Path(__file__).parents[3] / "shared" / "data" / "telco" / "Telco-Customer-Churn.csv"
REAL = Path(os.environ.get("PENSTOCK_TELCO_CSV", DEFAULT))
EXCLUDED = ("gender", "PaymentMethod")
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d*[1-9])?")
YES_NO = ("Partner", "Dependents", "PhoneService", "PaperlessBilling", "Churn")


def twin(path: Path) -> Path:
    dice = random.Random(7043)
    header = (
        "customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,InternetService,"
        "OnlineSecurity,OnlineBackup,DeviceProtection,TechSupport,StreamingTV,StreamingMovies,Contract,"
        "PaperlessBilling,PaymentMethod,MonthlyCharges,TotalCharges,Churn"
    ).split(",")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number in range(ROWS):
            row = {name: dice.choice(("Yes", "No", "No internet service")) for name in header}
            row |= {name: dice.choice(("Yes", "No")) for name in YES_NO}
            row |= {
                "customerID": f"{number:04}-{dice.choice('ABCDEFG')}{dice.choice('HIJKLM')}ÄÖ",
                "gender": dice.choice(("Female", "Male")),
                "SeniorCitizen": dice.choice("01"),
                "tenure": str(dice.randint(0, 72)),
                "Contract": dice.choice(("Month-to-month", "One year", 'Two "long" years')),
                "PaymentMethod": "Electronic check",
                "MonthlyCharges": repr(round(dice.uniform(18, 119), 2)),
                "TotalCharges": " " if number % 640 == 3 else repr(round(dice.uniform(18, 8700), 2)),
            }
            writer.writerow(row.values())
    return path


def expected(path: Path) -> dict[str, dict[str, object]]:
    """The file as Python's csv module reads it, typed by the documented rule."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numeric = {
        name
        for name in rows[0]
        if all(NUMBER.fullmatch(row[name]) for row in rows if row[name].strip())
        and any(row[name].strip() for row in rows)
    }
    return {
        row["customerID"]: {
            name: float(text) if name in numeric else text
            for name, text in row.items()
            if name not in EXCLUDED and name != "customerID" and text.strip()
        }
        for row in rows
    }


@pytest.fixture(scope="module", params=["the real file", "its twin"])
def table(request, tmp_path_factory) -> Path:
    if request.param == "its twin":
        return twin(tmp_path_factory.mktemp("telco") / "customers.csv")
    if not REAL.exists():
        pytest.skip("the real file is not on this machine: PENSTOCK_TELCO_CSV names it")
    return REAL


@pytest.mark.parametrize("kind", ["person", "company"])
@pytest.mark.parametrize("dialect", ["native", "flat"])
def test_every_attribute_arrives_and_a_second_run_sends_nothing(tmp_path, sandbox, table, dialect, kind):
    project = Project(tmp_path, sandbox)
    match = "user_id" if kind == "person" else "company_id"
    project.write(
        "penstock.yaml",
        f"""\
credentials:
  sandbox: {{api_key: "${{env:SANDBOX_KEY}}", base_url: "{sandbox.url if dialect == "native" else sandbox.flat_url}",
             rate_limit: {{requests: 1000000, per: 1s}}}}
sources:
  customers: {{type: file, path: {table}}}
datasets:
  customers: {{source: customers, key: customerID}}
destinations:
  it:
    dataset: customers
    credential: sandbox
    template: upsert_{kind}
    fields: {{{match}: customerID}}
    attributes: all
    exclude: [{", ".join(EXCLUDED)}]
    batch: on
    active: true
""",
    )
    ran = run_penstock(project, "run", "it", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads(ran.stdout)
    assert report["records"]["delivered"] == report["records"]["read"] == ROWS
    want = expected(table)
    stored = sandbox.state()["people" if kind == "person" else "companies"]
    assert {entry[match]: entry["custom_attributes"] for entry in stored} == want
    again = json.loads(run_penstock(project, "run", "it", "--json").stdout)
    assert again["requests"] == 0
    assert again["records"]["unchanged"] == again["records"]["read"] == ROWS
