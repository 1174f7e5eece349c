"""`FileFormat`: what a format of files says of itself. The registry `formats` has every one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.spec import FileSource

if TYPE_CHECKING:
    from penstock.sources.typing.pieces import Rows

_BEFORE_TEXT = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"  # byte-order marks, the NUL bytes of UTF-16, blanks


def _never(_start: bytes, _source: FileSource) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format of files. `read` imports its reader when it is called: to import a format loads no Arrow.

    `name` is written in the project file, `label` in texts, `noun` is what a message calls such a file. An ending in
    `extensions` (the usual one first) that several formats have does not decide: the first bytes do.
    `begins` returns whether files of this format alone have these first bytes.
    """

    name: str
    label: str
    noun: str
    about: str
    extensions: tuple[str, ...]
    read: Callable[[FileSource, list[Path]], Rows]
    begins: Callable[[bytes, FileSource], bool] = _never
    options: tuple[str, ...] = ()  # the keys of a file source that it reads, besides path, format and decimal
    unused: tuple[str, ...] = ()  # keys that it has no use for, and that are no error, as in release 0.1.0
    is_text: bool = True
    can_upload: bool = True
    is_table: bool = True  # every record has every column; False: a record may be a part of its object


def first_text(start: bytes) -> bytes:
    """The first bytes of a text without what may come before its first character."""
    return start.lstrip(_BEFORE_TEXT)
