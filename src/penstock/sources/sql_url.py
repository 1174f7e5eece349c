"""The URL of a SQL source: its value for the driver, and what of it may be shown to people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from penstock.model.spec import Secret, written_form
from penstock.sources.sql_text import PASSWORD, redacted, shortened

KINDS = {"postgres": "postgresql"}
ADDRESS = re.compile(r"\(?\b(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.%]*)\)?", re.IGNORECASE)
QUERY_PASSWORD = re.compile(r"(?i)([?&](?:[a-z_]*password|[a-z_]*passwd|pwd)=)[^&]*")
HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class SqlUrl:
    """`value` is the whole URL. `shown` is the URL as the project writes it: references instead of their values, and no
    password. `secrets` are the values of the references.
    """

    value: str = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @staticmethod
    def of(url: Secret, resolve: Callable[[Secret], str]) -> SqlUrl:
        """The URL with its references filled in; raises like `resolve`."""
        parts = [replace(url, parts=(part,)) for part in url.parts if part[0] != "text"]
        secrets = (
            [value for value in map(resolve, parts) if value] if len(url.parts) > 1 else [resolve(url)] * len(parts)
        )
        shown = QUERY_PASSWORD.sub(rf"\1{HIDDEN}", PASSWORD.sub(rf"\1:{HIDDEN}", written_form(url)))
        return SqlUrl(resolve(url), shortened(shown), tuple(secrets))

    @property
    def is_literal(self) -> bool:
        """Whether the whole URL stands in the project, with no reference in it."""
        return not self.secrets

    @property
    def kind(self) -> str:
        """The kind of database: what the URL begins with, without the driver."""
        scheme = self.value.partition(":")[0].partition("+")[0].lower()
        return KINDS.get(scheme, scheme)

    def masked(self, words: str) -> str:
        """A driver's words without the password, and without anything that a reference stands for."""
        if self.is_literal:
            return redacted(words, self.value)
        for secret in sorted(self._pieces(), key=len, reverse=True):
            words = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, words)
        return ADDRESS.sub(HIDDEN, words)

    def _pieces(self) -> set[str]:
        """Every part of the URL that a reference gave, in whole or in part, as drivers may repeat it."""
        found = {*self.secrets, self.value}
        for part in _parts(self.value):
            plain = unquote(part)
            if part and part not in self.shown:
                found |= {part, plain}
            found |= {piece for piece in plain.split(",") if piece not in self.shown}
        for secret in self.secrets:
            found |= {unquote(secret), *secret.splitlines()}
        return {piece for piece in found if piece.strip()}


def _parts(url: str) -> Iterable[str]:
    """User, password, hosts, ports, database and options of a URL, as far as it is one."""
    try:
        split = urlsplit(url)
        login, _, place = split.netloc.rpartition("@")
        options = [value for _, value in parse_qsl(split.query)]
    except ValueError:
        return url.replace("/", ":").replace("@", ":").split(":")
    hosts = [part for host in place.split(",") for part in (host, *host.rsplit(":", 1))]
    return [*login.split(":", 1), *hosts, split.path.lstrip("/"), split.path.rpartition("/")[2], *options]
