"""A JSON list taken apart item by item, in bounded memory, however long it is."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from penstock.sources.exact_json import NotJson, scan

LONGEST_ITEM = 1 << 27  # characters
BLANKS = " \t\r\n"


class BadItem(ValueError):  # noqa: N818 - it names what was met
    """The text is no JSON list; `line` says where, `hint` what to write."""

    def __init__(self, line: int, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.line = line
        self.hint = hint


class _Text:
    """The part of the text that was read and not used up."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.held = ""
        self.at = 0
        self.line = 1

    def more(self) -> bool:
        """Read at least as much as is held, so that an item of any length costs linear time; False at the end."""
        parts, wanted = [self.held[self.at :]], max(len(self.held) - self.at, 1)
        read = 0
        while read < wanted:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(self._decoder.decode(block))
            read += len(parts[-1])
        self.held, self.at = "".join(parts), 0
        return read > 0

    def use(self, end: int) -> None:
        self.line += self.held.count("\n", self.at, end)
        self.at = end

    def peek(self) -> str:
        """The next character that is no blank, or nothing at the end."""
        while True:
            end = self.at
            while end < len(self.held) and self.held[end] in BLANKS:
                end += 1
            self.use(end)
            if end < len(self.held):
                return self.held[end]
            if not self.more():
                return ""

    def item(self) -> object:
        """The value that begins here. Raises BadItem."""
        while True:
            try:
                value, end = scan(self.held, self.at)
            except NotJson as error:
                line = self.line + (self.held.count("\n", self.at, error.at) if error.at is not None else 0)
                long = len(self.held) - self.at > LONGEST_ITEM
                if _certain(error, len(self.held)) or long or not self.more():
                    raise BadItem(line, error.reason) from None
                continue
            self.use(end)
            return value


def list_items(blocks: Iterator[bytes]) -> Iterator[tuple[int, object, int]]:
    """The items of a JSON list: the line each begins in, its value, and its length in characters. Raises BadItem."""
    text = _Text(blocks)
    if text.peek() != "[":
        hint = "write one list of objects; for one object a line write format: ndjson"
        raise BadItem(text.line, "a list of objects […] must begin here", hint)
    text.use(text.at + 1)
    first = True
    while (found := text.peek()) != "]" or not first:
        if not found:
            raise BadItem(text.line, "the list breaks off here")
        if not first:
            if found == "]":
                break
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
    if text.peek():
        raise BadItem(text.line, "something follows the end of the list")


def _certain(error: NotJson, held: int) -> bool:
    """Whether more text cannot heal the error: it stands well before the end of what is held."""
    if error.at is None:
        return True
    return error.at < held - 16 and "nterminated" not in error.reason
