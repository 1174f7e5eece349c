"""The alert settings in the state, and their channels, whose URLs are sealed.

A channel is a URL of Apprise: email, chat, webhooks and more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from pydantic import ValidationError
from sqlalchemy import Connection

from penstock.clock import iso
from penstock.delivery.http.addresses import addresses_of, barred, checked_lookups
from penstock.model import delivery
from penstock.model.errors import InputError, Problem
from penstock.run.context import Context
from penstock.service.documents import AlertSettings
from penstock.store.project import credentials
from penstock.store.project.resources import put_setting, setting

NAME = "alerts"
SEALED = "alert channel {}"  # the name under which a channel's URL is sealed; a credential cannot have such a name


def read(ctx: Context) -> AlertSettings:
    """The alert settings, without secrets."""
    with ctx.database.read() as conn:
        return _stored(conn)


def _stored(conn: Connection) -> AlertSettings:
    found = setting(conn, NAME)
    return AlertSettings() if found is None else AlertSettings.model_validate(found.document)


def write(
    ctx: Context, document: Mapping[str, Any], *, by: str, guard: Callable[[AlertSettings], None]
) -> AlertSettings:
    """Replace the alert settings; InputError with every problem. URLs are sealed and stored separately.

    `guard` receives the present settings, and raises if the writer has read others.
    """
    try:
        wanted = AlertSettings.model_validate(document)
    except ValidationError as error:
        raise InputError(*map(_problem, error.errors())) from None
    before = read(ctx)
    guard(before)
    for name, channel in wanted.channels.items():
        if channel.url is not None:
            check_channel(name, channel.url)
            channel.shown = masked(channel.url)
        elif name in before.channels:
            channel.shown = before.channels[name].shown
        else:
            message, hint = "a new channel needs a URL", "such as mailto://…, slack://…, json://host/path"
            raise InputError(Problem(f"channels.{name}.url", message, "missing", hint))
    at = iso(ctx.clock.now())
    sealer = ctx.sealer()
    with ctx.database.begin() as conn:
        guard(_stored(conn))  # again, in the transaction that no other process can write in
        for name, channel in wanted.channels.items():
            if channel.url is not None:
                credentials.set_credential(conn, sealer, SEALED.format(name), channel.url, at)
                channel.url = None
        for name in before.channels.keys() - wanted.channels.keys():
            credentials.forget_credential(conn, SEALED.format(name))
        put_setting(conn, NAME, wanted.model_dump(), by=by, at=at)
    return wanted


def url_of(ctx: Context, channel: str) -> str | None:
    """The opened URL of a channel; None if it has none."""
    with ctx.database.read() as conn:
        url = credentials.secret_of(conn, SEALED.format(channel), ctx.sealer())
    ctx.events.hide(url)
    return url


def _problem(found: Any) -> Problem:
    """The problem, without the value that was written: it may be a secret."""
    path = ".".join(map(str, found["loc"])) or "settings"
    code = "unknown-key" if found["type"] == "extra_forbidden" else "wrong-value"
    return Problem(path, str(found["msg"]), code, "GET /api/v1/settings/alerts shows the present settings")


LOCAL = frozenset({"dbus", "qt", "kde", "glib", "gnome", "macosx", "windows", "syslog", "file"})


def masked(url: str) -> str:
    """A channel's URL without secrets: its scheme, and the host if the URL names one."""
    plugin = _plugin(url)
    host = str(getattr(plugin, "host", "") or "") if plugin is not None and _names_host(plugin) else ""
    return f"{url.partition(':')[0]}://{host}/***" if host else f"{url.partition(':')[0]}://***"


def check_channel(name: str, url: str) -> None:
    """InputError for a URL that is no channel, or a channel to the desktop or log of this machine."""
    hint = "use a URL such as mailto://…, slack://…, json://host/path; see Apprise's documentation"
    if url.partition(":")[0].lower() in LOCAL:
        message = "channels to this machine are not supported"
        raise InputError(Problem(f"channels.{name}.url", message, "wrong-channel", hint))
    if _plugin(url) is None:
        raise InputError(Problem(f"channels.{name}.url", "this is not the URL of a channel", "wrong-channel", hint))


def notify(url: str, title: str, body: str, allowed_hosts: tuple[str, ...] = ()) -> str | None:
    """Send a message; returns why it failed, or None.

    A host in the URL is checked like the host of a request: addresses inside the network are refused unless they are
    allowed. It is checked again when the channel connects, and the connection uses the checked address.
    """
    plugin = _plugin(url)
    if plugin is None:
        return "this is not the URL of a channel"
    if not _names_host(plugin):
        return _taken(plugin, title, body)
    reason = _barred(plugin, allowed_hosts)
    if reason is not None:
        return reason
    plugin.redirects = False  # a redirect could lead to an address that is not allowed
    with checked_lookups(lambda host, port, found: _judged(host, port, found, allowed_hosts)) as reasons:
        trouble = _taken(plugin, title, body)
    return reasons[0] if reasons and trouble is not None else trouble


def _taken(plugin: Any, title: str, body: str) -> str | None:
    try:
        taken = plugin.notify(body=body, title=title)
    except Exception as error:  # noqa: BLE001 - a channel of the library can raise any error; the message is sent again
        return f"the channel failed: {type(error).__name__}"
    return None if taken else "the channel did not accept the message"


def _plugin(url: str) -> Any:
    import apprise  # noqa: PLC0415 - takes a third of a second to load

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _names_host(plugin: Any) -> bool:
    return any("{host}" in template for template in plugin.templates)


def _barred(plugin: Any, allowed: tuple[str, ...]) -> str | None:
    host = str(getattr(plugin, "smtp_host", "") or plugin.host or "").strip("[]")
    port = int(plugin.port or 443)
    try:
        found = addresses_of(host, port)
    except (OSError, UnicodeError):
        return f"the host {host} was not found"
    return _judged(host, port, found, allowed)


def _judged(host: str, port: int, found: Sequence[str], allowed: tuple[str, ...]) -> str | None:
    """Why a host is not allowed, or None. Proxies of the environment are allowed, because the operator has set them."""
    proxies = {urlsplit(url).hostname for url in getproxies().values()}
    if host.lower() in proxies:
        return None
    return barred(
        host, port, found, delivery.Connection("alerts", "https://alerts.invalid", None, allowed_hosts=allowed)
    )
