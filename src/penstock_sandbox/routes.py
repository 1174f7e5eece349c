"""Which handler answers which path: native at `/`, flat below `/api`."""

from collections.abc import Callable

from . import companies, people
from .account import Account
from .wire import Call, Refused, Reply

Handler = Callable[[Account, Call], Reply]
FLAT = "/api"

_NATIVE: dict[str, Handler] = {
    "POST /people": people.write,
    "POST /customer": people.write,
    "POST /people/tag": people.tag,
    "DELETE /people": people.delete,
    "DELETE /people/{id}": people.delete,
    "GET /people": people.read,
    "GET /people/all": people.read_all,
    "GET /people/{id}": people.read_one,
    "GET /customer/{id}": people.read_one,
    "POST /company": companies.write,
    "DELETE /company": companies.delete,
    "DELETE /company/{id}": companies.delete,
    "GET /company": companies.read,
    "GET /company/all": companies.read_all,
    "GET /company/{id}": companies.read_one,
    "GET /company/people/{id}": companies.read_people,
}

_FLAT: dict[str, Handler] = {}


class Routes:
    """Fixed paths by one look-up; paths with an id by their parts."""

    def __init__(self, table: dict[str, Handler]) -> None:
        self._fixed: dict[str, dict[str, Handler]] = {}
        self._open: list[tuple[tuple[str, ...], dict[str, Handler]]] = []
        for line, handler in table.items():
            method, path = line.split(" ")
            if "{" not in path:
                self._fixed.setdefault(path, {})[method] = handler
                continue
            parts = tuple(path.split("/"))
            for known, methods in self._open:
                if known == parts:
                    methods[method] = handler
                    break
            else:
                self._open.append((parts, {method: handler}))

    def find(self, method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
        """The handler and the ids in the path. Raises Refused 404 for an unknown path, 405 for a method it lacks."""
        methods = self._fixed.get(path)
        if methods is not None and method in methods:
            return methods[method], ()
        parts = tuple(path.split("/"))
        known = methods is not None
        for pattern, candidates in self._open:
            ids = _ids(pattern, parts)
            if ids is None:
                continue
            if method in candidates:
                return candidates[method], ids
            known = True
        if known:
            raise Refused(405, f"Cannot {method} {path}")
        raise Refused(404, f"Cannot {method} {path}")


def _ids(pattern: tuple[str, ...], parts: tuple[str, ...]) -> tuple[str, ...] | None:
    if len(pattern) != len(parts):
        return None
    ids: list[str] = []
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            ids.append(part)
        elif wanted != part:
            return None
    return tuple(ids)


native = Routes(_NATIVE)
flat = Routes(_FLAT)


def find(method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
    """As `Routes.find`, in the dialect that the path chooses."""
    if path.startswith(FLAT + "/"):
        return flat.find(method, path.removeprefix(FLAT))
    return native.find(method, path)
