"""Faults: errors that the sandbox simulates, and the requests that they apply to."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from email.utils import formatdate
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal, get_args

from penstock_sandbox.account.settings import duration

Cut = Literal["before", "after"]
Body = Literal["html", "empty", "broken-json", "huge", "text"]
FLAGS = {"html", "empty", "broken-json", "huge", "text", "gzip"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. Omitted members have no effect.

    `status` replaces the status; `cut` drops the connection before or after the change; `slow` delays the reply by so
    many seconds; `body` replaces the body; `partial` fails items of a batch: a share (0.3), `every:3`, or `at:0+4`.
    `commit` sets whether the change is made nevertheless: by default yes, except for HTML and a status from 400 on.
    `retry_after` is the header of a status: seconds, or as `retry_after_header` says.
    `method`, `path` and `containing` select requests: a path includes everything below it, in both dialects, `*` is a
    wildcard; `containing` is a text in the body, since concurrent requests arrive in any order. The first `after`
    matching requests are not changed; of the others those that `requests` names, counted from 0 (a share, `every:3`, or
    `at:0+4`; default: all), at most `times`.
    """

    status: int | None = None
    cut: Cut | None = None
    slow: float = 0.0
    body: Body | None = None
    gzip: bool = False
    partial: str | None = None
    retry_after: float | str | None = None
    commit: bool | None = None
    method: str | None = None
    path: str | None = None
    containing: str | None = None
    times: int | None = None
    after: int = 0
    requests: str | None = None

    def commits(self) -> bool:
        if self.cut == "before":
            return False
        if self.commit is not None:
            return self.commit
        return self.body != "html" and (self.status is None or self.status < 400)

    def matches(self, method: str, path: str, body: bytes = b"") -> bool:
        if self.method is not None and self.method != method:
            return False
        if self.containing is not None and self.containing.encode() not in body:
            return False
        return self.path is None or _below(self.path, path) or _below(self.path, path.removeprefix("/api"))

    def name(self) -> str:
        """A short name for the request log: `status=503`, `cut=after`, `slow=2,html`."""
        shown = {"status": self.status, "cut": self.cut, "partial": self.partial, "slow": self.slow or None}
        words = [f"{key}={value}" for key, value in shown.items() if value is not None]
        flags = [flag for flag, on in ((self.body, self.body is not None), ("gzip", self.gzip)) if on and flag]
        return ",".join(words + flags)

    def failing(self) -> Callable[[int], bool] | None:
        """Whether an item of a batch must fail, by index; None if no item must."""
        return None if self.partial is None else selected(self.partial)

    def changes(self, number: int) -> bool:
        """Whether a matching request is changed, by its number after the first `after`, from 0."""
        return self.requests is None or selected(self.requests)(number)

    def retry_after_header(self, now: float) -> str | None:
        """The header `Retry-After` at the time `now`; None: no header. A 429 has one unless it is `none`.

        `date:5` is an HTTP date in five seconds, `date:-60` one that is past, `none` no header; another text is sent as
        it is.
        """
        wanted = self.retry_after
        if wanted is None:
            return "1" if self.status == 429 else None
        if isinstance(wanted, float):
            return f"{wanted:g}"
        kind, _, ahead = wanted.partition(":")
        if kind == "date":
            return formatdate(now + float(ahead), usegmt=True)
        return None if wanted == "none" else wanted


@lru_cache(maxsize=100)
def selected(text: str) -> Callable[[int], bool]:
    """Whether a number from 0 on is selected by a share (`0.3`), `every:3` or `at:0+4`."""
    how, _, rest = text.partition(":")
    if how == "every":
        step = int(rest)
        return lambda index: index % step == step - 1
    if how == "at":
        listed = {int(index) for index in rest.split("+")}
        return lambda index: index in listed
    share = float(how)
    return lambda index: int((index + 1) * share) > int(index * share)


@dataclass(slots=True)
class ActiveFault:
    """An active fault, with the number of requests that it matched and changed."""

    fault: Fault
    seen: int = 0
    fired: int = 0


class ActiveFaults:
    """The active faults. The first one that matches a request and has not run out is applied."""

    def __init__(self) -> None:
        self.armed: list[ActiveFault] = []

    def add(self, fault: Fault) -> None:
        self.armed.append(ActiveFault(fault))

    def clear(self) -> None:
        self.armed.clear()

    def meet(self, method: str, path: str, body: bytes = b"") -> Fault | None:
        for armed in self.armed:
            fault = armed.fault
            if (fault.times is not None and armed.fired >= fault.times) or not fault.matches(method, path, body):
                continue
            armed.seen += 1
            if armed.seen > fault.after and fault.changes(armed.seen - fault.after - 1):
                armed.fired += 1
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(a.fault) | {"seen": a.seen, "fired": a.fired} for a in self.armed]


def parse_fault(text: str) -> Fault:
    """`"status=503,path=/people,times=2"`, `"cut=after"`, `"slow=2s,html"` → Fault. Raises ValueError."""
    wanted: dict[str, Any] = {}
    for word in text.split(","):
        key, equals, value = word.strip().partition("=")
        if not equals and key not in FLAGS:
            raise ValueError(
                f"not understood in a fault: {word!r} (write key=value, or one of {', '.join(sorted(FLAGS))})"
            )
        wanted[key] = value if equals else True
    return fault_from(wanted)


def fault_from(wanted: Mapping[str, Any]) -> Fault:
    """A fault from text or JSON values; flags are written as `"html": true` or `"body": "html"`. Raises ValueError."""
    values: dict[str, Any] = {}
    for key, value in wanted.items():
        name = key.replace("_", "-")
        if name in FLAGS - {"gzip"}:
            if _truth(key, value):
                values["body"] = name
        else:
            values[key.replace("-", "_")] = value
    known = {f.name for f in fields(Fault)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"unknown keys in a fault: {', '.join(unknown)} (known: {', '.join(sorted(known | FLAGS))})")
    fault = Fault(**{key: _READERS[key](key, value) for key, value in values.items() if value is not None})
    if replace(fault, method=None, path=None, containing=None, times=None, after=0, requests=None) == Fault():
        raise ValueError("this fault has no effect: add status, cut, slow, partial, gzip or a body")
    return fault


def _below(wanted: str, path: str) -> bool:
    if "*" in wanted:
        return fnmatchcase(path, wanted)
    return path == wanted or path.startswith(wanted.rstrip("/") + "/")


def _whole(key: str, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
        raise ValueError(f"{key} must be a whole number, not {value!r}")
    return int(value)


def _status(key: str, value: Any) -> int:
    status = _whole(key, value)
    if not 200 <= status <= 599:
        raise ValueError(f"{key} must be an HTTP status from 200 to 599")
    return status


def _seconds(_key: str, value: Any) -> float:
    return duration(value)


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or value == "":
        raise ValueError(f"{key} must be text")
    return value


def _truth(key: str, value: Any) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ValueError(f"{key} must be yes or no")
    return known[str(value).lower()]


def _one_of(choices: tuple[str, ...]) -> Callable[[str, Any], str]:
    def read(key: str, value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{key} must be one of {', '.join(choices)}")
        return str(value)

    return read


def _retry_after(key: str, value: Any) -> float | str:
    if isinstance(value, str) and (date := re.fullmatch(r"date:(-?\d+(\.\d+)?)", value)):
        if not abs(float(date[1])) < 1e9:
            raise ValueError(f"{key} must be a date within 1e9 seconds")
        return value
    try:
        return _seconds(key, value)
    except ValueError:
        text = _text(key, value)
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"{key} must be printable ASCII")
    return text


def _selection(key: str, value: Any) -> str:
    if isinstance(value, list):
        value = "at:" + "+".join(str(index) for index in value)
    text = str(value)
    listed = re.fullmatch(r"every:[1-9]\d*|at:\d+(\+\d+)*", text)
    share = re.fullmatch(r"0?\.\d+|1(\.0*)?", text)
    if listed is None and share is None:
        raise ValueError(f"{key} must be a share such as 0.3, every:3, or at:0+4, not {text!r}")
    return text


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "status": _status,
    "cut": _one_of(get_args(Cut)),
    "slow": _seconds,
    "body": _one_of(get_args(Body)),
    "gzip": _truth,
    "partial": _selection,
    "requests": _selection,
    "retry_after": _retry_after,
    "commit": _truth,
    "method": lambda key, value: _text(key, value).upper(),
    "path": _text,
    "containing": _text,
    "times": _whole,
    "after": _whole,
}
