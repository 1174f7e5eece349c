"""Messages to people, by the channels of Apprise: e-mail, chat, webhooks and more, each named by one URL."""

from __future__ import annotations

import socket
from typing import Any

from penstock.delivery.hosts import barred
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
    """Send one message; answers why it did not go, or None.

    A host that the URL names is judged as that of a request is: nothing inside the network, unless it is allowed.
    """
    plugin = _plugin(url)
    if plugin is None:
        return "the URL is no channel"
    if _names_host(plugin):
        reason = _barred(plugin, allowed_hosts)
        if reason is not None:
            return reason
        plugin.redirects = False  # a redirect could lead to where the first host may not
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
    host = str(getattr(plugin, "smtp_host", "") or plugin.host or "")
    port = int(plugin.port or 443)
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, port)}
    except OSError:
        return f"the host {host} was not found"
    return barred(
        host, port, sorted(found), Connection("alerts", "https://alerts.invalid", None, allowed_hosts=allowed)
    )
