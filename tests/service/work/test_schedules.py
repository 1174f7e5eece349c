"""Schedules with a test clock: a due time is run once with any number of workers; missed times by `catch_up`."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.config.flows import read_schedule
from penstock.model.errors import InputError
from penstock.model.runs import RunFilter
from penstock.service.store import work
from penstock.service.work.schedules import MOST, Schedules, next_after, passed
from penstock.store.runs.runs import OPEN_STATES
from support.deadline import until
from support.service.applied_project import Applied, ended

CRONS = ("0 2 * * *", "*/15 * * * *", "30 2 * * *", "0 * * * *", "59 23 31 * *", "0 8-18/2 * * MON-FRI", "30 1 * * 0")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@settings(deadline=None, max_examples=60)
@given(cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES), after=MOMENTS, hours=st.integers(0, 24 * 40))
def test_passed_times_equal_the_announced_times(cron, zone, after, hours):
    schedule, now, announced, moment = read_schedule(cron), after + timedelta(hours=hours), [], after
    for moment in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        if moment > now:
            break
        announced.append(moment.astimezone(UTC))
    assert passed(schedule, zone, after, now) == announced[::-1][:MOST]
    assert next_after(schedule, zone, now) == moment.astimezone(UTC) or cron == "59 23 31 * *"


@settings(deadline=None)
@given(seconds=st.sampled_from((10, 60, 900, 7200, 86400)), after=MOMENTS, ahead=st.integers(0, 86400))
def test_an_interval_is_due_at_multiples_of_itself(seconds, after, ahead):
    schedule, now = read_schedule(f"every {seconds}s"), after + timedelta(seconds=ahead)
    for moment in passed(schedule, None, after, now):
        assert after < moment <= now
        assert moment.timestamp() % seconds == 0
    coming = next_after(schedule, None, now)
    assert timedelta(0) < coming - now <= timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("day", "utc"),
    [("2026-03-28", ["01:30"]), ("2026-03-29", ["01:00"]), ("2026-03-30", ["00:30"]), ("2026-10-25", ["00:30"])],
)
def test_a_daily_time_is_due_once_when_the_clocks_change(day, utc):
    """In Berlin there is no half past two in spring, and the run is at three; in autumn there are two, and one run."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    moments = passed(read_schedule("30 2 * * *"), "Europe/Berlin", midnight, midnight + timedelta(hours=12))
    assert [f"{moment:%H:%M}" for moment in moments] == utc


@dataclass
class Hands:
    """A clock that a test moves; `monotonic` follows it."""

    at: datetime

    def now(self):
        return self.at

    def monotonic(self):
        return self.at.timestamp()

    async def sleep(self, seconds):
        raise AssertionError("nothing sleeps here")

    def dice(self):
        return random.random()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'state.db'}"


def opened(project: Applied, flows: str, at: str = "2026-05-01T00:00:10+00:00"):
    project.apply(flows=flows)
    app = project.open(clock=Hands(datetime.fromisoformat(at)))
    return app, app._ctx.clock


def ticking(app):
    return Schedules(app._present, app.work)


def asked(app, flow="timed"):
    """The runs of the flow, each ended at once, as if a worker had been there."""
    with app._ctx.database.begin() as conn:
        rows = [row for row in work.in_state(conn, OPEN_STATES) if row.target == flow]
        for row in rows:
            work.change(conn, row, state="ended")
    return [(row.trigger, row.asked_by) for row in rows]


def test_a_due_flow_runs_once_with_several_workers(project):
    app, clock = opened(project, 'timed: {schedule: "*/10 * * * *", destinations: it}')
    with app:
        workers = [ticking(app) for _ in range(3)]
        for tick in workers:
            tick.tick()
        assert asked(app) == []
        assert app.work.flow_state("timed")["next_at"] == "2026-05-01T00:10:00.000Z"
        for minute in range(1, 31):
            clock.at = clock.at.replace(minute=minute)
            for tick in workers:
                tick.tick()
            assert asked(app) == ([("schedule", "schedule")] if minute % 10 == 0 else [])


@pytest.mark.parametrize(("catch_up", "runs", "missed"), [("latest", 1, 4), ("all", 5, 0), ("none", 0, 0)])
def test_missed_times_are_caught_up_by_catch_up(project, catch_up, runs, missed):
    flow = f'timed: {{schedule: "0 * * * *", catch_up: {catch_up}, destinations: it}}'
    app, clock = opened(project, flow)
    with app:
        ticking(app).tick()
        clock.at += timedelta(hours=5, minutes=20)
        found = []
        for _ in range(8):
            ticking(app).tick()
            found += asked(app)
        assert len(found) == runs
        with app._ctx.database.read() as conn:
            folded = [row.missed for row in conn.execute(work.ticks.select())]
        assert folded == [missed] * runs
        clock.at = clock.at.replace(minute=0, second=5) + timedelta(hours=1)
        ticking(app).tick()
        assert len(asked(app)) == 1, "and the next time comes as ever"


def test_a_flow_does_not_overlap_itself(project):
    app, clock = opened(project, "timed: {schedule: every 1m, destinations: it}")
    with app:
        tick = ticking(app)
        for _ in range(6):
            tick.tick()
            clock.at += timedelta(minutes=1)
        assert len(app.work.runs(RunFilter(target="timed"))["items"]) == 1, "one run waits, for all due times"


def test_a_paused_flow_does_not_run_and_has_no_missed_times_afterwards(project):
    app, clock = opened(project, "timed: {schedule: every 1h, destinations: it}")
    with app:
        ticking(app).tick()
        app.work.pause_flow("timed", by="ada")
        assert app.work.flow_state("timed") == {"next_at": None, "last_run": None, "paused": True}
        clock.at += timedelta(hours=3)
        ticking(app).tick()
        with pytest.raises(InputError, match="ada"):
            app.work.enqueue("timed", trigger="person:bob", asked_by="bob")
        app.work.resume_flow("timed", by="ada")
        ticking(app).tick()
        assert asked(app) == []
        clock.at += timedelta(hours=1)
        ticking(app).tick()
        assert len(asked(app)) == 1


def test_a_changed_schedule_counts_from_its_change(project):
    app, clock = opened(project, 'timed: {schedule: "0 0 1 1 *", destinations: it}')
    with app:
        ticking(app).tick()
        clock.at += timedelta(days=1)
        project.apply(flows='timed: {schedule: "0 * * * *", destinations: it}')
        ticking(app).tick()
        assert asked(app) == [], "hours before the change were not missed"
        clock.at += timedelta(hours=1)
        ticking(app).tick()
        assert len(asked(app)) == 1


def test_new_data_is_run_once_it_has_stopped_changing(project):
    app, clock = opened(project, "timed: {schedule: on new data, destinations: it}")

    def look():
        clock.at += timedelta(seconds=20)
        tick.tick()
        other.tick()
        return asked(app)

    with app:
        tick, other = ticking(app), ticking(app)
        assert [look(), look(), look()] == [[], [("new-data", "schedule")], []]
        project.people(21)
        assert look() == []
        project.people(22)
        assert [look(), look(), look()] == [[], [("new-data", "schedule")], []]
        (project.folder / "people.csv").unlink()
        assert look() == []
        project.people(23)
        assert [look(), look()] == [[], [("new-data", "schedule")]]


def test_a_worker_runs_what_is_new(project):
    project.apply(flows="timed: {schedule: on new data, destinations: it}")
    with project.open() as app:
        worker = app.worker()
        worker.start()
        try:
            first = until(lambda: app.work.runs(RunFilter(target="timed", status="succeeded"))["items"])[0]
            assert (first["trigger"], first["records"]["delivered"]) == ("new-data", 20)
            project.people(25)
            newest = until(
                lambda: (found := app.work.runs(RunFilter(target="timed"))["items"][0])["run"] != first["run"] and found
            )
            assert ended(app, newest["run"])["records"]["delivered"] == 5
        finally:
            worker.stop()
