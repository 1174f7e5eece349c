"""Records that were pushed: what webhooks took in. Replies get ids that are never given twice."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, Text

revision = "0006"
down_revision = "0005"

Serial = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "pushed",
        Column("id", Serial, primary_key=True),
        Column("source", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("record", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("pushed_of_source", "pushed", ["source", "id"])
    op.create_table(
        "pushed_sources",
        Column("source", Text, primary_key=True),
        Column("received", BigInteger, nullable=False),
        Column("tip", BigInteger, nullable=False),
        Column("last_at", Text, nullable=False),
    )
    op.create_table(
        "seen_posts",
        Column("source", Text, primary_key=True),
        Column("post", Text, primary_key=True),
        Column("until", Float(53), nullable=False),
    )
    op.create_index("seen_posts_until", "seen_posts", ["until"])
    if op.get_bind().dialect.name == "sqlite":
        _never_give_an_id_twice()


def _never_give_an_id_twice() -> None:
    op.drop_index("responses_of", "responses")
    op.rename_table("responses", "responses_before")
    op.create_table(
        "responses",
        Column("id", Integer, primary_key=True),
        Column("destination", Text, nullable=False),
        Column("record", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.execute("INSERT INTO responses (id, destination, record) SELECT id, destination, record FROM responses_before")
    op.drop_table("responses_before")
    op.create_index("responses_of", "responses", ["destination", "id"])
