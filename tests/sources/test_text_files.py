"""Text files as other programs write them: encodings, spreadsheet exports, archives under a wrong name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.record import Column, Schema
from penstock.sources.files.lines import lines_of, without_end_mark, without_first, without_last
from support.kernel.source_rows import rows_of, types_of


def read(dataset):
    return rows_of(dataset.read(dataset.detect().schema))


def refused(opened, *arguments, **settings_):
    with pytest.raises(InputError) as caught:
        opened(*arguments, **settings_).detect()
    (problem,) = caught.value.problems
    return problem


# ── encodings ─────────────────────────────────────────────────────────────────

WRITTEN = [
    ("cp1252", "Peña Núñez"),
    ("cp1252", "“Ärger” – 5 €"),
    ("cp1250", "Łukasz Żółć"),
    ("mac_roman", "Müller"),
    ("mac_roman", "José “and” 5 €"),
    ("cp850", "Müller Größe"),
    ("iso8859-15", "10 €"),
    ("cp1251", "Иванов Пётр"),
    ("koi8-r", "Иванов Пётр"),
    ("cp866", "Иванов Пётр"),
    ("cp1253", "Γιώργος Παπαδόπουλος"),
    ("cp1254", "Işık Şahin Çağrı"),
    ("shift_jis", "日本語テキスト"),
    ("gb18030", "中文名字"),
]


@pytest.mark.parametrize(("encoding", "text"), WRITTEN)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.ndjson", "a.csv.gz"])
def test_an_encoding_is_never_guessed_and_the_likeliest_are_named(opened, name, encoding, text):
    body = f'{{"id": "c1", "c": "{text}"}}\n' if name == "a.ndjson" else f"id\tc\nc1\t{text}\n"
    data = body.encode(encoding)
    problem = refused(opened, name, gzip.compress(data) if name.endswith(".gz") else data)
    assert (problem.code, problem.path, problem.line) == ("encoding-unknown", "sources.crm", 1 if "nd" in name else 2)
    readings = {choice.shows: choice.value for choice in problem.choices}
    right = [value for shows, value in readings.items() if text in shows]
    assert right, readings
    assert f"{right[0]} reads “" in problem.hint
    assert read(opened(name, encoding=right[0])) == [{"id": "c1", "c": text}]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_text_without_a_mark_is_named_too(opened, encoding):
    problem = refused(opened, "a.csv", "id,c\nc1,Müller\n".encode(encoding))
    assert problem.code == "encoding-unknown"
    assert [(choice.value, choice.shows) for choice in problem.choices] == [(encoding, "c1,Müller")]


def test_a_short_single_byte_text_is_never_east_asian_on_two_bytes(opened):
    problem = refused(opened, "a.csv", b"id,c\nc1,M\x81\x40ller\n")
    assert not {choice.value for choice in problem.choices} & {"shift_jis", "gb18030", "big5", "euc_kr", "euc_jp"}


def test_utf8_with_fewer_broken_sequences_quarantines_their_records_alone(opened):
    body = b"id,c\n1,Z\xc3\xbcrich\n2,caf\xe9\n3,\xe2\x82\xac\n" + "4,gekürzt😀\n".encode()[:-3] + b"\n5,\xc3\xa9\n"
    dataset = opened("a.csv", body)
    (chunk,) = dataset.read(dataset.detect().schema)
    assert chunk.records.column("c").to_pylist() == ["Zürich", None, "€", None, "é"]
    assert {row: found.value for row, found in chunk.misfits.items()} == {1: "caf\\xe9", 3: "gekürzt\\xf0\\x9f"}
    assert chunk.misfits[1].reason == "c: bytes in it are not UTF-8"
    # as many broken ones as valid ones: nobody can know
    assert refused(opened, "b.csv", b"id,c\n1,\xc3\xbc\n2,caf\xe9\n").code == "encoding-unknown"


def test_a_key_with_broken_bytes_quarantines_its_record(opened):
    dataset = opened("a.csv", b"id,c\n\xe9,\xc3\xbc\nb,\xc3\xbc\n")
    (chunk,) = dataset.read(dataset.detect().schema)
    assert {row: found.field for row, found in chunk.misfits.items()} == {0: "id"}


def test_bytes_that_the_given_encoding_does_not_know_quarantine_their_record(opened):
    dataset = opened("a.csv", "id,c\n1,ok\n2,Ł\n".encode("cp1250"), encoding="utf-8")
    (chunk,) = dataset.read(dataset.detect().schema)
    assert (chunk.records.column("c").to_pylist(), list(chunk.misfits)) == (["ok", None], [1])
    dataset = opened("b.csv", b"id,n\n1,5\n2,\x81\n3,7\n", encoding="cp1252")
    detected = dataset.detect()
    (chunk,) = dataset.read(detected.schema)
    assert (types_of(detected)["n"], chunk.records.column("n").to_pylist()) == ("integer", [5, None, 7])
    assert (chunk.misfits[1].value, chunk.misfits[1].reason) == ("\\x81", "n: bytes in it are not cp1252")
    assert read(opened("a.csv", encoding="cp1250")) == [{"id": 1, "c": "ok"}, {"id": 2, "c": "Ł"}]
    with pytest.raises(InputError, match="there is no encoding klingon"):
        opened("a.csv", encoding="klingon")


def test_a_column_name_with_broken_bytes_is_named(opened):
    problem = refused(opened, "a.csv", b"id,gr\xf6\xdfe\n1,x\n", encoding="utf-8")
    assert (problem.code, problem.found, problem.line) == ("unreadable-encoding", "gr\\xf6\\xdfe", 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_of_joined_files_are_removed(opened, encoding, end):
    text = "\ufeff\ufeffid,c" + end + "1,a" + end + '\ufeff"2",b' + end
    assert read(opened("a.csv", text.encode(encoding))) == [{"id": 1, "c": "a"}, {"id": 2, "c": "b"}]


def test_byte_order_marks_in_ndjson_are_removed(opened):
    assert read(opened("a.ndjson", '\ufeff{"id":1}\n\ufeff{"id":2}\n')) == [{"id": 1}, {"id": 2}]


# ── habits of programs that write delimited text ──────────────────────────────


@pytest.mark.parametrize(
    ("name", "body", "rows"),
    [
        ("a.csv", "sep=;\r\nid;n\r\nc1;Ada\r\n", [{"id": "c1", "n": "Ada"}]),
        ("a.csv", "SEP=,\nid,n\nc1,a;b\n", [{"id": "c1", "n": "a;b"}]),
        ("a.csv", "sep=\t\nid\tn\nc1\ta,b\n", [{"id": "c1", "n": "a,b"}]),
        ("a.tsv", "sep=|\nid|n\nc1|Ada\n", [{"id": "c1", "n": "Ada"}]),
        ("a.csv", '"sep=;"\nid;n\nc1;Ada\n', [{"id": "c1", "n": "Ada"}]),
        ("a.csv", "sep=;;;\nid;n\nc1;Ada\n", [{"id": "c1", "n": "Ada"}]),
        ("a.csv", "\ufeffsep=^\nid^n\nc1^Ada\n", [{"id": "c1", "n": "Ada"}]),
        ("a.csv", "id;n;\nc1;Ada;\nc2;Bo;\n", [{"id": "c1", "n": "Ada"}, {"id": "c2", "n": "Bo"}]),
        ("a.csv", "id;n;;\nc1;Ada;;\nc2;Bo; ;\n", [{"id": "c1", "n": "Ada"}, {"id": "c2", "n": "Bo"}]),
        ("a.csv", "id,,n\nc1,,Ada\n", [{"id": "c1", "n": "Ada"}]),
        ("a.tsv", "id\tn\t\nc1\tAda\t\n", [{"id": "c1", "n": "Ada"}]),
        ("a.csv", "id;n;\nc1;Ada\nc2;Bo\n", [{"id": "c1", "n": "Ada"}, {"id": "c2", "n": "Bo"}]),
        ("a.csv", "id;n\nc1;Ada;\nc2;Bo;\n", [{"id": "c1", "n": "Ada"}, {"id": "c2", "n": "Bo"}]),
        ("a.csv", "id;Name, Vorname\nc1;Meier, Anna\n", [{"id": "c1", "Name, Vorname": "Meier, Anna"}]),
        ("a.csv", "id|a; b\nc1|x; y\n", [{"id": "c1", "a; b": "x; y"}]),
        ("a.csv", "id, n\nc1, Ada\n", [{"id": "c1", "n": " Ada"}]),
        ("a.csv", 'id,z\n="00123",="01"\n"=""7""","=""=a"""\n', [{"id": "00123", "z": "01"}, {"id": "7", "z": "=a"}]),
        ("a.csv", '="id",="z"\n="00123",x\n', [{"id": "00123", "z": "x"}]),
        ("a.csv", "id,n\r\nc1,Ada\r\n\x1a", [{"id": "c1", "n": "Ada"}]),
        ("a.csv", "\u200bid\u00a0, \u00a0first\u200b name ,n\u2060\nc1,x,y\n", [{"id": "c1", "first name": "x", "n": "y"}]),
    ],
)  # fmt: skip
def test_files_as_other_programs_export_them_are_read(opened, name, body, rows):
    assert read(opened(name, body)) == rows


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ("id;n;\nc1;Ada;\n", [("column 3", "left out")]),
        (" id,n\u00a0\nc1,Ada\n", [("id", "renamed"), ("n", "renamed")]),
        ('id\n="00123"\n="00124"\n', [("id", "unguarded")]),
        ("", [("a.csv", "empty")]),
        ("\ufeff\r\n\r\n", [("a.csv", "empty")]),
        ("id,n\nc1,Ada\n", []),
    ],
)
def test_what_was_changed_or_left_out_is_noted(opened, body, notes):
    dataset = opened("a.csv", body)
    list(dataset.read(dataset.detect().schema))
    assert [(note.field, note.action) for note in dataset.notes()] == notes


def test_a_column_without_a_name_may_not_hold_a_value_anywhere(opened):
    problem = refused(opened, "a.csv", "id;n;\n" + "c1;Ada;\n" * 50_000 + "c2;Bo;secret\n")
    assert (problem.code, problem.line) == ("nameless-column", 1)
    assert "column 3 of 3 has no name in the header, and one of its values is secret" in problem.message
    assert "skip_lines" in problem.hint


def test_names_that_differ_only_in_blanks_stay(opened):
    assert read(opened("a.csv", "id,n, n\n1,a,b\n")) == [{"id": 1, "n": "a", " n": "b"}]


def test_an_empty_file_among_others_is_skipped_with_a_note(opened):
    opened("part-1.csv", "")
    opened("part-2.csv", "id\n1\n")
    dataset = opened("part-*.csv")
    assert read(dataset) == [{"id": 1}]
    assert [(note.field, note.action) for note in dataset.notes()] == [("part-1.csv", "empty")]


REPORT = 'Report: contacts\nFrom 2026-01-01\n\nid,name,n\nc1,Ada,x\nc2,Bo,x\n\n"Generated by CRM"\n'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("footer", [1, 2])
def test_lines_before_the_header_and_after_the_rows_are_left_out(opened, end, footer):
    body = REPORT.replace("\n", end) + end * 2
    rows = [{"id": "c1", "name": "Ada", "n": "x"}, {"id": "c2", "name": "Bo", "n": "x"}]
    assert read(opened("a.csv", body, skip_lines=3, skip_footer_lines=footer)) == rows
    assert read(opened("b.tsv", body.replace(",", "\t"), skip_lines=3, skip_footer_lines=footer)) == rows


def test_the_hint_for_a_torn_row_names_lines_around_the_table(opened):
    problem = refused(opened, "a.csv", REPORT)
    assert (problem.line, problem.code) == (4, "torn-file")
    assert "skip_lines: 3" in problem.hint
    assert "skip_footer_lines" in problem.hint
    assert "skip_footer_lines" in refused(opened, "a.csv", REPORT, skip_lines=3).hint
    assert refused(opened, "a.csv", REPORT, skip_lines=3).line == 8
    # a torn row in the middle is none of these
    assert refused(opened, "a.csv", "id,n\n1,a\n2\n3,c\n").hint == ""


def test_a_file_that_does_not_quote_is_read_as_it_is(opened):
    body = 'id\tname\nc1\t5" pipe\nc2\t"begin\nc3\t""\nc4\t\n'
    assert "quote: none" in refused(opened, "a.tsv", 'id\tname\nc1\t"begin\n').hint
    assert [row["name"] for row in read(opened("a.tsv", body, quote="none"))] == ['5" pipe', '"begin', '""', None]
    assert read(opened("a.csv", 'id,n\n"1",x\n', quote="none")) == [{"id": '"1"', "n": "x"}]


def test_texts_that_mean_null_are_null_where_they_are_not_quoted(opened):
    body = 'id,seats,n\nc1,5,"NULL"\nc2,\\N,NULL\nc3,,x\n'
    dataset = opened("a.csv", body, null_values=("\\N", "NULL"))
    assert read(dataset) == [
        {"id": "c1", "seats": 5, "n": "NULL"},
        {"id": "c2", "seats": None, "n": None},
        {"id": "c3", "seats": None, "n": "x"},
    ]


@pytest.mark.parametrize("mark", ["\\N", "NULL", "n/a", "-", "#N/A", "None"])
def test_a_column_that_only_a_mark_of_null_makes_text_is_noted(opened, mark):
    rows = "".join(f"c{row},{row},word,x\n" for row in range(40_000))
    schema = opened("a.csv", f"id,seats,word,{'y'}\n{rows}c,{mark},{mark},z\n").detect().schema
    ((field, reason, count),) = [(note.field, note.reason, note.count) for note in schema.notes]
    assert (field, count) == ("seats", 1)
    assert f"null_values: ['{mark}'] at sources.crm" in reason
    assert opened("a.csv", null_values=(mark,)).detect().schema.notes == ()


@pytest.mark.parametrize(
    ("name", "body", "settings_"),
    [
        ("a.json", "[]", {"skip_lines": 1}),
        ("a.ndjson", '{"id":1}', {"null_values": ("x",)}),
        ("a.csv", "id\n1\n", {"records_path": "data"}),
        ("a.ndjson", '{"id":1}', {"records_path": "data"}),
        ("a.json", "[]", {"quote": "none"}),
    ],
)
def test_a_key_without_meaning_for_the_format_is_refused(opened, name, body, settings_):
    assert refused(opened, name, body, **settings_).code == "key-not-here"


# ── order ─────────────────────────────────────────────────────────────────────


def test_files_of_a_pattern_are_read_in_natural_order(opened):
    names = ["c-1.csv", "c-2.csv", "c-9.csv", "c-010.csv", "c-10.csv", "c-11.csv", "c-100.csv", "d-1.csv"]
    for name in reversed(names):
        opened(name, f"id\n{name}\n")
    assert [row["id"] for row in read(opened("*-*.csv"))] == names


def test_folders_of_a_pattern_are_in_natural_order_too(opened, tmp_path):
    for folder in ("2026-10", "2026-9"):
        (tmp_path / folder).mkdir()
        for name in ("10.csv", "9.csv"):
            (tmp_path / folder / name).write_text(f"id\n{folder}/{name}\n")
    found = [row["id"] for row in read(opened("*/*.csv"))]
    assert found == ["2026-9/9.csv", "2026-9/10.csv", "2026-10/9.csv", "2026-10/10.csv"]


# ── what is no text ───────────────────────────────────────────────────────────


def zipped(*names, **more):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:
            archive.writestr(name, more.get("content", "id\n1\n"))
    return sink.getvalue()


def tar(mode):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode) as archive:
        info = tarfile.TarInfo("contacts.csv")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"id\n1\n"))
    return sink.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.txt", "rows.json", "rows.ndjson", "rows.parquet"])
@pytest.mark.parametrize(
    ("data", "said", "hint"),
    [
        (zipped("contacts.csv"), "is a zip archive that holds contacts.csv", "unpack it"),
        (zipped(), "is a zip archive", "unpack it"),
        (zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), "is an Excel workbook (.xlsx)", "format: xlsx"),
        (zipped("[Content_Types].xml", "xl/workbook.bin"), "is a binary Excel workbook (.xlsb)", ".xlsx"),
        (zipped("mimetype", content="application/vnd.oasis.opendocument.spreadsheet"), "is an OpenDocument", ".xlsx"),
        (zipped("word/document.xml"), "is a Word document", "export"),
        (OLE, "is an Excel workbook (.xls)", ".xlsx"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "is an Office file with a password", "password"),
        (bz2.compress(b"id\n1\n"), "is a bzip2 archive", "unpack it"),
        (lzma.compress(b"id\n1\n"), "is an xz archive", "unpack it"),
        (b"\x28\xb5\x2f\xfd\x04\x58" + b"x" * 20, "is a zstd archive", "unpack it"),
        (b"7z\xbc\xaf\x27\x1c\0\x04" + b"x" * 20, "is a 7-Zip archive", "unpack it"),
        (b"Rar!\x1a\x07\x01\0" + b"x" * 20, "is a RAR archive", "unpack it"),
        (tar("w"), "is a tar archive", "unpack it"),
        (tar("w:gz"), "is a tar archive", "unpack it"),
        (gzip.compress(gzip.compress(b"id\n1\n", mtime=0), mtime=0), "is a gzip file within a gzip file", "unpack it"),
        (b"SQLite format 3\0" + b"\0" * 84, "is a SQLite database", "type: sql"),
        (b"%PDF-1.7\n", "is a PDF document", "export"),
        (b"<!DOCTYPE html>\n<html><table><tr><td>id</td></tr></table></html>", "is an HTML page", "CSV"),
        (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n', "is an Excel workbook in XML", "CSV"),
        ("<html>".encode("utf-16"), "is an HTML page", "CSV"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_text_is_named_as_what_it_is(opened, name, data, said, hint):
    problem = refused(opened, name, data)
    assert problem.code == "wrong-format"
    assert f"{name} {said}" in problem.message
    assert hint in problem.hint


def test_parquet_under_another_name_is_named(opened):
    assert "format: parquet at sources.crm" in refused(opened, "rows.csv", b"PAR1" + b"\0" * 40).hint


# ── lines ─────────────────────────────────────────────────────────────────────


@settings(
    max_examples=2 * settings.default.max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    text=st.text("ab\r\n \x1a", max_size=24),
    cuts=st.lists(st.integers(0, 24), max_size=5),
    first=st.integers(0, 4),
    last=st.integers(1, 4),
)
def test_lines_are_left_out_alike_however_the_text_is_cut_into_blocks(text, cuts, first, last):
    data = text.encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    blocks = [data[start:end] for start, end in pairwise(places) if end > start]
    lines = re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)
    assert b"".join(without_first(blocks, first)).decode() == "".join(lines[first:])
    kept = list(lines)
    while kept and not kept[-1].strip(" \t\r\n\x1a"):
        kept.pop()
    assert b"".join(without_last(blocks, last)).decode() == "".join(kept[:-last])
    assert list(lines_of(blocks)) == lines
    whole = b"".join(without_end_mark(blocks))
    assert data.startswith(whole) or b"\x1a" in data


def test_a_schema_from_before_blanks_were_removed_is_recognised(opened):
    dataset = opened("a.csv", "id, n\n1,x\n")
    old = Schema((Column("id", "integer", nullable=False), Column(" n", "text", nullable=False)), 1)
    assert dataset.has_renamed(old)
    assert not dataset.has_renamed(dataset.detect().schema)
    gone = Schema((Column("id", "integer", nullable=False), Column("gone", "text", nullable=False)), 1)
    assert not dataset.has_renamed(gone)
