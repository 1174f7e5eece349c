"""Structured logs: one line per event, as JSON or as text for people, without secrets.

`start_logs` also formats the log lines of libraries, such as the web server.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TextIO

from penstock.model.errors import InputError, Problem
from penstock.model.events import EVENTS, NO_SPAN, Span

LEVEL_VARIABLE = "PENSTOCK_LOG_LEVEL"
FORMAT_VARIABLE = "PENSTOCK_LOG_FORMAT"
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("json", "console")
MASK = "***"
SHORTEST_SECRET = 6  # characters; a shorter one can occur in ordinary text
LOUD = ("uvicorn.access", "httpx", "httpcore", "alembic", "urllib3", "sqlalchemy", "apprise", "asyncio")
_PRIVATE = re.compile(r"passw|secret|token|authorization|api.?key|cookie|csrf|signature", re.IGNORECASE)
_SHAPES = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {MASK}"),
    (re.compile(r"(\w+://[^\s/:@]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"(?i)([?&#](?:key|token|api_?key|secret|password|signature|code|state)=)[^\s&\"']+"), rf"\1{MASK}"),
)


@dataclass(slots=True)
class Redactor:
    """Removes secrets from events: known secrets by value, others by the name of the field or by their form."""

    _known: set[str] = field(default_factory=set)

    def learn(self, secret: str | None) -> None:
        if secret is not None and len(secret) >= SHORTEST_SECRET:
            self._known.add(secret)

    def clean(self, value: Any, name: str = "") -> Any:
        """The value without secrets, also inside lists and mappings."""
        if name and _PRIVATE.search(name) and value is not None and not isinstance(value, bool):
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(key): self.clean(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean(inner) for inner in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))

    def text(self, text: str) -> str:
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, MASK)
        for shape, shown in _SHAPES:
            text = shape.sub(shown, text)
        return text


@dataclass(frozen=True, slots=True)
class LogEvents:
    """Writes events as log lines."""

    logger: Any
    redactor: Redactor
    level: int

    def emit(self, event: str, /, **facts: Any) -> None:
        level = EVENTS[event].level
        if logging.getLevelNamesMapping()[level.upper()] >= self.level:
            getattr(self.logger, level)(event, **facts)

    def hide(self, secret: str | None) -> None:
        self.redactor.learn(secret)

    def span(self, _name: str, /, **_facts: Any) -> AbstractContextManager[Span]:
        return NO_SPAN


def start_logs(environ: Mapping[str, str], stream: TextIO | None = None) -> LogEvents:
    """Send all logging of this process to `stream` (default stderr), in the level and format of the environment.

    InputError for an unknown setting.
    """
    import structlog  # noqa: PLC0415 - only a service logs

    stream = sys.stderr if stream is None else stream
    level = logging.getLevelNamesMapping()[_word(environ, LEVEL_VARIABLE, LEVELS, "info").upper()]
    shape = _word(environ, FORMAT_VARIABLE, FORMATS, "console" if stream.isatty() else "json")
    redactor = Redactor()
    for name, value in environ.items():
        if _PRIVATE.search(name):
            redactor.learn(value)

    def clean(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: redactor.clean(value, key) for key, value in line.items()}

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    last: Any = (
        structlog.processors.JSONRenderer()
        if shape == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="at")
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, _of_library],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _plain_failure, clean, last],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in LOUD:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logger = structlog.wrap_logger(
        logging.getLogger("penstock"),
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return LogEvents(logger, redactor, level)


def _word(environ: Mapping[str, str], variable: str, known: tuple[str, ...], default: str) -> str:
    word = environ.get(variable, "").strip().lower() or default
    if word not in known:
        hint = f"write one of {', '.join(known)}"
        raise InputError(Problem(variable, f"{variable} has an unknown value", "wrong-value", hint, found=word))
    return word


def _of_library(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Gives a line of a library, which has no event name, the event `log.<logger>`; its text is the message."""
    record: logging.LogRecord = line["_record"]
    line["message"] = line.pop("event", "")
    line["event"] = "defect" if record.name == "penstock.api" else f"log.{record.name}"
    return line


def _plain_failure(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Logs an exception by its type and place, because its message can contain a record or a secret."""
    found = line.pop("exc_info", None)
    line.pop("exc_text", None)
    if isinstance(found, tuple) and found[0] is not None:
        frames = []
        trace = found[2]
        while trace is not None:
            frames.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
            trace = trace.tb_next
        line["error"] = found[0].__name__
        line["places"] = frames[-8:]
    return line
