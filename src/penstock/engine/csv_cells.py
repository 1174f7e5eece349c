"""Cells of CSV files that people open in a spreadsheet."""

from __future__ import annotations

from typing import overload

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - OWASP: CSV injection


@overload
def harmless_cell(cell: str) -> str: ...


@overload
def harmless_cell(cell: object) -> object: ...


def harmless_cell(cell: object) -> object:
    """The cell so that no spreadsheet computes it: an apostrophe stands before a text that begins like a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell
