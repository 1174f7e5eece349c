"""The applied project: its versions, how two of them differ, and its resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

ChangeKind = Literal["added", "changed", "removed"]


class DocumentChange(NamedTuple):
    """One difference between two projects; `before` or `after` is None where there is nothing."""

    path: str
    change: ChangeKind
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ProjectVersion:
    """`version` counts from 1; `text` is the project as canonical YAML, `base` the folder where its paths start."""

    version: int
    at: str
    author: str
    base: str
    text: str
    changes: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The result of `apply`: the newest version, and what it changed (nothing when it was equal)."""

    version: int
    changes: tuple[DocumentChange, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """One credential, source, dataset, destination or flow of the project; `kind` is its section."""

    kind: str
    name: str
    value: Any
    etag: str
    version: int
