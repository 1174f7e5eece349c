"""Excel workbooks: one sheet of a file, with the types of its cells."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, time, timedelta

import openpyxl
import pytest

from penstock.bounds import Bounds
from penstock.model.errors import InputError
from penstock.sources.files import xlsx_rows as reader
from support.kernel.source_rows import rows_of, types_of
from support.kernel.workbooks import DATE, DURATION, MOMENT, TIME, packed, table, workbook

PEOPLE = table(("id", "name"), (1, "Ada"), (2, "Bob"))


def read(dataset):
    return rows_of(dataset.read(dataset.detect().schema))


def problem_of(opened, *arguments, **settings):
    with pytest.raises(InputError) as caught:
        read(opened(*arguments, **settings))
    (problem,) = caught.value.problems
    return problem


def cells(*cells):
    """A sheet with the one column `c` of cells."""
    return workbook({"S": table(("id", "c"), *((number, cell) for number, cell in enumerate(cells)))})


# ── types ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("found", "kind", "values"),
    [
        ((1.0, None), "integer", [1, None]),
        ((29.85, 1.0), "number", [29.85, 1.0]),
        ((2.0**53 - 1,), "integer", [2**53 - 1]),
        ((1e20, 1.0), "number", [1e20, 1.0]),
        (('<c t="b"><v>1</v></c>', '<c t="b"><v>0</v></c>'), "boolean", [True, False]),
        (("007", "x"), "text", ["007", "x"]),
        ((f'<c s="{DATE}"><v>46053</v></c>', None), "date", [date(2026, 1, 31), None]),
        (
            (f'<c s="{MOMENT}"><v>46053.5</v></c>', f'<c s="{MOMENT}"><v>46053</v></c>'),
            "timestamp",
            [datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC)],
        ),
        (('<c t="d"><v>2026-01-31</v></c>',), "date", [date(2026, 1, 31)]),
        ((f'<c s="{TIME}"><v>0.5</v></c>',), "text", ["12:00:00"]),
        ((f'<c s="{DURATION}"><v>1.25</v></c>',), "text", ["PT108000S"]),
        (("<c><f>1+1</f><v>2</v></c>", '<c t="str"><f>A1</f><v>a</v></c>'), "text", ["2", "a"]),
        (("<c><f>1+1</f></c>", 1.0), "integer", [None, 1]),
        (('<c t="e"><v>#N/A</v></c>', '<c t="e"><v>#DIV/0!</v></c>', 1.0), "integer", [None, None, 1]),
        (("", " ", "\u00a0", "x"), "text", [None, None, None, "x"]),
        ((1.0, 0.1, "A-7", '<c t="b"><v>1</v></c>'), "text", ["1", "0.1", "A-7", "true"]),
        ((f'<c s="{DATE}"><v>46053</v></c>', 5.0), "text", ["2026-01-31", "5"]),
    ],
)
def test_each_cell_keeps_its_type_and_a_column_of_several_types_is_text(opened, found, kind, values):
    dataset = opened("a.xlsx", cells(*found))
    detected = dataset.detect()
    assert types_of(detected) == {"id": "integer", "c": kind}
    assert [row["c"] for row in rows_of(dataset.read(detected.schema))] == values


def test_a_workbook_that_another_program_wrote_is_read(opened, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["id", "joined", "day", "at", "spent", "paid", "note"])
    moment = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    book.active.append(
        ["a", moment.replace(tzinfo=None), moment.date(), time(8, 15), timedelta(hours=1), True, "x < y & z"]
    )
    book.save(tmp_path / "a.xlsx")
    dataset = opened("a.xlsx")
    assert read(dataset) == [
        {
            "id": "a",
            "joined": moment,
            "day": moment.date(),
            "at": "08:15:00",
            "spent": "PT3600S",
            "paid": True,
            "note": "x < y & z",
        }
    ]


def test_days_of_the_1904_calendar(opened):
    sheet = table(("id", "day"), (1, f'<c s="{DATE}"><v>44591</v></c>'))
    assert read(opened("a.xlsx", workbook({"S": sheet}, is_1904=True)))[0]["day"] == date(2026, 1, 31)


def test_shared_texts_and_texts_of_several_runs(opened):
    texts = "<si><t>id</t></si><si><r><t>Ad</t></r><r><t>a</t></r></si>"
    sheet = '<row><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>'
    assert read(opened("a.xlsx", workbook({"S": sheet}, texts=texts))) == [{"id": "Ada"}]


def test_a_type_that_is_given_reads_other_values_by_their_text(opened):
    dataset = opened("a.xlsx", cells(7.0, 29.85), types={"c": "text"})
    assert [row["c"] for row in read(dataset)] == ["7", "29.85"]
    dataset = opened("a.xlsx", cells("7", "x"), types={"c": "integer"})
    chunk = next(dataset.read(dataset.detect().schema))
    assert ([row["c"] for row in chunk.records.to_pylist()], chunk.misfits[1].value) == ([7, None], "x")


def test_a_number_too_large_for_its_digits_quarantines_its_record_as_text(opened):
    dataset = opened("a.xlsx", cells(1e17, "x"))
    chunk = next(dataset.read(dataset.detect().schema))
    assert chunk.records.to_pylist()[1]["c"] == "x"
    assert list(chunk.misfits) == [0]


def test_numbers_that_are_text_are_read_by_the_decimal_sign(opened):
    dataset = opened("a.xlsx", cells("1,5", "12,25"), decimal=",")
    assert [row["c"] for row in read(dataset)] == [1.5, 12.25]


def test_a_later_value_of_another_type_quarantines_its_record(opened):
    schema = opened("a.xlsx", cells(1.0)).detect().schema
    chunk = next(opened("a.xlsx", cells(1.0, "many")).read(schema))
    assert {row: one.value for row, one in chunk.misfits.items()} == {1: "many"}


# ── the sheet ─────────────────────────────────────────────────────────────────

BOOK = {"Cover": "", "People": PEOPLE, "2026": table(("id",), ("year",)), "Notes": table(("id",), ("hidden",))}


@pytest.mark.parametrize(
    ("sheet", "ids"),
    [("People", [1, 2]), (2, [1, 2]), ("2026", ["year"]), (2026, ["year"]), (3, ["year"]), ("Notes", ["hidden"])],
)
def test_a_sheet_is_chosen_by_name_or_by_number_and_a_hidden_one_by_name(opened, sheet, ids):
    assert [row["id"] for row in read(opened("a.xlsx", workbook(BOOK, hidden=("Notes",)), sheet=sheet))] == ids


def test_by_default_the_first_sheet_that_is_not_hidden_is_read(opened):
    sheets = {"Notes": table(("id",), ("hidden",)), "People": PEOPLE}
    assert [row["id"] for row in read(opened("a.xlsx", workbook(sheets, hidden=("Notes",))))] == [1, 2]


@pytest.mark.parametrize(
    ("sheet", "message", "hint"),
    [
        ("people", "a.xlsx has no sheet people", "did you mean People? the sheets are Cover, People, 2026, Notes"),
        ("Zzz", "a.xlsx has no sheet Zzz", "the sheets are Cover, People, 2026, Notes"),
        (5, "a.xlsx has no sheet 5", "the sheets are Cover, People, 2026, Notes"),
    ],
)
def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(opened, sheet, message, hint):
    problem = problem_of(opened, "a.xlsx", workbook(BOOK), sheet=sheet)
    assert (problem.code, problem.message, problem.hint) == ("unknown-sheet", message, hint)


@pytest.mark.parametrize("name", ["a.xlsx", "empty.xlsx"])
def test_an_empty_sheet_or_file_has_no_records_and_a_note(opened, name):
    dataset = opened(name, workbook(BOOK) if name == "a.xlsx" else b"")
    assert read(dataset) == []
    assert [(note.field, note.action) for note in dataset.notes()] == [(name, "empty")]


def test_a_sheet_with_a_header_alone_has_columns_and_no_records(opened):
    dataset = opened("a.xlsx", workbook({"S": table(("id", "name"))}))
    detected = dataset.detect()
    assert (types_of(detected), detected.schema.records) == ({"id": "text", "name": "text"}, 0)


def test_rows_before_the_header_and_after_the_records_are_left_out(opened):
    sheet = table(("Report",), (), ("id",), (1,), (), (2,), ("Total",), ("end",), (" ",))
    dataset = opened("a.xlsx", workbook({"S": sheet}), skip_lines=2, skip_footer_lines=2)
    assert read(dataset) == [{"id": 1}, {"id": 2}]


def test_a_table_may_begin_anywhere_on_its_sheet(opened):
    sheet = '<row r="5"><c r="C5" t="str"><v>id</v></c></row><row r="7"><c r="C7"><v>1</v></c></row>'
    assert read(opened("a.xlsx", workbook({"S": sheet}))) == [{"id": 1}]


# ── the header ────────────────────────────────────────────────────────────────


def test_names_are_the_texts_of_the_header(opened):
    dataset = opened("a.xlsx", workbook({"S": table((" id ", 2026.0, '<c t="b"><v>1</v></c>'), (1, 2, 3))}))
    assert read(dataset) == [{"id": 1, "2026": 2, "true": 3}]
    assert [(note.field, note.action) for note in dataset.notes()] == [("id", "renamed")]


def test_a_name_that_occurs_twice_is_refused_with_its_row(opened):
    problem = problem_of(opened, "a.xlsx", workbook({"S": table((), ("id", "name", "id"), (1, 2, 3))}))
    assert (problem.code, problem.found, problem.line) == ("double-column", "id", 2)
    assert "a.xlsx, row 2: the column id occurs twice" in problem.message


def test_a_column_without_a_name_is_left_out_or_refused_where_it_has_a_value(opened):
    dataset = opened("a.xlsx", workbook({"S": table(("id", None, "name"), (1, None, "Ada"))}))
    assert read(dataset) == [{"id": 1, "name": "Ada"}]
    assert [(note.field, note.action) for note in dataset.notes()] == [("column 2", "left out")]
    problem = problem_of(opened, "a.xlsx", workbook({"S": table(("id", None, "name"), (1, "x", "Ada"))}))
    assert problem.code == "nameless-column"
    assert problem.message == "a.xlsx, row 1: column 2 of 3 has no name in the header, and one of its values is x"
    assert "delimiter" not in problem.hint


def test_the_index_of_a_pandas_table_is_left_out(opened):
    dataset = opened("a.xlsx", workbook({"S": table((None, "id"), (0, "a"), (1, "b"))}))
    assert read(dataset) == [{"id": "a"}, {"id": "b"}]
    assert "pandas" in dataset.notes()[0].reason


# ── files ─────────────────────────────────────────────────────────────────────


def test_several_workbooks_are_one_table_whatever_the_order_of_their_columns(opened, tmp_path):
    (tmp_path / "a-2.xlsx").write_bytes(workbook({"S": PEOPLE}))
    (tmp_path / "a-10.xlsx").write_bytes(workbook({"S": table(("name", "id"), ("Eve", 3))}))
    assert [row["name"] for row in read(opened("a-*.xlsx"))] == ["Ada", "Bob", "Eve"]
    (tmp_path / "a-11.xlsx").write_bytes(workbook({"S": table(("id", "mail"), (3, "e"))}))
    problem = problem_of(opened, "a-*.xlsx")
    assert (problem.code, "a-11.xlsx, row 1" in problem.message) == ("other-columns", True)


@pytest.mark.parametrize("name", ["a.xlsx", "a.xlsm", "a.XLSX", "export", "a.data", "a.xlsx.gz"])
def test_a_workbook_is_known_by_its_ending_or_its_first_bytes(opened, name):
    data = workbook({"S": PEOPLE})
    assert len(read(opened(name, gzip.compress(data) if name.endswith(".gz") else data))) == 2


def test_a_workbook_under_the_ending_of_another_format_names_the_format_to_write(opened):
    data = workbook({"S": PEOPLE})
    problem = problem_of(opened, "a.csv", data)
    assert (problem.code, problem.message) == ("wrong-format", "a.csv is an Excel workbook (.xlsx)")
    assert "write format: xlsx at sources.crm" in problem.hint
    assert len(read(opened("a.csv", format="xlsx"))) == 2


def test_reading_continues_at_a_row_of_the_same_file_and_sheet(opened, tmp_path):
    data = workbook({"S": table(("id",), *((number,) for number in range(10))), "Other": PEOPLE})
    dataset = opened("a.xlsx", data)
    schema = dataset.detect().schema
    assert [row["id"] for row in rows_of(dataset.read(schema, skip=7, rows=2))] == [7, 8, 9]
    identity = dataset.identity()
    assert opened("a.xlsx").identity() == identity
    assert opened("a.xlsx", sheet="Other").identity() != identity
    assert opened("a.xlsx", data + b" ").identity() != identity


def test_a_file_that_changes_between_two_readings_is_read_again(opened):
    dataset = opened("a.xlsx", workbook({"S": PEOPLE}))
    schema = dataset.detect().schema
    opened("a.xlsx", workbook({"S": table(("id", "name"), (3, "Eve Example"))}))
    assert rows_of(dataset.read(schema)) == [{"id": 3, "name": "Eve Example"}]


def test_sql_shapes_a_sheet(opened):
    assert read(opened("a.xlsx", workbook({"S": PEOPLE}), sql="select id * 2 as id from source")) == [
        {"id": 2},
        {"id": 4},
    ]


# ── damage and bombs ──────────────────────────────────────────────────────────

WHOLE = workbook({"S": PEOPLE})


@pytest.mark.parametrize(
    "data",
    [
        b"id,name\n1,Ada\n",
        WHOLE[:-200],
        WHOLE[: len(WHOLE) // 2],
        WHOLE.replace(b"PK\x01\x02", b"PK\x01\x03"),
        packed({"xl/workbook.xml": "<workbook/>"}),
        workbook({}),
        workbook({"S": "<row><c><v>1</c></row>"}),
        workbook({"S": PEOPLE}, more={"xl/worksheets/sheet1.xml": "<worksheet><sheetData>"}),
        workbook({"S": PEOPLE}, more={"xl/worksheets/sheet1.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><worksheet/>"}),
        workbook({"S": PEOPLE}, more={"XL/Worksheets/Sheet1.xml": "<worksheet/>"}),
        workbook({"S": PEOPLE}, texts='<sst uniqueCount="99999999999999"/>'),
        workbook({"S": '<row r="99999999"><c><v>1</v></c></row>'}),
        workbook({"S": '<row><c r="ZZZZ1"><v>1</v></c></row>'}),
        workbook({"S": '<row><c r="A0"><v>1</v></c></row>'}),
        workbook({"S": '<row><c t="odd"><v>1</v></c></row>'}),
        workbook({"S": '<row><c t="s"><v>7</v></c></row>'}),
    ],
)
def test_a_damaged_workbook_is_refused(opened, data):
    problem = problem_of(opened, "a.xlsx", data)
    assert problem.code == "torn-file"
    assert problem.message.startswith("a.xlsx is no readable Excel workbook: ")


def test_one_flipped_byte_is_found(opened):
    at = WHOLE.index(b"xl/worksheets/sheet1.xml") + 40
    flipped = WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :]
    assert problem_of(opened, "a.xlsx", flipped).code == "torn-file"


def claimed_small(data):
    """The archive with the size of each unpacked part given as 9 bytes."""
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.find(mark)
        while place >= 0:
            data = data[: place + at] + (9).to_bytes(4, "little") + data[place + at + 4 :]
            place = data.find(mark, place + 1)
    return data


FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
SHARED = "<row>" + '<c t="s"><v>1</v></c>' * 100 + "</row>"
TEXTS = f"<si><t>a</t></si><si><t>{'b' * 900}</t></si>"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (workbook({"S": PEOPLE + " " * 100_000}), "unpacks to more than"),
        (claimed_small(workbook({"S": PEOPLE + " " * 100_000})), "unpacks to more than"),
        (workbook({"S": FAR}), "2 cells reach over 1,048,576 rows and 16,384 columns"),
        (workbook({"S": "<row>" + "<c r='A1'><v>1</v></c>" * 1000 + "</row>"}), "1,000 cells reach over 1 rows"),
        (workbook({"S": SHARED}, texts=TEXTS), "the texts of its cells take more than"),
        (workbook({"S": SHARED.replace(">1<", ">1<!-- -->0<")}, texts=TEXTS + "<si/>" * 9), "the texts of its cells"),
        (workbook({"S": PEOPLE}, texts=f"<si><t>{'b' * 100_000}</t></si>"), "unpacks to more than"),
        (WHOLE + bytes(100_000), "the file is larger than"),
    ],
)
def test_a_workbook_that_takes_more_memory_than_the_bound_is_refused(opened, monkeypatch, data, said):
    monkeypatch.setattr(reader, "bounds", lambda: Bounds(cell=4000))
    problem = problem_of(opened, "a.xlsx", data)
    assert (problem.code, said in problem.message) == ("workbook-too-large", True)
    assert "save the sheet as CSV" in problem.hint
    assert "PENSTOCK_MAX_CELL" in problem.hint


def test_cells_without_a_value_take_no_memory(opened, monkeypatch):
    monkeypatch.setattr(reader, "bounds", lambda: Bounds(cell=4000))
    sheet = f'<row r="1"><c r="A1" s="{DATE}"/><c r="XFD1"/></row><row r="1048576"><c r="B1048576"/></row>'
    assert read(opened("a.xlsx", workbook({"S": "<row r='7'><c><v>7</v></c></row>" + sheet}))) == []


def test_a_cell_beyond_the_bound_is_refused_with_its_row(opened, monkeypatch):
    monkeypatch.setattr("penstock.sources.files.xlsx_rows.bounds", lambda: Bounds(cell=1000))
    problem = problem_of(opened, "a.xlsx", cells("short", "x" * 1001))
    assert (problem.code, "a cell in row 3" in problem.message) == ("too-long", True)


def test_only_the_sheet_that_is_read_counts(opened, monkeypatch):
    monkeypatch.setattr(reader, "bounds", lambda: Bounds(cell=4000))
    sheets = {"S": PEOPLE, "Large": FAR + " " * 100_000}
    assert len(read(opened("a.xlsx", workbook(sheets)))) == 2
