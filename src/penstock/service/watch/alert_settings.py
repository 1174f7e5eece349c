"""The settings document of alerts: channels, whose URLs are sealed, and rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penstock.clock import iso
from penstock.model.errors import InputError, Problem
from penstock.run.context import Context
from penstock.service.watch import channels
from penstock.service.watch.alert_rules import Rules
from penstock.store.project import credentials
from penstock.store.project.settings import put_setting, setting

NAME = "alerts"
SEALED = "alert channel {}"  # the name of a channel's URL among the sealed texts: no credential has it


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ChannelDocument(_Strict):
    """Where messages go. The URL is write-only: without it the sealed one stays."""

    url: str | None = Field(default=None, max_length=4000)
    allowed_hosts: list[str] = []
    shown: str | None = None  # what a reader sees of the URL; ignored when written


class RulesDocument(_Strict):
    """When a person is told; null switches a rule off."""

    stalled_minutes: float | None = Field(default=Rules.stalled_minutes, gt=0)
    volume_under: float | None = Field(default=Rules.volume_under, ge=0, le=1)
    volume_over: float | None = Field(default=Rules.volume_over, ge=1)
    volume_runs: int = Field(default=Rules.volume_runs, ge=3, le=50)
    error_share: float | None = Field(default=Rules.error_share, gt=0, le=1)
    error_least: int = Field(default=Rules.error_least, ge=1)
    quarantine_more: int | None = Field(default=Rules.quarantine_more, ge=0)
    run_failed: bool = Rules.run_failed
    run_partial: bool = Rules.run_partial
    run_results: bool = False  # not an alert: how every run ended
    credential_refused: bool = Rules.credential_refused
    columns_changed: bool = Rules.columns_changed
    waiting_minutes: float | None = Field(default=Rules.waiting_minutes, gt=0)
    repeat_hours: float = Field(default=Rules.repeat_hours, ge=1)
    calm_minutes: float = Field(default=Rules.calm_minutes, ge=0)


class AlertSettings(_Strict):
    """`quiet` names destinations that no rule looks at; more than `digest` alerts at once are one message."""

    channels: dict[str, ChannelDocument] = {}
    rules: RulesDocument = RulesDocument()
    quiet: list[str] = []
    digest: int = Field(default=3, ge=1)

    def judged_by(self) -> Rules:
        return Rules(**{item.name: getattr(self.rules, item.name) for item in fields(Rules)})


def read(ctx: Context) -> AlertSettings:
    """The settings as they are; without what is secret."""
    with ctx.database.read() as conn:
        found = setting(conn, NAME)
    return AlertSettings() if found is None else AlertSettings.model_validate(found.document)


def write(
    ctx: Context, document: Mapping[str, Any], *, by: str, guard: Callable[[AlertSettings], None]
) -> AlertSettings:
    """Write the whole document; InputError with every problem. URLs are sealed, not stored with it.

    `guard` sees the settings that are to be replaced, and raises when they are not those that the writer read.
    """
    try:
        wanted = AlertSettings.model_validate(document)
    except ValidationError as error:
        raise InputError(*map(_problem, error.errors())) from None
    before = read(ctx)
    guard(before)
    for name, channel in wanted.channels.items():
        if channel.url is not None:
            channels.check_channel(name, channel.url)
            channel.shown = channels.masked(channel.url)
        elif name in before.channels:
            channel.shown = before.channels[name].shown
        else:
            message, hint = "a new channel needs its URL", "e.g. mailto://…, slack://…, json://host/path"
            raise InputError(Problem(f"channels.{name}.url", message, "missing", hint))
    at = iso(ctx.clock.now())
    sealer = ctx.sealer()
    with ctx.database.begin() as conn:
        found = setting(conn, NAME)  # again, now that no other process writes
        guard(AlertSettings() if found is None else AlertSettings.model_validate(found.document))
        for name, channel in wanted.channels.items():
            if channel.url is not None:
                credentials.set_credential(conn, sealer, SEALED.format(name), channel.url, at)
                channel.url = None
        for name in before.channels.keys() - wanted.channels.keys():
            credentials.forget_credential(conn, SEALED.format(name))
        put_setting(conn, NAME, wanted.model_dump(), by=by, at=at)
    ctx.events.tell("change.made", who=by, what="settings alerts")
    return wanted


def url_of(ctx: Context, channel: str) -> str | None:
    """The opened URL of a channel; None when there is none."""
    with ctx.database.read() as conn:
        url = credentials.secret_of(conn, SEALED.format(channel), ctx.sealer())
    ctx.events.hide(url)
    return url


def _problem(found: Any) -> Problem:
    """What was written is not repeated: it may be a secret."""
    path = ".".join(map(str, found["loc"])) or "settings"
    code = "unknown-key" if found["type"] == "extra_forbidden" else "wrong-value"
    return Problem(path, str(found["msg"]), code, "GET /api/v1/settings/alerts shows what there is")
