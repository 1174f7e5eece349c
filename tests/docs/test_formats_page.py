"""The page about files lists the formats and keys that there are."""

import re
from pathlib import Path

from penstock.sources.files.formats import FORMATS, OPTIONS, formats_with
from support.golden import golden

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "files.md"
BEGIN = "<!-- this table: made by tests/docs/test_formats_page.py -->\n"
END = "<!-- end of the table -->\n"


def test_the_table_of_formats_is_that_of_the_registry():
    rows = ["| format | endings | what it is |", "|---|---|---|"]
    rows += [f"| `{each.name}` | {' '.join(f'`{e}`' for e in each.extensions)} | {each.about} |" for each in FORMATS]
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    whole = before + BEGIN + "\n" + "\n".join(rows) + "\n\n" + END + rest.split(END)[1]
    assert golden(PAGE, whole) == whole, "PENSTOCK_GOLDEN=write writes the table"


def test_every_key_names_the_formats_that_it_is_for():
    text = PAGE.read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", text.split("## Keys")[1], re.MULTILINE))
    expected = {option: formats_with(option) for option in OPTIONS} | dict.fromkeys(
        ("path", "format", "decimal"), "all"
    )
    assert documented == expected
