"""The grouping code of a person, run in isolation.

The code runs in Monty, a Python interpreter written from scratch that has no access to files, sockets, environment,
clock or imports of the host, with limits on time, memory and depth. The interpreter runs in a process of its own, so
that its crash is one failed batch. Every batch gets a fresh session: no batch sees what another one left, and the same
records always make the same bodies (random numbers are seeded, reading the clock is refused).
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from pydantic_monty import (
    Monty,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySession,
    MontySyntaxError,
    OSPolicy,
    ResourceLimits,
)

from penstock.model.errors import EnvironmentFailure, InputError, Problem
from penstock.model.outcome import Refusal

SIGNATURE = "def batch(records):"
MAX_OUTPUT = 16 * 1024 * 1024  # bytes of JSON that one batch may return; as Python objects it may take ten times that
MAX_DEPTH = 200  # calls, and levels of what is returned
_GRACE = 1.0  # seconds that the interpreter has to stop by itself before its process is killed
_POLICY = OSPolicy(datetime="call_host", sleep="zero", random_start={"seed": 0})
_USER = "<python-input-0>"  # Monty's name for the first text of a session, which is the user's code
_CALL = "import json as penstock_json\npenstock_json.dumps(batch(records), ensure_ascii=False, allow_nan=False)"


class CodeFailed(Exception):  # noqa: N818 - the code failed, not Penstock: the batch's records get this as their refusal
    """The code failed on these records; `reason` names the person's line, `line` is that line (1-based) if known."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line

    @property
    def refusal(self) -> Refusal:
        return Refusal("code", self.reason, accepted="a body, or a list of bodies")


class GroupingCode:
    """A person's `def batch(records): return body` (or a list of bodies), ready to be called.

    `seconds` is what one batch may take, `memory_mb` what the code may hold, `path` the code's place in the project
    file. Constructing it runs the code's top level once: code that does not compile, fails there or has no `batch`
    raises InputError (`bad-code`). Use as a context manager; `bodies` may be called from several threads, which then
    take turns.
    """

    def __init__(self, code: str, *, seconds: float = 5.0, memory_mb: int = 64, path: str = "") -> None:
        self._code = code
        self._seconds, self._memory_mb = seconds, memory_mb
        self._limits = ResourceLimits(
            max_feed_duration_secs=seconds, max_memory=memory_mb * 1024 * 1024, max_recursion_depth=MAX_DEPTH
        )
        self._line = _line_of_batch(code, path)
        self._pool: Monty | None = None
        with self:
            self._check(path)

    def __enter__(self) -> Self:
        pool = Monty(max_processes=1, request_timeout=self._seconds + 2 * _GRACE, feed_duration_limit_grace=_GRACE)
        try:
            pool.__enter__()
        except (OSError, RuntimeError, MontyError) as error:
            message = f"the sandbox for grouping code does not start: {error}"
            raise EnvironmentFailure(Problem("", message, "no-sandbox", "install pydantic-monty again")) from error
        self._pool = pool
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(kind, error, trace)

    def bodies(self, records: Sequence[Mapping[str, object]]) -> list[object]:
        """What the code makes of these records: one body, or several when it returns a list; never none.

        Records and bodies are what JSON can say; whole numbers of any size pass unharmed both ways. Raises CodeFailed.
        """
        try:
            with self._session() as session:
                session.feed_run(self._code, print_callback=_discard)
                text = session.feed_run(_CALL, inputs={"records": list(records)}, print_callback=_discard)
        except MontyError as error:
            raise self._failed(error) from error
        return self._checked(text)

    def _session(self) -> MontySession:
        if self._pool is None:
            raise RuntimeError("GroupingCode is used outside its with block")
        return self._pool.checkout(script_name="code", limits=self._limits, os_policy=_POLICY)

    def _checked(self, text: object) -> list[object]:
        if not isinstance(text, str) or len(text) > MAX_OUTPUT:
            raise CodeFailed(f"batch{self._where()} returned more than {MAX_OUTPUT} characters of JSON", self._line)
        try:
            value = json.loads(text, parse_constant=_not_json)
        except (ValueError, RecursionError) as error:
            raise CodeFailed(f"batch{self._where()} returned no JSON value: {error}", self._line) from error
        found = value if isinstance(value, list) else [value]
        if not found:
            raise CodeFailed(f"batch{self._where()} returned an empty list: its records would be lost", self._line)
        if None in found:
            raise CodeFailed(f"batch{self._where()} returned None: is a return missing?", self._line)
        return found

    def _check(self, path: str) -> None:
        try:
            with self._session() as session:
                session.feed_run(self._code, print_callback=_discard)
                kind = session.feed_run("str(type(batch))", print_callback=_discard)
        except MontyError as error:
            failed = self._failed(error)
            missing = isinstance(error.exception(), NameError) and "'batch'" in str(error)
            what = f"it lacks `{SIGNATURE}`" if missing else failed.reason
            raise _bad_code(path, what, _source(self._code, failed.line)) from error
        if kind != "<class 'function'>":
            raise _bad_code(path, "batch is not a function", None)

    def _failed(self, error: MontyError) -> CodeFailed:
        if isinstance(error, MontyCrashedError):
            ended = f"did not end within {self._seconds:g} s and was killed" if error.timed_out else "died"
            return CodeFailed(f"the sandbox process {ended} while it ran batch{self._where()}", self._line)
        inner, what = error.exception(), str(error)
        frames = error.traceback() if isinstance(error, (MontyRuntimeError, MontySyntaxError)) else []
        line = next((frame.line for frame in reversed(frames) if frame.filename == _USER), None)
        if isinstance(inner, TimeoutError):
            what = f"the code ran longer than {self._seconds:g} s"
        elif isinstance(inner, MemoryError):
            what = f"the code needed more memory than {self._memory_mb} MB"
        elif line is None and frames:
            return CodeFailed(f"what batch{self._where()} returned is no JSON value: {what}", self._line)
        if line is None:
            return CodeFailed(f"{what}, in batch{self._where()}", self._line)
        return CodeFailed(f"line {line} ({_source(self._code, line)}): {what}", line)

    def _where(self) -> str:
        return "" if self._line is None else f" (line {self._line})"


def _line_of_batch(code: str, path: str) -> int | None:
    """The line on which `batch` is defined, None when it is not a plain function at the top level."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno is not None else ""
        raise _bad_code(path, f"{where}{error.msg}", _source(code, error.lineno)) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise _bad_code(path, f"cannot be read as Python: {error}", None) from error
    found = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    node = next((node for node in reversed(found) if node.name == "batch"), None)
    if node is None:
        return None
    problem = _signature_problem(node)
    if problem is not None:
        raise _bad_code(path, f"line {node.lineno}: {problem}", _source(code, node.lineno))
    return node.lineno


def _signature_problem(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    if isinstance(node, ast.AsyncFunctionDef):
        return "batch must be a plain function, not async"
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    most = positional if arguments.vararg is None else max(1, positional)
    required = positional - len(arguments.defaults)
    if most < 1 or required > 1 or any(default is None for default in arguments.kw_defaults):
        return "batch must take exactly one argument, the list of records"
    return None


def _bad_code(path: str, what: str, found: str | None) -> InputError:
    hint = f"write `{SIGNATURE}` that returns a body or a list of bodies; plain Python, no third-party modules"
    return InputError(Problem(path, f"grouping code: {what}", "bad-code", hint, found))


def _source(code: str, line: int | None) -> str | None:
    lines = code.splitlines()
    return None if line is None or not 0 < line <= len(lines) else lines[line - 1].strip()[:80]


def _not_json(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON number")


def _discard(stream: str, text: str) -> None:
    """Discard what the code prints, because the command uses standard output."""
