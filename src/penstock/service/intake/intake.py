"""`Intake` (`ServiceApp.intake`): checks and stores the records that are posted to webhook sources.

One thread, the `GroupWriter`, stores the posts of many requests: posts that arrive during a commit are in the next one.
"""

from __future__ import annotations

import asyncio
import base64
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import orjson
from sqlalchemy import Connection

from penstock.bounds import MAX_POST_RECORDS, bounds
from penstock.clock import iso
from penstock.model.errors import ConflictError, InputError, Problem
from penstock.model.senders import HookKey, HookSignature
from penstock.model.spec import WebhookSource
from penstock.run.context import Context
from penstock.service.documents import FeedPauseJson, HookAuthJson, HookStateJson, KeyAuthJson, SignatureAuthJson
from penstock.service.intake.feed import Feed
from penstock.service.intake.senders import KEY_HEADER, Headers, Hook, PostWindow, VerifiedSignature
from penstock.service.model import Overrun, PostRefused
from penstock.service.store import work
from penstock.service.store.work import FeedPause
from penstock.service.work.requests import WorkRequests
from penstock.sources.pushed_body import BadBody, BodyFault, TooLarge, TooMany, records_of, unpacked
from penstock.sources.typing.exact_json import short_record
from penstock.store.project import credentials, pushed
from penstock.store.project.pushed import Post
from penstock.usecases.applied_project.reach import sealed_name

CACHED_S = 1.0  # for which the settings and the secret of a source are cached
SAMPLES = 5
FORGET_S = 60.0
KEY_BYTES = 32
LARGE = 64_000  # bytes; a larger body is parsed in a thread
LINGER_S = 0.002  # to wait for further posts before a commit
MOST_WAITING = 64 << 20  # characters of records that wait to be written
MOST_AT_ONCE = 8 << 20  # characters of records in one commit

BodyReader = Callable[[int], Awaitable[bytes | None]]  # reads the body; None if it has more bytes than the argument
Commit = Callable[[Sequence[Post]], Sequence[int]]
Waiting = tuple[Post, "asyncio.Future[int]", asyncio.AbstractEventLoop]


class AcceptedPost(NamedTuple):
    """The result of a post with `records` records: `stored` is how many were stored, 0 for a repeated post."""

    stored: int
    records: int


class Intake:
    """The use-cases of webhook sources. `ctx` returns the context with the current project."""

    def __init__(self, ctx: Callable[[], Context], work: WorkRequests) -> None:
        self._ctx = ctx
        self._hooks: dict[str, Hook] = {}
        self._looking: dict[str, asyncio.Future[Hook]] = {}
        self._clock = ctx().clock
        self._database = ctx().database
        self._writer = GroupWriter(self._commit)
        self._forgotten = self._clock.monotonic()
        self._events = ctx().events
        self.feed = Feed(ctx, work)

    # ── posts ────────────────────────────────────────────────────────────────

    async def accept(self, name: str, headers: Headers, query: Mapping[str, str], body: BodyReader) -> AcceptedPost:
        """Store the records of a post; returns when they are durable. `headers` are by lower-case name.

        The body is read after the key was checked. Raises InputError `unknown-source`, PostRefused, SenderRefused and
        Overrun.
        """
        hook = await self._hook(name)
        wait = hook.window.take(self._clock.monotonic())
        if wait is not None:
            raise _too_many_posts(name, wait)
        if not hook.is_ready:
            raise _no_secret(name)
        hook.show(headers, query)
        text = await body(hook.source.max_bytes)
        if text is None:
            raise _too_large(name)
        signed = hook.verify(headers, text, self._clock.now().timestamp())
        try:
            records = await _records(text, headers, hook.source.max_bytes)
        except TooLarge:
            raise _too_large(name) from None
        except TooMany:
            raise _too_many_records(name) from None
        except BadBody as bad:
            raise _bad_body(name, bad) from None
        return AcceptedPost(await self._store(hook, records, signed), len(records))

    async def _hook(self, name: str) -> Hook:
        """The webhook source of this name. InputError `unknown-source` if there is none."""
        known = self._hooks.get(name)
        if known is not None and self._clock.monotonic() - known.looked_at <= CACHED_S:
            return known
        looking = self._looking.get(name)
        if looking is None:  # one read for all posts that wait for it
            looking = self._looking[name] = asyncio.ensure_future(asyncio.to_thread(self._look, name))
            looking.add_done_callback(lambda _: self._looking.pop(name, None))
        return await asyncio.shield(looking)

    async def _store(self, hook: Hook, records: Sequence[str], signed: VerifiedSignature) -> int:
        """Store records; returns how many were stored when they are durable. A repeated signed post stores none."""
        if not records and signed.seen is None:
            return 0
        return await self._writer.write(Post(hook.source.name, records, signed.seen, signed.until))

    def close(self) -> None:
        self._writer.close()

    def _look(self, name: str) -> Hook:
        ctx = self._ctx()
        self._events = ctx.events
        source = self._source(ctx, name)
        before = self._hooks.get(name)
        same = before is not None and before.source.rate_limit == source.rate_limit
        window = before.window if before is not None and same else PostWindow(source.rate_limit)
        hook = self._hooks[name] = Hook(source, self._secret(ctx, source), self._clock.monotonic(), window)
        return hook

    @staticmethod
    def _source(ctx: Context, name: str) -> WebhookSource:
        source = ctx.project.sources.get(name)
        if not isinstance(source, WebhookSource):
            known = {name: each for name, each in ctx.project.sources.items() if isinstance(each, WebhookSource)}
            raise ctx.unknown("source", name, known)
        return source

    @staticmethod
    def _secret(ctx: Context, source: WebhookSource) -> str | None:
        if source.auth is None:
            return None
        if source.secret is not None:
            return ctx.resolve(source.secret)
        with ctx.database.read() as conn:
            return credentials.secret_of(conn, sealed_name(source.name), ctx.sealer())

    def _commit(self, posts: Sequence[Post]) -> Sequence[int]:
        """Store posts in one transaction, in the writer's thread."""
        now = self._clock.now()
        with self._database.begin() as conn:
            taken = pushed.append(conn, posts, iso(now))
            if self._clock.monotonic() - self._forgotten > FORGET_S:
                self._forgotten = self._clock.monotonic()
                pushed.forget_seen(conn, now.timestamp())
        self._events.emit("intake.received", posts=len(posts), records=sum(taken))
        return taken

    # ── sources and their keys ───────────────────────────────────────────────

    def listed(self) -> list[dict[str, Any]]:
        """All webhook sources as `info` returns them, without samples."""
        sources = self._ctx().project.sources
        found = [(name, self.info(name)) for name, source in sources.items() if isinstance(source, WebhookSource)]
        return [{"source": name, **{part: info[part] for part in info if part != "samples"}} for name, info in found]

    def info(self, name: str) -> dict[str, Any]:
        """A webhook source: its address, its authentication, the number of received records, and the newest records."""
        ctx = self._ctx()
        source = self._source(ctx, name)
        with ctx.database.read() as conn:
            samples = pushed.latest(conn, name, SAMPLES)
            shown = hook_json(conn, source)
        return {
            **shown,
            "samples": [
                {"at": at, "record": orjson.Fragment(short_record(record))} for _, at, record in reversed(samples)
            ],
        }

    def new_key(self, name: str) -> str:
        """Create a new key or signing secret, store it sealed, and return it: it cannot be read again.

        ConflictError if the source's settings have a reference to its secret; InputError if it needs no secret.
        """
        ctx = self._ctx()
        source = self._source(ctx, name)
        path = f"sources.{name}.secret"
        if source.secret is not None:
            message, hint = f"the settings of {name} already name its secret", "remove `secret` from the source"
            raise ConflictError(ctx.problem(path, message, "key-in-file", hint=hint))
        if source.auth is None:
            message, hint = f"{name} needs no key: its `auth` is none", "set another `auth` first"
            raise InputError(ctx.problem(path, message, "no-auth", hint=hint))
        key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
        standard = isinstance(source.auth, HookSignature) and source.auth.scheme == "standard"
        key = f"whsec_{key}" if standard else key.rstrip("=").translate(str.maketrans("+/", "-_"))
        with ctx.database.begin() as conn:
            at = iso(ctx.clock.now())
            credentials.set_credential(conn, ctx.sealer(), sealed_name(name), key, at)
        self._hooks.pop(name, None)
        return key


async def _records(body: bytes, headers: Headers, most_bytes: int) -> list[str]:
    """The records of a body as JSON texts. Raises BadBody, TooLarge or TooMany."""
    encoding, kind = headers.get("content-encoding", "").strip().lower(), headers.get("content-type", "")

    def read() -> list[str]:
        return records_of(unpacked(body, encoding, most_bytes), kind, bounds().post_records)

    return read() if len(body) < LARGE and not encoding else await asyncio.to_thread(read)


def hook_json(conn: Connection, source: WebhookSource) -> HookStateJson:
    """The state of a webhook source as JSON."""
    came, sealed = pushed.received(conn, source.name), credentials.has_secret(conn, sealed_name(source.name))
    return {
        "url": f"/hooks/{source.name}",
        "auth": _auth_json(source, has_secret=sealed or source.secret is not None),
        "received": came.received,
        "last_at": came.last_at,
        "paused": [_pause_json(pause) for pause in work.feed_pauses(conn).values() if source.name in pause.sources],
    }


def _pause_json(pause: FeedPause) -> FeedPauseJson:
    next_at = iso(datetime.fromtimestamp(pause.until, UTC))
    shown = {name: getattr(pause, name) for name in ("target", "reason", "since", "run", "failures")}
    return cast(FeedPauseJson, {**shown, "next_at": next_at})


def _auth_json(source: WebhookSource, *, has_secret: bool) -> HookAuthJson:
    auth = source.auth
    if auth is None:
        return {"type": "none"}
    shown: dict[str, Any]
    if isinstance(auth, HookKey):
        ways = {"header": auth.header, "query": auth.query, "basic": auth.basic}
        given = {name: value for name, value in ways.items() if value is not None} or {"header": KEY_HEADER}
        shown = {"type": "key", **given, "has_secret": has_secret}
        return cast(KeyAuthJson, shown)
    shown = {"type": "hmac", "scheme": auth.scheme, "tolerance_s": auth.tolerance}
    if auth.scheme == "generic":
        for name in ("header", "algorithm", "encoding", "prefix", "timestamp_header"):
            shown[name] = getattr(auth, name)
    return cast(SignatureAuthJson, {**shown, "has_secret": has_secret})


# ── refusals: the code of the first problem is the reason in the log ──────────


def _too_many_posts(source: str, wait_s: float) -> PostRefused:
    problem = Problem(f"hooks.{source}", "too many posts", "too-many-posts", "post more slowly; see `rate_limit`")
    return PostRefused(problem, wait_s=wait_s)


def _no_secret(source: str) -> PostRefused:
    hint = f"`penstock hooks new-key {source}` or POST /api/v1/sources/{source}/hook/key creates one"
    message = f"{source} has no key yet, so nobody can post"
    return PostRefused(Problem(f"sources.{source}.secret", message, "no-secret", hint))


def _too_large(source: str) -> PostRefused:
    message = "the body has more bytes than this source accepts"
    hint = "post in smaller parts; see `max_bytes`"
    return PostRefused(Problem(f"hooks.{source}", message, "too-large", hint))


def _too_many_records(source: str) -> PostRefused:
    message = f"the post has more than {bounds().post_records} records"
    hint = f"post in smaller parts; {MAX_POST_RECORDS} sets how many records one post may have"
    return PostRefused(Problem(f"hooks.{source}", message, "too-many-records", hint))


def _bad_body(source: str, body: BadBody) -> PostRefused:
    return PostRefused(*(_problem(source, fault) for fault in body.faults))


def _problem(source: str, fault: BodyFault) -> Problem:
    hint = f"no record of this post was stored: {fault.hint or 'correct it'}, then post all of it again"
    return Problem(f"hooks.{source}", fault.reason, "bad-body", hint, line=fault.line)


# ── the writer ───────────────────────────────────────────────────────────────


@dataclass(slots=True)
class GroupWriter:
    """`commit` writes posts durably and returns how many records of each were stored."""

    commit: Commit
    linger_s: float = LINGER_S
    _waiting: list[Waiting] = field(default_factory=list)
    _size: int = 0
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _closing: threading.Event = field(default_factory=threading.Event)

    async def write(self, post: Post) -> int:
        """Returns the number of stored records when the post is durable. Raises the error of the commit, or Overrun."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        with self._wake:
            if self._closing.is_set() or self._size > MOST_WAITING:
                raise Overrun
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="penstock-intake")
                self._thread.start()
            self._waiting.append((post, future, loop))
            self._size += sum(map(len, post.records))
            if len(self._waiting) == 1:
                self._wake.notify()
        return await future

    def close(self) -> None:
        """Write the waiting posts, and end the thread."""
        with self._wake:
            self._closing.set()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closing.is_set())
                if not self._waiting:
                    return
            self._closing.wait(self.linger_s)
            part = self._part()
            try:
                taken = self.commit([post for post, _, _ in part])
            except Exception as error:  # noqa: BLE001 - `write` raises it for each post
                _settle(part, error)
            else:
                _settle(part, taken)

    def _part(self) -> list[Waiting]:
        with self._wake:
            size = count = 0
            for post, _, _ in self._waiting:
                size += sum(map(len, post.records))
                count += 1
                if size > MOST_AT_ONCE:
                    break
            part, self._waiting = self._waiting[:count], self._waiting[count:]
            self._size -= size
        return part


def _settle(part: Sequence[Waiting], result: Sequence[int] | Exception) -> None:
    """Set the results of a commit, with one call per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int | Exception]]] = {}
    for number, (_, future, loop) in enumerate(part):
        by_loop.setdefault(loop, []).append((future, result if isinstance(result, Exception) else result[number]))
    for loop, answers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: Sequence[tuple[asyncio.Future[int], int | Exception]]) -> None:
    for future, answer in answers:
        if future.done():  # the caller has left
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
