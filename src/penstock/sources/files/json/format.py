"""What the formats `json` and `ndjson` are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.spec import FileSource
from penstock.sources.files.file_format import FileFormat, first_text

if TYPE_CHECKING:
    from penstock.sources.files.json.rows import JsonRows


def _json(source: FileSource, files: list[Path]) -> JsonRows:
    from penstock.sources.files.json.rows import JsonRows  # noqa: PLC0415 - brings Arrow

    return JsonRows(source, files, lines=False)


def _ndjson(source: FileSource, files: list[Path]) -> JsonRows:
    from penstock.sources.files.json.rows import JsonRows  # noqa: PLC0415 - brings Arrow

    return JsonRows(source, files, lines=True)


def _begins_list(start: bytes, source: FileSource) -> bool:
    text = first_text(start)
    return text.startswith(b"[") or (text.startswith(b"{") and source.records_path is not None)


def _begins_object(start: bytes, _source: FileSource) -> bool:
    return first_text(start).startswith(b"{")


JSON = FileFormat(
    name="json",
    label="JSON",
    noun="a JSON file",
    about="One list of objects, or one object that holds the list; each object is a record.",
    extensions=(".json",),
    options=("encoding", "records_path"),
    read=_json,
    begins=_begins_list,
    is_table=False,
)
NDJSON = FileFormat(
    name="ndjson",
    label="NDJSON",
    noun="an NDJSON file",
    about="One JSON object a line; each object is a record.",
    extensions=(".ndjson", ".jsonl", ".json"),
    options=("encoding",),
    read=_ndjson,
    begins=_begins_object,
    is_table=False,
)
