"""People, their sessions, tokens and rights; the audit log."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    serial = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "people",
        Column("name", Text, primary_key=True),
        Column("role", Text, nullable=False),
        Column("email", Text),
        Column("password", Text),
        Column("subject", Text, unique=True),
        Column("epoch", BigInteger, nullable=False),
        Column("made_at", Text, nullable=False),
        Column("seen_at", Text),
    )
    op.create_table(
        "one_time_links",
        Column("hash", Text, primary_key=True),
        Column("person", Text),
        Column("expires", Float(53), nullable=False),
    )
    op.create_table(
        "tokens",
        Column("id", Text, primary_key=True),
        Column("hash", Text, nullable=False, unique=True),
        Column("owner", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("made_at", Text, nullable=False),
        Column("expires_at", Text),
        Column("used_at", Text),
    )
    op.create_index("tokens_of", "tokens", ["owner"])
    op.create_table(
        "tries",
        Column("who", Text, primary_key=True),
        Column("count", BigInteger, nullable=False),
        Column("last", Float(53), nullable=False),
        Column("closed_until", Float(53), nullable=False),
    )
    op.create_table(
        "audit",
        Column("id", serial, primary_key=True),
        Column("at", Text, nullable=False),
        Column("who", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("what", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("result", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_index("audit_by_person", "audit", ["who", "id"])
    op.create_index("audit_by_action", "audit", ["action", "id"])
