"""The tables of the state database, as SQLite describes them."""

import sqlite3
from contextlib import closing

PROJECT = "credentials: {sandbox: {connector: custify}}\n"


def test_tables_columns_and_indexes(penstock, golden):
    (penstock.folder / "penstock.yaml").write_text(PROJECT)
    assert penstock("runs").code == 0
    with closing(sqlite3.connect(penstock.folder / ".penstock" / "state.db")) as db:
        golden("state", {name: described(db, name) for (name,) in db.execute(TABLES)})


TABLES = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name"
INDEXES = "select name, sql from sqlite_master where type = 'index' and tbl_name = ? and sql is not null order by name"


def described(db, table):
    """Columns sorted by name, since a new table can have another order than an altered one."""
    _, without_rowid, strict = db.execute("select name, wr, strict from pragma_table_list(?)", [table]).fetchone()
    columns = {
        name: " ".join(
            [kind, *["not null"] * required, *([] if default is None else [f"default {default}"])]
            + ([f"key {key}"] if key else [])
        )
        for name, kind, required, default, key in db.execute(
            'select name, type, "notnull", dflt_value, pk from pragma_table_xinfo(?) order by name', [table]
        )
    }
    references = [
        f"{source} → {target}.{column}"
        for source, target, column in db.execute(
            'select "from", "table", "to" from pragma_foreign_key_list(?) order by 1', [table]
        )
    ]
    options = ["without rowid"] * without_rowid + ["strict"] * strict
    return {"columns": columns, "indexes": indexes(db, table), "references": references, "options": options}


def indexes(db, table):
    """The indexes with their columns, and the condition of a partial one."""
    found = {}
    made = dict(db.execute(INDEXES, [table]))
    for name, unique, origin in db.execute(
        'select name, "unique", origin from pragma_index_list(?) order by 1', [table]
    ):
        columns = [
            f"{column or 'expression'}{' desc' * descending}"
            for column, descending in db.execute('select name, "desc" from pragma_index_xinfo(?) where key', [name])
        ]
        condition = made[name].partition(" WHERE ")[2] if name in made else ""
        word = name if origin == "c" else {"u": "unique", "pk": "key"}[origin] + f" ({', '.join(columns)})"
        found[word] = {"columns": columns, "unique": bool(unique), "where": condition}
    return found
