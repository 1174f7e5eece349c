"""Macros in URLs and header values: `{record.x}`, `{run.id}`, `{now}` and `{now:%Y-%m-%d}`.

Macros are read once from the project file's text and never from data. The text that a record or a doubled brace (`{{`,
`}}`) inserts can therefore not be taken for a macro later: in a URL its braces are percent-encoded, and in a header an
opening brace is followed by NUL, a character that no header may hold; `finish` and `shown` remove it.
`{run.id}` and `{now…}` differ in every request, so `finish` replaces them just before sending.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import quote

from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Refusal
from penstock.model.record import Request
from penstock.render.values.numbers import float_text

Place = Literal["url", "header"]
Replace = Callable[[re.Match[str]], str]

_MARK = "{\0"
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_LATER = re.compile(r"\{(?:(\0)|run\.id\}|now(?::([^{}]*))?\})")
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES = frozenset("aAwdbBmyYHIpMSfzZjUWcxXGuV%")  # those of Python's documentation: the same on every system
_CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f]")
_KNOWN = "{record.COLUMN}, {run.id}, {now} or {now:%Y-%m-%d}"


class LiteralText(NamedTuple):
    """Literal text, escaped for its place."""

    text: str


class DelayedMacro(NamedTuple):
    """A macro that `finish` replaces, as it was written."""

    text: str


class Attribute(NamedTuple):
    """`{record.<path>}`."""

    path: str


Part = LiteralText | DelayedMacro | Attribute


@dataclass(frozen=True, slots=True)
class Macros:
    """A URL or header value cut at its macros.

    `fields` are the record attributes it names; `volatile` says that it holds `{run.id}` or `{now…}`.
    """

    parts: tuple[Part, ...]
    place: Place

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.path for part in self.parts if isinstance(part, Attribute)))

    @property
    def volatile(self) -> bool:
        return any(isinstance(part, DelayedMacro) for part in self.parts)

    def expand_record(self, values: Mapping[str, object]) -> str | Refusal:
        """The text with every `{record.x}` replaced from `values`, column → value with nested values as Python.

        Refused: an attribute that is absent or null, one that is a list or object, control characters in a header, and
        in a URL's path an empty segment, `.` or `..`, which would lead to another endpoint.
        """
        pieces: list[str] = []
        for part in self.parts:
            if isinstance(part, Attribute):
                text = self._value_text(part.path, values)
                if isinstance(text, Refusal):
                    return text
                pieces.append(text)
            else:
                pieces.append(part.text)
        if self.place == "url" and (refusal := self._path_problem(pieces)) is not None:
            return refusal
        return "".join(pieces)

    def _value_text(self, path: str, values: Mapping[str, object]) -> str | Refusal:
        found = lookup(path, values)
        text = None if found is None else _scalar(found)
        if text is None:
            what = "is absent or null" if found is None else "has no form in one line of text"
            reason = f"{{record.{path}}} in the {self.place}: the attribute {what}"
            return Refusal("macro", reason, path, None if found is None else str(found)[:80], "a text or a number")
        if self.place == "url":
            return quote(text, safe="")
        if _CONTROL.search(text):
            reason = f"{{record.{path}}} in a header: control characters such as CR and LF would forge headers"
            return Refusal("macro", reason, path, ascii(text)[:80], "one line of text")
        return text.replace("{", _MARK)

    def _path_problem(self, pieces: Sequence[str]) -> Refusal | None:
        """Why the finished path would lead elsewhere, if a record's value empties a segment or makes it `.` or `..`."""
        written = ["x" if isinstance(part, Attribute) else part.text for part in self.parts]
        for before, after in zip(_segments(written), _segments(pieces), strict=True):
            if before != after and after in {"", ".", ".."}:
                reason = f"the URL's path would hold a segment {after!r}, which leads to another endpoint"
                return Refusal("macro", reason, self.fields[0], after, "a text that is neither empty nor dots")
        return None


class RecordAddress(NamedTuple):
    """The URL and headers of one record's request; None where they are those of every request.

    `content` is what they add to the record's content, which is compared with what was delivered.
    """

    url: str | None
    headers: tuple[tuple[str, str], ...] | None
    content: bytes


@dataclass(frozen=True, slots=True)
class RequestAddress:
    """Macros of URL and headers that differ per record; `columns` are what they read.

    `idempotency` is a further header, beside `headers` or, if these do not differ, `same`. It is no content: a record
    is not sent again because its request has this header now.
    """

    url: Macros | None = None
    headers: tuple[tuple[str, Macros], ...] = ()
    columns: tuple[str, ...] = ()
    idempotency: tuple[str, Macros] | None = None
    same: tuple[tuple[str, str], ...] = ()

    def expand_record(self, values: Mapping[str, object]) -> RecordAddress | Refusal:
        """The address of a record, or why it has none: as `Macros.expand_record`, or an empty idempotency header."""
        url = None if self.url is None else self.url.expand_record(values)
        if isinstance(url, Refusal):
            return url
        headers: list[tuple[str, str]] = []
        for name, macros in self.headers:
            text = macros.expand_record(values)
            if isinstance(text, Refusal):
                return text
            headers.append((name, text))
        own = tuple(headers) if headers else None
        content = b"" if url is None and own is None else repr((url, own)).encode()
        if self.idempotency is None:
            return RecordAddress(url, own, content)
        name, macros = self.idempotency
        value = macros.expand_record(values)
        if isinstance(value, Refusal):
            return value
        if not value.strip():
            reason = f"the header {name} would be empty, so it would not identify the record"
            return Refusal("macro", reason, macros.fields[0], value, "a text that is not empty")
        return RecordAddress(url, (*(self.same if own is None else own), (name, value)), content)


def _segments(pieces: Sequence[str]) -> list[str]:
    return re.split(r"[?#]", "".join(pieces), maxsplit=1)[0].split("/")


def parse_macros(text: str, place: Place = "url", *, path: str = "") -> Macros:
    """Read a URL or header value; `path` is its place in the project file, for messages.

    Raises InputError with every macro that is unknown or badly written. A URL's spaces and non-ASCII characters are
    percent-encoded here, so that a preview shows the bytes that a run sends.
    """
    parts: list[Part] = []
    problems: list[Problem] = []
    end = 0
    for found in _TOKEN.finditer(text):
        parts.append(_literal(text[end : found.start()], place))
        end = found.end()
        part = _part(found, place)
        if isinstance(part, tuple):
            parts.append(part)
        else:
            problems.append(
                Problem(path, part, "bad-macro", f"write {_KNOWN}; {{{{ and }}}} stand for braces", found[0])
            )
    parts.append(_literal(text[end:], place))
    if problems:
        raise InputError(*problems)
    return Macros(tuple(part for part in parts if part != LiteralText("")), place)


def _part(found: re.Match[str], place: Place) -> Part | str:
    """The part for a token, or the problem with it."""
    token, name = found[0], found[1]
    if token in {"{{", "}}"}:
        if re.match(r"\{\{\s*(record\.|run\.id|now\b)[^{}]*\}\}", found.string[found.start() :]):
            return "macros take one pair of braces, not two"
        return _literal(token[0], place)
    if name is None:
        return f"a single {token!r} opens or closes no macro"
    if name in {"run.id", "now"}:
        return DelayedMacro(token)
    if name.startswith("record.") and name.removeprefix("record."):
        return Attribute(name.removeprefix("record."))
    if name.startswith("now:"):
        wrong = [each for each in _DIRECTIVE.findall(name[4:] or "%") if each not in _DIRECTIVES]
        return f"{token} has an unknown date directive %{wrong[0]}" if wrong else DelayedMacro(token)
    return f"{token} is no macro"


def _literal(text: str, place: Place) -> LiteralText:
    if place == "header":
        return LiteralText(text.replace("{", _MARK))
    return LiteralText(quote(text, safe="!#$%&'()*+,/:;=?@[]~"))


def lookup(path: str, values: Mapping[str, object]) -> object | None:
    """The value that a dotted path leads to: a column of that exact name first, else into nested values."""
    if path in values:
        return values[path]
    place = len(path)
    while (place := path.rfind(".", 0, place)) > 0:
        inner = values.get(path[:place])
        if isinstance(inner, Mapping):
            return lookup(path[place + 1 :], inner)
    return None


def column_of(path: str, columns: Sequence[str]) -> str | None:
    """The column that a dotted path starts from, or None when there is none."""
    while path:
        if path in columns:
            return path
        path = path.rpartition(".")[0]
    return None


def _scalar(value: object) -> str | None:
    """A value as it would be in JSON, text without its quotes; None for what has no such form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = float_text(value)
        return text if isinstance(text, str) else None
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else None
    return None


def finish(request: Request, *, run: str, now: datetime) -> Request:
    """The request with `{run.id}` and `{now…}` (in UTC) replaced: what is sent, and what the log keeps."""
    stamps = _Stamps(run, now.astimezone(UTC))
    return _replaced(request, stamps.url, stamps.header)


def shown(request: Request) -> Request:
    """The request as a preview shows it: with `{run.id}` and `{now…}`, without the internal marks."""
    return _replaced(request, lambda found: found[0], lambda found: "{" if found[1] else found[0])


@dataclass(frozen=True, slots=True)
class _Stamps:
    run: str
    now: datetime

    def header(self, found: re.Match[str]) -> str:
        if found[1]:
            return "{"
        if found[0] == "{run.id}":
            return self.run
        if found[2] is not None:
            return self.now.strftime(found[2])
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def url(self, found: re.Match[str]) -> str:
        return quote(self.header(found), safe="")


@lru_cache(256)
def _has_stamp(headers: tuple[tuple[str, str], ...]) -> bool:
    return any("{" in value for _, value in headers)


def _replaced(request: Request, in_url: Replace, in_header: Replace) -> Request:
    if "{" not in request.url and not _has_stamp(request.headers):
        return request
    headers = tuple((name, _LATER.sub(in_header, value)) for name, value in request.headers)
    return replace(request, url=_LATER.sub(in_url, request.url), headers=headers)
