"""Files made to take the memory or the time of the service are refused with their place, or shown cut."""

import zlib
from pathlib import Path

import pytest

from measured_service import MeasuredService

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


# name: how it begins, what it is full of, how it ends, and the line that the error names
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
def test_a_packed_line_or_cell_without_end_is_an_error_with_its_line(attacked: MeasuredService, name: str) -> None:
    *text, line = CELLS[name]
    _packed(attacked.folder / name, *text)
    with attacked.attack():
        found = attacked.check({"type": "file", "path": name})["problems"][0]
    assert found["code"] == ("torn-file" if name == "zeros.csv.gz" else "too-long")
    assert (found["line"], name in found["message"]) == (line, True)


def test_the_bound_on_cells_is_what_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text('id,text\n1,short\n2,"' + "two lines\n" * 200 + '"\n')
    (tmp_path / "lines.ndjson").write_text('{"id": 1}\n{"id": 2, "text": "' + "a" * 2000 + '"}\n')
    with MeasuredService(tmp_path, variables={"PENSTOCK_MAX_CELL": "1kB"}) as service:
        for name, line in (("cells.csv", 3), ("lines.ndjson", 2)):
            found = service.check({"type": "file", "path": name})["problems"][0]
            assert (found["code"], found["line"]) == ("too-long", line)
            assert "1 kB" in found["message"]
