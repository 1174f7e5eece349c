"""The tables of the service: API, settings, alerts, totals, posted records, people, audit, work, projects, approvals.

Moments are text, as everywhere; those that are compared or counted down are epoch seconds, as numbers. Of passwords,
tokens and links only hashes are stored. Totals outlive the rows from which they were counted.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, Table, Text

from penstock.store.tables import Serial, metadata

answers = Table(
    "answers",
    metadata,
    Column("who", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # the Idempotency-Key of the request
    Column("asked", Text, nullable=False),  # a hash of route and body
    Column("status", Integer),  # null: it is in progress
    Column("headers", Text),  # JSON
    Column("sealed", LargeBinary),  # the body: it may hold a secret that is shown once
    Column("until", Float(53), nullable=False),  # epoch seconds: stored until then
    Index("answers_until", "until"),
)


settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("document", Text, nullable=False),  # JSON
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),  # `stalled:people`
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),  # raised | over
    Column("reason", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("over_at", Text),
    Column("told", Text),  # the state that was reported last
    Column("told_at", Text),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due", Float(53), nullable=False),  # epoch seconds: it is not sent before
    Column("error", Text),  # of the last try
)

tallies = Table(
    "tallies",
    metadata,
    Column("name", Text, primary_key=True),
    Column("labels", Text, primary_key=True),  # JSON array of text
    Column("value", Float(53), nullable=False),
)

span_parts = Table(
    "span_parts",
    metadata,
    Column("minutes", Integer, primary_key=True, autoincrement=False),  # how long the part is
    Column("at", Text, primary_key=True),  # when it begins, to the minute
    Column("destination", Text, primary_key=True),
    Column("word", Text, primary_key=True),  # an outcome, `requests`, or a step of durations
    Column("number", BigInteger, nullable=False),
)

discards = Table(
    "discards",
    metadata,
    Column("id", Text, primary_key=True),
    Column("which", Text, nullable=False),  # JSON: the ids, or what the records have in common
    Column("up_to", BigInteger, nullable=False),  # the number of the last record in quarantine when it was requested
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("ended_at", Text),
)


pushed = Table(
    "pushed",
    metadata,
    Column("id", Serial, primary_key=True),  # grows in the order of the commits: what is read up to is complete
    Column("source", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("record", Text, nullable=False),  # JSON, as it was posted
    Index("pushed_of_source", "source", "id"),
    sqlite_autoincrement=True,  # an id is never used twice: destinations store the last one that they read
)

pushed_sources = Table(
    "pushed_sources",
    metadata,
    Column("source", Text, primary_key=True),
    Column("received", BigInteger, nullable=False),  # records, since ever
    Column("tip", BigInteger, nullable=False),  # the newest id
    Column("last_at", Text, nullable=False),
)

seen_posts = Table(
    "seen_posts",
    metadata,
    Column("source", Text, primary_key=True),
    Column("post", Text, primary_key=True),  # identifies a signed post
    Column("until", Float(53), nullable=False),  # epoch seconds: stored until then
    Index("seen_posts_until", "until"),
)


people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),  # lower case
    Column("role", Text, nullable=False),
    Column("email", Text),
    Column("password", Text),  # an argon2 hash; null: no sign-in by password
    Column("subject", Text, unique=True),  # the person at the identity provider: issuer and subject
    Column("epoch", BigInteger, nullable=False),  # sessions of an older one are over
    Column("made_at", Text, nullable=False),
    Column("seen_at", Text),  # the last sign-in
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text),  # whose password it sets; null: it makes the first person
    Column("expires", Float(53), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("used_at", Text),
    Index("tokens_of", "owner"),
)

tries = Table(
    "tries",
    metadata,
    Column("who", Text, primary_key=True),  # a keyed hash of a name or an address
    Column("count", BigInteger, nullable=False),
    Column("last", Float(53), nullable=False),
    Column("closed_until", Float(53), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("result", Text, nullable=False),
    Index("audit_by_time", "at"),
    Index("audit_by_person", "who", "id"),
    Index("audit_by_action", "action", "id"),
    sqlite_autoincrement=True,  # a number is never used twice, so that a gap shows a removed entry
)


work = Table(
    "work",
    metadata,
    Column("run", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("lane", Text, nullable=False),  # the credential: so many runs of one at a time
    Column("trigger", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("state", Text, nullable=False),  # queued → handed → running → ended
    Column("attempt", Integer, nullable=False),  # grows whenever it is handed out; older tickets are void
    Column("version", Text),  # of the Penstock that handed it out
    Column("worker", Text),  # its holder
    Column("stop", Text),  # why it has to stop: cancel
    Column("stop_by", Text),
    Column("not_before", Text),
    Column("payload", Text),  # JSON: which records in quarantine a resend sends
    Column("progress", Text),  # JSON
    Index("work_by_state", "state", "asked_at"),
    Index("work_of_target", "target", "kind", "state"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("place", Text, nullable=False),  # process and machine, for people
    Column("since", Text, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("flow", Text, primary_key=True),
    Column("paused", Boolean, nullable=False),
    Column("by", Text),
    Column("at", Text),
    Column("rule", Text),  # the schedule and its zone as they were when `done` was written
    Column("done", Text),  # all times until then are handled
    Column("seen", Text),  # the identity of the data at its last run
)

ticks = Table(
    "ticks",
    metadata,
    Column("flow", Text, primary_key=True),
    Column("due", Text, primary_key=True),
    Column("missed", Integer, nullable=False),  # earlier times that this one includes
    Column("run", Text),  # null: not requested yet
    Index("ticks_waiting", "run", "flow"),
)

exchanges = Table(
    "exchanges",
    metadata,
    Column("run", Text, primary_key=True),
    Column("delivery", BigInteger, primary_key=True),
    Column("request", Text, nullable=False),  # JSON
    Column("reply", Text),  # JSON
)

frozen_parts = Table(
    "frozen_parts",
    metadata,
    Column("run", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)


project_versions = Table(
    "project_versions",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("base", Text, nullable=False),  # the folder where relative paths start
    Column("text", Text, nullable=False),  # the project as canonical YAML
    Column("changes", Text, nullable=False),  # JSON: what differs from the version before
)


approved_deletions = Table(
    "approved_deletions",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("run", Text, nullable=False),  # for which it was approved
    Column("used", Boolean, nullable=False),
    Column("at", Text, nullable=False),
)
