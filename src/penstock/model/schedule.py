"""When a flow runs by itself. Imports nothing of Penstock."""

from __future__ import annotations

from dataclasses import dataclass


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
    """When a source of the flow has new data."""


Schedule = Cron | Every | OnNewData
