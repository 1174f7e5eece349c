"""SQL as text: a place in it as line, column and caret, names quoted, a query as a part of another."""

from __future__ import annotations

import re

LONGEST = 80  # characters of what an error shows as found
END = re.compile(r"[;\s]*;\s*(--[^\n']*\s*)*\Z")
MISSING_COLUMN = re.compile(r'(?:Referenced column|does not have a column named) "([^"]+)"')  # DuckDB's words
EARLY_COLUMN = re.compile(r'Column "([^"]+)" referenced that exists in the SELECT clause')  # `lower(plan) as plan`
WORD = re.compile(r"[\w.]+|\"[^\"]*\"")
PLACE = re.compile(r"line (\d+), column (\d+) of the SQL: ")
PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^@\s]*(?=@)")


def pointed(words: str, sql: str, offset: int) -> str:
    """A database's words about the place `offset` (characters, 0-based): where it is, its line, a caret below."""
    offset = max(0, min(offset, len(sql)))
    line = sql.count("\n", 0, offset) + 1
    start = sql.rfind("\n", 0, offset) + 1
    column = offset - start
    end = sql.find("\n", start)
    text = sql[start : end if end >= 0 else len(sql)]
    cut = max(0, column - 60)
    shown, caret = text[cut : cut + 120].replace("\t", " "), " " * (column - cut) + "^"
    return f"line {line}, column {column + 1} of the SQL: {words}\n  {shown}\n  {caret}"


def place_in(words: str) -> tuple[int, int] | None:
    """The line and column, from 1, that words of `pointed` speak of."""
    found = PLACE.match(words)
    return None if found is None else (int(found[1]), int(found[2]))


def word_at(sql: str, offset: int) -> str | None:
    """The word, or else the one character, at this place of the SQL."""
    rest = sql[max(0, min(offset, len(sql))) :]
    match = WORD.match(rest)
    return match[0] if match else rest[:1] or None


def bare(query: str) -> str:
    """A query without the semicolon at its end, and the comments after it."""
    return END.sub("", query.rstrip())


def part(query: str) -> str:
    """A query as a table in another; the line feed ends a comment on its last line."""
    return f"({bare(query)}\n) as source"


def quoted(name: str, mark: str = '"') -> str:
    """One name, quoted for SQL."""
    return mark + name.replace(mark, mark * 2) + mark


def quoted_table(name: str, mark: str = '"') -> str:
    """A table's name, perhaps with its schema before a point; parts already quoted stay as they are."""
    parts = re.findall(r'"(?:[^"]|"")*"|[^.]+', name)
    return ".".join(piece if piece.startswith('"') and mark == '"' else quoted(piece, mark) for piece in parts)


def shortened(text: str) -> str:
    """Text on one line, for `found`."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def redacted(text: str, url: str) -> str:
    """A driver's words without the password of `url`."""
    found = re.search(r"://[^/@\s:]*:([^@\s]*)@", url)
    hidden = text.replace(url, PASSWORD.sub(r"\1:…", url))
    return hidden.replace(found[1], "…") if found and len(found[1]) > 3 else hidden
