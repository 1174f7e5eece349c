"""The tables of the state database in their present form. `migrations` upgrades older forms.

Moments are text (`2026-01-31T12:00:00.000Z`), JSON is text, 64-bit hashes are signed integers or packed blobs. The
applied project has one row a version; the newest is in force. `shared_tables` has those that processes share.
"""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    event,
)

from penstock.model.outcome import COUNT_NAMES
from penstock.model.runs import RunTotals

metadata = MetaData()
Serial = BigInteger().with_variant(Integer, "sqlite")

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("parent", Text),
    Column("status", Text, nullable=False),
    Column("resumable", Boolean, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in COUNT_NAMES),
    *(Column(f.name, Float if isinstance(f.default, float) else BigInteger, nullable=False) for f in fields(RunTotals)),
    Column("notes", Text, nullable=False),
    Column("skipped", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("input_identity", Text),
    Column("input_rows", BigInteger),
    Column("frozen", Text),
    Column("window", Text),
    Column("settings", Text),
    Column("holder", Text),
    Column("reason", Text),
    Column("stopped_by", Text),
    Column("errors", Text),  # JSON; null: none
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("deletes_hash", Text),  # of the deletions that it did not carry out; null: none
    Column("limit", BigInteger),  # of `--limit`; null: none
    Column("first_sends", Text),  # JSON: what `--limit` and `canary` have counted; null: neither
    Column("exported", Text),  # where the ledger has the run as it is now; null: nowhere
    Column("beside", Text),  # the unfinished run that it left to another process, or to a later one; null: none
    Index("runs_of_target", "target", "kind", "started_at", "id"),
)
_OF_A_FLOW, _LISTED = runs.c.parent.is_not(None), runs.c.parent.is_(None)
Index("runs_of_parent", runs.c.parent, sqlite_where=_OF_A_FLOW, postgresql_where=_OF_A_FLOW)
Index("runs_exported", runs.c.exported)
Index("runs_newest_of_target", runs.c.target, runs.c.started_at, runs.c.id)  # lists show a page, newest first
for _name, _first in (("newest", ()), ("newest_in_status", (runs.c.status,))):
    _columns = (*_first, runs.c.started_at, runs.c.id)
    Index(f"runs_{_name}", *_columns, sqlite_where=_LISTED, postgresql_where=_LISTED)

ledger_batches = Table(
    "ledger_batches",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("run", Text, nullable=False),
    Column("delivery", BigInteger),  # null: nothing was sent for these records
    Column("method", Text),
    Column("url", Text),
    Column("status", Integer),
    Column("attempts", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("duration_ms", Float),
    Column("at", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("refusal", Text),  # JSON {"rule", "values"}: the web UI makes its own text from it
    Column("is_test", Boolean, nullable=False),
    Column("records", Integer, nullable=False),
    Column("keys", Text),  # JSON array; null: the ordinals alone identify the records
    Column("ordinals", Text, nullable=False),  # JSON [[first, count, item], …]
    Column("top", BigInteger, nullable=False),  # the largest ordinal
    Index("ledger_of_run", "run", "top"),
    Index("ledger_deliveries", "run", "delivery"),
)

ledger_exceptions = Table(
    "ledger_exceptions",
    metadata,
    Column("batch", Serial, ForeignKey("ledger_batches.id", ondelete="CASCADE"), primary_key=True),
    Column("item", Integer, primary_key=True),  # index among the batch's ordinals and keys
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("field", Text),
    Column("refusal", Text),  # JSON {"rule", "values"}
)

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
"""  # a key may hold U+0000, which this database cannot show
for _dialect, _view in (("sqlite", LEDGER_VIEW), ("postgresql", LEDGER_VIEW_POSTGRESQL)):
    _make = DDL(_view).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
    event.listen(metadata, "after_create", _make)

memory_segments = Table(
    "memory_segments",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("version", Text, nullable=False),  # of the fingerprints
    Column("count", BigInteger, nullable=False),
    Column("high", LargeBinary, nullable=False),  # the key hash's halves, little-endian uint64, sorted by `high`
    Column("low", LargeBinary, nullable=False),
    Column("contents", LargeBinary, nullable=False),  # 0: forgotten
    Column("prints", LargeBinary, nullable=False),  # 0: no fingerprint
)

in_flight = Table(
    "in_flight",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True),  # first ordinal of the chunk
    Column("hashes", LargeBinary, nullable=False),  # (n, 2) uint64
)

sent_beside = Table(  # keys that runs beside an unfinished run have read
    "sent_beside",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True),  # first ordinal of the chunk
    Column("hashes", LargeBinary, nullable=False),  # (n, 2) uint64
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("destination", Text, nullable=False),
    Column("identity", LargeBinary, nullable=False),  # the key's hash; of a record without key, the record's
    Column("key", Text),  # JSON
    Column("outcome", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("field", Text),
    Column("rule", Text, nullable=False),
    Column("value", Text),
    Column("accepted", Text),
    Column("named_values", Text),  # JSON; null: written by 0.1.0, which stored only the reason
    Column("at", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("record_print", BigInteger, nullable=False),
    Column("edited", Boolean, nullable=False),
    Column("content", BigInteger),
    Column("settings", Text, nullable=False),
    Column("request", Text),
    Column("reply", Text),
    Column("ordinal", BigInteger),  # of the record in its run; null: not known, or not of this run
    Column("sent_at", Text),  # of an unknown record: its request left not before
    Column("mark", Text),  # of an unknown record that was read back: found | absent; null: not decided
    Column("finding", Text),  # what was found when it was read back, for people
    Column("reads", Integer),  # how often it was read back without a decision; null: never
    Column("read_at", Text),  # when it was last read back
    Index("quarantine_of_key", "destination", "identity", unique=True),
    Index("quarantine_of_cause", "destination", "cause"),
    sqlite_autoincrement=True,  # an id is never given twice
)

discarded = Table(
    "discarded",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("identity", LargeBinary, primary_key=True),
    Column("record_print", BigInteger, primary_key=True),
    Column("content", BigInteger),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("settings", Text, nullable=False),  # the settings that decided the types
    Column("identity", Text),  # of the input that was read; null: it has none
    Column("schema", Text, nullable=False),
    Column("samples", LargeBinary, nullable=False),
)

switches = Table(
    "switches",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("window", Text, nullable=False),  # JSON
)

intents = Table(
    "intents",
    metadata,
    Column("run", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("ordinals", Text, nullable=False),
    Column("keys", Text, nullable=False),
    Column("contents", LargeBinary, nullable=False),
    Column("request", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("entries", Text),  # JSON: of what is resent, the ids in quarantine by ordinal; null: of an earlier release
)

jobs = Table(
    "jobs",
    metadata,
    Column("run", Text, primary_key=True),
    Column("delivery", BigInteger, primary_key=True),
    Column("destination", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("records", Text, nullable=False),  # JSON
)

credentials = Table(
    "credentials",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
)

checks = Table(
    "checks",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("base_url", Text, nullable=False),
    Column("made_for", Text, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("at", Text, nullable=False),
    Column("report", Text),  # JSON: the whole answer
)

known_ids = Table(
    "known_ids",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("by", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("remote", Text, nullable=False),
    Column("at", Text, nullable=False),
)

responses = Table(
    "responses",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("destination", Text, nullable=False),
    Column("record", Text, nullable=False),  # JSON
    Index("responses_of", "destination", "id"),
    sqlite_autoincrement=True,  # an id is never used twice: destinations store how far they have read
)

sent_links = Table(
    "sent_links",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("identity", LargeBinary, primary_key=True),  # the key's hash
    Column("links", Text, nullable=False),  # JSON: a list of written links
)

sent_values = Table(  # of fields with `if_unchanged`: what was last delivered
    "sent_values",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("field", Text, primary_key=True),  # its wire name
    Column("identity", LargeBinary, primary_key=True),  # the key's hash
    Column("value", BigInteger, nullable=False),  # a hash of the value
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("drifted", Integer, nullable=False),  # records that differ or are missing; 0 after a complete fix
    Column("report", Text, nullable=False),  # JSON: as found before a fix
)

sent_identities = Table(
    "sent_identities",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("key_hash", LargeBinary, primary_key=True),
    Column("key", Text, nullable=False),  # JSON
    Column("place", Text, nullable=False),  # JSON: the credential, base URL, dialect and object of the delivery
    Column("identity", Text, nullable=False),  # JSON: the members by which Custify finds the object
    Column("others", Text),  # JSON: further identities, which are compared and not sent; null: none
    Column("marked", Boolean, nullable=False),  # whether `on_delete: set` was carried out
    Column("mark", Text),  # JSON: the members that it set, or may have set; null: none
    Column("deletion", Text),  # the run that decided its deletion, not done yet; '': unknown; null: none
    Index("sent_identities_to_delete", "destination", "deletion"),
)

sent_notes = Table(
    "sent_notes",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("credential", Text, nullable=False),
    Column("entity", Text, nullable=False),  # Custify's id of the company or person
    Column("remote_id", Text),  # Custify's id of the note; null: its reply had none
    Column("text_hash", BigInteger, nullable=False),  # of the text as it was sent
    Column("bare_hash", BigInteger, nullable=False),  # of the text without tags, entities decoded
    Column("at", Text, nullable=False),
    Index("sent_notes_of_entity", "credential", "entity"),
    Index("sent_notes_newest", "credential", "at"),
)

written_files = Table(  # what runs of file destinations have written beside the finished file
    "written_files",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("path", Text, nullable=False),  # of the finished file
    Column("append", Boolean, nullable=False),
    Column("bytes", BigInteger, nullable=False),  # written for records that have an outcome; more is not counted
    Column("complete", Boolean, nullable=False),  # nothing is added: it is put in place of the finished file
)
