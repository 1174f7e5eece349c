"""When a flow runs. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CatchUp = Literal["latest", "all", "none"]


@dataclass(frozen=True, slots=True)
class Cron:
    """Five cron fields, in the flow's time zone."""

    fields: str


@dataclass(frozen=True, slots=True)
class Every:
    """At the multiples of so many seconds since 1970 in UTC: `every 15m` is at 00, 15, 30 and 45."""

    seconds: int


@dataclass(frozen=True, slots=True)
class OnNewData:
    """Whenever a source of the flow has something new."""


Schedule = Cron | Every | OnNewData
