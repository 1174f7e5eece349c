"""A backfill gives way to other runs of its destination, and never sends what they have sent newer versions of."""


def outcomes(report):
    """The outcomes of a run that are not 0; their sum is `read`."""
    records = dict(report["records"])
    assert records.pop("read") == sum(records.values())
    return {name: number for name, number in records.items() if number}


def superseded(report):
    return sum(note["count"] for note in report["notes"] if note["reason"].startswith("superseded: a newer version"))


def test_a_live_run_does_not_wait_for_the_backfill(make):
    its = make(300)
    backfill = its.start("run", "it")
    its.wait_for_sent(20)
    its.write([*its.keys[:5], *its.keys[-10:]])
    live = its.shell.json("run it")
    assert backfill.poll() is None
    assert outcomes(live) == {"delivered": 15}
    its.write(its.keys[-5:])
    again = its.shell.json("run it")
    assert outcomes(again) == {"delivered": 5}
    report = its.ended(backfill)
    assert outcomes(report) == {"delivered": 290, "unchanged": 10}
    assert superseded(report) == 10
    its.assert_in_order()
    assert len(its.sent()) == 310
    assert its.shell.json("run it")["records"]["read"] == 0
