"""Who asks, and what they may do: every route names the right it needs.

Nobody can sign in yet. Until they can, a service answers only where it was made for one person at one machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from fastapi import Depends, HTTPException, Request

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Right(IntEnum):
    """What a route needs; each holds those before it."""

    VIEW = 1
    OPERATE = 2  # run, activate, test, quarantine
    EDIT = 3
    ADMIN = 4


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks."""

    name: str
    right: Right


def needs(right: Right) -> Any:
    """The dependency of a route: answers the Person, or refuses with 403."""

    def person(request: Request) -> Person:
        if not request.app.state.without_sign_in:
            raise HTTPException(403, f"this needs the right to {right.name.lower()}, and nobody can sign in yet")
        if request.url.hostname not in LOOPBACK:  # a web page that had its own name lead to this machine
            raise HTTPException(403, "without sign-in only requests to this machine by its loopback name are answered")
        return Person("local", Right.ADMIN)

    return Depends(person)
