"""What a run counts is declared once: its report and its JSON have every total, and a flow's run adds them up."""

from dataclasses import fields

from penstock.model.outcome import Counts
from penstock.model.runs import TOTALS, RunPartJson, RunReport, RunTotals, run_json, sum_totals


def test_every_total_is_in_the_report_and_in_its_json():
    assert set(TOTALS) <= {item.name for item in fields(RunReport)}
    assert set(TOTALS) <= RunPartJson.__annotations__.keys()
    numbers = {name: index + 0.5 for index, name in enumerate(TOTALS)}
    shown = run_json(RunReport("r-1", "succeeded", Counts(), destination="it", **numbers))
    assert {name: shown[name] for name in TOTALS} == numbers


def test_the_totals_of_several_runs_are_sums():
    runs = [RunTotals(requests=2, duration_s=0.5), RunTotals(requests=3, retries=1, duration_s=1.25)]
    assert sum_totals(runs) == {**dict.fromkeys(TOTALS, 0), "requests": 5, "retries": 1, "duration_s": 1.75}
