"""How many records of a run have each outcome, by the SQL view `ledger`."""

from sqlalchemy import Connection, text


def outcome_counts(conn: Connection, run: str) -> dict[str, int]:
    query = text("SELECT outcome, count(*) AS number FROM ledger WHERE run = :run AND NOT is_test GROUP BY outcome")
    return {row.outcome: row.number for row in conn.execute(query, {"run": run})}
