"""The last report of a destination, and what was last delivered of fields with `if_unchanged`."""

from penstock.store.memory import put_sent_values, read_sent_values
from penstock.store.runs.reconciliations import (
    StoredReconciliation,
    drifts,
    last_reconciliation,
    store_reconciliation,
)


def test_the_last_report_of_a_destination_replaces_the_one_before(database):
    first = StoredReconciliation("2026-11-30T10:00:00.000Z", "r-0", 1, {"same": 1, "missing": ["ä"]})
    last = StoredReconciliation("2026-11-30T11:00:00.000Z", "r-1", 0, {"same": 2})
    with database.begin() as conn:
        assert last_reconciliation(conn, "people") is None
        for each in (first, last):
            store_reconciliation(conn, "people", each)
        store_reconciliation(conn, "others", first)
        assert (last_reconciliation(conn, "people"), last_reconciliation(conn, "others")) == (last, first)
        assert {name: found.drifted for name, found in drifts(conn).items()} == {"people": 0, "others": 1}


def test_the_hash_of_a_delivered_value_is_stored_by_field_and_key(database):
    key, other = (1 << 63, 7), (3, 4)
    with database.begin() as conn:
        put_sent_values(conn, "people", {("plan", key): (1 << 64) - 1, ("plan", other): 5, ("name", key): 6})
        put_sent_values(conn, "people", {("plan", other): 8})
        assert read_sent_values(conn, "people", "plan") == {key: (1 << 64) - 1, other: 8}
        assert read_sent_values(conn, "others", "plan") == {}
