"""The judge of the campaign finds what it is there to find, and the report says it with the command that repeats it."""

import json

from faults.campaign import all_cases, chosen
from faults.case import Case
from faults.judge import Result, judged, out_of_order, recovery
from faults.project import Destination, made
from faults.records import Records
from faults.report import KINDS, About, document


def entry(seq, versions, *, committed=True, fault=None, status=200, number=1):
    body = json.dumps([f"rec-{number}-v{version}" for version in versions])
    return {
        "seq": seq,
        "time": float(seq),
        "method": "POST",
        "body": body,
        "committed": committed,
        "fault": fault,
        "status": status,
    }


def test_an_older_version_after_a_newer_one_of_the_same_process_is_out_of_order():
    log = [entry(1, [1]), entry(2, [2]), entry(3, [1])]
    assert out_of_order(log, [0], {1: 1}) == 1
    assert out_of_order(log[:2], [0], {1: 2}) == 0
    again = [*log, entry(4, [2])]
    assert out_of_order(again, [0, 2], {1: 2}) == 0, "another process sends again what was not committed"
    assert out_of_order(again, [0, 2], {1: 1}) == 1, "the stored version is not the newest"
    assert out_of_order([entry(1, [2]), entry(2, [1], committed=False)], [0], {1: 2}) == 0


def test_the_time_to_recover_ends_with_the_next_delivered_record():
    log = [entry(1, [1]), entry(2, [1], fault="cut=after", status=None), entry(4, [1], status=500), entry(7, [1])]
    assert recovery(log, [0.5]) == [0.5, 5.0]


def test_records_that_custify_lacks_or_has_twice_are_found(harness):
    def case(make):
        def run(harness, _dice):
            with made(harness, Destination("create_task", "native"), "sqlite") as project:
                project.write_records(Records.of(5))
                make(project.commands.sandbox)
                project.finish()
                return judged(project, Result("replies/invented"))

        return Case("replies/invented", run).result(harness, 1)

    lost = case(lambda sandbox: sandbox.fault(commit=False, method="POST", times=2))
    assert (lost.lost, lost.delivered, lost.doubled, lost.passed) == (2, 3, 0, False)
    task = {"name": "rec-1-v1", "priority": "low", "status": "open"}
    doubled = case(lambda sandbox: sandbox.call("POST", "/task", task))
    assert (doubled.lost, doubled.doubled, doubled.passed) == (0, 1, False)


def test_the_report_names_what_fell_short_and_how_to_repeat_it():
    results = [
        Result("kills/a", seed=7, faults=3, records=9, delivered=8, lost=1, recover_s=[1.0, 3.0, 8.0]),
        Result("environment/disk-full/0", not_run="mount is refused here"),
        Result("replies/lost/create_task/flat", faults=2, records=4, delivered=2, unknown_end=2, cannot_tell=2),
    ]
    text = document(results, About("make faults", "2026-11-30", "2 cores", 60))
    assert "| kill -9 | 3 | 9 | 8 | 1 | 0 | 0 | 0 | 0 | 0 |  | 3.00, 8.0 |" in text
    assert "| disk of the state full | not run |" in text
    assert '- `kills/a`: 1 lost. Again: `make faults ARGS="--seed 7 --only kills/a"`' in text
    assert "2 records of the flat dialect stay unknown" in text
    assert [result.passed for result in results] == [False, False, True]


def test_the_campaign_covers_every_template_dialect_and_database():
    names = {case.name for case in all_cases()}
    assert len(names) == len(all_cases()), "a name is a case"
    assert sum(name.startswith("kills/upsert_deal/") for name in names) == 4
    assert len(chosen(all_cases(), "kills", 0.1)) < len(chosen(all_cases(), "kills", 1.0)) == 74
    assert len(chosen(all_cases(), "", 0.001)) == len(KINDS), "one case of each kind"
    assert len(chosen(all_cases(), "", 1.0)) == len(names), "each case has a kind"
    assert [case.name for case in chosen(all_cases(), "notes/html/sqlite", 0.01)] == ["notes/html/sqlite"]
