"""The alert settings as the API returns them and the state stores them: channels and rules."""

from __future__ import annotations

from dataclasses import dataclass, fields

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class Rules:
    """When an alert is raised and reported; None turns a rule off."""

    stalled_minutes: float | None = 1440
    volume_under: float | None = 0.5  # of the usual number of records
    volume_over: float | None = 3.0
    volume_runs: int = 5  # the usual number is the median of this many runs
    error_share: float | None = 0.1
    error_least: int = 20
    quarantine_more: int | None = 100
    run_failed: bool = True
    run_partial: bool = False
    credential_refused: bool = True
    columns_changed: bool = True
    waiting_minutes: float | None = 5  # a queued run that no worker takes
    repeat_hours: float = 24
    calm_minutes: float = 10  # at least, between two messages about one alert


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ChannelDocument(_Strict):
    """A channel for messages. `url` is write-only; without it the old URL stays. `shown` is the URL without secrets."""

    url: str | None = Field(default=None, max_length=4000)
    allowed_hosts: list[str] = []
    shown: str | None = None  # ignored in a write


class RulesDocument(_Strict):
    """When an alert is raised and reported; null turns a rule off."""

    stalled_minutes: float | None = Field(default=Rules.stalled_minutes, gt=0)
    volume_under: float | None = Field(default=Rules.volume_under, ge=0, le=1)
    volume_over: float | None = Field(default=Rules.volume_over, ge=1)
    volume_runs: int = Field(default=Rules.volume_runs, ge=3, le=50)
    error_share: float | None = Field(default=Rules.error_share, gt=0, le=1)
    error_least: int = Field(default=Rules.error_least, ge=1)
    quarantine_more: int | None = Field(default=Rules.quarantine_more, ge=0)
    run_failed: bool = Rules.run_failed
    run_partial: bool = Rules.run_partial
    run_results: bool = False  # a message about each ended run, not an alert
    credential_refused: bool = Rules.credential_refused
    columns_changed: bool = Rules.columns_changed
    waiting_minutes: float | None = Field(default=Rules.waiting_minutes, gt=0)
    repeat_hours: float = Field(default=Rules.repeat_hours, ge=1)
    calm_minutes: float = Field(default=Rules.calm_minutes, ge=0)


class AlertSettings(_Strict):
    """The alert settings. `quiet` are destinations and flows without alerts; more than `digest` alerts at once are sent
    as one message.
    """

    channels: dict[str, ChannelDocument] = {}
    rules: RulesDocument = RulesDocument()
    quiet: list[str] = []
    digest: int = Field(default=3, ge=1)

    def judged_by(self) -> Rules:
        return Rules(**{item.name: getattr(self.rules, item.name) for item in fields(Rules)})
