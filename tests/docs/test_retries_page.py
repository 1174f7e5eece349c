"""The page about retries has the table that `tests/run/retries` runs."""

from collections import defaultdict
from pathlib import Path

from support.docs.retry_table import CLASSES, ROWS
from support.golden import golden

PAGE = Path(__file__).parents[2] / "docs" / "guarantees" / "retries.md"
BEGIN = "<!-- this table: made by tests/docs/test_retries_page.py -->\n"
END = "<!-- end of the table -->\n"


def _outcomes(row):
    """Classes with the same cells, by what the cells say."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for name in CLASSES:
        cell = row.cells[name]
        found.setdefault(("yes" if cell.again else "no", f"`{cell.first}`", f"`{cell.end}`"), []).append(name)
    return {what: "each" if len(names) == len(CLASSES) else ", ".join(names) for what, names in found.items()}


def test_the_table_of_retries_is_the_one_that_is_run():
    alike = defaultdict(list)  # the faults with the same outcomes for the same reason
    for row in ROWS.values():
        alike[tuple(_outcomes(row).items()), row.why].append(row.text)
    lines = [
        "| the request meets | class | sent again | outcome at first | outcome at the end | because |",
        "|---|---|---|---|---|---|",
    ]
    for (outcomes, why), texts in alike.items():
        first, *others = [(names, *what) for what, names in outcomes]
        lines.append(f"| {'<br>'.join(texts)} | {' | '.join(first)} | {why} |")
        lines += [f"| | {' | '.join(other)} | |" for other in others]
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    whole = before + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + rest.split(END)[1]
    assert golden(PAGE, whole) == whole, "PENSTOCK_GOLDEN=write writes the table"
