"""The key `ledger_to`, and its reader: the folder, object store or database that the ledger is written to."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.config.credentials import parse_secret
from penstock.config.sections import Key, Section
from penstock.config.shapes import REFERENCE, BadValue, ChoiceShape, TextShape
from penstock.config.tree import Marked, Report
from penstock.model.spec import LedgerFiles, LedgerObjects, LedgerTables
from penstock.store.ledger_export.object_place import ObjectUrlError, place_of

LEDGER_TO = Section(
    "Where the runs, requests and records are written after each run: a folder, an object store or a database.",
    (
        Key(
            "path",
            TextShape(references=True, example="ledger/"),
            "a folder, relative to the project file, or one in an object store: `s3://`, `gs://` or `az://` (write "
            "keys as ${env:NAME}); either this or `url`",
        ),
        Key("format", ChoiceShape(("parquet",)), "with `path`: the format of the files (default: parquet)"),
        Key(
            "url",
            TextShape(references=True),
            "the URL of a PostgreSQL database; write passwords as ${env:NAME}; either this or `path`",
        ),
        Key("schema", TextShape(), "with `url`: the schema of the tables (default: penstock)"),
    ),
)
BELONGS = {"format": "path", "schema": "url"}
LedgerTarget = LedgerFiles | LedgerObjects | LedgerTables
SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
POSTGRESQL = re.compile(r"(?i)postgres(ql)?(\+[a-z0-9]+)?://")
STORE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def read_ledger_target(node: Marked, base: Path, report: Report) -> LedgerTarget | None:
    """Reads the whole key; None where it is not given. Values that may be secret are not shown."""
    if not node.entries():
        return None
    read = LEDGER_TO.read(node, report)
    values = {} if isinstance(read, BadValue) else read
    given = [key for key in ("path", "url") if key in node.entries()]
    if len(given) != 1:
        message = "both `path` and `url` are given" if given else "neither `path` nor `url` is given"
        place, found = node.at(*given[:1]).place, " and ".join(given) or "neither"
        hint = "write `path` for a folder or an object store, or `url` for a PostgreSQL database"
        report.add(place, "one-of", message, hint, found)
        return None
    for key, owner in BELONGS.items():
        if key in node.entries() and owner not in given:
            message = f"`{key}` applies only with `{owner}`"
            report.add(node.at(key).place, "key-not-here", message, f"remove it, or write `{owner}`", key)
    return _files(values, node, base, report) if given == ["path"] else _tables(values, node, base, report)


def _files(values: dict[str, str], node: Marked, base: Path, report: Report) -> LedgerFiles | LedgerObjects | None:
    if "path" not in values:
        return None
    if STORE.match(values["path"]):
        return _objects(values["path"], node.at("path"), base, report)
    if REFERENCE.search(values["path"]):
        message, hint = "a reference is not allowed in a folder", "write its name, or begin with s3://, gs:// or az://"
        report.add(node.at("path").place, "reference-not-here", message, hint, "${…}")
    if "\0" in values["path"]:
        message, hint = "a path cannot contain U+0000", "write a folder such as ledger/"
        report.add(node.at("path").place, "unknown-value", message, hint, "U+0000")
    return LedgerFiles(values["path"], base)


def _objects(text: str, node: Marked, base: Path, report: Report) -> LedgerObjects:
    url = parse_secret(text, node, base, report)
    try:
        place_of("".join(part if kind == "text" else "xxx" for kind, part in url.parts))
    except ObjectUrlError as error:
        report.add(node.place, "object-store-url", str(error), error.hint, text.partition("://")[0])
    return LedgerObjects(url)


def _tables(values: dict[str, str], node: Marked, base: Path, report: Report) -> LedgerTables | None:
    if "url" not in values:
        return None
    url = parse_secret(values["url"], node.at("url"), base, report)
    if url.parts and url.parts[0][0] == "text" and POSTGRESQL.match(url.parts[0][1]) is None:
        message = "the ledger can only be written to a PostgreSQL database"
        hint = "write postgresql://user:${env:NAME}@host/database"
        report.add(node.at("url").place, "database-url", message, hint, url.parts[0][1].partition(":")[0])
    schema = values.get("schema", "penstock")
    if SCHEMA.fullmatch(schema) is None or schema.startswith("pg_"):
        message = "this is not a name for a schema"
        hint = "write lower case letters, digits and _, such as penstock; a name cannot begin with pg_"
        report.add(node.at("schema").place, "bad-name", message, hint, schema)
    return LedgerTables(url, base, schema)
