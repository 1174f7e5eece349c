"""Many records in quarantine, as after a run."""

from penstock.model.outcome import Outcome, Refusal
from penstock.store import quarantine
from penstock.store.database import Database
from penstock.store.quarantine import NewQuarantineRow

AT = "2026-01-01T00:00:00.000Z"
REFUSAL = Refusal("required", "email is missing", "email", None, "an e-mail address")


def hold_many(database: Database, destination: str, count: int) -> None:
    """Records with the keys 1 to `count`."""
    holds = (
        NewQuarantineRow(
            destination, str(n), (n, n), Outcome.QUARANTINED, REFUSAL, AT, "r-1", f'{{"id": "{n}"}}', n, "s1"
        )
        for n in range(1, count + 1)
    )
    with database.begin() as conn:
        quarantine.add(conn, *holds)
