"""A model of delivery: several processes, one simulated API and one simulated clock, and laws that always hold.

Everything that decides is Penstock's own: the rate limit and its lanes, the row that processes share, the machines of
delivery, retries, verdicts, the pipeline, the read-back and its findings.
"""

import asyncio
from collections import Counter, defaultdict

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from penstock.model.delivery import Lane
from penstock.model.outcome import Outcome
from support.kernel.shared_budget import FixedWindow, SharedRow
from support.kernel.virtual_time import VirtualLoop
from support.models.simulated_api import NOTHING_DONE, SimulatedApi
from support.models.simulated_sender import KINDS, Ledger, ModelRecord, SimulatedProcess

PER = 10.0
SETTLE_AFTER = 5.0
FAULTS = ("refused", "cut before", "cut after", "cut, done late", "503 before", "503 after", "429")
LANES: tuple[Lane, ...] = ("test", "live", "backfill")


class Delivery(RuleBasedStateMachine):
    """`records` are all that were taken in; `keys` says which process and lane has the records of a key."""

    def __init__(self):
        super().__init__()
        self.records: list[ModelRecord] = []
        self.home: dict[str, tuple[int, Lane]] = {}

    @initialize(
        quota=st.integers(3, 30),
        processes=st.integers(1, 3),
        latency=st.tuples(*[st.sampled_from([0.001, 0.05, 0.9])] * 2),
        visible_after=st.sampled_from([0.0, 1.5]),
        form=st.sampled_from(["text", "html"]),
        headers=st.booleans(),
    )
    def begin(self, quota, processes, latency, visible_after, form, headers):
        self.loop = VirtualLoop()
        self.quota = quota
        self.api = SimulatedApi(FixedWindow(quota, PER, headers), visible_after, form)
        self.row, self.ledger, self.places = SharedRow(quota, PER), Ledger(), []
        self.new_process = lambda: SimulatedProcess(self.row, self.api, self.ledger, self.places, *latency)
        self.processes = [self.new_process() for _ in range(processes)]

    def do(self, steps):
        return self.loop.run_until_complete(steps)

    async def pass_time(self, seconds):
        await asyncio.sleep(seconds)

    # ── what happens ─────────────────────────────────────────────────────────

    @rule(
        kind=st.sampled_from(sorted(KINDS)),
        number=st.integers(1, 40),
        lane=st.sampled_from(LANES),
        process=st.integers(0, 2),
        text=st.sampled_from(["same", "other", "<b>same</b>"]),
    )
    def take_in(self, kind, number, lane, process, text):
        """Records of one destination: new tasks, notes with texts of which some are equal, versions of three people."""

        async def add():
            for _ in range(number):
                new = len(self.records)
                key = f"u{new % 3}-{lane}" if kind == "people" else f"k{new}"
                record = ModelRecord(new, kind, key, text)
                self.records.append(record)
                where, its_lane = self.home.setdefault(key, (process % len(self.processes), lane))
                self.processes[where].add(record, its_lane)

        self.do(add())

    @rule(seconds=st.sampled_from([0.01, 0.5, 3.0, 10.0, 25.0]))
    def wait(self, seconds):
        self.do(self.pass_time(seconds))

    @rule(faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4))
    def meet(self, faults):
        """The next requests meet faults."""
        self.api.faults += faults

    @rule(requests=st.integers(1, 8))
    def other_clients_send(self, requests):
        async def send():
            self.api.other_clients(requests)

        self.do(send())

    @rule(process=st.integers(0, 2))
    def kill(self, process):
        """kill -9; another process continues when the last bytes of the dead one have arrived."""

        async def die():
            place = process % len(self.processes)
            left = await self.processes[place].kill()
            self.processes[place] = self.new_process()
            await asyncio.sleep(2.0)
            for lane, record in sorted(left, key=lambda each: each[1]):
                self.processes[place].add(record, lane)

        self.do(die())

    @precondition(lambda self: not self.api.faults)
    @rule(kind=st.sampled_from(["task", "note"]), fault=st.sampled_from(FAULTS))
    def lose_one(self, kind, fault):
        """The last record of a run meets a fault, and is settled at once."""

        async def add():
            record = ModelRecord(len(self.records), kind, f"k{len(self.records)}", "same")
            self.records.append(record)
            self.home[record.key] = 0, "live"
            self.processes[0].add(record, "live")

        self.do(self.quiet())
        self.api.faults.append(fault)
        self.do(add())
        self.settle()

    @rule()
    def settle(self):
        self.do(self.quiet())
        self.do(self.settled())

    # ── helpers ──────────────────────────────────────────────────────────────

    def unknown(self):
        return [self.records[n] for n, outcome in self.ledger.outcomes.items() if outcome is Outcome.UNKNOWN]

    async def quiet(self):
        """All runs have ended."""
        for _ in range(40_000):
            if not any(run.is_busy for process in self.processes for run in process.runs.values()):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the runs do not end")

    async def settled(self):
        """What has no answer is read back, or sent again where the API does nothing the second time."""
        unknown = self.unknown()
        readable = [record for record in unknown if record.kind != "people"]
        again = await self.processes[0].settle(readable, SETTLE_AFTER) if readable else []
        for record in unknown:
            if record.kind == "people" and not self.has_newer(record):
                del self.ledger.outcomes[record.number]
                again.append(record)
        for record in again:
            where, lane = self.home[record.key]
            self.processes[where].add(record, lane)
        return again

    def has_newer(self, record):
        return any(each.key == record.key and each.number > record.number for each in self.records)

    # ── the laws ─────────────────────────────────────────────────────────────

    def teardown(self):
        try:
            if self.records:
                self.api.faults.clear()
                self.do(self.quiet())
                for _ in range(3):
                    self.do(self.settled())
                    self.do(self.quiet())
                self.check_outcomes()
                self.check_objects()
                self.check_order()
                self.check_limit()
                self.check_lanes()
        finally:
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self.do(asyncio.wait(tasks))
            self.loop.close()

    def check_outcomes(self):
        """Each record has one outcome; what can be decided is."""
        assert sorted(self.ledger.outcomes) == list(range(len(self.records)))
        for record in self.records:
            outcome = self.ledger.outcomes[record.number]
            usual = outcome is Outcome.DELIVERED
            assert usual or record.kind == "note" or self.gave_up(record), (record, outcome)

    def gave_up(self, record):
        """An upsert whose every attempt met a fault."""
        met = [each for each in self.api.log if each.body["number"] == record.number]
        return record.kind == "people" and (len(met) >= 6 or self.has_newer(record))

    def check_objects(self):
        """No object is created twice, none that was delivered is missing, and only what is not there is sent again."""
        sent, done = Counter(), Counter()
        for arrived in self.api.log:
            sent[arrived.body["number"]] += arrived.fault not in NOTHING_DONE
        for _, _, stored in self.api.created:
            done[stored["number"]] += 1
        texts = defaultdict(list)
        for record in self.records:
            if record.kind == "people":
                continue
            assert sent[record.number] <= 1 + self.ledger.absent[record.number], record
            if record.kind == "task":
                assert done[record.number] == (self.ledger.outcomes[record.number] is Outcome.DELIVERED), record
            else:
                texts[record.text].append(record)
        for records in texts.values():  # equal notes are interchangeable
            delivered = sum(self.ledger.outcomes[each.number] is Outcome.DELIVERED for each in records)
            assert delivered <= sum(done[each.number] for each in records) <= len(records)

    def check_order(self):
        """Of one key, a version is never sent after a newer one."""
        last = defaultdict(int)
        for arrived in self.api.log:
            if "user_id" in arrived.body:
                assert arrived.body["number"] >= last[arrived.body["user_id"]], arrived
                last[arrived.body["user_id"]] = arrived.body["number"]

    def check_limit(self):
        """The API refuses nothing that the rate limit permits, unless other clients use the key."""
        assert self.api.refused_alone == 0
        assert max(self.api.window.per_window, default=0) <= self.quota

    def check_lanes(self):
        """A lower lane that waits gets its tenth: its requests are passed over by nine others each.

        Processes know of each other only what they reported last: then a lane can be passed over for a window more.
        """
        more = 0 if len(self.processes) == 1 else 9 + self.quota
        for number, place in enumerate(self.places):
            since = [each.lane for each in self.places[place.before : number + 1]]
            own = since.count(place.lane)
            assert len(since) - own <= 9 * own + more, since


def test_the_laws_of_delivery():
    # not shrunk: each example takes a tenth of a second, and shrinking thousands of them
    steps = settings(stateful_step_count=15, phases=[Phase.explicit, Phase.generate])
    run_state_machine_as_test(Delivery, settings=steps)
