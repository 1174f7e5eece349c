"""The first form: runs, ledger, memory, quarantine, credentials, resources.

A migration is frozen: it says what the database was then, whatever `stores/schema.py` says now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

LEDGER_VIEW = """
CREATE VIEW ledger AS
WITH RECURSIVE unkeyed(batch, item, ordinal, rest) AS (
    SELECT b.id, json_extract(r.value, '$[2]'), json_extract(r.value, '$[0]'), json_extract(r.value, '$[1]')
    FROM ledger_batches b, json_each(b.ordinals) r WHERE b.keys IS NULL
    UNION ALL
    SELECT batch, item + 1, ordinal + 1, rest - 1 FROM unkeyed WHERE rest > 1
), records(batch, item, ordinal, key) AS (
    SELECT b.id, k.key, (
        SELECT json_extract(r.value, '$[0]') + k.key - json_extract(r.value, '$[2]') FROM json_each(b.ordinals) r
        WHERE json_extract(r.value, '$[2]') <= k.key ORDER BY r.key DESC LIMIT 1
    ), k.value
    FROM ledger_batches b, json_each(b.keys) k
    UNION ALL
    SELECT batch, item, ordinal, NULL FROM unkeyed
)
SELECT b.run AS run, r.ordinal AS ordinal, r.key AS "key", coalesce(x.outcome, b.outcome) AS outcome,
    CASE WHEN x.batch IS NULL THEN b.reason ELSE x.reason END AS reason, x.field AS field, b.delivery AS delivery,
    b.status AS status, b.at AS at, b.is_test AS is_test
FROM records r JOIN ledger_batches b ON b.id = r.batch
LEFT JOIN ledger_exceptions x ON x.batch = r.batch AND x.item = r.item
"""

LEDGER_VIEW_POSTGRESQL = """
CREATE VIEW ledger AS
SELECT b.run AS run, CAST(r.part ->> 0 AS bigint) + n AS ordinal,
    CAST(replace(b.keys, '\\u0000', '\\ufffd') AS json) ->> CAST(CAST(r.part ->> 2 AS bigint) + n AS integer) AS "key",
    coalesce(x.outcome, b.outcome) AS outcome,
    CASE WHEN x.batch IS NULL THEN b.reason ELSE x.reason END AS reason, x.field AS field, b.delivery AS delivery,
    b.status AS status, b.at AS at, b.is_test AS is_test
FROM ledger_batches b
CROSS JOIN LATERAL json_array_elements(CAST(b.ordinals AS json)) AS r(part)
CROSS JOIN LATERAL generate_series(0, CAST(r.part ->> 1 AS bigint) - 1) AS n
LEFT JOIN ledger_exceptions x ON x.batch = b.id AND x.item = CAST(r.part ->> 2 AS bigint) + n
"""


def upgrade() -> None:
    _runs()
    _memory()
    _quarantine()
    _resources()
    op.execute(LEDGER_VIEW if op.get_bind().dialect.name == "sqlite" else LEDGER_VIEW_POSTGRESQL)


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("resumable", sa.Boolean(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("unsent", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("retries", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("input_identity", sa.Text(), nullable=True),
        sa.Column("input_rows", sa.BigInteger(), nullable=True),
        sa.Column("frozen", sa.Text(), nullable=True),
        sa.Column("window", sa.Text(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("runs_of_parent", "runs", ["parent"], unique=False)
    op.create_index("runs_of_target", "runs", ["target", "kind", "started_at"], unique=False)
    op.create_table(
        "ledger_batches",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=True),
        sa.Column("ordinals", sa.Text(), nullable=False),
        sa.Column("top", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ledger_deliveries", "ledger_batches", ["run", "delivery"], unique=False)
    op.create_index("ledger_of_run", "ledger_batches", ["run", "top"], unique=False)
    op.create_table(
        "ledger_exceptions",
        sa.Column("batch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["batch"], ["ledger_batches.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch", "item"),
    )


def _memory() -> None:
    op.create_table(
        "memory_segments",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.LargeBinary(), nullable=False),
        sa.Column("low", sa.LargeBinary(), nullable=False),
        sa.Column("contents", sa.LargeBinary(), nullable=False),
        sa.Column("prints", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "seq"),
    )
    op.create_table(
        "in_flight",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "run", "first"),
    )
    op.create_table(
        "intents",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("ordinals", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("contents", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "number"),
    )
    op.create_table(
        "jobs",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "delivery"),
    )


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("accepted", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("record_print", sa.BigInteger(), nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("content", sa.BigInteger(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("quarantine_of_cause", "quarantine", ["destination", "cause"], unique=False)
    op.create_index("quarantine_of_key", "quarantine", ["destination", "identity"], unique=True)
    op.create_table(
        "discarded",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("record_print", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "identity", "record_print"),
    )


def _resources() -> None:
    op.create_table(
        "checks",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("made_for", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("credential"),
    )
    op.create_table(
        "credentials",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "cursors",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination"),
    )
    op.create_table(
        "datasets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("samples", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "known_ids",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("credential", "kind", "by", "value"),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "responses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("responses_of", "responses", ["destination", "id"], unique=False)
    op.create_table(
        "switches",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination"),
    )
