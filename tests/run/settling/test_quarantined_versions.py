"""The quarantine of keys that are sent once: what may have arrived stays beside other versions of its key."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from penstock.model.outcome import Outcome, Refusal
from penstock.run.diff.known_records import QuarantineIndex
from penstock.run.recording.quarantine_writer import QuarantineWriter
from penstock.store import quarantine, unknown_records
from penstock.store.memory import key_hashes
from penstock.store.quarantine import NewQuarantineRow
from penstock.store.runs import ledger
from penstock.store.runs.ledger import Intent
from penstock.store.unknown_records import (
    InterruptedRun,
    NewFinding,
    ResentRecord,
    SentText,
    add_version,
    release_version,
)

AT = "2026-01-31T12:00:00.000Z"
KEY = tuple(key_hashes(["a"]).tolist()[0])
UNKNOWN, WAITING, QUARANTINED = Outcome.UNKNOWN, Outcome.WAITING, Outcome.QUARANTINED


def version(number, outcome, key="a"):
    hash_ = tuple(key_hashes([key]).tolist()[0])
    return NewQuarantineRow("tasks", key, hash_, outcome, Refusal("r", "why"), AT, "r-1", "{}", number, "s1")


def entries(conn):
    return {(row.key, row.record_print): row.outcome for row in quarantine.entries(conn)}


def both(conn, *added):
    """The entries after these versions were added, which an index of them has too."""
    index = QuarantineIndex.load(conn, "tasks")
    for new in added:
        add_version(conn, new, newest=True)
        seen = quarantine.QuarantinedVersion(new.outcome, new.record_print, "s1", "why")
        index.add_once(new.key_hash, seen, newest=True)
    found = entries(conn)
    loaded = QuarantineIndex.load(conn, "tasks")
    assert {hash_: _by_record(index, hash_) for hash_ in index.keys()} == {  # noqa: SIM118 - it is no dict
        hash_: _by_record(loaded, hash_)
        for hash_ in loaded.keys()  # noqa: SIM118
    }
    return found


def _by_record(index, hash_):
    return {(one.record, one.outcome, one.mark) for one in index._versions[hash_]}


@pytest.mark.parametrize("first", [add_version, quarantine.add], ids=["now", "an earlier release"])
def test_a_version_that_may_have_arrived_stays_beside_others_and_the_newest_replaces_the_others(database, first):
    with database.begin() as conn:
        first(conn, version(1, UNKNOWN))
        other = version(7, UNKNOWN, key="b")
        assert both(conn, version(2, WAITING), other) == {("a", 1): UNKNOWN, ("a", 2): WAITING, ("b", 7): UNKNOWN}
        assert both(conn, version(3, WAITING)) == {("a", 1): UNKNOWN, ("a", 3): WAITING, ("b", 7): UNKNOWN}
        waits = [entry.id for entry in quarantine.entries(conn) if entry.record_print == 3]
        assert both(conn, version(3, QUARANTINED))["a", 3] is QUARANTINED
        assert [entry.id for entry in quarantine.entries(conn) if entry.record_print == 3] == waits
        assert both(conn, version(1, QUARANTINED)) == {("a", 1): QUARANTINED, ("b", 7): UNKNOWN}
        assert both(conn, version(4, WAITING)) == {("a", 4): WAITING, ("b", 7): UNKNOWN}


def test_a_version_that_may_have_arrived_replaces_those_that_did_not_and_no_others(database):
    with database.begin() as conn:
        assert both(conn, version(1, QUARANTINED), version(2, UNKNOWN)) == {("a", 1): QUARANTINED, ("a", 2): UNKNOWN}
        [entry] = unknown_records.page(conn, "tasks")
        unknown_records.store_findings(conn, [NewFinding(entry.id, "absent", "not there", AT)])
        assert both(conn, version(3, UNKNOWN)) == {("a", 1): QUARANTINED, ("a", 3): UNKNOWN}


def test_a_version_that_is_not_the_newest_replaces_no_other(database):
    with database.begin() as conn:
        both(conn, version(1, UNKNOWN), version(2, WAITING))
        add_version(conn, version(1, QUARANTINED))
        assert entries(conn) == {("a", 1): QUARANTINED, ("a", 2): WAITING}


@pytest.mark.parametrize("others", [False, True])
def test_a_version_is_released_and_with_it_those_that_cannot_have_arrived(database, others):
    with database.begin() as conn:
        both(conn, version(1, UNKNOWN), version(2, WAITING), version(7, WAITING, key="b"))
        add_version(conn, version(3, QUARANTINED))
        index = QuarantineIndex.load(conn, "tasks")
        release_version(conn, "tasks", KEY, 3, others=others)
        index.release_once(KEY, 3, others=others)
        left = {("a", 1): UNKNOWN, ("b", 7): WAITING}
        assert entries(conn) == (left if others else {**left, ("a", 2): WAITING})
        assert _by_record(index, KEY) == _by_record(QuarantineIndex.load(conn, "tasks"), KEY)
        release_version(conn, "tasks", KEY, 1, others=True)
        index.release_once(KEY, 1, others=True)
        assert entries(conn) == {("b", 7): WAITING}
        assert KEY not in set(index.keys())


@pytest.mark.parametrize("known", [True, False], ids=["its record is known", "only its key"])
def test_what_a_process_was_sending_when_it_died_replaces_no_other_version(database, known):
    with database.begin() as conn:
        add_version(conn, version(2, QUARANTINED))
        intent = Intent(1, [0], ["a"], [5], {}, AT)
        died = InterruptedRun("r-1", "tasks", "s1", once_per_key=True, each_once=False)
        unknown_records.put_in_doubt(conn, died, intent, {0: SentText("{}", 1)} if known else {})
        assert entries(conn) == {("a", 2): QUARANTINED, ("a", 1 if known else 0): UNKNOWN}


@pytest.mark.parametrize(("run", "left"), [("r-1", {("a", 2): QUARANTINED}), ("r-2", {})], ids=["its own", "older"])
def test_a_continued_run_releases_no_later_version_that_it_quarantined(database, run, left):
    """A job of its earlier process ends well: `two` was quarantined by that process, after `one` was sent."""
    with database.begin() as conn:
        add_version(conn, replace(version(2, QUARANTINED), ordinal=5))
        index, writes = QuarantineIndex.load(conn, "tasks"), []
    context = SimpleNamespace(once_per_key=True, database=database, destination="tasks", each_once=False, index=index)
    writer = QuarantineWriter(context, run, writes.append, {KEY})
    writer.release(KEY, 3, 1)
    with database.begin() as conn:
        for write in writes:
            write(conn)
        assert entries(conn) == left
        assert index.has_others(KEY, 1) is bool(left)


def resent(conn, outcome, key, *, part=False):
    """What became of the record of the first entry, resent with this key."""
    [entry] = [each for each in quarantine.entries(conn) if each.record_print == 1]
    new = replace(version(1, outcome, key=key), part=part, run="r-2", content=7)
    assert unknown_records.put_back(conn, entry.id, new, ResentRecord(entry.id, 1, "{}", is_fixed=True, is_raw=False))
    return quarantine.get(conn, entry.id)


@pytest.mark.parametrize("outcome", [QUARANTINED, WAITING])
def test_a_record_that_did_not_arrive_with_another_key_stays_under_that_of_the_source(database, outcome):
    with database.begin() as conn:
        quarantine.add(conn, version(1, QUARANTINED))
        kept = resent(conn, outcome, "b")
        assert (kept.key, kept.outcome, kept.run, kept.record) == ("a", outcome, "r-2", "{}")
        assert not list(quarantine.discarded_versions(conn, "tasks"))


@pytest.mark.parametrize("key", [None, "a"])
def test_a_record_that_may_have_arrived_with_another_key_gets_that_and_its_version_is_discarded(database, key):
    with database.begin() as conn:
        old = version(1, QUARANTINED, key="a")
        quarantine.add(conn, old if key else replace(old, key=None, key_hash=(0, 0)))
        kept = resent(conn, UNKNOWN, "b")
        assert (kept.key, kept.key_hash, kept.record_print) == ("b", version(1, UNKNOWN, key="b").key_hash, 1)
        assert list(quarantine.discarded_versions(conn, "tasks")) == [(old.key_hash if key else (0, 1), 1)]


@pytest.mark.parametrize("part", [True, False])
def test_a_record_that_may_have_arrived_with_the_key_of_another_entry_stays_beside_it(database, part):
    with database.begin() as conn:
        quarantine.add(conn, version(1, QUARANTINED), version(2, QUARANTINED, key="b"))
        resent(conn, UNKNOWN, "b", part=part)
        assert entries(conn) == {("b", 1): UNKNOWN, ("b", 2): QUARANTINED}


def test_a_record_that_is_edited_while_it_is_resent_stays_as_it_was_edited(database):
    with database.begin() as conn:
        quarantine.add(conn, version(1, QUARANTINED))
        quarantine.edit(conn, quarantine.entries(conn)[0].id, '{"x":2}')
        kept = resent(conn, UNKNOWN, "a")
        assert (kept.record, kept.edited) == ('{"x":2}', True)


@pytest.mark.parametrize("outcome", [QUARANTINED, WAITING])
def test_a_record_that_may_have_arrived_stays_so_if_a_resend_sends_nothing(database, outcome):
    with database.begin() as conn:
        quarantine.add(conn, version(1, UNKNOWN))
        before = quarantine.entries(conn)
        resent(conn, outcome, "b")
        assert quarantine.entries(conn) == before


def test_each_version_that_may_have_arrived_has_an_entry_of_its_own_also_after_a_resend(database):
    with database.begin() as conn:
        quarantine.add(conn, version(1, QUARANTINED))
        resent(conn, UNKNOWN, "a", part=True)
        quarantine.add(conn, version(2, QUARANTINED))
        assert entries(conn) == {("a", 1): UNKNOWN, ("a", 2): QUARANTINED}
        unknown_records.release_refused(conn, "tasks", KEY)
        assert entries(conn) == {("a", 1): UNKNOWN}
        [entry] = quarantine.entries(conn)
        unknown_records.put_back(conn, entry.id, replace(version(1, QUARANTINED), request={}))
        quarantine.add(conn, version(1, QUARANTINED))
        assert [each.id for each in quarantine.entries(conn)] == [entry.id]


def test_a_record_without_a_key_that_comes_again_stays_as_it_was_edited(database):
    with database.begin() as conn:
        keyless = replace(version(1, QUARANTINED), key=None, key_hash=(0, 0))
        quarantine.add(conn, keyless)
        quarantine.edit(conn, quarantine.entries(conn)[0].id, '{"x":2}')
        quarantine.add(conn, replace(keyless, run="r-2"))
        [entry] = quarantine.entries(conn)
        assert (entry.record, entry.edited, entry.run) == ('{"x":2}', True, "r-2")


@pytest.mark.parametrize("fixed", [True, False])
def test_a_raw_record_that_fails_after_it_was_shaped_is_that_from_then_on(database, fixed):
    with database.begin() as conn:
        quarantine.add(conn, replace(version(1, QUARANTINED), key=None, key_hash=(0, 0)))
        [entry] = quarantine.entries(conn)
        shaped = replace(version(9, QUARANTINED), record='{"id":"a"}')
        assert unknown_records.put_back(conn, entry.id, shaped, ResentRecord(entry.id, 1, "{}", fixed, is_raw=True))
        kept = quarantine.get(conn, entry.id)
        assert (kept.key, kept.key_hash, kept.record_print, kept.record) == ("a", KEY, 9, '{"id":"a"}')
        assert list(quarantine.discarded_versions(conn, "tasks")) == ([((0, 1), 1)] if fixed else [])


def test_an_entry_that_has_gone_takes_nothing_back(database):
    with database.begin() as conn:
        assert not unknown_records.put_back(conn, "q-1", version(1, UNKNOWN))


def test_a_record_that_may_have_arrived_replaces_the_absent_ones_of_a_key_that_is_sent_once(database):
    with database.begin() as conn:
        both(conn, version(2, UNKNOWN), version(1, QUARANTINED))
        [absent] = unknown_records.page(conn, "tasks")
        unknown_records.store_findings(conn, [NewFinding(absent.id, "absent", "not there", AT)])
        [entry] = [each.id for each in quarantine.entries(conn) if each.record_print == 1]
        unknown_records.put_back(conn, entry, version(1, UNKNOWN), once=True)
        assert entries(conn) == {("a", 1): UNKNOWN}


@pytest.mark.parametrize("there", [True, False])
def test_a_request_of_a_resend_that_died_is_of_the_records_that_it_names(database, there):
    with database.begin() as conn:
        parts = [replace(version(number, QUARANTINED), part=True) for number in (1, 3)]
        quarantine.add(conn, *parts, version(2, QUARANTINED, key="b"))
        mine = [each.id for each in quarantine.entries(conn) if each.key == "a"]
        quarantine.edit(conn, mine[0], '{"x":2}')
        if not there:
            quarantine.release(conn, mine)
        ledger.begin_intents(conn, "r-2", [Intent(1, [0], ["c"], [5], {}, AT, {0: mine})])
        [intent] = ledger.leftover_intents(conn, "r-2")
        died = InterruptedRun("r-2", "tasks", "s1", once_per_key=False, each_once=False)
        unknown_records.put_in_doubt(conn, died, intent, None)
        put_back = {("c", 1): UNKNOWN, ("c", 3): UNKNOWN} if there else {("c", 0): UNKNOWN}
        assert entries(conn) == {("b", 2): QUARANTINED, **put_back}
        if there:
            kept = quarantine.get(conn, mine[0])
            assert (kept.edited, kept.record, kept.content, kept.run) == (True, '{"x":2}', 5, "r-2")


def test_the_entry_of_a_version_counts_before_one_for_any_version(database):
    with database.begin() as conn:
        add_version(conn, version(0, UNKNOWN))
        add_version(conn, version(2, WAITING))
        index = QuarantineIndex.load(conn, "tasks")
    assert (index.find(KEY, 2).outcome, index.find(KEY, 3).outcome) == (WAITING, UNKNOWN)
