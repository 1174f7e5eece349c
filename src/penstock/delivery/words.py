"""What the API said in its own words, made fit to stand beside ours: one line, short, without secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import orjson

from penstock.model.delivery import Connection, Reply

LONGEST = 300  # characters of the API's own words
READ = 100_000  # characters in which words are looked for
MASK = "•••"
HTML_START = re.compile(rb"\s*<(!doctype\s+html|html)", re.IGNORECASE)
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^>]*>")
UNREADABLE = object()  # what `parse` answers for a body that is not JSON


@dataclass(frozen=True, slots=True)
class Voice:
    """Whose words are quoted, and what must never stand in them."""

    api: str = "Custify"
    secrets: tuple[str, ...] = ()

    def quote(self, status: int | None, words: str) -> str:
        """`422: email is not valid (Custify)`; without words the name of the status."""
        said = clean(words, self.secrets)
        if status is None:
            return f"{said or 'refused without a reason'} ({self.api})"
        return f"{status}: {said} ({self.api})" if said else f"{status} {phrase(status)}".rstrip()

    def clean(self, text: str) -> str:
        """One short line without secrets."""
        return clean(text, self.secrets)


def voice_of(connection: Connection) -> Voice:
    """The voice of a credential: its key and the values of its headers are secrets."""
    secrets = [connection.api_key or "", *connection.headers.values()]
    known = {form for secret in secrets if len(secret) >= 4 for form in (secret, quote(secret, safe=""))}
    return Voice(connection.api, tuple(sorted(known, key=len, reverse=True)))


def parse(body: bytes) -> object:
    """The JSON of a body; UNREADABLE when it is not JSON. An empty body is null."""
    if not body or body.isspace():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return UNREADABLE


def is_html(reply: Reply, *, xml: bool = False) -> bool:
    """Whether the reply is a page for people (a login page, a proxy's) and not an API's. `xml`: XML is expected."""
    content_type = reply.headers.get("content-type", "").lower()
    if "html" in content_type or HTML_START.match(reply.body):
        return True
    return not xml and "xml" not in content_type and reply.body.lstrip()[:1] == b"<"


def own_words(reply: Reply) -> str:
    """Custify publishes no shape of errors; Make's module reads error.message, else message, else error."""
    if is_html(reply):
        title = TITLE.search(reply.text[:READ])
        return f"{title.group(1).strip()} (an HTML page)" if title else "an HTML page"
    data = parse(reply.body)
    if data is UNREADABLE:
        return TAG.sub(" ", reply.text[:READ])
    return words_in(data) or (reply.text[:READ] if data else "")


def words_in(data: object) -> str:
    """The message in a JSON value; "" when there is none."""
    if isinstance(data, str):
        return data
    if isinstance(data, Mapping):
        for name in ("error", "message", "msg", "detail", "reason", "errors"):
            said = words_in(data.get(name))
            if said and not (name == "error" and isinstance(data["error"], str) and _better(data)):
                return said
        return ""
    if isinstance(data, Sequence):
        return "; ".join(filter(None, (words_in(item) for item in data[:5])))
    return ""


def _better(data: Mapping[str, object]) -> bool:
    """`{"error": "Bad Request", "message": "email is not valid"}`: the message says more."""
    return isinstance(data.get("message"), str) and data["message"] != ""


def clean(text: str, secrets: Sequence[str] = ()) -> str:
    """One line without control characters and secrets, at most LONGEST characters."""
    line = "".join(character if character.isprintable() else " " for character in text[:READ])
    line = " ".join(line.split())
    for secret in secrets:
        line = line.replace(secret, MASK)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def phrase(status: int) -> str:
    """`404` → `Not Found`; "" for a number nobody knows."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
