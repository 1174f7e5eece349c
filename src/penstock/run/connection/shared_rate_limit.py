"""The rate limit of a credential that several processes share: each leases a few places of the window from one row.

This module only decides, pure: the row, the time and a process's report go in; the new row and a grant come out. The
server's window begins at a moment that no client sees: not before the first place was leased, and by the first reply at
the latest. The next is open for certain one `per` after that reply. Requests that were in flight then may count in
either window, and are charged to both. A process that has died is noticed because its report is overdue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import NamedTuple

from penstock.delivery.limit.lanes import NONE, LaneCounts, passed_over, turns
from penstock.delivery.limit.rate_limit import Allowance
from penstock.model.spec import BatchCost
from penstock.store.leases import BudgetUser, RateLimitRow

MARGIN = 0.002  # of a window, for clocks that tick differently: costs 0.2 % of the rate limit
GRANTS_PER_WINDOW = 10  # a grant is at most this part of a window, so that others get their share
RETURNED_AFTER_S = 1.0  # places that were leased and are not used
REPORT_EVERY_S = 1.0  # a process with places reports at least this often
GRACE_S = 2.0  # a process that is overdue for longer has died


class EndedRequest(NamedTuple):
    """A request that has ended: when it was sent and ended, both as seconds before now, and what its headers said."""

    left: float
    ended: float
    cost: int
    allowance: Allowance | None = None


class WaitingInProcess(NamedTuple):
    """The requests that wait in a process."""

    lanes: tuple[int, ...]  # the ranks of their lanes, in order
    waited: float  # seconds, of the first of the most urgent lane
    least: int  # cost of the one that is sent next
    cost: int  # of all


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What an event loop of a process reports of its places, and how many it wants. Durations are seconds."""

    user: str
    configured: tuple[int, float]  # requests per window and its seconds, by the credential's settings
    unused: int = 0
    in_flight: int = 0
    oldest: float = 0.0  # since the oldest of both was leased or left
    ended: tuple[EndedRequest, ...] = ()
    returned: int = 0
    block: float = 0.0  # from now; 0: no 429 came
    waiting: WaitingInProcess | None = None
    want: int = 0  # places, beside the unused ones
    rank: int | None = None  # of the lane that sent last
    sent: LaneCounts = NONE  # places that each lane has used since the last report
    batch_cost: BatchCost | None = None  # learned, and not reported yet


class Grant(NamedTuple):
    """What a process is granted: places, and in how many seconds to request more."""

    places: int
    again: float = 0.0
    blocked: float = 0.0  # seconds
    opens: float = inf  # seconds until the next window is open for certain; inf: not known yet
    is_alone: bool = False  # no other process uses the credential
    is_tight: bool = False  # the window has few places left
    quota: int = 0  # requests per window
    passed: LaneCounts = NONE  # what all processes have sent while each lane waited
    batch_cost: BatchCost | None = None  # as learned by any process


def lease(row: RateLimitRow, now: float, report: UsageReport) -> tuple[RateLimitRow, Grant]:
    """Apply the report, open the next window if it is due, and grant up to `report.want` places."""
    row = _reported(_with_settings_and_clock(row, now, report.configured), now, report)
    if now < row.blocked_until:
        wait = row.blocked_until - now
        refused = Grant(
            0, wait, wait, wait, is_tight=True, quota=row.quota, passed=row.passed, batch_cost=row.batch_cost
        )
        return _with_report_due(row, now, report, wait), refused
    if now >= _opens(row, now):
        row = _next_window(row, now)
    left, reserved = _left(row, now), _reserved(row, now, report)
    turn = min(left, sum(_turns(row, now, rank) for rank in _lanes_of(report)))
    places = _places(row, report, max(left - reserved, turn))
    again = 0.0 if places else _retry_after(row, now, report.user, reserved)
    if places:
        row = _leased(row, now, report.user, places)
    row = _with_report_due(row, now, report, again, places)
    others = any(name != report.user for name, _ in _alive_users(row, now))
    tight = (left - places) * 4 < row.quota
    opens = _opens(row, now) - now
    return row, Grant(places, again, 0.0, opens, not others, tight, row.quota, row.passed, row.batch_cost)


def _with_settings_and_clock(row: RateLimitRow, now: float, configured: tuple[int, float]) -> RateLimitRow:
    """The row with the present settings; its times are moved back if the clock was set back."""
    if configured != row.configured:
        row = replace(row, quota=configured[0], per=configured[1], configured=configured)
    ahead = row.leased - now
    if ahead <= 0:
        return row
    return replace(
        row,
        opened=row.opened - ahead,
        first=None if row.first is None else row.first - ahead,
        answered=None if row.answered is None else row.answered - ahead,
        last_end=row.last_end - ahead,
        leased=now,
        late_end=row.late_end - ahead,
        late_taken=row.late_taken - ahead,
        blocked_until=row.blocked_until - ahead,
        users={
            name: user._replace(oldest=user.oldest - ahead, due=user.due - ahead, since=user.since - ahead)
            for name, user in row.users.items()
        },
    )


def _reported(row: RateLimitRow, now: float, report: UsageReport) -> RateLimitRow:
    if report.ended:
        row = _ended(row, now, report.ended)
    was = row.users.get(report.user)
    outstanding = report.unused + report.in_flight
    # An unknown process with places was taken for dead: they are not charged to this window yet.
    change = outstanding if was is None else -report.returned
    wait = report.waiting
    user = BudgetUser(report.unused, report.in_flight, now - report.oldest, now, report.rank)
    if wait is not None:
        since = now - wait.waited
        user = user._replace(rank=wait.lanes[0], since=since, least=wait.least, wants=wait.cost, lanes=wait.lanes)
    users = {**row.users, report.user: user}
    waiting = _waiting_lanes(row, now) & _waiting_lanes(replace(row, users=users), now)
    passed = passed_over(row.passed, waiting, report.sent)
    blocked = max(row.blocked_until, now + report.block) if report.block > 0 else row.blocked_until
    return replace(
        row,
        used=max(0, row.used + change),
        blocked_until=blocked,
        users=users,
        passed=passed,
        batch_cost=report.batch_cost or row.batch_cost,
    )


def _waiting_lanes(row: RateLimitRow, now: float) -> set[int]:
    return {rank for _, user in _alive_users(row, now) for rank in user.lanes}


def _lanes_of(report: UsageReport) -> tuple[int, ...]:
    return () if report.waiting is None else report.waiting.lanes


def _ended(row: RateLimitRow, now: float, ended: tuple[EndedRequest, ...]) -> RateLimitRow:
    """The row after these requests have ended. In one pass, because there may be thousands a second."""
    opened, late_from = row.opened, inf if row.first is None else row.first + row.per
    quota, remaining = row.quota, inf if row.remaining is None else row.remaining
    answered, last_end = inf if row.answered is None else row.answered, row.last_end
    late, late_end, late_taken = row.late, row.late_end, row.late_taken if row.late else inf
    for left_s, ended_s, cost, allowance in ended:
        left, end = now - left_s, now - ended_s
        last_end = max(last_end, end)
        if end > late_from:
            late, late_end, late_taken = late + cost, max(late_end, end), min(late_taken, left)
        if allowance is not None:
            quota = allowance.limit
        if left < opened:
            continue  # it is about a window that has ended
        answered = min(answered, end)
        if allowance is not None and allowance.remaining is not None:
            remaining = min(remaining, allowance.remaining)
    return replace(
        row,
        quota=quota,
        answered=None if answered == inf else answered,
        last_end=last_end,
        late=late,
        late_end=late_end,
        late_taken=late_taken if late else 0.0,
        remaining=None if remaining == inf else int(remaining),
    )


def _alive_users(row: RateLimitRow, now: float) -> Iterator[tuple[str, BudgetUser]]:
    grace = min(GRACE_S, row.per / 2)
    return ((name, user) for name, user in row.users.items() if now <= user.due + grace)


def _outstanding(row: RateLimitRow, now: float) -> int:
    return sum(user.unused + user.in_flight for _, user in _alive_users(row, now))


def _opens(row: RateLimitRow, now: float) -> float:
    """When the next window is open for certain; inf when only a reply can tell."""
    if row.blocked_until > row.opened:
        return row.blocked_until
    outstanding = _outstanding(row, now)
    if row.answered is None:
        # The last process to lease has died, and its requests have been sent by then; or a clock was set back, so that
        # the reply seems to be about the window before.
        sent = max(row.leased + min(row.per, RETURNED_AFTER_S), row.last_end)
        return inf if outstanding or not row.used else sent + row.per * (1 + MARGIN)
    certain = row.answered + row.per * (1 + MARGIN)
    if outstanding:
        return certain
    # By `clear`, every window that counted one of our requests has ended.
    clear = row.last_end + row.per * (1 + MARGIN)
    return clear if (clear - certain) * row.quota < row.late * row.per else certain


def _next_window(row: RateLimitRow, now: float) -> RateLimitRow:
    alive = dict(_alive_users(row, now))
    busy = [user for user in alive.values() if user.unused + user.in_flight]
    is_settled = not busy and now >= row.last_end + row.per * (1 + MARGIN)
    late = 0 if is_settled or row.blocked_until > row.opened else row.late
    earliest = [user.oldest for user in busy] + ([row.late_taken] if late else [])
    first = max((row.first or 0.0) + row.per, min(earliest)) if earliest else None
    return replace(
        row,
        opened=now,
        first=first,
        answered=None,
        used=sum(user.unused + user.in_flight for user in busy) + late,
        late=late if first is not None and row.late_end > first + row.per else 0,
        remaining=None,
        users=alive,
    )


def _left(row: RateLimitRow, now: float) -> int:
    own = row.quota - row.used
    return own if row.remaining is None else min(own, row.remaining - _outstanding(row, now))


def _reserved(row: RateLimitRow, now: float, report: UsageReport) -> int:
    """Places for other processes.

    Those that a process waits for in a more urgent lane, or for longer in the same; all that are left when one of a
    more urgent lane needs more than it got. And those of lower lanes whose turn it is.
    """
    wait, most = report.waiting, _largest_grant(row)
    rank = report.rank if wait is None else wait.lanes[0]
    mine = (inf, 0.0) if rank is None else (rank, now if wait is None else now - wait.waited)
    others = [user for name, user in _alive_users(row, now) if name != report.user and user.rank is not None]
    if any(user.is_pressing and (user.rank or 0) < mine[0] for user in others):
        return row.quota
    before = sum(
        max(0, min(user.wants, max(most, user.least)) - user.unused)
        for user in others
        if user.lanes and (user.lanes[0], user.since) < mine
    )
    lower = {lane for user in others for lane in user.lanes if lane > mine[0]} - {*_lanes_of(report)}
    return before + sum(_turns(row, now, lane) for lane in lower)


def _turns(row: RateLimitRow, now: float, lane: int) -> int:
    """Places for a lane that was passed over, less those that its processes have."""
    return max(0, turns(row.passed[lane]) - sum(user.unused for _, user in _alive_users(row, now) if user.rank == lane))


def _places(row: RateLimitRow, report: UsageReport, left: int) -> int:
    least = 1 if report.waiting is None else max(1, report.waiting.least - report.unused)
    places = max(0, min(report.want, left, max(_largest_grant(row), least)))
    return places if places >= least else 0


def _largest_grant(row: RateLimitRow) -> int:
    return max(ceil(row.quota / GRANTS_PER_WINDOW), 1)


def _leased(row: RateLimitRow, now: float, name: str, places: int) -> RateLimitRow:
    user = row.users[name]
    oldest = min(user.oldest, now) if user.unused + user.in_flight else now
    users = {**row.users, name: user._replace(unused=user.unused + places, oldest=oldest)}
    return replace(
        row,
        opened=row.opened if row.used else now,
        first=row.first if row.used and row.first is not None else now,
        used=row.used + places,
        leased=now,
        users=users,
    )


def _with_report_due(row: RateLimitRow, now: float, report: UsageReport, again: float, places: int = 0) -> RateLimitRow:
    """The row with the time of the process's next report; without the process if it has no places and wants none."""
    user = row.users[report.user]
    if not (user.unused or user.in_flight or user.wants):
        return replace(row, users={name: other for name, other in row.users.items() if name != report.user})
    due = now + (report_interval(row.per) if user.unused or user.in_flight else again)
    is_pressing = user.wants >= max(1, user.unused) or (any(report.sent) and report.want > places)
    return replace(row, users={**row.users, report.user: user._replace(due=due, is_pressing=is_pressing)})


def report_interval(per: float) -> float:
    """Seconds within which a process that has places reports again."""
    return min(REPORT_EVERY_S, per / 4)


def _retry_after(row: RateLimitRow, now: float, name: str, reserved: int) -> float:
    """Seconds until places may be available: until the next window, or soon if other processes may return theirs."""
    soon = min(max(row.per / 200, 0.02), 0.1)
    opens = _opens(row, now)
    others = [user for other, user in _alive_users(row, now) if other != name]
    may_return = any(user.unused for user in others)
    may_tell = row.quota > row.used and (reserved > 0 or any(user.in_flight for user in others))
    return soon if may_return or may_tell or opens == inf else max(soon, opens - now)
