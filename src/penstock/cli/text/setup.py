"""The result of a credential's check and the columns of a dataset as text."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from penstock.cli.text.words import amount, said, table
from penstock.model.reports import CheckReport, DatasetReport


def check_text(report: CheckReport) -> Iterator[RenderableType]:
    """Whether the credential works, where, and how much it may do."""
    verdict = ("works", "bold green") if report.ok else ("does not work", "bold red")
    reason = "" if report.ok and len(report.tried) == 1 else f": {report.reason}"
    yield Text.assemble((f"{report.credential} ", "bold"), verdict, said(reason))
    if report.base_url is not None:
        yield said(f"  base URL   {report.base_url}")
        yield said(f"  dialect    {report.dialect}")
    if report.allowance is not None:
        remaining, limit = report.allowance.get("remaining"), report.allowance.get("limit")
        yield Text(f"  allowance  {remaining} of {limit} requests left in this window")
    for tried in report.tried if len(report.tried) > 1 else ():
        yield said(f"  tried      {tried['base_url']}: {tried['result']}")


def dataset_text(report: DatasetReport) -> Iterator[RenderableType]:
    """The columns of a dataset as they were detected."""
    records, columns = amount(report.schema.records, "record"), amount(len(report.schema.columns), "column")
    yield Text.assemble((report.dataset, "bold"), f": {records}, {columns}, key ", said(", ".join(report.key)))
    rows = table("  column", "type", "null", "examples")
    for column in report.schema.columns:
        null = "yes" if column.nullable else ""
        rows.add_row(said(f"  {column.name}"), column.type, null, said(" · ".join(column.examples)))
    yield rows
    if report.extra_columns:
        names = ", ".join(report.extra_columns)
        yield said(
            f"New in the source, not in the schema: {names}. `penstock schema {report.dataset} --refresh`", "yellow"
        )
    if report.gone_columns:
        names = ", ".join(report.gone_columns)
        yield said(
            f"No longer in the source: {names}. If that is meant: `penstock schema {report.dataset} --refresh`",
            "yellow",
        )
