"""`KeyLocks`: requests for one object never overlap, also if several destinations of a credential write it.

An object is known by what Custify matches by: a person by `user_id`, `email` or Custify's own id. Each of these that a
request names is locked until the request has ended, and its batch job. In a process that is a set; between processes
of one machine it is a locked byte of a file, at a place that is a hash of the name: the system frees it when its holder
dies. A run takes no locks when no other destination of the project writes such objects with its credential.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import orjson

from penstock.clock import Clock
from penstock.model.errors import not_stored
from penstock.model.record import Payload
from penstock.model.spec import DestinationSpec
from penstock.run.context import Context

LOOK_AGAIN_S, MOST_S = 0.005, 0.1  # the first pause of a request that waits, and the longest; each is twice the last
LOCKS = "the locks of objects"
NAMES: Mapping[str, tuple[str, ...]] = {  # of each object that is updated: the members of its payload that identify it
    "person": ("user_id", "email", "id"),
    "company": ("company_id", "id"),
    "subscription": ("externalId", "external_id"),
    "invoice": ("externalId", "external_id"),
    "deal": ("externalId", "external_id"),
    "custom_object": ("data_id",),
}


class RequestLocks(Protocol):
    """What a run takes for the time of a request."""

    def held(self, payloads: Sequence[Payload]) -> AbstractAsyncContextManager[None]:
        """Wait until no request for one of these objects is under way, and let none begin in the block."""
        ...


class NoLocks:
    """For a destination that is the only one to write its objects."""

    def held(self, payloads: Sequence[Payload]) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - one interface
        return nullcontext()


@dataclass(slots=True)
class LockFile:
    """The locked bytes of this process. A process must open the file once: to close it would free all locks."""

    path: Path
    handle: int
    mine: set[int] = field(default_factory=set)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def take(self, places: Sequence[int]) -> bool:
        """Lock all of these bytes, or none: then a run of this or another process has one of them.

        StateUnavailable, with none of them locked, when the system cannot lock.
        """
        with self.guard:
            if not self.mine.isdisjoint(places):
                return False
            for number, place in enumerate(places):
                try:
                    fcntl.lockf(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
                except OSError as error:
                    self._free(places[:number])
                    if isinstance(error, BlockingIOError | PermissionError):  # the systems differ
                        return False
                    raise not_stored(str(self.path.parent), LOCKS, error) from error
            self.mine.update(places)
            return True

    def free(self, places: Sequence[int]) -> None:
        with self.guard:
            self.mine.difference_update(places)
            self._free(places)

    def _free(self, places: Sequence[int]) -> None:
        for place in places:
            fcntl.lockf(self.handle, fcntl.LOCK_UN, 1, place)


_files: dict[tuple[int, Path], LockFile] = {}  # by process: a forked one has no locks of its parent
_guard = threading.Lock()


def lock_file(path: Path) -> LockFile:
    """The lock file of this process at `path`; makes the file and its folder. StateUnavailable when it cannot."""
    with _guard:
        found = _files.get((os.getpid(), path))
        if found is None:
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise not_stored(str(path.parent), LOCKS, error) from error
            found = _files[os.getpid(), path] = LockFile(path, handle)
        return found


@dataclass(frozen=True, slots=True)
class KeyLocks:
    """The locks of one run. `objects` are those that another destination of the credential writes too."""

    file: LockFile
    credential: str
    objects: frozenset[str]
    clock: Clock  # its `sleep` raises when the run stops

    @asynccontextmanager
    async def held(self, payloads: Sequence[Payload]) -> AsyncIterator[None]:
        places = self._places(payloads)
        pause_s = LOOK_AGAIN_S
        while not self.file.take(places):
            await self.clock.sleep(pause_s)
            pause_s = min(2 * pause_s, MOST_S)
        try:
            yield
        finally:
            self.file.free(places)

    def _places(self, payloads: Sequence[Payload]) -> list[int]:
        names = {name for payload in payloads for name in identities(payload.text, self.objects)}
        return sorted(_place(self.credential, *name) for name in names)


def identities(text: bytes, objects: frozenset[str]) -> list[tuple[str, str, str]]:
    """Each object with the name and value that the payload identifies it by; the members of a batch job count too."""
    document = orjson.loads(text)
    found = []
    for place in (document, document.get("payload") if isinstance(document, dict) else None):
        if isinstance(place, dict):
            for kind in objects:
                values = ((name, place.get(name)) for name in NAMES[kind])
                found += [(kind, name, _text(name, value)) for name, value in values if isinstance(value, str | int)]
    return found


def _text(name: str, value: str | int) -> str:
    return str(value).lower() if name == "email" else str(value)


def _place(*name: str) -> int:
    return int.from_bytes(blake2b("\0".join(name).encode(), digest_size=8).digest()) >> 2


def key_locks(ctx: Context, spec: DestinationSpec, clock: Clock) -> RequestLocks:
    """The locks for a run of this destination."""
    mine = written_objects(ctx, spec)
    others = {
        kind
        for other in ctx.project.destinations.values()
        if other.name != spec.name and other.credential == spec.credential
        for kind in written_objects(ctx, other)
    }
    shared = mine & others
    if not shared:
        return NoLocks()
    folder = ctx.folder if ctx.database.is_shared else ctx.database.locks
    return KeyLocks(lock_file(folder / "objects"), spec.credential, shared, clock)


def written_objects(ctx: Context, spec: DestinationSpec) -> frozenset[str]:
    """The objects that a destination updates; of a batch all that its records may be, unless `object` names one."""
    template = ctx.catalogue.get(spec.template or "")
    if template is None:
        return frozenset()
    kinds = {template.object} if not template.items else {spec.object} if spec.object else set(template.items)
    return frozenset(NAMES.keys() & kinds)
