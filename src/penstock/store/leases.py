"""What the processes of one state share: the lock on a destination, and the rate limit of a credential.

The lock is a locked file beside SQLite, which the system frees when its holder dies, or a lease in PostgreSQL. A lease
lasts while its holder renews it every few seconds. Its fence number grows with every holder; a writer checks it in the
same transaction, so that a holder that was thought dead cannot write after the next one has begun. A lease that would
last longer than any that is renewed now was renewed before PostgreSQL's clock was set back: who sees it shortens it.

The rate limit is one row per credential: what all processes have used of its window, the places they have leased, and
any pause.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import orjson
from sqlalchemy import ColumnElement, Connection, Float, cast, extract, func, select, true, update
from sqlalchemy.dialects.postgresql import insert

from penstock.model.errors import EnvironmentFailure, Problem, StateLocked, not_stored
from penstock.model.runs import RunKind
from penstock.model.spec import BatchCost
from penstock.store.database import Database, upsert
from penstock.store.shared_tables import budgets, leases

T = TypeVar("T")

LIVES_S = 12.0  # a dead holder's lease ends after this
RENEW_EVERY_S = 3.0
LOCK = "the name of the process that holds the lock"


@contextmanager
def acquire_file(folder: Path, name: str, holder: str) -> Iterator[None]:
    """Lock `name` for the block. StateLocked, naming the holder, when another process has it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / f"{_file_name(name)}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise not_stored(str(folder), LOCK, error) from error
    try:
        try:
            _lock(folder, handle, name)
            os.ftruncate(handle, 0)
            os.pwrite(handle, holder.encode(), 0)
        except OSError as error:
            raise not_stored(str(folder), LOCK, error) from error
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def is_file_taken(folder: Path, name: str) -> bool:
    """Whether a living process holds `name`."""
    try:
        return _file_holder(folder / f"{_file_name(name)}.lock") is not None
    except FileNotFoundError:
        return False


def any_file_holder(folder: Path) -> str | None:
    """The holder of any lock now, or None."""
    holders = (_file_holder(path) for path in sorted(folder.glob("*.lock")))
    return next((holder for holder in holders if holder is not None), None)


def _file_holder(path: Path) -> str | None:
    """The holder of the lock in this file, or None."""
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        with _gate(path.parent):
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(handle, fcntl.LOCK_UN)
    except BlockingIOError:
        return _holder_in(handle)
    finally:
        os.close(handle)
    return None


def _holder_in(handle: int) -> str:
    return os.pread(handle, 1000, 0).decode(errors="replace") or "another process"


def _lock(folder: Path, handle: int, name: str) -> None:
    try:
        with _gate(folder):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise locked_by(_holder_in(handle), name) from None


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """Locks for microseconds, one caller at a time, so that a reader is never taken for a holder."""
    gate = os.open(folder / "gate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
    finally:
        os.close(gate)


def _file_name(name: str) -> str:
    """A file name that every file system accepts, different for each `name`."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in name)[:60]
    return f"{plain}-{blake2b(name.encode(), digest_size=4).hexdigest()}"


@dataclass(slots=True)
class Lease:
    """A lock that this process has. Call `check` in every transaction that only the holder may write."""

    name: str
    fence: int | None = None  # None: a locked file, which cannot be taken from a living holder
    ended: threading.Event = field(default_factory=threading.Event)

    def check(self, conn: Connection) -> None:
        """Raise StateLocked when another process has taken over; until the commit none can."""
        if self.fence is None:
            return
        row = select(leases.c.fence, leases.c.holder).where(leases.c.name == self.name).with_for_update(read=True)
        fence, holder = conn.execute(row).one()
        if fence != self.fence:
            raise locked_by(holder, self.name)


def _ignore() -> None: ...


@contextmanager
def acquire(database: Database, name: str, holder: str, lost: Callable[[], None] = _ignore) -> Iterator[Lease]:
    """Lock `name` for the block. StateLocked, naming the holder, when another process has it.

    `lost` is called, from another thread, when the lease could not be renewed: another process may take over.
    """
    if not database.is_shared:
        with acquire_file(database.locks, name, holder):
            yield Lease(name)
        return
    lease = Lease(name, _take(database, name, holder))
    beating = threading.Thread(
        target=_renew_until_ended, args=(database, lease, lost), daemon=True, name=f"lease of {name}"
    )
    beating.start()
    try:
        yield lease
    finally:
        lease.ended.set()
        beating.join()
        _set_end(database, lease, 0.0)


def of_target(kind: RunKind, target: str) -> str:
    """The name of the lease of the process that runs a destination or flow, or that compares a destination."""
    if kind == "reconcile":
        return f"comparison of {target}"
    return f"flow {target}" if kind == "flow" else target


def of_backfill(destination: str) -> str:
    """The name of the lease of the process that backfills a destination, also while it gives way to other runs."""
    return f"backfill of {destination}"


def of_next(destination: str) -> str:
    """The name of the lease of the process to which the backfill of a destination has to give way."""
    return f"next run of {destination}"


def of_test(destination: str) -> str:
    """The name of the lease of the process that sends a test of a destination."""
    return f"test of {destination}"


def of_worker(worker: str) -> str:
    """The name of the lease of a living worker."""
    return f"worker {worker}"


def is_taken(database: Database, name: str) -> bool:
    """Whether a living process holds `name`."""
    return holder_of(database, name) is not None


def holder_of(database: Database, name: str) -> str | None:
    """The holder of `name` now, or None."""
    if not database.is_shared:
        try:
            return _file_holder(database.locks / f"{_file_name(name)}.lock")
        except FileNotFoundError:
            return None
    return _alive(database, leases.c.name == name)


def any_holder(database: Database) -> str | None:
    """The holder of a destination, a flow or a worker's name now, or None."""
    if not database.is_shared:
        return any_file_holder(database.locks)
    return _alive(database, true())


def _alive(database: Database, which: ColumnElement[bool]) -> str | None:
    """The holder of one of these leases that lasts now, or None."""
    lasts_too_long = (leases.c.expires > database_time() + LIVES_S).label("lasts_too_long")
    query = (
        select(leases.c.name, leases.c.holder, lasts_too_long).where(which, leases.c.expires > database_time()).limit(1)
    )
    with database.read() as conn:
        found = conn.execute(query).first()
    if found is None:
        return None
    if found.lasts_too_long:
        with database.begin(alone=False) as conn:
            _shorten(conn, found.name)
    return str(found.holder)


def _shorten(conn: Connection, name: str) -> None:
    """Let a lease that lasts longer end as if it was renewed now: a living holder soon renews it, a dead one never."""
    latest = database_time() + LIVES_S
    conn.execute(update(leases).where(leases.c.name == name, leases.c.expires > latest).values(expires=latest))


def database_time() -> ColumnElement[float]:
    """The time of the server, which all processes share, as SQL."""
    return cast(extract("epoch", func.clock_timestamp()), Float(53))


def locked_by(holder: str, name: str) -> StateLocked:
    """The error for a lock that another process has."""
    message = f"{name} is held by {holder}"
    return StateLocked(Problem(name, message, "held", "wait for it with --wait, or stop it", holder))


def _take(database: Database, name: str, holder: str) -> int:
    new = insert(leases).values(name=name, holder=holder, fence=1, expires=database_time() + LIVES_S)
    taken = new.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "fence": leases.c.fence + 1, "expires": new.excluded.expires},
        where=leases.c.expires <= database_time(),
    ).returning(leases.c.fence)
    with database.begin(alone=False) as conn:
        fence = conn.execute(taken).scalar()
        if fence is not None:
            return int(fence)
        _shorten(conn, name)
        held_by = conn.execute(select(leases.c.holder).where(leases.c.name == name)).scalar_one()
    raise locked_by(held_by, name)


def _set_end(database: Database, lease: Lease, moment: ColumnElement[float] | float) -> bool:
    """Let the lease end at this moment; False when another process has it."""
    mine = (leases.c.name == lease.name) & (leases.c.fence == lease.fence)
    with database.begin(alone=False) as conn:
        return conn.execute(update(leases).where(mine).values(expires=moment)).rowcount == 1


def _renew_until_ended(database: Database, lease: Lease, lost: Callable[[], None]) -> None:
    last = time.monotonic()
    while not lease.ended.wait(RENEW_EVERY_S):
        began = time.monotonic()
        try:
            renewed = _set_end(database, lease, database_time() + LIVES_S)
        except EnvironmentFailure:  # the server may come back before the lease ends
            renewed = time.monotonic() - last < LIVES_S - RENEW_EVERY_S
        else:
            last = began
        if not renewed:
            lost()
            return


_RATE_LIMIT_COLUMNS = ("quota", "per", "opened", "used", "blocked_until")
_RATE_LIMIT_STATE = (
    "configured",
    "first",
    "answered",
    "last_end",
    "leased",
    "late",
    "late_end",
    "late_taken",
    "remaining",
    "passed",
    "batch_cost",
)


class BudgetUser(NamedTuple):
    """What one event loop of a process has of the window, as it reported last. Moments are epoch seconds."""

    unused: int  # places leased and not used
    in_flight: int  # cost of the requests in flight
    oldest: float  # when the oldest of both was leased or left
    due: float  # it reports again by then, or it has died
    rank: int | None = None  # of the lane of the request that waits first, else of the last one sent
    since: float = 0.0  # when that request began to wait
    least: int = 0  # places that this request costs
    wants: int = 0  # places that all waiting requests cost
    lanes: tuple[int, ...] = ()  # the ranks of all waiting requests
    is_pressing: bool = False  # it needs more places than it got


@dataclass(frozen=True, slots=True)
class RateLimitRow:
    """A credential's row. Moments are epoch seconds."""

    quota: int  # requests per window
    per: float  # seconds
    configured: tuple[int, float] = (0, 0.0)  # the settings that `quota` and `per` came from
    opened: float = 0.0  # places given out since then belong to this window or a later one
    first: float | None = None  # the server's window did not begin before; None: nothing was given out
    answered: float | None = None  # the server's window has begun by then; None: no reply yet
    last_end: float = 0.0  # when the last request ended
    leased: float = 0.0  # when places were given out last
    used: int = 0
    late: int = 0  # ended, but perhaps counted in the next window already
    late_end: float = 0.0  # when the last of those ended
    late_taken: float = 0.0  # when the first of those left
    remaining: int | None = None  # the lowest in a reply of this window
    blocked_until: float = 0.0
    passed: tuple[int, int, int, int] = (
        0,
        0,
        0,
        0,
    )  # what was sent while each lane waited
    batch_cost: BatchCost | None = None  # as learned from replies
    users: Mapping[str, BudgetUser] = field(default_factory=dict)


def change_rate_limit(
    database: Database,
    credential: str,
    new: RateLimitRow,
    clock: Callable[[], float],
    step: Callable[[RateLimitRow, float], tuple[RateLimitRow, T]],
) -> T:
    """Change the row by `step(row, now)`, alone with it; `new` is the row while there is none.

    `clock` is this machine's; where the database has one that all machines share, `step` gets that.
    """
    with database.begin(alone=False) as conn:
        if database.is_shared:
            first = {"credential": credential, **_rate_limit_columns(new)}
            conn.execute(insert(budgets).values(first).on_conflict_do_nothing())
        row = (
            conn.execute(select(budgets).where(budgets.c.credential == credential).with_for_update()).mappings().first()
        )
        now = conn.execute(select(database_time())).scalar_one() if database.is_shared else clock()
        before = new if row is None else _rate_limit_row(row)
        after, answer = step(before, now)
        if after != before:
            upsert(conn, budgets, {"credential": credential, **_rate_limit_columns(after)})
    return answer


def learned_cost(conn: Connection, credential: str) -> BatchCost | None:
    """What runs have learned that a batch counts as."""
    state = conn.execute(select(budgets.c.state).where(budgets.c.credential == credential)).scalar()
    return None if state is None else orjson.loads(state).get("batch_cost")


def _rate_limit_columns(row: RateLimitRow) -> dict[str, Any]:
    others = {name: getattr(row, name) for name in _RATE_LIMIT_STATE}
    state = orjson.dumps({**others, "users": {name: [*user] for name, user in row.users.items()}}).decode()
    return {name: getattr(row, name) for name in _RATE_LIMIT_COLUMNS} | {"state": state}


def _rate_limit_row(row: Mapping[Any, Any]) -> RateLimitRow:
    state = orjson.loads(row["state"])
    state["configured"] = tuple(state["configured"])
    state["passed"] = tuple(state.get("passed", (0, 0, 0, 0)))
    users = {name: _budget_user(*user) for name, user in state.pop("users").items()}
    return RateLimitRow(**{name: row[name] for name in _RATE_LIMIT_COLUMNS}, **state, users=users)


def _budget_user(*fields: Any) -> BudgetUser:
    user = BudgetUser(*fields)
    return user._replace(lanes=tuple(user.lanes))
