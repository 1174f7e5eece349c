"""The verdict on a reply: what it means for each record of the request, with a reason. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from penstock.delivery.replies import (
    GOOD,
    UNREADABLE,
    ErrorQuoter,
    Item,
    Items,
    Positions,
    error_text,
    is_html,
    job_id,
    job_state,
    message_in,
    parse,
    phrase,
    read_items,
)
from penstock.delivery.retry import may_have_been_done
from penstock.model.delivery import Lost, Reply, Stop
from penstock.model.outcome import SENT, Outcome, Refusal
from penstock.model.record import Replies, RetryClass, Shape

REFUSED_AS_A_WHOLE = frozenset({400, 413, 422})  # possibly because of one record only
WORST_FIRST = (Outcome.QUARANTINED, Outcome.UNKNOWN, Outcome.ACCEPTED, Outcome.DELIVERED)
UNCONFIRMED = "unconfirmed: the reply does not say what became of it"
JOB_RULE = "job"  # of records whose batch has no result for them


class Judged(NamedTuple):
    """The outcome of one record."""

    outcome: Outcome
    refusal: Refusal | None = None
    remote_id: str | None = None


class SentRequest(NamedTuple):
    """A request of this shape with `records` records, sent in `attempts` attempts."""

    shape: Shape
    records: int
    quoter: ErrorQuoter
    attempts: int = 1
    positions: Callable[[], Positions] = dict  # called only where a result has no index


@dataclass(frozen=True, slots=True)
class SameForAll:
    """All records have one outcome."""

    judged: Judged
    reason: str


@dataclass(frozen=True, slots=True)
class PerRecord:
    """One outcome per record, in order."""

    records: tuple[Judged, ...]
    reason: str

    @property
    def outcome(self) -> Outcome:
        """The worst outcome, which is that of the delivery as a whole."""
        return worst(judged.outcome for judged in self.records)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Some records have no result (None). They are sent again where that is allowed; else `refusal` is for them."""

    records: tuple[Judged | None, ...]
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Bisect:
    """The API refused the whole batch, so its halves have to be sent. `refusal` is the reason."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Poll:
    """The batch became a job, whose results have to be polled."""

    job: str
    reason: str


@dataclass(frozen=True, slots=True)
class Halt:
    """The run has to stop; the records were not processed."""

    stop: Stop


Verdict = SameForAll | PerRecord | Unmatched | Bisect | Poll | Halt


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a delivery as a whole: the worst of its records' outcomes."""
    met = set(outcomes)
    return next((outcome for outcome in WORST_FIRST if outcome in met), Outcome.DELIVERED)


def judge(answer: Reply | Lost, sent: SentRequest) -> Verdict:
    """The verdict on the final reply or loss of a request, after all attempts."""
    if isinstance(answer, Lost):
        return _lost(answer, sent)
    status = answer.status
    if 200 <= status < 300:
        return _success(answer, sent)
    if status in {401, 403}:
        quoted = sent.quoter.quote(status, error_text(answer))
        return Halt(Stop("credential", f"the credential was refused: {quoted}", quoted))
    if status == 429:
        return Halt(Stop("unreachable", f"the API takes no requests: {sent.quoter.quote(429, error_text(answer))}"))
    if status == 404 and sent.shape.absent_is_done and not is_html(answer):
        return SameForAll(Judged(Outcome.DELIVERED), "404 Not Found: it was not there")
    if sent.shape.retry is RetryClass.ONCE and may_have_been_done(status):
        return _same_for_all(Outcome.UNKNOWN, "no answer", f"sent, but {sent.quoter.quote(status, error_text(answer))}")
    if sent.records > 1 and status in REFUSED_AS_A_WHOLE:
        return _batch_refused(answer, sent)
    return SameForAll(Judged(Outcome.QUARANTINED, _refusal(answer, sent)), _reason(answer, sent))


def shared_outcome(verdict: Verdict, retry: RetryClass, *, done: int, accepted: bool) -> Judged:
    """The outcome that all records of a batch share when grouping code made several requests of it.

    `done` requests of the batch succeeded before, and the reply to one of them was only `accepted`.
    """
    match verdict:
        case Halt(stop) if done and retry is RetryClass.ONCE:
            reason = f"{done} requests of its batch were taken, then: {stop.reason}"
            return Judged(Outcome.UNKNOWN, Refusal("no answer", reason))
        case Halt(stop):
            return Judged(Outcome.UNSENT, Refusal(stop.kind, stop.reason))
        case Bisect(refusal):
            return Judged(Outcome.QUARANTINED, refusal)
        case SameForAll(judged):
            return judged._replace(outcome=Outcome.ACCEPTED) if accepted and judged.outcome in SENT else judged
        case _:
            return Judged(Outcome.ACCEPTED)


def judge_job(
    reply: Reply, records: int, quoter: ErrorQuoter, positions: Callable[[], Positions] = dict
) -> SameForAll | PerRecord | Unmatched | None:
    """The results of a batch job; None while it has not ended.

    A job that failed leaves every record without a clear result unmatched; of one that ended well, only records
    without any result are, and only if it gives results.
    """
    data = parse(reply.body)
    state = job_state(data)
    items = read_items(data, records, positions)
    if state == "pending" and (items is None or not items.clear):
        return None
    if state == "failed":
        return _failed_job(items or Items(()), records, quoter, (message_in(data), reply.status))
    if items is None:
        return SameForAll(Judged(Outcome.ACCEPTED), f"the batch job ended without results; {UNCONFIRMED}")
    return _per_record(items, quoter, reply.status)


def _failed_job(items: Items, records: int, quoter: ErrorQuoter, failure: tuple[str, int]) -> PerRecord | Unmatched:
    message, status = failure
    judged = tuple(None if item.good is None else _judged(item, quoter) for item in items.items) or (None,) * records
    whole = tuple(one for one in judged if one is not None)
    if len(whole) == records:
        return _per_record_with_counts(whole, status)
    first = message or _first_message((*items.unassigned, *items.items))
    reason = f"the batch job failed: {quoter.quote(None, first)}"
    return Unmatched(judged, Refusal(JOB_RULE, reason))


def _first_message(items: Sequence[Item]) -> str:
    """The error text of the first failure."""
    return next((item.message for item in items if item.good is False and item.message), "")


def _lost(lost: Lost, sent: SentRequest) -> Verdict:
    if lost.nothing_sent:
        return Halt(Stop("unreachable", lost.reason))
    tries = f" after {sent.attempts} attempts" if sent.attempts > 1 else ""
    return _same_for_all(Outcome.UNKNOWN, "no answer", f"sent, no answer{tries}: {lost.reason}")


def _success(reply: Reply, sent: SentRequest) -> Verdict:
    """A 2xx."""
    status = reply.status
    if is_html(reply, xml=sent.shape.content_format == "xml"):
        quoted = sent.quoter.quote(status, error_text(reply))
        return _same_for_all(Outcome.QUARANTINED, "html", f"an HTML page, not an API reply (a login page?): {quoted}")
    outcome = Outcome.ACCEPTED if status == 202 else Outcome.DELIVERED
    if sent.shape.replies is Replies.STATUS and sent.records > 1:
        return SameForAll(Judged(outcome), _status_text(reply, readable=True))
    data = parse(reply.body)
    reason = _status_text(reply, readable=data is not UNREADABLE)
    if sent.shape.replies is Replies.STATUS:
        return SameForAll(Judged(outcome, None, _remote_id(data)), reason)
    items = read_items(data, sent.records, sent.positions)
    if sent.shape.replies is Replies.JOBS and (items is None or not items.clear):
        job = job_id(data)
        if job is not None:
            return Poll(job, f"{reason}: became batch job {job}")
    if items is not None:
        return _per_record(items, sent.quoter, status)
    if reply.truncated:
        return SameForAll(Judged(Outcome.ACCEPTED), f"{reason}; {UNCONFIRMED}")
    return SameForAll(Judged(outcome), reason)


def _batch_refused(reply: Reply, sent: SentRequest) -> Verdict:
    """400, 413 or 422 for several records."""
    if sent.shape.replies is not Replies.STATUS:
        items = read_items(parse(reply.body), sent.records, sent.positions)
        if items is not None and items.clear:
            return _per_record(items, sent.quoter, reply.status)
    refusal = _refusal(reply, sent)
    if sent.shape.retry is RetryClass.IDEMPOTENT and sent.shape.grouping.algorithm != "code":
        return Bisect(refusal)  # grouping code could make anything of a half
    return SameForAll(Judged(Outcome.QUARANTINED, refusal), refusal.reason)


def _per_record(items: Items, quoter: ErrorQuoter, status: int) -> PerRecord | Unmatched:
    """One outcome per record. A reply without any result neither confirms nor refuses records."""
    records = tuple(_judged(item, quoter) for item in items.items)
    missing = [not item.matched for item in items.items]
    if not any(missing) or (all(missing) and not items.unassigned):
        return _per_record_with_counts(records, status, ignored=len(items.unassigned))
    given = sum(item.matched for item in items.items) + len(items.unassigned)
    reason = f"{given} results for {len(missing)} records, and the reply does not say which result is whose"
    failed = [item for item in items.unassigned if item.good is False]
    if failed:
        reason += f"; {len(failed)} failed: {quoter.quote(None, _first_message(failed))}"
    known = tuple(None if lost else judged for lost, judged in zip(missing, records, strict=True))
    return Unmatched(known, Refusal(JOB_RULE, reason))


def _per_record_with_counts(records: tuple[Judged, ...], status: int, *, ignored: int = 0) -> PerRecord:
    counts = Counter(judged.outcome for judged in records)
    parts = [f"{count} {outcome}" for outcome, count in counts.items()]
    first = next((judged.refusal.reason for judged in records if judged.refusal is not None), None)
    reason = f"{status} {phrase(status)}: {', '.join(parts)}"
    if first is not None:
        reason += f"; first: {first}"
    if counts[Outcome.ACCEPTED]:
        reason += f"; {counts[Outcome.ACCEPTED]} {UNCONFIRMED}"
    if ignored:
        reason += f"; {ignored} results belong to no record and were ignored"
    return PerRecord(records, reason)


def _judged(item: Item, quoter: ErrorQuoter) -> Judged:
    if item.good is None:
        return Judged(Outcome.ACCEPTED)
    if item.good:
        return Judged(Outcome.DELIVERED, None, item.remote_id)
    status = item.status if item.status is not None and item.status >= 400 else None
    reason = quoter.quote(status, "" if item.message.lower() in GOOD else item.message)
    return Judged(Outcome.QUARANTINED, Refusal("api" if status is None else str(status), reason))


def _same_for_all(outcome: Outcome, rule: str, reason: str) -> SameForAll:
    return SameForAll(Judged(outcome, Refusal(rule, reason)), reason)


def _refusal(reply: Reply, sent: SentRequest) -> Refusal:
    return Refusal(str(reply.status), _reason(reply, sent))


def _reason(reply: Reply, sent: SentRequest) -> str:
    """Why the API refused: its error text and what to do about it."""
    text = error_text(reply)
    quoted = sent.quoter.quote(reply.status, text)
    if 300 <= reply.status < 400:
        target = sent.quoter.quote(None, reply.headers.get("location", "an address it does not name"))
        return f"{reply.status}: a redirect is not followed, because the key would travel with it; it leads to {target}"
    if reply.status == 404 and "people not found" in text.lower():
        return f"{quoted}: send the person first (upsert_person), then this record again"
    if sent.attempts > 1:
        return f"{quoted}, after {sent.attempts} attempts"
    return quoted


def _status_text(reply: Reply, *, readable: bool) -> str:
    reason = f"{reply.status} {phrase(reply.status)}".rstrip()
    if reply.truncated:
        return f"{reason}; the reply was cut"
    return reason if readable else f"{reason}; the reply is not JSON, so its status counts"


def _remote_id(data: object) -> str | None:
    if not isinstance(data, dict):
        return None
    found = data.get("id", data.get("_id"))
    return found if isinstance(found, str) and found != "" else None
