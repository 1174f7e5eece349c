"""Tables of people and what they did.

Moments are text, as everywhere; those that are compared or counted down are epoch seconds, as numbers. Of passwords,
tokens and links only hashes are kept.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Table, Text

from penstock.stores.schema import Serial, metadata

people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),  # lower case
    Column("role", Text, nullable=False),
    Column("email", Text),
    Column("password", Text),  # an argon2 hash; null: nobody can sign in by password
    Column("subject", Text, unique=True),  # who this is at the identity provider: issuer and subject
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
    sqlite_autoincrement=True,  # a number is never given twice: a gap would show
)
