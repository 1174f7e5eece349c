"""The page about the exported ledger names every column of every table, with its type."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from penstock.store.ledger_export.columns import COLUMNS, VERSION

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "export-the-ledger.md"
TYPES = {
    pa.string(): "text",
    pa.int32(): "32-bit integer",
    pa.int64(): "64-bit integer",
    pa.float64(): "float",
    pa.bool_(): "boolean",
    pa.timestamp("ms"): "moment",
}


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_is_in_the_page_with_its_type(table):
    section = PAGE.read_text(encoding="utf-8").split(f"\n### {table}\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| (`.*?`) \| ([^|]*) \|", section, re.MULTILINE)
    shown = {name: kind for names, kind in rows for name in re.findall(r"`(\w+)`", names)}
    assert shown == {field.name: TYPES[field.type] for field in COLUMNS[table]}


def test_the_page_names_the_version():
    assert f"`version` of a run's row is {VERSION}" in PAGE.read_text(encoding="utf-8")
