"""CSV and TSV: values are typed without loss; an error about a torn file names the line."""

from __future__ import annotations

import csv
import gzip
import io
import re
from decimal import Decimal
from itertools import pairwise

import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.sources.files.csv_table import QuoteCheck
from support.kernel.source_rows import rows_of, types_of


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["70", "0", "-5", "9223372036854775807"], "integer", [70, 0, -5, 2**63 - 1]),
        (["70", "29.85", "-0.5"], "number", [70.0, 29.85, -0.5]),
        (["70", "", "  ", '""', '" "'], "integer", [70, None, None, None, None]),
        (["true", "false", ""], "boolean", [True, False, None]),
        (["true", "False"], "text", ["true", "False"]),
        (["1", "true"], "text", ["1", "true"]),
        (["", " ", "\t"], "text", [None, None, None]),
        (['""', '" "', "x", ""], "text", ["", " ", "x", None]),
        (["2026-01-31", "2026-02-01"], "text", ["2026-01-31", "2026-02-01"]),
        (["9223372036854775807", "0.5"], "text", ["9223372036854775807", "0.5"]),
        *(
            ([odd, "70"], "text", [odd, "70"])
            for odd in (
                "007", "1.10", "+5", "1e5", "1_000", "0x10", "-0", "1e999", "NaN", "inf", ".5", "5.", " 7", "٣", "1,5",
                "9223372036854775808", "0.1234567890123456789", "-0.0", "1.0", "t", "null",
            )
        ),
    ],
)  # fmt: skip
def test_a_column_is_narrowed_only_when_nothing_is_lost(opened, cells, kind, values):
    lines = [f"{row},{cell}" if "," not in cell else f'{row},"{cell}"' for row, cell in enumerate(cells)]
    dataset = opened("a.csv", "\n".join(["id,c", *lines]) + "\n")
    detected = dataset.detect()
    assert types_of(detected)["c"] == kind
    assert [row["c"] for row in rows_of(dataset.read(detected.schema))] == values
    assert [row["c"] for row in detected.samples.records.to_pylist()] == values


def as_a_cell(text: str, quoted: bool) -> str | None:
    """The value of a cell with this text: an unquoted blank is null."""
    return None if (text == "" or pc.utf8_is_space(text).as_py()) and not quoted else text


def looks_like_number(text: str) -> bool:
    if not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", text, re.ASCII) or text == "-0":
        return False
    return Decimal(repr(float(text))) == Decimal(text)


nasty = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.text(" \t\"\n\r,;|\u00a0\u3000\x0b\x1c'a0", max_size=8),
    st.sampled_from(["007", "0", "-0", "true", "false", "1e5", "1.10", "29.85", "é😀", "", " ", "NULL", "None"]),
)


@settings(
    max_examples=3 * settings.default.max_examples // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(table=st.lists(st.tuples(nasty, nasty), min_size=1, max_size=12), quote_all=st.booleans())
def test_any_table_is_read_as_it_was_written(opened, table, quote_all):
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    writer.writerow(["id", "a", "b"])
    expected = {"a": [], "b": []}
    for row, pair in enumerate(table):
        start = sink.tell()
        writer.writerow([row, *pair])
        for name, text in zip("ab", pair, strict=True):
            quoted = quote_all or any(sign in text for sign in ',"\n\r')
            expected[name].append(as_a_cell(text, quoted))
        assert sink.tell() > start
    dataset = opened("a.csv", sink.getvalue().encode(), delimiter=",")
    detected = dataset.detect()
    found = rows_of(dataset.read(detected.schema))
    for name, kind in types_of(detected).items():
        if name == "id":
            continue
        filled = [text for text in expected[name] if text is not None and not (text == "" or text.isspace())]
        if kind == "text":
            assert [row[name] for row in found] == expected[name]
            assert not filled or not all(map(looks_like_number, filled))
        elif kind == "boolean":
            assert [row[name] for row in found if row[name] is not None] == [text == "true" for text in filled]
        else:
            assert all(map(looks_like_number, filled))
            assert [Decimal(repr(row[name])) for row in found if row[name] is not None] == list(map(Decimal, filled))


@pytest.mark.parametrize(
    ("body", "said", "line"),
    [
        ("id,c\n1,a\n2,b,x\n", "line 3 has 3 cells, the header has 2", 3),
        ('id,c\n1,"a\nb"\n2\n', "line 4 has 1 cell, the header has 2", 4),
        ('id,c\n1,a\n2,"b\n3,c\n', "line 3 opens a quote that is never closed", 3),
        ('id,c\n1,"a\n2,b\n3,"c"\n', "line 2 has text right after a closing quote", 2),
        ("id,c\n1,a\n2,\0\n", "line 3: a NUL byte", 3),
        (b"id,c\n" + b"1,ok\n" * 400_000 + b"2,caf\xe9\n", "line 400002: the text is not UTF-8", 400_002),
        ("id,id\n1,2\n", "the column id occurs twice in the header", 1),
        ("id,,c\n1,2,3\n", "column 2 of 3 has no name in the header", 1),
    ],
)
def test_a_torn_file_is_named_with_its_line(opened, body, said, line):
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        opened("a.csv", body).detect()
    problem = caught.value.problems[0]
    assert problem.path == "sources.crm"
    assert problem.line == line
    assert problem.message.startswith("a.csv")


def test_an_unclosed_quote_over_a_million_lines_is_reported_where_it_opens(opened):
    with pytest.raises(InputError, match="line 2 opens a quote that is never closed"):
        opened("a.csv", 'id,c\n1,"a\n' + "2,b\n" * 1_000_000).detect()


def test_harmless_quotes_within_cells_stay(opened):
    dataset = opened("a.csv", 'id,c\n1,5" pipe\n2,a"b"\n3,"say ""hi"""\n')
    assert [row["c"] for row in rows_of(dataset.read(dataset.detect().schema))] == ['5" pipe', 'a"b"', 'say "hi"']


def test_a_cell_of_many_megabytes_arrives_whole(opened):
    long = "line\n" * 1_000_000
    dataset = opened("a.csv", f'id,c\n1,x\n2,"{long}"\n3,y\n')
    assert [row["c"] for row in rows_of(dataset.read(dataset.detect().schema))] == ["x", long, "y"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "naïve 😀"),
        ("utf-8-sig", "naïve 😀"),
        ("utf-16", "naïve 😀"),
        ("utf-32", "naïve 😀"),
    ],
)
def test_the_encoding_is_detected(opened, encoding, text):
    dataset = opened("a.csv", f'id,c\n1,"{text}"\n'.encode(encoding))
    assert rows_of(dataset.read(dataset.detect().schema)) == [{"id": 1, "c": text}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected(opened, delimiter):
    body = "\n".join(delimiter.join(row) for row in [("id", "a", "b"), ("1", "x y", "2.5"), ("2", "z", "3.5")])
    dataset = opened("a.csv", body)
    assert rows_of(dataset.read(dataset.detect().schema))[0] == {"id": 1, "a": "x y", "b": 2.5}


def test_tsv_is_cut_at_tabs_only(opened):
    dataset = opened("a.tsv", "id\tc\n1\ta,b\n")
    assert rows_of(dataset.read(dataset.detect().schema)) == [{"id": 1, "c": "a,b"}]


def test_several_files_are_one_table_aligned_by_name(opened):
    opened("part-2.csv", "c,id\nb,2\n")
    opened("part-1.csv.gz", gzip.compress(b"id,c\n1,a\n"))
    dataset = opened("part-*")
    assert rows_of(dataset.read(dataset.detect().schema)) == [{"id": 1, "c": "a"}, {"id": 2, "c": "b"}]
    opened("part-3.csv", "id,d\n3,x\n")
    with pytest.raises(InputError, match=r"part-3.csv, line 1: another header than in part-1.csv.gz: c, d"):
        opened("part-*")


def test_a_torn_gzip_file_is_refused(opened):
    whole = gzip.compress(b"id,c\n" + b"".join(f"{n},{n * 7919 % 10007}\n".encode() for n in range(50_000)))
    with pytest.raises(InputError, match=r"a.csv.gz breaks off or is damaged"):
        opened("a.csv.gz", whole[: len(whole) // 2]).detect()


def test_a_header_alone_is_a_table_without_records(opened):
    dataset = opened("a.csv", "id,c")
    schema = dataset.detect().schema
    assert (schema.names(), schema.records) == (("id", "c"), 0)
    assert rows_of(dataset.read(schema)) == []


def test_a_missing_file_names_the_nearest_one(opened):
    opened("contacts.csv", "id\n1\n")
    with pytest.raises(InputError, match=r"no file contact\.csv") as caught:
        opened("contact.csv")
    assert caught.value.problems[0].hint == "did you mean contacts.csv?"


@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(
    table=st.lists(st.tuples(nasty, nasty), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 200), max_size=6),
    torn=st.booleans(),
)
def test_quotes_are_checked_alike_however_the_file_is_cut_into_blocks(table, cuts, torn):
    sink = io.StringIO(newline="")
    csv.writer(sink).writerows(table)
    data = sink.getvalue().encode() + (b'x,"y\n' if torn else b"")
    check = QuoteCheck(",")
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(places):
        if end > start:
            check.feed(data[start:end])
    check.end()
    assert check.regular is not torn
