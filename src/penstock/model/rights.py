"""The four rights of a user and their roles. Each right includes those before it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, get_args

Role = Literal["viewer", "operator", "editor", "admin"]
CodePolicy = Literal["any", "saved", "none"]  # which grouping code may run for who asks


class Right(IntEnum):
    """The right that an operation needs."""

    VIEW = 1
    OPERATE = 2  # run, activate, test, quarantine
    EDIT = 3
    ADMIN = 4


ROLES: dict[str, Right] = dict(zip(get_args(Role), Right, strict=True))
_WORDS: dict[Right, Role] = dict(zip(Right, get_args(Role), strict=True))


def role_of(right: Right) -> Role:
    """The role that has this right and those before it."""
    return _WORDS[right]


@dataclass(frozen=True, slots=True)
class Person:
    """A person, and how they signed in: `token` is the id of an API token, None at a session."""

    name: str
    right: Right
    token: str | None = None

    @property
    def role(self) -> Role:
        return role_of(self.right)
