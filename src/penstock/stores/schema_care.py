"""Tables of the service's own settings, of its alerts, and of counts that must outlive what they were counted from."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, Table, Text

from penstock.stores.schema import metadata

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
    Column("told", Text),  # the state that was said last
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
    Column("due", Float(53), nullable=False),  # epoch seconds: nobody sends it before
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
    Column("up_to", BigInteger, nullable=False),  # the number of the last record that was held when it was asked for
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("ended_at", Text),
)
