"""The body of a post as the JSON texts of its records: one object, a list, NDJSON or XML. All of it, or nothing."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

from penstock.sources.typing.exact_json import DEEPEST, TOO_DEEP, NotJson, json_text, refuse_surrogates, scan, word

BLANKS = " \t\r\n"
MOST_REPORTED = 20  # wrong records
SHOWN = 60  # characters of a content type
XML = frozenset({"application/xml", "text/xml"})
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})


FORM = "application/x-www-form-urlencoded"
JSON_WAY = "send JSON with Content-Type: application/json"
WAYS = {  # out of a content type whose bodies are not taken
    FORM: f"{JSON_WAY} (GitHub: set the webhook's content type to application/json)",
    "multipart/": f"{JSON_WAY}; files and forms are not taken",
    "text/csv": f"{JSON_WAY}, or read the CSV file with a source of type file",
}


class BodyFault(NamedTuple):
    """One thing that is wrong with a body: the 1-based line, or None, and why; `hint` is the fix, if there is one
    besides correcting it.
    """

    line: int | None
    reason: str
    hint: str = ""


class BadBody(ValueError):  # noqa: N818 - it says what the body is
    """A body of which nothing is accepted; wrong records are reported, up to a limit."""

    def __init__(self, *faults: BodyFault) -> None:
        super().__init__("; ".join(each.reason for each in faults))
        self.faults = faults


class TooLarge(ValueError):  # noqa: N818
    """More bytes than are allowed, or would be when unpacked."""


class TooMany(Exception):  # noqa: N818
    """More records than one post may have."""


class PostedTexts(list[str]):
    """The records of a post found so far. `append` raises TooMany when there are `most` already."""

    def __init__(self, most: int | None) -> None:
        super().__init__()
        self.most = most

    def append(self, record: str) -> None:
        if self.most is not None and len(self) >= self.most:
            raise TooMany
        super().append(record)


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """The body without its gzip, never more than `most` bytes. Raises BadBody or TooLarge."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise BadBody(BodyFault(None, f"the content encoding {encoding[:40]} is not known here: gzip, or none"))
    out = bytearray()
    while body:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            out += unpacker.decompress(body, most - len(out) + 1)
        except zlib.error:
            raise BadBody(BodyFault(None, "the body is not gzip")) from None
        if len(out) > most:
            raise TooLarge
        if not unpacker.eof:
            raise BadBody(BodyFault(None, "the gzip breaks off"))
        body = unpacker.unused_data
    return bytes(out)


def records_of(body: bytes, content_type: str = "", most: int | None = None) -> list[str]:
    """The JSON texts of the records, as they were posted. Raises BadBody, or TooMany where there are more than `most`.

    Where `content_type` does not decide, the first character does.
    """
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    if kind in XML or kind.endswith("+xml"):
        return _xml(body, most)
    if body.lstrip()[:1] == b"<":
        try:
            return _xml(body, most)
        except BadBody as bad:
            raise _not_taken(kind, bad) from None
    text = _text(body, parameters)
    if kind in NDJSON:
        return _lines(text, most)
    if kind == "application/json" or kind.endswith("+json"):
        return _document(text, most)
    try:
        return _document(text, most)
    except BadBody as bad:
        first, _, rest = text.strip(BLANKS).partition("\n")
        if not rest or _fault(first) is not None:
            raise _not_taken(kind, bad) from None
        return _lines(text, most)


def _not_taken(kind: str, bad: BadBody) -> BadBody:
    """Why a body is refused when neither its content type nor its content is JSON or XML."""
    if not kind:
        return bad
    way = next((way for name, way in WAYS.items() if kind.startswith(name)), JSON_WAY)
    reason = f"a body of the content type {kind[:SHOWN]} is not taken, and this is no JSON: {bad.faults[0].reason}"
    return BadBody(BodyFault(bad.faults[0].line, reason, way))


def _text(body: bytes, parameters: str) -> str:
    charset = parameters.partition("charset=")[2].split(";")[0].strip(' "')
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise BadBody(BodyFault(None, f"the charset {charset[:40]} is not UTF-8"))
    try:
        return body.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise BadBody(BodyFault(line, f"byte {error.start + 1} of the body is not UTF-8")) from None


def _document(text: str, most: int | None) -> list[str]:
    """One object, or a list of objects."""
    start = _blanks(text, 0)
    found = PostedTexts(most)
    try:
        read = _list if text[start : start + 1] == "[" else _record
        _nothing_follows(text, read(text, start, found))
    except NotJson as error:
        line = None if error.at is None else text.count("\n", 0, error.at) + 1
        raise BadBody(BodyFault(line, str(error))) from None
    return found


def _list(text: str, start: int, found: list[str]) -> int:
    """The items of the list that begins at `start`; where it ends."""
    at = _blanks(text, start + 1)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        at = _blanks(text, _record(text, at, found))
        sign = text[at : at + 1]
        if sign == "]":
            return at + 1
        if sign != ",":
            raise NotJson("a comma or the end of the list is missing", at)
        at = _blanks(text, at + 1)


def _record(text: str, start: int, found: list[str]) -> int:
    value, end = scan(text, start)
    if not isinstance(value, dict):
        raise NotJson(f"{word(value)}, where a record is an object {{…}}", start)
    record = text[start:end]
    if "\\u" in record:
        refuse_surrogates(value)
    found.append(record)
    return end


def _lines(text: str, most: int | None) -> list[str]:
    """An object a line; blank lines do not count. Every wrong line is reported."""
    found = PostedTexts(most)
    faults: list[BodyFault] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip(BLANKS):
            reason = _fault(line, found)
            if reason is not None:
                faults.append(BodyFault(number, reason))
    if faults:
        raise BadBody(*faults[:MOST_REPORTED])
    return found


def _fault(line: str, found: list[str] | None = None) -> str | None:
    """Why a line is no record; None when it is one, which is added to `found`."""
    try:
        _nothing_follows(line, _record(line, _blanks(line, 0), [] if found is None else found))
    except NotJson as error:
        return str(error)
    return None


def _nothing_follows(text: str, end: int) -> None:
    end = _blanks(text, end)
    if end < len(text):
        raise NotJson("something follows the JSON value", end)


def _blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in BLANKS:
        at += 1
    return at


def _xml(body: bytes, most: int | None) -> list[str]:
    """The records of an XML document: the children of the root when they are alike and have members, else the root."""
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415 - few post XML
    from defusedxml.ElementTree import ParseError, fromstring  # noqa: PLC0415

    try:
        root = fromstring(body, forbid_dtd=True)
        children = list(root)
        alike = len({child.tag for child in children}) == 1 and all(len(child) for child in children)
        records = children if alike and not root.attrib else [root]
        found = PostedTexts(most)
        for value in map(_value, records):
            found.append(json_text(value if isinstance(value, dict) else {"#text": value}))
    except ParseError as error:
        raise BadBody(BodyFault(error.position[0], f"this is not XML: {error.msg}")) from None
    except DefusedXmlException:
        raise BadBody(BodyFault(None, "XML with a document type or entities is not taken")) from None
    except (NotJson, ValueError, LookupError) as error:
        raise BadBody(BodyFault(None, f"this XML cannot be taken: {error}")) from None
    return found


def _value(element: Any, depth: int = 1) -> object:
    """An element as JSON: members by name, several of a name as a list, attributes as `@name`; text stays text."""
    if depth > DEEPEST:
        raise NotJson(TOO_DEEP)
    text = element.text or ""
    if element.attrib.get(NIL) in ("true", "1"):
        return None
    members: dict[str, Any] = {f"@{_name(name)}": value for name, value in element.attrib.items() if name != NIL}
    several: set[str] = set()
    for child in element:
        name, value = _name(child.tag), _value(child, depth + 1)
        if name in several:
            members[name].append(value)
        elif name in members:
            members[name] = [members[name], value]
            several.add(name)
        else:
            members[name] = value
    if not members:
        return text
    if text.strip(BLANKS):
        members["#text"] = text
    return members


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
