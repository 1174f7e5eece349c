"""Excel workbooks with each part given as XML, so that a test sets the exact content of the file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from xml.sax.saxutils import quoteattr

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STYLES = (
    '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[h]:mm"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="20"/>'
    '<xf numFmtId="164"/></cellXfs></styleSheet>'
)
DATE, MOMENT, TIME, DURATION = 1, 2, 3, 4  # values of `s`: how a number is shown


def workbook(
    sheets: Mapping[str, str],
    *,
    texts: str = "",
    hidden: tuple[str, ...] = (),
    is_1904: bool = False,
    more: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """A workbook: the rows of each sheet (`<row>…`) by its name, and the shared texts (`<si>…`, or a whole `<sst>`)."""
    related = [_related(number, "worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(sheets) + 1)]
    listed = [_listed(number, name, is_hidden=name in hidden) for number, name in enumerate(sheets, start=1)]
    related += [_related(101, "styles", "styles.xml"), _related(102, "sharedStrings", "sharedStrings.xml")]
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f"<Relationships>{_related(1, 'officeDocument', 'xl/workbook.xml')}</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns:r="{OFFICE}"><workbookPr date1904="{int(is_1904)}"/>'
        f"<sheets>{''.join(listed)}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships>{''.join(related)}</Relationships>",
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": texts if texts.startswith("<sst") else f"<sst>{texts}</sst>",
    }
    for number, rows in enumerate(sheets.values(), start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = f"<worksheet><sheetData>{rows}</sheetData></worksheet>"
    return packed(parts | dict(more or {}))


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of these parts."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return made.getvalue()


def table(*rows: tuple[object, ...]) -> str:
    """Rows of texts and numbers; a cell that is XML already (`<c>…`) stays unchanged, None is left out."""
    return "".join(f'<row r="{number}">{"".join(map(_cell, row))}</row>' for number, row in enumerate(rows, start=1))


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return value if value.startswith("<c") else f'<c t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
    return f"<c><v>{value!r}</v></c>"


def _related(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'


def _listed(number: int, name: str, *, is_hidden: bool) -> str:
    state = "hidden" if is_hidden else "visible"
    return f'<sheet name={quoteattr(name)} sheetId="{number}" state="{state}" r:id="r{number}"/>'
