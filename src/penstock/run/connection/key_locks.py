"""`KeyLocks`: requests for one object never overlap, also if several destinations of a credential write it.

An object is known by what Custify matches by: a person by `user_id`, `email` or Custify's own id. Each of these that a
request names is locked until the request has ended, and its batch job, at a place that is a hash of the name. Beside
SQLite a lock is a locked byte of a file, which the system frees when its holder dies; in PostgreSQL it is a row, which
is valid for as long as the lease of its holder. A run takes no locks when no other destination of the project writes
such objects with its credential.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection

from penstock.clock import Clock
from penstock.model.errors import Problem, StateLocked, not_stored
from penstock.model.record import Payload
from penstock.model.spec import DestinationSpec, RequestSpec
from penstock.render.manual import absolute, endpoint_of
from penstock.run.connection.connection import address
from penstock.run.context import Context
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.runs import object_locks
from penstock.store.runs.runs import holder_text
from penstock.templates.catalogue import Template

LOOK_AGAIN_S, MOST_S = 0.005, 0.1  # the first pause of a request that waits, and the longest; each is twice the last
TEST_WAITS_S = 30.0  # a person waits for a test send
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


class ObjectLocks(Protocol):
    """Locks places for one run, among all processes of a state. Raises EnvironmentFailure where it cannot."""

    async def take(self, places: Sequence[int]) -> bool:
        """Lock all of these places, or none: then another request has one of them."""
        ...

    async def free(self, places: Sequence[int]) -> None: ...


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

    async def take(self, places: Sequence[int]) -> bool:
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

    async def free(self, places: Sequence[int]) -> None:
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
class LockRows:
    """Rows in PostgreSQL, for the processes of all machines."""

    database: Database
    holder: object_locks.Holder

    async def take(self, places: Sequence[int]) -> bool:
        return await asyncio.to_thread(object_locks.take, self.database, self.holder, places)

    async def free(self, places: Sequence[int]) -> None:
        await asyncio.to_thread(object_locks.free, self.database, self.holder, places)


@dataclass(frozen=True, slots=True)
class KeyLocks:
    """The locks of one run. `objects` are those that another destination of the credential writes too."""

    locks: ObjectLocks
    credential: str
    objects: frozenset[str]
    clock: Clock  # its `sleep` raises when the run stops
    until: float = inf  # of `clock.monotonic()`: StateLocked is raised then

    @asynccontextmanager
    async def held(self, payloads: Sequence[Payload]) -> AsyncIterator[None]:
        places = self._places(payloads)
        if not places:
            yield
            return
        pause_s = LOOK_AGAIN_S
        while not await self.locks.take(places):
            if self.clock.monotonic() >= self.until:
                raise _still_under_way(self.credential)
            await self.clock.sleep(pause_s)
            pause_s = min(2 * pause_s, MOST_S)
        try:
            yield
        finally:
            await self.locks.free(places)

    def _places(self, payloads: Sequence[Payload]) -> list[int]:
        names = {name for payload in payloads for name in identities(payload.text, self.objects)}
        return sorted(_place(self.credential, *name) for name in names)


def identities(text: bytes, objects: frozenset[str]) -> list[tuple[str, str, str]]:
    """Each object with the name and value that the payload identifies it by; the members of a batch count too."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:  # a body that a person wrote
        return []
    found = []
    for place in _members(document):
        for kind in objects:
            values = ((name, place.get(name)) for name in NAMES[kind])
            found += [(kind, name, _text(name, value)) for name, value in values if isinstance(value, str | int)]
    return found


def _members(document: Any) -> Iterator[Mapping[str, Any]]:
    """The document itself or, of a body with a batch, its members; of each also its payload."""
    inner = document.get("jobs", document) if isinstance(document, dict) else document
    for member in inner if isinstance(inner, list) else [inner]:
        for place in (member, member.get("payload")) if isinstance(member, dict) else ():
            if isinstance(place, dict):
                yield place


def _text(name: str, value: str | int) -> str:
    return str(value).lower() if name == "email" else str(value)


def _place(*name: str) -> int:
    return int.from_bytes(blake2b("\0".join(name).encode(), digest_size=8).digest()) >> 2


def key_locks(ctx: Context, spec: DestinationSpec, clock: Clock, guard: Callable[[Connection], None]) -> RequestLocks:
    """The locks for a run of this destination, whose lease this process has; `guard` raises when it has lost it."""
    shared = shared_objects(ctx, spec)
    if not shared:
        return NoLocks()
    return KeyLocks(_locks_with(ctx, spec.name, guard), spec.credential, shared, clock)


@asynccontextmanager
async def locks_of_test(ctx: Context, spec: DestinationSpec) -> AsyncIterator[RequestLocks]:
    """The locks for a test send, which waits for at most `TEST_WAITS_S`. One of a destination at a time has them."""
    shared = shared_objects(ctx, spec)
    if not shared:
        yield NoLocks()
        return
    until, lease = ctx.clock.monotonic() + TEST_WAITS_S, leases.of_test(spec.name)
    with ExitStack() as stack:
        guard = await _lease_for(ctx, spec, stack, until) if ctx.database.is_shared else _no_lease
        yield KeyLocks(_locks_with(ctx, lease, guard), spec.credential, shared, ctx.clock, until)


async def _lease_for(
    ctx: Context, spec: DestinationSpec, stack: ExitStack, until: float
) -> Callable[[Connection], None]:
    """Take the lease of its tests until the stack is closed, when no other process has it; returns its check."""
    lease = leases.of_test(spec.name)
    while True:
        try:
            return stack.enter_context(leases.acquire(ctx.database, lease, holder_text(ctx.clock))).check
        except StateLocked:
            if ctx.clock.monotonic() >= until:
                message = "another test of this destination is still waiting for its reply"
                place = f"destinations.{spec.name}"
                raise StateLocked(Problem(place, message, "held", "try again when it has ended")) from None
        await ctx.clock.sleep(MOST_S)


def _no_lease(_: Connection) -> None: ...


def _still_under_way(credential: str) -> StateLocked:
    message = "another destination is sending the same object, or waits for a batch job that has it"
    return StateLocked(Problem(f"credentials.{credential}", message, "held", "try again when it has ended"))


def _locks_with(ctx: Context, lease: str, guard: Callable[[Connection], None]) -> ObjectLocks:
    """The locks for the process that has this lease."""
    if ctx.database.is_shared:
        return LockRows(ctx.database, object_locks.holder_with(ctx.database, lease, guard))
    return lock_file(ctx.database.locks / "objects")


def shared_objects(ctx: Context, spec: DestinationSpec) -> frozenset[str]:
    """The objects that this destination and another one of its credential write."""
    others = {
        kind
        for other in ctx.project.destinations.values()
        if other.name != spec.name and other.credential == spec.credential
        for kind in written_objects(ctx, other)
    }
    return written_objects(ctx, spec) & others


def written_objects(ctx: Context, spec: DestinationSpec) -> frozenset[str]:
    """The objects that a destination updates; of a batch all that its records may be, unless `object` names one.

    Those of a manual request are known where its URL is that of a template.
    """
    template = ctx.catalogue.get(spec.template or "") if spec.request is None else _template_at(ctx, spec.request, spec)
    if template is None:
        return frozenset()
    kinds = {template.object} if not template.items else {spec.object} if spec.object else set(template.items)
    return frozenset(NAMES.keys() & kinds)


def _template_at(ctx: Context, request: RequestSpec, spec: DestinationSpec) -> Template | None:
    credential = ctx.project.credentials.get(spec.credential)
    if credential is None or credential.connector != "custify":
        return None
    where = address(ctx, credential)
    url = absolute(request.url, where.base_url)
    return endpoint_of(request, url, where.base_url, where.dialect, ctx.catalogue).template
