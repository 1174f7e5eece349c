"""Whether a source has something new, asked without reading it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from penstock.model.reach import Reach
from penstock.model.spec import FileSource, Secret, SourceSpec, SqlSource
from penstock.sources.files.source_files import files_identity, matching_files


def news_of(source: SourceSpec, resolve: Callable[[Secret], str], now: datetime, reach: Reach) -> str | None:
    """A text that changes when there is something new; None where that cannot be known this way.

    Raises InputError or EnvironmentFailure when the source cannot be reached.
    """
    if isinstance(source, FileSource):
        return files_identity(matching_files(source, reach))
    if isinstance(source, SqlSource) and source.cursor is not None:
        from penstock.sources.open import open_rows  # noqa: PLC0415 - Arrow; files are looked at without

        return open_rows(source, resolve, reach).newest(source.cursor, now)
    return None
