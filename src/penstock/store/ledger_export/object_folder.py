"""The exported ledger in an object store: each file is one whole object, which replaces the one before."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from pyarrow import fs

from penstock.store.ledger_export.files import FILE
from penstock.store.ledger_export.object_place import ObjectPlace

CONNECT_S = 5.0
RETRIES_S = 60


class ObjectFolder:
    """A folder of an object store. `spool` is a local folder for a file until it is whole."""

    def __init__(self, place: ObjectPlace, environ: Mapping[str, str], spool: Path) -> None:
        self._store = _file_system(place, environ)
        self._root = place.root
        self._spool = spool

    @contextmanager
    def unfinished(self, name: str) -> Iterator[_Upload]:
        with TemporaryFile(dir=self._spool) as file:  # has no name: nothing is left of it after a kill -9
            yield _Upload(file, self._store, f"{self._root}/{name}")

    def exists(self, name: str) -> bool:
        return _has_content(self._store.get_file_info(f"{self._root}/{name}"))

    def open(self, name: str) -> Any:
        return self._store.open_input_file(f"{self._root}/{name}")

    def names(self, table: str) -> Iterator[str]:
        below = fs.FileSelector(f"{self._root}/{table}", allow_not_found=True, recursive=True)
        for info in self._store.get_file_info(below):
            if _has_content(info) and info.base_name == FILE:
                yield info.path.removeprefix(f"{self._root}/")


def _has_content(info: fs.FileInfo) -> bool:
    """Whether it is an object with bytes: an upload to Azure that was interrupted leaves one without."""
    return info.type == fs.FileType.File and bool(info.size)


class _Upload:
    """A local file that becomes an object."""

    def __init__(self, file: IO[bytes], store: fs.FileSystem, path: str) -> None:
        self.file = file
        self._store = store
        self._path = path

    def finish(self) -> None:
        """Upload it by one call: closing a stream after half of a file would publish that half."""
        self.file.flush()
        content = mmap.mmap(self.file.fileno(), 0, prot=mmap.PROT_READ)  # closed with the last buffer that refers to it
        with self._store.open_output_stream(self._path) as stream:
            stream.write(content)


def _file_system(place: ObjectPlace, environ: Mapping[str, str]) -> fs.FileSystem:
    """PyArrow's client of the store. OSError if it is not reachable, or if this build of PyArrow has none for it."""
    try:
        return {"s3": _s3, "gs": _gs, "az": _az}[place.store](place, environ)
    except ImportError as error:
        raise OSError(f"this build of PyArrow has no client for {place.store}://") from error


def _s3(place: ObjectPlace, environ: Mapping[str, str]) -> fs.FileSystem:
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem, resolve_s3_region  # noqa: PLC0415 - not in every build

    region = place.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not region:  # the client would ask the metadata service of the machine
        region = "us-east-1" if place.endpoint else resolve_s3_region(place.root.partition("/")[0])
    small: Any = {"allow_delayed_open": True}  # one request for a small file; not in the stubs
    return S3FileSystem(
        access_key=place.user or None,
        secret_key=place.secret or None,
        session_token=place.session_token or None,
        region=region,
        scheme=place.scheme,
        endpoint_override=place.endpoint or None,
        connect_timeout=CONNECT_S,
        **small,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=3),
    )


def _gs(place: ObjectPlace, _environ: Mapping[str, str]) -> fs.FileSystem:
    from pyarrow.fs import GcsFileSystem  # noqa: PLC0415 - not in every build

    return GcsFileSystem(
        scheme=place.scheme,
        endpoint_override=place.endpoint or None,
        retry_time_limit=timedelta(seconds=RETRIES_S),
    )


def _az(place: ObjectPlace, _environ: Mapping[str, str]) -> fs.FileSystem:
    from pyarrow.fs import AzureFileSystem  # noqa: PLC0415 - not in every build

    hosts: Any = {"blob_storage_scheme": place.scheme, "dfs_storage_scheme": place.scheme}  # the stubs misspell them
    return AzureFileSystem(
        account_name=place.user,
        account_key=place.secret or None,
        blob_storage_authority=place.endpoint or None,
        dfs_storage_authority=place.endpoint or None,
        **hosts,
    )
