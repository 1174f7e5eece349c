"""Which records in quarantine are newer than those of an unfinished run, on every database."""

from penstock.model.outcome import Outcome, Refusal
from penstock.store import quarantine
from penstock.store.memory import key_hashes
from penstock.store.quarantine import NewQuarantineRow
from penstock.store.runs import runs, sent_beside
from penstock.store.runs.runs import RunRow

AT = "2026-01-31T12:00:00.000Z"


def test_only_what_a_run_beside_it_has_read_itself_is_newer(database):
    def run(id_, kind="destination", beside="backfill"):
        runs.begin(conn, RunRow(id_, kind, "people", AT, beside=beside))

    def hold(key, run, ordinal):
        refusal = Refusal("required", "email is missing", "email")
        hash_ = tuple(key_hashes([key]).tolist()[0])
        settings = {"run": run, "record": "{}", "record_print": 1, "settings": "s", "ordinal": ordinal}
        quarantine.add(conn, NewQuarantineRow("people", key, hash_, Outcome.QUARANTINED, refusal, AT, **settings))

    with database.begin() as conn:
        run("backfill", beside=None)
        run("live")
        run("resend", "resend")
        hold("own", "live", 7)
        hold("sent again", "live", 100)
        hold("no ordinal", "live", None)
        hold("resent", "resend", 0)
        hold("of the live run and resent", "resend", 1)
        hold("of the backfill", "backfill", 3)
        sent_beside.add_keys(conn, "people", "resend", 0, key_hashes(["of the live run and resent"]))
        newer = sent_beside.newer_in_quarantine(conn, "people", "backfill", 100)
    assert newer == set(map(tuple, key_hashes(["own", "of the live run and resent"]).tolist()))
