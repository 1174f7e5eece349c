"""The tables of release 0.1.0: the first revision of the chain. Older revisions are refused.

A migration is frozen: it says what the database was then, whatever `store/tables.py` says now. This one is never run on
a person's state, which has these tables already; the tests make a PostgreSQL state of 0.1.0 with it.
"""

from alembic import op

revision = "0010"
down_revision = None

TYPES = {
    "sqlite": {
        "numbered": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
        "serial": "INTEGER",
        "number": "INTEGER",
        "bytes": "BLOB",
    },
    "postgresql": {"numbered": "BIGSERIAL PRIMARY KEY", "serial": "BIGSERIAL", "number": "BIGINT", "bytes": "BYTEA"},
}

RUNS = """
CREATE TABLE runs (
    id TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, parent TEXT, status TEXT NOT NULL,
    resumable BOOLEAN NOT NULL, read BIGINT NOT NULL, delivered BIGINT NOT NULL, accepted BIGINT NOT NULL,
    unchanged BIGINT NOT NULL, quarantined BIGINT NOT NULL, unknown BIGINT NOT NULL, waiting BIGINT NOT NULL,
    unsent BIGINT NOT NULL, deleted BIGINT NOT NULL, requests BIGINT NOT NULL, retries BIGINT NOT NULL,
    duration_s FLOAT NOT NULL, notes TEXT NOT NULL, skipped TEXT NOT NULL, position BIGINT NOT NULL,
    input_identity TEXT, input_rows BIGINT, frozen TEXT, "window" TEXT, settings TEXT, holder TEXT, reason TEXT,
    stopped_by TEXT, started_at TEXT NOT NULL, finished_at TEXT, PRIMARY KEY (id)
);
CREATE INDEX runs_newest ON runs (started_at, id) WHERE parent IS NULL;
CREATE INDEX runs_newest_in_status ON runs (status, started_at, id) WHERE parent IS NULL;
CREATE INDEX runs_newest_of_target ON runs (target, started_at, id);
CREATE INDEX runs_of_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_of_target ON runs (target, kind, started_at, id);
CREATE TABLE ledger_batches (
    id {serial} NOT NULL, run TEXT NOT NULL, delivery BIGINT, method TEXT, url TEXT, status INTEGER,
    attempts INTEGER NOT NULL, requests INTEGER NOT NULL, duration_ms FLOAT, at TEXT NOT NULL, outcome TEXT NOT NULL,
    reason TEXT, is_test BOOLEAN NOT NULL, records INTEGER NOT NULL, keys TEXT, ordinals TEXT NOT NULL,
    top BIGINT NOT NULL, PRIMARY KEY (id)
);
CREATE INDEX ledger_deliveries ON ledger_batches (run, delivery);
CREATE INDEX ledger_of_run ON ledger_batches (run, top);
CREATE TABLE ledger_exceptions (
    batch {number} NOT NULL, item INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT, field TEXT,
    PRIMARY KEY (batch, item), FOREIGN KEY(batch) REFERENCES ledger_batches (id) ON DELETE CASCADE
);
"""
MEMORY = """
CREATE TABLE memory_segments (
    destination TEXT NOT NULL, seq BIGINT NOT NULL, version TEXT NOT NULL, count BIGINT NOT NULL,
    high {bytes} NOT NULL, low {bytes} NOT NULL, contents {bytes} NOT NULL, prints {bytes} NOT NULL,
    PRIMARY KEY (destination, seq)
);
CREATE TABLE in_flight (
    destination TEXT NOT NULL, run TEXT NOT NULL, first BIGINT NOT NULL, hashes {bytes} NOT NULL,
    PRIMARY KEY (destination, run, first)
);
CREATE TABLE intents (
    run TEXT NOT NULL, number BIGINT NOT NULL, ordinals TEXT NOT NULL, keys TEXT NOT NULL, contents {bytes} NOT NULL,
    request TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (run, number)
);
CREATE TABLE jobs (
    run TEXT NOT NULL, delivery BIGINT NOT NULL, destination TEXT NOT NULL, job TEXT NOT NULL, at TEXT NOT NULL,
    records TEXT NOT NULL, PRIMARY KEY (run, delivery)
);
CREATE TABLE cursors (
    destination TEXT NOT NULL, "window" TEXT NOT NULL, PRIMARY KEY (destination)
);
CREATE TABLE responses (
    id {numbered}, destination TEXT NOT NULL, record TEXT NOT NULL
);
CREATE INDEX responses_of ON responses (destination, id);
"""
QUARANTINE = """
CREATE TABLE quarantine (
    id {numbered}, destination TEXT NOT NULL, identity {bytes} NOT NULL, "key" TEXT, outcome TEXT NOT NULL,
    cause TEXT NOT NULL, reason TEXT NOT NULL, field TEXT, rule TEXT NOT NULL, value TEXT, accepted TEXT,
    at TEXT NOT NULL, run TEXT NOT NULL, record TEXT NOT NULL, record_print BIGINT NOT NULL,
    edited BOOLEAN NOT NULL, content BIGINT, settings TEXT NOT NULL, request TEXT, reply TEXT
);
CREATE INDEX quarantine_of_cause ON quarantine (destination, cause);
CREATE UNIQUE INDEX quarantine_of_key ON quarantine (destination, identity);
CREATE TABLE discarded (
    destination TEXT NOT NULL, identity {bytes} NOT NULL, record_print BIGINT NOT NULL, content BIGINT,
    reason TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (destination, identity, record_print)
);
"""
RESOURCES = """
CREATE TABLE datasets (
    name TEXT NOT NULL, settings TEXT NOT NULL, identity TEXT, schema TEXT NOT NULL, samples {bytes} NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE switches (
    destination TEXT NOT NULL, state TEXT NOT NULL, "by" TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (destination)
);
CREATE TABLE credentials (
    name TEXT NOT NULL, sealed {bytes} NOT NULL, at TEXT NOT NULL, PRIMARY KEY (name)
);
CREATE TABLE checks (
    credential TEXT NOT NULL, base_url TEXT NOT NULL, made_for TEXT NOT NULL, ok BOOLEAN NOT NULL, at TEXT NOT NULL,
    report TEXT, PRIMARY KEY (credential)
);
CREATE TABLE known_ids (
    credential TEXT NOT NULL, kind TEXT NOT NULL, "by" TEXT NOT NULL, value TEXT NOT NULL, remote TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (credential, kind, "by", value)
);
CREATE TABLE project_versions (
    version BIGINT NOT NULL, at TEXT NOT NULL, author TEXT NOT NULL, base TEXT NOT NULL, text TEXT NOT NULL,
    changes TEXT NOT NULL, PRIMARY KEY (version)
);
CREATE TABLE settings (
    name TEXT NOT NULL, document TEXT NOT NULL, at TEXT NOT NULL, "by" TEXT NOT NULL, PRIMARY KEY (name)
);
"""
INTAKE = """
CREATE TABLE pushed (
    id {numbered}, source TEXT NOT NULL, at TEXT NOT NULL, record TEXT NOT NULL
);
CREATE INDEX pushed_of_source ON pushed (source, id);
CREATE TABLE pushed_sources (
    source TEXT NOT NULL, received BIGINT NOT NULL, tip BIGINT NOT NULL, last_at TEXT NOT NULL, PRIMARY KEY (source)
);
CREATE TABLE seen_posts (
    source TEXT NOT NULL, post TEXT NOT NULL, until FLOAT NOT NULL, PRIMARY KEY (source, post)
);
CREATE INDEX seen_posts_until ON seen_posts (until);
"""
WORK = """
CREATE TABLE work (
    run TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, lane TEXT NOT NULL, "trigger" TEXT NOT NULL,
    asked_by TEXT NOT NULL, asked_at TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, version TEXT,
    worker TEXT, stop TEXT, stop_by TEXT, not_before TEXT, payload TEXT, progress TEXT, PRIMARY KEY (run)
);
CREATE INDEX work_by_state ON work (state, asked_at);
CREATE INDEX work_of_target ON work (target, kind, state);
CREATE TABLE workers (
    id TEXT NOT NULL, version TEXT NOT NULL, place TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (id)
);
CREATE TABLE schedules (
    flow TEXT NOT NULL, paused BOOLEAN NOT NULL, "by" TEXT, at TEXT, rule TEXT, done TEXT, seen TEXT,
    PRIMARY KEY (flow)
);
CREATE TABLE ticks (
    flow TEXT NOT NULL, due TEXT NOT NULL, missed INTEGER NOT NULL, run TEXT, PRIMARY KEY (flow, due)
);
CREATE INDEX ticks_waiting ON ticks (run, flow);
CREATE TABLE exchanges (
    run TEXT NOT NULL, delivery BIGINT NOT NULL, request TEXT NOT NULL, reply TEXT, PRIMARY KEY (run, delivery)
);
CREATE TABLE frozen_parts (
    run TEXT NOT NULL, part INTEGER NOT NULL, bytes {bytes} NOT NULL, PRIMARY KEY (run, part)
);
CREATE TABLE leases (
    name TEXT NOT NULL, holder TEXT NOT NULL, fence BIGINT NOT NULL, expires FLOAT NOT NULL, PRIMARY KEY (name)
);
CREATE TABLE budgets (
    credential TEXT NOT NULL, quota BIGINT NOT NULL, per FLOAT NOT NULL, opened FLOAT NOT NULL, answered FLOAT,
    leased FLOAT NOT NULL, used BIGINT NOT NULL, flying BIGINT NOT NULL, late BIGINT NOT NULL, remaining BIGINT,
    blocked_until FLOAT NOT NULL, PRIMARY KEY (credential)
);
"""
PEOPLE = """
CREATE TABLE people (
    name TEXT NOT NULL, role TEXT NOT NULL, email TEXT, password TEXT, subject TEXT, epoch BIGINT NOT NULL,
    made_at TEXT NOT NULL, seen_at TEXT, PRIMARY KEY (name), UNIQUE (subject)
);
CREATE TABLE one_time_links (
    hash TEXT NOT NULL, person TEXT, expires FLOAT NOT NULL, PRIMARY KEY (hash)
);
CREATE TABLE tokens (
    id TEXT NOT NULL, hash TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
    made_at TEXT NOT NULL, expires_at TEXT, used_at TEXT, PRIMARY KEY (id), UNIQUE (hash)
);
CREATE INDEX tokens_of ON tokens (owner);
CREATE TABLE tries (
    who TEXT NOT NULL, count BIGINT NOT NULL, last FLOAT NOT NULL, closed_until FLOAT NOT NULL, PRIMARY KEY (who)
);
CREATE TABLE audit (
    id {numbered}, at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, what TEXT NOT NULL,
    origin TEXT NOT NULL, result TEXT NOT NULL
);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_person ON audit (who, id);
CREATE INDEX audit_by_time ON audit (at);
CREATE TABLE answers (
    who TEXT NOT NULL, "key" TEXT NOT NULL, asked TEXT NOT NULL, status INTEGER, headers TEXT, sealed {bytes},
    until FLOAT NOT NULL, PRIMARY KEY (who, "key")
);
CREATE INDEX answers_until ON answers (until);
"""
WATCH = """
CREATE TABLE alerts (
    id TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    since TEXT NOT NULL, over_at TEXT, told TEXT, told_at TEXT, PRIMARY KEY (id)
);
CREATE TABLE messages (
    id TEXT NOT NULL, channel TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL,
    tries INTEGER NOT NULL, due FLOAT NOT NULL, error TEXT, PRIMARY KEY (id)
);
CREATE TABLE tallies (
    name TEXT NOT NULL, labels TEXT NOT NULL, value FLOAT NOT NULL, PRIMARY KEY (name, labels)
);
CREATE TABLE span_parts (
    minutes INTEGER NOT NULL, at TEXT NOT NULL, destination TEXT NOT NULL, word TEXT NOT NULL, number BIGINT NOT NULL,
    PRIMARY KEY (minutes, at, destination, word)
);
"""
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
LEDGER_VIEWS = {"sqlite": LEDGER_VIEW, "postgresql": LEDGER_VIEW_POSTGRESQL}


def upgrade() -> None:
    connection = op.get_bind()
    dialect = connection.dialect.name
    for family in (RUNS, MEMORY, QUARANTINE, RESOURCES, INTAKE, WORK, PEOPLE, WATCH):
        for statement in family.format_map(TYPES[dialect]).strip().removesuffix(";").split(";\n"):
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(LEDGER_VIEWS[dialect])
