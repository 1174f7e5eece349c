"""The identity report of a dataset: which of its people Custify would hold twice.

Custify finds a person by `user_id`, else by `email`; if the person with the e-mail has another user_id, it creates a
second one (OpenAPI 1.5.7). The ids and e-mails are compared as they are sent, e-mails without regard to case. They are
in a table of DuckDB, which writes to disk what does not fit in its memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from penstock.deadline import check_deadline
from penstock.delivery.objects import remote_id
from penstock.model.errors import InputError, Problem
from penstock.model.identity import (
    MOST_ENTRIES,
    CustifyPerson,
    EmailOfSeveralIds,
    IdentityReport,
    IdOfSeveralEmails,
    ScientificId,
    TakenEmail,
)
from penstock.model.reach import SPILL
from penstock.model.spec import CustifySource, DestinationSpec
from penstock.model.text import joined
from penstock.render.identity import EMAIL, ID, IdentityColumns, identity_columns, people_template
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.run.diff.notes import SCIENTIFIC_KEY
from penstock.run.preparation.datasets import KnownDataset, known_dataset
from penstock.run.reconcile.account_objects import AccountObjects, Announce, member_text, object_pages
from penstock.sources.dataset_sql import SETTINGS
from penstock.templates.catalogue import ReadForm

WHAT = "identity --against"
MOST_VALUES = 20  # of an entry
COLUMNS = {"number": pa.int64(), "source": pa.int32(), "id": pa.string(), "email": pa.string()}
PAIRS = pa.schema([pa.field(name, kind) for name, kind in COLUMNS.items()])
TABLES = """
create table pairs (number bigint, source integer, id varchar, email varchar, address varchar);
create table theirs (id varchar, user_id varchar, address varchar);
"""
EACH = """
create or replace table each as
select source, {one}, {other}, min(number) as first, count(*) as records,
    arg_min({shown}, number) as shown, arg_min({value}, number) as value
from pairs where id is not null and email is not null group by source, {one}, {other}
"""
MANY = """
create or replace table many as
select source, {one}, min(first) as first, arg_min(shown, first) as shown, count(*) as number,
    sum(records)::bigint as records
from each group by source, {one} having count(*) > 1
"""
LISTED = """
with listed as (select * from many order by source, first limit {most}),
places as (
    select each.source, each.{one}, each.value, row_number() over (
        partition by each.source, each.{one} order by each.first
    ) as place
    from each join listed using (source, {one})
),
shortened as (
    select source, {one}, list(value order by place) as found from places where place <= {values} group by source, {one}
)
select shown, found, number, records from listed join shortened using (source, {one}) order by source, first
"""
SCIENTIFIC = """
create or replace table scientific as
select id, min(number) as first, count(distinct number) as records from pairs
where regexp_full_match(id, '{shape}') group by id
"""

TAKEN = """
create or replace table taken as
with mine as (
    select id, address, min(number) as first, arg_min(email, number) as email
    from pairs where id is not null and address is not null group by id, address
)
select mine.email, mine.id, mine.first, list({id: theirs.id, user_id: theirs.user_id} order by theirs.id) as people,
    count(*) as number, mine.id not in (select user_id from theirs where user_id is not null) as creates
from mine join theirs on theirs.address = mine.address and theirs.user_id <> mine.id
where not exists (
    select 1 from theirs own where own.address = mine.address and (own.user_id = mine.id or own.user_id is null)
)
group by mine.email, mine.id, mine.first
"""


class Found(NamedTuple):
    """Rows of a list, and how many there are in all."""

    rows: list[tuple[Any, ...]]
    total: int


class Against(NamedTuple):
    """The credential of the account that is read; `announce` as in `read_objects`."""

    credential: str
    announce: Announce


def identity_report(
    ctx: Context, dataset: str, *, most: int = MOST_ENTRIES, against: Against | None = None
) -> IdentityReport:
    """What a dataset shows about its people, and which e-mails others have in an account; at most `most` entries each.

    Raises InputError when the dataset or the account cannot be read, or has no columns that identify people;
    CredentialRefused, HostUnreachable, and KeyboardInterrupt when the caller is stopped.
    """
    if against is not None:
        require_native(ctx, against.credential)
    with ctx.placing():
        data = known_dataset(ctx, dataset, whole=True)
        columns = columns_of(ctx, data)
        if not columns:
            raise InputError(_no_columns(ctx, data))
        with _database(ctx) as db:
            records = _read(db, data, columns)
            report = IdentityReport(dataset, tuple(one.source for one in columns), records=records)
            report = _report(db, report, most)
            return report if against is None else _compared(ctx, db, report, against, most)


def people_report(ctx: Context, spec: DestinationSpec) -> IdentityReport | None:
    """The numbers of what a destination's dataset shows about its people; None if it sends no people."""
    with ctx.placing():
        schema = known_dataset(ctx, spec.dataset).schema
    if people_template(spec, schema, ctx.catalogue) is None:
        return None
    return identity_report(ctx, spec.dataset, most=0)


def columns_of(ctx: Context, data: KnownDataset) -> tuple[IdentityColumns, ...]:
    """The columns that identify the people of a dataset."""
    specs = [spec for spec in ctx.project.destinations.values() if spec.dataset == data.spec.name]
    return identity_columns(specs, data.schema, data.spec.key, ctx.catalogue)


def _no_columns(ctx: Context, data: KnownDataset) -> Problem:
    name = data.spec.name
    message = f"the dataset {name} has no column with the ids or e-mails of people"
    hint = f"map user_id and email in a destination, or name columns so; the columns are {joined(data.schema.names())}"
    return ctx.problem(f"datasets.{name}", message, "no-identity", hint=hint, found=name)


@contextmanager
def _database(ctx: Context) -> Iterator[duckdb.DuckDBPyConnection]:
    with (
        TemporaryDirectory(prefix=SPILL, dir=ctx.folder, ignore_cleanup_errors=True) as spill,
        closing(duckdb.connect(":memory:", config={**SETTINGS, "temp_directory": spill})) as db,
    ):
        db.execute(TABLES)
        yield db


def _read(db: duckdb.DuckDBPyConnection, data: KnownDataset, columns: tuple[IdentityColumns, ...]) -> int:
    """Fill the table of pairs; returns the number of records."""
    number = 0
    for chunk in data.dataset.read(data.schema):
        check_deadline()
        rows = chunk.records.num_rows
        for source, one in enumerate(columns):
            ids, emails = one.pairs(chunk)
            parts: list[Any] = [range(number, number + rows), [source] * rows, ids, emails]
            arrays = [pa.array(part, field.type) for part, field in zip(parts, PAIRS, strict=True)]
            db.register("read", pa.Table.from_arrays(arrays, schema=PAIRS))
            db.execute("insert into pairs select *, lower(email) from read where id is not null or email is not null")
            db.unregister("read")
        number += rows
    return number


def require_native(ctx: Context, name: str) -> None:
    """InputError unless the people of this credential's account can be read; what is not known yet is no error."""
    spec = connection.credential_spec(ctx, name)
    unknown = spec.connector == "custify" and connection.needs_check(ctx, spec)
    if spec.connector != "custify" or (not unknown and connection.address(ctx, spec).dialect == "flat"):
        raise InputError(connection.no_reads(ctx, spec, WHAT))


def _compared(
    ctx: Context, db: duckdb.DuckDBPyConnection, report: IdentityReport, against: Against, most: int
) -> IdentityReport:
    """The report with the e-mails that people with other ids have in the account."""
    source = CustifySource(f"for {WHAT}", against.credential, "people")
    read = AccountObjects(ReadForm("people", ()))
    for page in object_pages(ctx, source, read, WHAT, against.announce):
        rows = [(remote_id(each), member_text(each, ID), member_text(each, EMAIL)) for each in page]
        arrays = [pa.array([row[place] for row in rows], pa.string()) for place in range(3)]
        db.register("read", pa.Table.from_arrays(arrays, names=["id", "user_id", "address"]))
        db.execute("insert into theirs select * from read")
        db.unregister("read")
    db.execute(TAKEN)
    query = "select email, id, creates, people, number from taken order by first limit ?"
    found = tuple(
        TakenEmail(email, own, creates, tuple(CustifyPerson(**each) for each in people[:MOST_VALUES]), number)
        for email, own, creates, people, number in db.execute(query, [most]).fetchall()
    )
    counts = {**report.counts, "taken_in_custify": _count(db, "taken")}
    return replace(report, taken_in_custify=found, requests=read.requests, counts=counts, incomplete=read.gap)


def _report(db: duckdb.DuckDBPyConnection, empty: IdentityReport, most: int) -> IdentityReport:
    emails = _several(db, "address", "id", shown="email", value="id", most=most)
    ids = _several(db, "id", "address", shown="id", value="email", most=most)
    db.execute(SCIENTIFIC.format(shape=SCIENTIFIC_KEY))
    listed = db.execute("select id, records from scientific order by first limit ?", [most]).fetchall()
    scientific = Found(listed, _count(db, "scientific"))
    return replace(
        empty,
        email_several_ids=tuple(EmailOfSeveralIds(shown, tuple(some), *rest) for shown, some, *rest in emails.rows),
        id_several_emails=tuple(IdOfSeveralEmails(shown, tuple(some), *rest) for shown, some, *rest in ids.rows),
        scientific_ids=tuple(ScientificId(*row) for row in scientific.rows),
        counts={
            "email_several_ids": emails.total,
            "id_several_emails": ids.total,
            "scientific_ids": scientific.total,
        },
    )


def _several(db: duckdb.DuckDBPyConnection, one: str, other: str, *, shown: str, value: str, most: int) -> Found:
    """The values of `one` that records with different values of `other` have, in the order of the records."""
    names = {"one": one, "other": other, "shown": shown, "value": value, "most": most, "values": MOST_VALUES}
    for statement in (EACH, MANY):
        db.execute(statement.format(**names))
    return Found(db.execute(LISTED.format(**names)).fetchall(), _count(db, "many"))


def _count(db: duckdb.DuckDBPyConnection, table: str) -> int:
    (found,) = db.execute(f"select count(*) from {table}").fetchall()
    return int(found[0])
