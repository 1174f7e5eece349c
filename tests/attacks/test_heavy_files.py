"""Files that would use up memory or time of the service are refused with their place, or shown cut."""

import gzip
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.kernel.workbooks import packed, table, workbook
from support.service.measured_service import KEPT_MB, MeasuredService

HUGE = 200 * 10**6


def _packed(path: Path, start: bytes, fill: bytes, end: bytes, size: int = HUGE) -> None:
    """A gzip file of `size` bytes, most of them `fill`."""
    packer = zlib.compressobj(1, wbits=31)
    block = fill * ((1 << 20) // len(fill))
    with path.open("wb") as file:
        file.write(packer.compress(start))
        for _ in range(size // len(block)):
            file.write(packer.compress(block))
        file.write(packer.compress(end) + packer.flush())


# name: first bytes, repeated bytes, last bytes, and the line that the error names
CELLS = {
    "line.csv.gz": (b"id,text\n1,a\n2,", b"a", b"\n", 3),
    "header.csv.gz": (b"id,", b"a", b"\n1,2\n", 1),
    "quoted.csv.gz": (b'id,text\n1,a\n2,"', b"line of a cell\n", b'"\n', 3),
    "quotes.csv.gz": (b'id,text\n1,a\n2,"', b'""', b'"\n', 3),
    "tabs.tsv.gz": (b"id\ttext\n1\ta\n2\t", b"a", b"\n", 3),
    "lines.ndjson.gz": (b'{"id": 1}\n{"id": 2, "text": "', b"a", b'"}\n', 2),
    "nested.ndjson.gz": (b'{"id": 1}\n{"id": 2, "list": [0', b",{}", b"]}\n", 2),
    "list.json.gz": (b'[{"id": 1},\n{"id": 2, "text": "', b"a", b'"}]', 2),
    "nested.json.gz": (b'[{"id": 1},\n{"id": 2, "list": [0', b",{}", b"]}]", 2),
    "blanks.json.gz": (b'[{"id": 1}\n', b" ", b"]", 1),
    "zeros.csv.gz": (b"", b"\0", b"", 1),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_compressed_line_or_cell_without_end_is_an_error_with_its_line(attacked: MeasuredService, name: str) -> None:
    *text, line = CELLS[name]
    _packed(attacked.folder / name, *text)
    with attacked.attack():
        found = attacked.check({"type": "file", "path": name})["problems"][0]
    assert found["code"] == ("torn-file" if name == "zeros.csv.gz" else "too-long")
    assert (found["line"], name in found["message"]) == (line, True)


def test_the_environment_sets_the_bound_on_cells(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text('id,text\n1,short\n2,"' + "two lines\n" * 200 + '"\n')
    (tmp_path / "lines.ndjson").write_text('{"id": 1}\n{"id": 2, "text": "' + "a" * 2000 + '"}\n')
    with MeasuredService(tmp_path, variables={"PENSTOCK_MAX_CELL": "1kB"}) as service:
        for name, line in (("cells.csv", 3), ("lines.ndjson", 2)):
            found = service.check({"type": "file", "path": name})["problems"][0]
            assert (found["code"], found["line"]) == ("too-long", line)
            assert "1 kB" in found["message"]


def test_wide_files_are_refused_before_their_columns_are_built(attacked: MeasuredService) -> None:
    names = [f"column_{number}" for number in range(100_000)]
    one = "{" + ",".join(f'"{name}":1' for name in names) + "}\n"
    texts = {
        "wide.csv": ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n",
        "wide.tsv": "\t".join(names) + "\n",
        "wide.ndjson": '{"a": 1}\n' + one,
        "wide.json": '[{"a": 1},\n' + one + "]",
    }
    for name, text in texts.items():
        (attacked.folder / name).write_text(text)
    pq.write_table(pa.table({name: [1] for name in names[:6_000]}), attacked.folder / "wide.parquet")
    for name in (*texts, "wide.parquet"):
        with attacked.attack():
            found = attacked.check({"type": "file", "path": name})["problems"][0]
        assert (found["code"], name in found["message"]) == ("too-many-columns", True)
        assert (found["line"] is None) == (name == "wide.parquet")


def test_as_many_columns_as_are_allowed_are_read(attacked: MeasuredService) -> None:
    names = [f"c{number}" for number in range(5000)]
    row = ",".join(["12345"] * 5000) + "\n"
    with gzip.open(attacked.folder / "broad.csv.gz", "wt", compresslevel=1) as file:
        file.write(",".join(names) + "\n")
        file.writelines(row for _ in range(4000))
    with (attacked.folder / "sparse.ndjson").open("w") as file:
        file.writelines(f'{{"c{number % 5000}": {number}}}\n' for number in range(30_000))
    for name in ("broad.csv.gz", "sparse.ndjson"):
        with attacked.attack():
            reply = attacked.client.post("/sources/check", json={"name": "x", "value": {"type": "file", "path": name}})
        found = reply.json()
        assert (found["problems"], len(found["columns"]), found["complete"]) == ([], 5000, False)


def _heavy(name: str) -> pa.Table:
    long = pa.array(["a" * 15 * 10**6])
    if name == "value":
        return pa.table({"id": [1], "text": ["a" * 200 * 10**6]})
    if name == "pages":
        return pa.table({f"c{number}": long for number in range(15)})
    if name == "rows":
        return pa.table({"id": list(range(15)), "text": pa.DictionaryArray.from_arrays([0] * 15, long)})
    return pa.table({"id": [1], "texts": [["a" * 10**6] * 250]})


@pytest.mark.parametrize("name", ["value", "pages", "rows", "lists"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_a_small_parquet_file_of_heavy_values_is_refused_or_cut(
    attacked: MeasuredService, name: str, dictionary: bool
) -> None:
    path = attacked.folder / f"{name}.parquet"
    pq.write_table(_heavy(name), path, compression="zstd", use_dictionary=dictionary, store_schema=False)
    assert path.stat().st_size < 2 * 10**6
    with attacked.attack():
        found = attacked.check({"type": "file", "path": path.name})
    fits = name == "rows" and dictionary  # else all values are in one page
    assert [problem["code"] for problem in found["problems"]] == ([] if fits else ["too-long"])
    assert bool(found["rows"]) == fits
    assert all(len(str(value)) <= 1000 for row in found["rows"] for value in row.values())


FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
# name: the workbook, made when its test runs, and the code of its error
WORKBOOKS = {
    "unpacks": (lambda: workbook({"S": table(("id",)) + " " * HUGE}), "workbook-too-large"),
    "far": (lambda: workbook({"S": FAR}), "workbook-too-large"),
    "same": (
        lambda: workbook({"S": "<row>" + '<c r="A1"><v>1</v></c>' * 4_000_000 + "</row>"}),
        "workbook-too-large",
    ),
    "texts": (
        lambda: workbook(
            {"S": "<row>" + '<c t="s"><v>0</v></c>' * 10_000 + "</row>"}, texts=f"<si><t>{'a' * 10**6}</t></si>"
        ),
        "workbook-too-large",
    ),
    "count": (lambda: workbook({"S": table(("id",))}, texts=f'<sst uniqueCount="{2**63}"/>'), "torn-file"),
    "parts": (
        lambda: packed({"xl/workbook.xml": "", "_rels/.rels": "<Relationships>" + " " * HUGE}),
        "workbook-too-large",
    ),
}


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_small_workbook_that_would_take_all_memory_is_refused(attacked: MeasuredService, name: str) -> None:
    made, code = WORKBOOKS[name]
    data = made()
    assert len(data) < 2 * 10**6
    (attacked.folder / f"{name}.xlsx").write_bytes(data)
    with attacked.attack():
        found = attacked.check({"type": "file", "path": f"{name}.xlsx"})
    assert [problem["code"] for problem in found["problems"]] == [code]


def test_heavy_cells_within_the_bound_are_shown_cut(attacked: MeasuredService) -> None:
    with gzip.open(attacked.folder / "cells.csv.gz", "wt", compresslevel=1) as file:
        file.write("id,text\n")
        file.writelines(f"{number},{'a' * 15 * 10**6}\n" for number in range(10))
    with gzip.open(attacked.folder / "cells.ndjson.gz", "wt", compresslevel=1) as file:
        file.writelines(f'{{"id": {number}, "list": [{"{},".ljust(5_000_000, " ")}1]}}\n' for number in range(10))
    for name in ("cells.csv.gz", "cells.ndjson.gz"):
        with attacked.attack():
            found = attacked.check({"type": "file", "path": name})
        assert found["problems"] == []
        assert 0 < len(found["rows"]) <= found["records"] <= 10
        assert all(len(str(value)) <= 1000 for row in found["rows"] for value in row.values())


def test_memory_is_released_after_an_attack(attacked: MeasuredService) -> None:
    pq.write_table(_heavy("rows"), attacked.folder / "again.parquet", compression="zstd")
    for _ in range(3):
        attacked.check({"type": "file", "path": "again.parquet"})
    attacked.until(lambda: attacked.memory_mb() - attacked.at_rest_mb < KEPT_MB)
