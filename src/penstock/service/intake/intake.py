"""`Intake` (`ServiceApp.intake`): checks and stores the records that are posted to webhook sources."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import orjson
from sqlalchemy import Connection

from penstock.bounds import bounds
from penstock.clock import iso
from penstock.model.errors import ConflictError, InputError
from penstock.model.spec import HookKey, HookRate, HookSignature, WebhookSource
from penstock.run.context import Context
from penstock.run.diff.record_text import short_record
from penstock.service.documents import FeedPauseJson, HookAuthJson, HookStateJson, KeyAuthJson, SignatureAuthJson
from penstock.service.intake import refusals
from penstock.service.intake.feed import Feed
from penstock.service.intake.senders import KEY_HEADER, Headers, VerifiedSignature, check_key, check_signature
from penstock.service.intake.writer import GroupWriter
from penstock.service.store import pauses
from penstock.service.store.pauses import FeedPause
from penstock.service.work.requests import WorkRequests
from penstock.sources.pushed_body import BadBody, TooLarge, TooMany, records_of, unpacked
from penstock.store.project import credentials, pushed
from penstock.store.project.pushed import Post
from penstock.usecases.applied_project.reach import sealed_name

KNOWN_S = 1.0  # for which the settings and the secret of a source are cached
SAMPLES = 5
FORGET_S = 60.0
KEY_BYTES = 32
LARGE = 64_000  # bytes; a larger body is parsed in a thread

BodyReader = Callable[[int], Awaitable[bytes | None]]  # reads the body; None if it has more bytes than the argument


@dataclass(slots=True)
class PostWindow:
    """Counts the posts of a fixed window."""

    rate: HookRate
    opened: float = 0.0
    used: int = 0

    def take(self, now: float) -> float | None:
        """Count a post; returns the seconds to wait if there are too many, or None."""
        if now - self.opened >= self.rate.per:
            self.opened, self.used = now, 0
        self.used += 1
        return None if self.used <= self.rate.requests else self.opened + self.rate.per - now


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook source with the settings by which posts are checked; `secret` is None if there is none."""

    source: WebhookSource
    secret: str | None = field(repr=False)
    looked_at: float
    window: PostWindow

    def show(self, headers: Headers, query: Mapping[str, str]) -> None:
        """Check the key, which needs no body. Raises SenderRefused."""
        if isinstance(self.source.auth, HookKey) and self.secret is not None:
            check_key(self.source.auth, self.secret, headers, query)

    def prove(self, headers: Headers, body: bytes, now: float) -> VerifiedSignature:
        """Check the signature, if the source requires one. Raises SenderRefused."""
        if isinstance(self.source.auth, HookSignature) and self.secret is not None:
            return check_signature(self.source.auth, self.secret, headers, body, now)
        return VerifiedSignature(None)

    @property
    def is_ready(self) -> bool:
        return self.source.auth is None or self.secret is not None


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
            raise refusals.too_many_posts(name, wait)
        if not hook.is_ready:
            raise refusals.no_secret(name)
        hook.show(headers, query)
        text = await body(hook.source.max_bytes)
        if text is None:
            raise refusals.too_large(name)
        signed = hook.prove(headers, text, self._clock.now().timestamp())
        try:
            records = await _records(text, headers, hook.source.max_bytes)
        except TooLarge:
            raise refusals.too_large(name) from None
        except TooMany:
            raise refusals.too_many_records(name) from None
        except BadBody as bad:
            raise refusals.bad_body(name, bad) from None
        return AcceptedPost(await self._store(hook, records, signed), len(records))

    async def _hook(self, name: str) -> Hook:
        """The webhook source of this name. InputError `unknown-source` if there is none."""
        known = self._hooks.get(name)
        if known is not None and self._clock.monotonic() - known.looked_at <= KNOWN_S:
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
        self._events.tell("intake.received", posts=len(posts), records=sum(taken))
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
        "paused": [_pause_json(pause) for pause in pauses.all_pauses(conn).values() if source.name in pause.sources],
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
