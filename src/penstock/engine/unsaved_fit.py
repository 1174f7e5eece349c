"""Whether settings fit the data that they name: asked before a dataset or a destination is saved."""

from __future__ import annotations

from typing import Any

from penstock.engine.surroundings import Surroundings
from penstock.engine.unsaved import preview_of
from penstock.engine.unsaved_data import look_at_dataset
from penstock.model.errors import InputError, PenstockError, Problem


def refuse_misfit(around: Surroundings, kind: str, name: str, value: Any) -> None:
    """InputError with the problems of these settings that only their records show.

    Examples: SQL that cannot be bound, a key that the SQL does not give, a field that is mapped to a missing column.
    What is wrong elsewhere (a source that cannot be reached now, a key that is not set) does not keep anybody from
    saving.
    """
    own = [problem for problem in _problems(around, kind, name, value) if problem.path.startswith(f"{kind}.{name}.")]
    if own:
        raise InputError(*own)


def _problems(around: Surroundings, kind: str, name: str, value: Any) -> tuple[Problem, ...]:
    if kind == "datasets":
        return look_at_dataset(around, name, value).problems
    if kind == "destinations":
        try:
            preview_of(around, name, value, limit=1)
        except PenstockError as error:
            return error.problems
    return ()
