"""Messages to people by the channels of Apprise: e-mail, chat, webhooks and more, each named by one URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from penstock.delivery.http.addresses import barred
from penstock.delivery.http.pinning import addresses, judging
from penstock.model.delivery import Connection
from penstock.model.errors import InputError, Problem

LOCAL = frozenset({"dbus", "qt", "kde", "glib", "gnome", "macosx", "windows", "syslog", "file"})


def masked(url: str) -> str:
    """A channel's URL without what may be secret in it: everything but its kind, and the host of a webhook."""
    plugin = _plugin(url)
    host = str(getattr(plugin, "host", "") or "") if plugin is not None and _names_host(plugin) else ""
    return f"{url.partition(':')[0]}://{host}/***" if host else f"{url.partition(':')[0]}://***"


def check_channel(name: str, url: str) -> None:
    """InputError for a URL that is no channel, or one of this very machine's desktop or log."""
    hint = "e.g. mailto://…, slack://…, json://host/path; see Apprise's documentation"
    if url.partition(":")[0].lower() in LOCAL:
        message = "channels of this machine itself are not taken"
        raise InputError(Problem(f"channels.{name}.url", message, "wrong-channel", hint))
    if _plugin(url) is None:
        raise InputError(Problem(f"channels.{name}.url", "this is no channel", "wrong-channel", hint))


def notify(url: str, title: str, body: str, allowed_hosts: tuple[str, ...] = ()) -> str | None:
    """Send one message; returns why it failed, or None.

    A host that the URL names is judged as that of a request is: nothing inside the network, unless it is allowed. It is
    judged again where the channel connects, and the connection goes to what was judged.
    """
    plugin = _plugin(url)
    if plugin is None:
        return "the URL is no channel"
    if not _names_host(plugin):
        return _taken(plugin, title, body)
    reason = _barred(plugin, allowed_hosts)
    if reason is not None:
        return reason
    plugin.redirects = False  # a redirect could lead to where the first host may not
    with judging(lambda host, port, found: _judged(host, port, found, allowed_hosts)) as reasons:
        trouble = _taken(plugin, title, body)
    return reasons[0] if reasons and trouble is not None else trouble


def _taken(plugin: Any, title: str, body: str) -> str | None:
    try:
        taken = plugin.notify(body=body, title=title)
    except Exception as error:  # noqa: BLE001 - a channel of the library may fail in any way; it is tried again
        return f"the channel failed: {type(error).__name__}"
    return None if taken else "the channel did not take the message"


def _plugin(url: str) -> Any:
    import apprise  # noqa: PLC0415 - a third of a second, and only when somebody is told

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _names_host(plugin: Any) -> bool:
    return any("{host}" in template for template in plugin.templates)


def _barred(plugin: Any, allowed: tuple[str, ...]) -> str | None:
    host = str(getattr(plugin, "smtp_host", "") or plugin.host or "").strip("[]")
    port = int(plugin.port or 443)
    try:
        found = addresses(host, port)
    except (OSError, UnicodeError):
        return f"the host {host} was not found"
    return _judged(host, port, found, allowed)


def _judged(host: str, port: int, found: Sequence[str], allowed: tuple[str, ...]) -> str | None:
    """Why a host must not be reached. The proxies of the environment may, because the operator set them."""
    proxies = {urlsplit(url).hostname for url in getproxies().values()}
    if host.lower() in proxies:
        return None
    return barred(host, port, found, Connection("alerts", "https://alerts.invalid", None, allowed_hosts=allowed))
