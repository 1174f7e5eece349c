"""From a dataset's description to a dataset that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from penstock.model.spec import DatasetSpec, FileSource, Secret, SourceSpec
from penstock.sources.csv_rows import CsvRows
from penstock.sources.dataset import Dataset
from penstock.sources.files import file_format, matching_files, wrong
from penstock.sources.parquet_rows import ParquetRows
from penstock.sources.pieces import Rows


@dataclass(frozen=True, slots=True)
class Tools:
    """What sources need of the world around them.

    `resolve` gives the text of a secret; `workspace` is a private folder that exists, for temporary files;
    `responses` gives the replies of a destination, by its name.
    """

    resolve: Callable[[Secret], str]
    workspace: Path
    responses: Callable[[str], Iterator[pa.RecordBatch]] | None = None


def open_dataset(spec: DatasetSpec, source: SourceSpec, tools: Tools) -> Dataset:
    """Open the source and look at its header. Raises InputError when a file or table is missing or not readable."""
    return Dataset(spec, source, _rows(source, tools))


def _rows(source: SourceSpec, tools: Tools) -> Rows:
    if isinstance(source, FileSource):
        return _file_rows(source)
    raise NotImplementedError(tools)


def _file_rows(source: FileSource) -> Rows:
    files = matching_files(source)
    formats = {file_format(source, path) for path in files}
    if len(formats) > 1:
        found = ", ".join(sorted(formats))
        message = f"{source.path} matches files of several formats: {found}"
        raise wrong(source, message, "mixed-formats", found=found, hint="narrow the pattern, or write format:")
    kind = formats.pop()
    if kind == "parquet":
        return ParquetRows(source, files)
    return CsvRows(source, files, tabs=kind == "tsv")
