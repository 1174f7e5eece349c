"""Ids that the native API wants and nobody gave: derived from the dataset's key, so that they stay the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import xxhash

from penstock.destinations.catalogue import FieldDoc
from penstock.transform import rules
from penstock.transform.keys import one_text
from penstock.transform.render import TOP, Input
from penstock.transform.steps import Columns, Refused, Step, Values
from penstock.transform.values import ABSENT


@dataclass(frozen=True, slots=True)
class Derived(Step):
    """A step whose value is made of several columns; a row in which one of them is empty gets none."""

    columns: tuple[str, ...] = ()
    longest: int | None = None

    def values(self, columns: Columns, refused: Refused) -> Values:
        del refused  # a record without a key is refused as such
        parts = [[_text(value) for value in columns.cells(name).values] for name in self.columns]
        return [ABSENT if None in row else self._bounded(one_text(row)) for row in zip(*parts, strict=True)]

    def _bounded(self, text: str) -> str:
        if self.longest is None or len(text) <= self.longest:
            return text
        return xxhash.xxh3_128_hexdigest(text.encode())


def external_input(doc: FieldDoc, columns: Sequence[str], longest: int | None) -> Input:
    """The input that derives the field from these columns."""
    step = Derived(doc.name, rules.key, column=columns[0], columns=tuple(columns), longest=longest)
    return Input(step, (TOP, doc.target or doc.name))


def _text(value: object) -> str | None:
    found = None if value is None else rules.key(value)
    return found if isinstance(found, str) else None
