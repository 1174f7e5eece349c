"""Who asks, and what they may do: every route names the right it needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from fastapi import Depends, Request


class Right(IntEnum):
    """What a route needs; each holds those before it."""

    VIEW = 1
    OPERATE = 2  # run, activate, test, quarantine
    EDIT = 3
    ADMIN = 4


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: a signed-in person or an API token."""

    name: str
    right: Right


def needs(right: Right) -> Any:
    """The dependency of a route: answers the Person, or refuses."""

    def person(request: Request) -> Person:  # noqa: ARG001 - the people part replaces this
        return Person("anonymous", right)

    return Depends(person)
