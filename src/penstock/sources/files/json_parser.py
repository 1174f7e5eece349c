"""A JSON parser of files of records: one record, or the items of a list of any length, in bounded memory.

It is tolerant, so that one wrong value quarantines only its own record: a name that occurs twice in an object, NaN and
Infinity, a value that is nested too deeply and a number of too many digits are Unfit values in an otherwise exact
record. Text that is not JSON (an incomplete line) raises NotJson.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from penstock.bounds import bounds, in_megabytes
from penstock.sources.typing.exact_json import (
    DEEPEST,
    TOO_DEEP,
    NotJson,
    Unfit,
    is_deeper,
    json_text,
    number_of,
    parse_by,
    refuse_many,
)

SHOWN = 200  # characters of a value that are stored
DEEPEST_LIST = 3  # objects around a list that is suggested
BLANKS = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)
_OPEN, _CLOSE = frozenset("[{"), frozenset("]}")


class _Deep(NamedTuple):
    """A member of the record that is nested too deeply, and the position of its value."""

    name: str
    start: int
    end: int


def parse_record(text: str) -> object:
    """The value of one JSON document. Raises NotJson."""
    return parse_by(scan_record, text)


def scan_record(text: str, start: int) -> tuple[object, int]:
    """The value that begins at `start`, and where it ends. Raises NotJson."""
    try:
        value, end = _scanned(text, start)
    except RecursionError:
        return _shallow(text, start)
    if text.count("[", start, end) + text.count("{", start, end) > DEEPEST and is_deeper(value):
        return _marked(value, text[start:end]), end
    return value, end


def _scanned(text: str, start: int) -> tuple[object, int]:
    try:
        return _scan(text, start)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.pos) from None
    except StopIteration as error:
        raise NotJson("a JSON value is missing", error.value) from None
    except ValueError:  # a whole number of more digits than Python reads at once
        return _scan_long(text, start)


def _marked(value: object, text: str) -> object:
    """The record with its too deep members as Unfit values."""
    if not isinstance(value, dict):
        raise NotJson(TOO_DEEP)
    return {
        name: Unfit(text[:SHOWN], TOO_DEEP) if is_deeper({name: member}) else member for name, member in value.items()
    }


def _shallow(text: str, start: int) -> tuple[object, int]:
    """A record that is too deep to be read at once: its deep members are cut out first."""
    deep, end = _deep_members(text, start)
    pieces, at = [], start
    for member in deep:
        pieces += [text[at : member.start], "null"]
        at = member.end
    cut = "".join([*pieces, text[at:end]])
    try:
        value, _ = _scanned(cut, 0)
    except RecursionError:
        raise NotJson(TOO_DEEP) from None
    if not isinstance(value, dict):
        raise NotJson(TOO_DEEP)
    return {**value, **{m.name: Unfit(text[m.start : m.start + SHOWN], TOO_DEEP) for m in deep}}, end


def _deep_members(text: str, start: int) -> tuple[list[_Deep], int]:
    found: list[_Deep] = []
    depth, deepest, begun, name = 0, 0, start, ""
    for token in _TOKEN.finditer(text, start):
        sign = token[0]
        if sign in _OPEN:
            depth += 1
            deepest = max(deepest, depth)
            if depth == 2:
                begun, deepest = token.start(), depth
        elif sign in _CLOSE:
            depth -= 1
            if depth == 1 and deepest > DEEPEST:
                found.append(_Deep(name, begun, token.end()))
            if depth == 0:
                return found, token.end()
        elif depth == 1 and sign[0] == '"':
            name = str(json.loads(sign, strict=False)) if token.end() < len(text) else name
    raise NotJson("Unterminated nesting", len(text))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: dict[str, list[object]] = {}
    for name, value in pairs:
        seen.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else _name_twice(name, values) for name, values in seen.items()}


def _name_twice(name: str, values: list[object]) -> Unfit:
    shown = ", ".join(f'"{name}":{_shown_text(value)}' for value in values)
    return Unfit(shown[:SHOWN], f'the name "{name}" occurs twice in one object')


def _shown_text(value: object) -> str:
    try:
        return json_text(value)
    except NotJson:
        return "…"


def _constant(text: str) -> Unfit:
    return Unfit(text, f"{text} is not JSON")


def _whole(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        return Unfit(text[:SHOWN], "a whole number of more than 4300 digits")


_decoder: Any = json.JSONDecoder(object_pairs_hook=_object, parse_float=number_of, parse_constant=_constant)
_long_decoder: Any = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=number_of, parse_constant=_constant, parse_int=_whole
)
_scan: Callable[[str, int], tuple[object, int]] = _decoder.scan_once
_scan_long: Callable[[str, int], tuple[object, int]] = _long_decoder.scan_once


# ── lists ─────────────────────────────────────────────────────────────────────


class BadItem(ValueError):  # noqa: N818 - it names what was found
    """The text holds no JSON list there; `line` is where, `hint` what to write."""

    def __init__(self, line: int, reason: str, hint: str = "", code: str = "torn-file") -> None:
        super().__init__(reason)
        self.line = line
        self.hint = hint
        self.code = code


class _Text:
    """The part of the text that was read and not used up."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._most = bounds().cell  # characters of an item, and of blanks between items
        self.text = ""
        self.at = 0
        self.line = 1

    def more(self) -> bool:
        """Read at least as much as is buffered, so that a long item costs linear time; False at the end.

        Reads no more than is needed to detect an item that is too long.
        """
        left = len(self.text) - self.at
        parts, wanted = [self.text[self.at :]], max(min(left, self._most + 1 - left), 1)
        read = 0
        while read < wanted:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(self._decoder.decode(block))
            read += len(parts[-1])
        self.text, self.at = "".join(parts), 0
        return read > 0

    def use(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def peek(self) -> str:
        """The next character that is no blank, or nothing at the end."""
        blanks, line = 0, self.line
        while True:
            found = BLANKS.match(self.text, self.at)
            end = self.at if found is None else found.end()
            blanks += end - self.at
            self.use(end)
            if end < len(self.text):
                return self.text[end]
            if blanks > self._most:
                raise self.too_long(line)
            if not self.more():
                return ""

    def too_long(self, line: int) -> BadItem:
        reason = f"what begins here is longer than {in_megabytes(self._most)}"
        return BadItem(line, reason, "a quote or a bracket may be missing", "too-long")

    def item(self) -> object:
        """The value that begins here. Raises BadItem."""
        while True:
            try:
                value, end = scan_record(self.text, self.at)
            except NotJson as error:
                line = self.line + (self.text.count("\n", self.at, error.at) if error.at is not None else 0)
                certain = _certain(error, len(self.text))
                if not certain and len(self.text) - self.at > self._most:
                    raise self.too_long(self.line) from None
                if certain or not self.more():
                    raise BadItem(line, error.reason) from None
                self._refuse_many()
                continue
            if end - self.at > self._most:
                raise self.too_long(self.line)
            self.use(end)
            return value

    def _refuse_many(self) -> None:
        """Raise BadItem while an item that is not whole yet already has more values than may be built."""
        try:
            refuse_many(self.text, self.at)
        except NotJson as error:
            raise BadItem(self.line, error.reason, code="too-long") from None


def list_items(blocks: Iterator[bytes], path: str | None = None) -> Iterator[tuple[int, object, int]]:
    """The items of a JSON list: the line each begins in, its value, and its length in characters. Raises BadItem.

    `path` names the member of an object that holds the list; dots lead into objects. Null, and a text of blanks, are an
    empty list.
    """
    text = _Text(blocks)
    if not text.peek():
        return
    depth = 0 if path is None else _enter(text, path)
    if path is not None and text.peek() != "[":
        line = text.line
        if text.item() is not None:
            raise BadItem(line, f"the member {path} is no list", "name a member that holds a list of objects")
    else:
        yield from _items(text)
    for _ in range(depth):
        while _next_member(text) is not None:
            _skip(text)
    if text.peek():
        raise BadItem(text.line, f"something follows the end of the {'list' if path is None else 'object'}")


def lists_within(blocks: Iterator[bytes]) -> dict[str, int]:
    """The lists of objects that a JSON object holds, by their paths, with their lengths. Raises BadItem."""
    text = _Text(blocks)
    found: dict[str, int] = {}
    _begin_object(text, "object")
    while (name := _next_member(text)) is not None:
        if text.peek() == "[":
            count = sum(1 for _, item, _ in _items(text) if isinstance(item, dict))
            if count:
                found[name] = count
        else:
            found.update(lists_of(text.item(), f"{name}."))
    return found


def lists_of(value: object, prefix: str = "") -> dict[str, int]:
    """The same of a value that was read."""
    found: dict[str, int] = {}
    for name, member in value.items() if isinstance(value, dict) else ():
        if isinstance(member, list) and any(isinstance(item, dict) for item in member):
            found[f"{prefix}{name}"] = len(member)
        elif isinstance(member, dict) and prefix.count(".") < DEEPEST_LIST:
            found.update(lists_of(member, f"{prefix}{name}."))
    return found


def _items(text: _Text) -> Iterator[tuple[int, object, int]]:
    """The items of the list that must begin here."""
    if text.peek() != "[":
        hint = "write one list of objects; for one object a line write format: ndjson"
        raise BadItem(text.line, "a list of objects […] must begin here", hint)
    text.use(text.at + 1)
    first = True
    while (found := text.peek()) != "]":
        if not found:
            raise BadItem(text.line, "the list breaks off here")
        if not first:
            if found != ",":
                raise BadItem(text.line, "a comma or the end of the list is missing here")
            text.use(text.at + 1)
            if not text.peek():
                raise BadItem(text.line, "the list breaks off here")
        line, start = text.line, text.at
        value = text.item()
        yield line, value, max(text.at - start, 1)
        first = False
    text.use(text.at + 1)


def _enter(text: _Text, path: str) -> int:
    """Read up to the value of the member that `path` names; returns how many objects are open then."""
    rest, depth = path, 0
    while True:
        _begin_object(text, f"object with the member {rest}")
        depth += 1
        lists: list[str] = []
        while (name := _next_member(text)) is not None:
            if name == rest:
                return depth
            if rest.startswith(f"{name}.") and text.peek() == "{":
                rest = rest[len(name) + 1 :]
                break
            if _skip(text):
                lists.append(name)
        else:
            hint = f"the lists here: {', '.join(lists[:12])}" if lists else "there is no list here"
            raise BadItem(text.line, f"there is no member {rest}", hint)


def _begin_object(text: _Text, what: str) -> None:
    if text.peek() != "{":
        raise BadItem(text.line, f"an {what} must begin here")
    text.use(text.at + 1)


def _next_member(text: _Text) -> str | None:
    """The name of the next member of the object, read up to its value; None when the object ends here."""
    found = text.peek()
    if found == ",":
        text.use(text.at + 1)
        found = text.peek()
    elif found == "}":
        text.use(text.at + 1)
        return None
    name = text.item() if found == '"' else None
    if not isinstance(name, str) or text.peek() != ":":
        raise BadItem(
            text.line, "the object breaks off here" if not found else "a member of the object must begin here"
        )
    text.use(text.at + 1)
    text.peek()
    return name


def _skip(text: _Text) -> bool:
    """Read over a value; whether it is a list with an object in it."""
    if text.peek() == "[":
        return any([isinstance(item, dict) for _, item, _ in _items(text)])  # noqa: C419 - to its end
    text.item()
    return False


def _certain(error: NotJson, length: int) -> bool:
    """Whether more text cannot resolve the error: it is well before the end of the buffer."""
    if error.at is None:
        return True
    return error.at < length - 16 and "nterminated" not in error.reason
