"""The shapes that many routes answer in: a page of a list, problems."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import orjson
from fastapi import Response
from pydantic import BaseModel

from penstock.model.errors import Problem
from penstock.model.problems import problem_json

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Part of a list; `next` is the cursor of the part that follows, null at the end."""

    items: list[T]
    next: str | None = None


class ChoiceOut(BaseModel):
    """A value that solves a problem, and what the input shows with it."""

    value: str
    shows: str


class ProblemOut(BaseModel):
    """One thing that is wrong: where, what was found, and what to write instead.

    `choices`: where only a person can decide (the encoding of a file), the likeliest values, the likeliest first.
    """

    path: str
    line: int | None = None
    code: str
    found: str | None = None
    message: str
    hint: str = ""
    file: str | None = None  # only where the project is a folder of files
    choices: list[ChoiceOut] = []


class Problems(BaseModel):
    """The one shape of every refusal."""

    errors: list[ProblemOut]


def as_it_is(document: Any) -> Response:
    """The answer of a route whose documents have the shape that it declares: to check 500 of them costs more than to
    make them. The tests ask these routes by strict forms of their shapes.
    """
    return Response(orjson.dumps(document), media_type="application/json")


def problems(found: Iterable[Problem]) -> Problems:
    return Problems(errors=[ProblemOut(**problem_json(problem)) for problem in found])
