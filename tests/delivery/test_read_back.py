"""Reading back from the sandbox, and from a server that ignores filters, changes meanwhile or fails."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from penstock.delivery.http.client import Client
from penstock.delivery.read_back import ReadBack
from penstock.delivery.reader import ReadRefusedError
from penstock.delivery.settle import Recipe, SentRecord, sent_note
from penstock.model.delivery import Connection
from penstock.run.connection.leased_window import budget_in_memory
from support.kernel.delivery_client import KEY, ROOMY, client_of
from support.kernel.virtual_time import ImpatientClock
from support.servers.sandbox import running_sandbox
from support.servers.scripted_server import ScriptedServer, cut, reply


class TodayClock(ImpatientClock):
    """The present time of day, which the sandbox writes; a sleep takes no time, but the clock moves on as if it had.

    So does the sandbox's, if `sandbox` is set.
    """

    sandbox = None

    async def sleep(self, seconds):
        await super().sleep(seconds)
        if self.sandbox is not None:
            self.sandbox.advance(seconds)

    def now(self):
        return datetime.now(UTC) + timedelta(seconds=sum(self.slept))


class Delivered(list):
    """The notes that were delivered."""

    def of_entity(self, entity):
        return [note for note in self if note.entity == entity]

    def newest(self, besides):
        return next((note for note in reversed(self) if note.entity not in besides and note.remote_id), None)


@pytest.fixture(scope="module")
def running():
    with running_sandbox("--rate", "off", "--job-delay", "0", "--api-key", KEY) as started:
        yield started


@pytest.fixture
def sandbox(running):
    running.settings(notes="text", visible_after=0, ignore_filters=False)
    running.reset()
    running.call("POST /company", '{"company_id": "c1"}')
    running.call("POST /company", '{"company_id": "c2"}')
    return running


@pytest.fixture
def clock():
    return TodayClock()


def entity_of(sandbox, company):
    return next(each["id"] for each in sandbox.state()["companies"] if each["company_id"] == company)


def sent(sandbox, kind, path, body, *, name="1", ago=0.0, recipe=None):
    return SentRecord(name, kind, body, sandbox.url + path, datetime.now(UTC) - timedelta(seconds=ago), recipe)


async def findings(server, clock, records, notes=(), **settings):
    async with client_of(server.url, clock=clock, **settings) as client:
        return await ReadBack(client, clock, Delivered(notes)).findings(records)


async def one(server, clock, record, notes=(), **settings):
    (found,) = (await findings(server, clock, [record], notes, **settings)).values()
    return found


def reads(sandbox):
    """Method, path and query of the requests since the last reset that were not sent by this test itself."""
    return [entry["path"] for entry in sandbox.requests() if entry["method"] == "GET"]


TASK = '{"name": "Call", "priority": "low", "status": "open", "externalId": "t-1"}'


# ── the sandbox ──────────────────────────────────────────────────────────────────────


async def test_a_task_that_arrived_is_found_by_one_request(sandbox, clock):
    sandbox.fault(cut="after", method="POST", times=1)
    with pytest.raises(OSError):
        sandbox.call("POST /task", TASK)
    found = await one(sandbox, clock, sent(sandbox, "task", "/task", json.loads(TASK)))
    assert (found.state, found.reason) == ("arrived", "Custify has a task with externalId t-1")
    assert found.remote_id == sandbox.state()["tasks"][0]["id"]
    assert (len(reads(sandbox)), clock.slept) == (1, [])


@pytest.mark.parametrize(("ago", "seconds", "requests"), [(0, 5, 2), (3, 2, 2), (5, 0, 1), (86400, 0, 1)])
async def test_absence_is_read_twice_and_no_longer_than_needed(sandbox, clock, ago, seconds, requests):
    found = await one(sandbox, clock, sent(sandbox, "task", "/task", {"externalId": "t-1"}, ago=ago))
    assert found.state == "not there"
    assert seconds - 1 < sum(clock.slept) <= seconds
    assert len(reads(sandbox)) == requests


async def test_a_clock_that_was_set_back_an_hour_delays_nothing_further(sandbox, clock):
    found = await one(sandbox, clock, sent(sandbox, "task", "/task", {"externalId": "t-1"}, ago=-3600))
    assert found.state == "not there"
    assert sum(clock.slept) <= 5


@pytest.mark.parametrize(
    ("kind", "stored", "values"),
    [
        (
            "invoice",
            '{"externalId": "x", "company_id": "c1", "total": 12.5, "paidAt": "2026-01-31T00:00:00Z"}',
            {"total": "12.50", "paidAt": "2026-01-31"},
        ),
        ("deal", '{"externalId": "x", "company_id": "c1", "value": 7}', {"value": 7}),
        (
            "subscription",
            '{"externalId": "x", "company_id": "c1", "metadata": {"a": "TRUE"}}',
            {"metadata": {"a": True}},
        ),
    ],
)
async def test_financial_objects_are_compared_with_what_was_sent(sandbox, clock, kind, stored, values):
    path = f"/financial/{kind}"
    sandbox.call(f"POST {path}", stored)
    sandbox.call(f"POST {path}", '{"externalId": "another", "company_id": "c1"}')
    bodies = [
        {"externalId": "x", "company_id": "c1", **values},
        {"externalId": "x", "company_id": "c2"},
        {"externalId": "y"},
    ]
    records = [sent(sandbox, kind, path, body, name=str(n)) for n, body in enumerate(bodies)]
    found = await findings(sandbox, clock, records)
    assert [each.state for each in found.values()] == ["arrived", "not there", "not there"]
    assert found["1"].reason == f"Custify has the {kind} with externalId x with another company_id"


async def test_custom_data_is_read_at_its_company(sandbox, clock):
    sandbox.call(
        "POST /custom_data/companies?company_id=c1", '{"data_type": "car", "data_id": "1", "data": {"seats": 4}}'
    )
    bodies = [{"data_type": "car", "data_id": name, "data": {"seats": 4}} for name in ("1", "2")]
    records = [
        sent(sandbox, "custom_object", "/custom_data/companies?company_id=c1", b, name=b["data_id"]) for b in bodies
    ]
    records.append(sent(sandbox, "custom_object", "/custom_data/companies?company_id=c2", bodies[0], name="3"))
    found = await findings(sandbox, clock, records)
    assert {name: each.state for name, each in found.items()} == {"1": "arrived", "2": "not there", "3": "not there"}


async def test_a_manual_request_is_read_by_its_recipe(sandbox, clock):
    sandbox.call("POST /task", TASK)
    places = {"1": "/task?externalId=t-1", "2": "/task?externalId=t-2", "3": "/company/nowhere/at/all", "4": "/task"}
    paths = {"1": "$.tasks[0].id", "2": "$.tasks", "3": "$", "4": "tasks"}
    records = [
        sent(sandbox, "recipe", "/x", None, name=name, recipe=Recipe(sandbox.url + place, paths[name]))
        for name, place in places.items()
    ]
    found = await findings(sandbox, clock, records)
    assert {name: each.state for name, each in found.items()} == {
        "1": "arrived",
        "2": "not there",
        "3": "not there",
        "4": "cannot tell",
    }
    assert found["4"].reason == "the JSONPath `tasks` cannot be followed in the reply"


def note_to(sandbox, entity, text="Called Ada", **options):
    return sent(sandbox, "note", "/note", {"entity": entity, "entityModel": "Company", "text": text}, **options)


def write_note(sandbox, entity, text="Called Ada"):
    body = f'{{"entity": "{entity}", "entityModel": "Company", "text": "{text}"}}'
    return sandbox.call("POST /note", body).json()["id"]


async def test_equal_notes_are_counted_and_their_company_is_read_once(sandbox, clock):
    entity = entity_of(sandbox, "c1")
    sandbox.call("POST /note", f'{{"entity": "{entity}", "entityModel": "Company", "text": "Called  Ada"}}')
    before = len(reads(sandbox))
    records = [note_to(sandbox, entity, name=str(n), ago=60 - n) for n in range(3)]
    found = await findings(sandbox, clock, records)
    assert [each.state for each in found.values()] == ["arrived", "not there", "not there"]
    assert found["0"].remote_id == sandbox.state()["notes"][0]["id"]
    assert len(reads(sandbox)) - before == 1


async def test_all_pages_of_a_companys_notes_are_read(sandbox, clock):
    entity = entity_of(sandbox, "c1")
    first = write_note(sandbox, entity)
    for number in range(120):
        write_note(sandbox, entity, f"note {number}")
    found = await one(sandbox, clock, note_to(sandbox, entity))
    assert (found.state, found.remote_id) == ("arrived", first)
    assert len(reads(sandbox)) == 3


async def test_a_delivered_note_of_another_company_shows_that_texts_compare(sandbox, clock):
    entity, other = entity_of(sandbox, "c1"), entity_of(sandbox, "c2")
    write_note(sandbox, entity, "by another program")
    record = note_to(sandbox, entity, ago=60)
    assert (await one(sandbox, clock, record)).state == "cannot tell"
    body = {"entity": other, "text": "Hello"}
    known = sent_note("acme", body, write_note(sandbox, other, "Hello"), "2026-11-30T12:00:00.000Z")
    assert (await one(sandbox, clock, record, [known])).state == "not there"
    changed = sent_note("acme", body | {"text": "Bye"}, known.remote_id, known.at)
    assert (await one(sandbox, clock, record, [changed])).state == "cannot tell"


async def test_a_delivered_note_of_the_same_company_is_enough(sandbox, clock):
    entity = entity_of(sandbox, "c1")
    write_note(sandbox, entity, "by another program")
    known = sent_note(
        "acme", {"entity": entity, "text": "Called Ada"}, write_note(sandbox, entity), "2026-11-30T12:00:00.000Z"
    )
    before = len(reads(sandbox))
    assert (await one(sandbox, clock, note_to(sandbox, entity, ago=60), [known])).state == "not there"
    assert len(reads(sandbox)) - before == 1


async def test_another_unknown_note_that_is_found_shows_that_texts_compare(sandbox, clock):
    entity = entity_of(sandbox, "c1")
    write_note(sandbox, entity)
    records = [note_to(sandbox, entity, text, name=text, ago=60) for text in ("Called Ada", "Called Bea")]
    found = await findings(sandbox, clock, records)
    assert [each.state for each in found.values()] == ["arrived", "not there"]


@pytest.mark.parametrize("form", ["text", "html", "trimmed"])
async def test_texts_are_recognized_in_the_form_in_which_the_account_returns_them(sandbox, clock, form):
    sandbox.settings(notes=form)
    entity, texts = (
        entity_of(sandbox, "c1"),
        ["1 < 2 & 3", "<p>Hello <b>Ada</b></p>", " two\nlines  and\n\na paragraph ", "café"],
    )
    for text in texts:
        sandbox.call("POST /note", json.dumps({"entity": entity, "entityModel": "Company", "text": text}))
    records = [note_to(sandbox, entity, text, name=text, ago=60) for text in [*texts, "never sent"]]
    known = sent_note(
        "acme", {"entity": entity, "text": "Hi"}, write_note(sandbox, entity, "Hi"), "2026-11-30T12:00:00.000Z"
    )
    found = await findings(sandbox, clock, records, [known])
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(texts, "arrived") | {
        "never sent": "not there"
    }


async def test_a_note_that_the_list_shows_later_is_found(sandbox, clock):
    clock.sandbox = sandbox
    sandbox.settings(visible_after=4)
    entity = entity_of(sandbox, "c1")
    write_note(sandbox, entity)
    found = await one(sandbox, clock, note_to(sandbox, entity))
    assert found.state == "arrived"
    assert len(reads(sandbox)) == 2


@pytest.mark.parametrize(("kind", "path"), [("task", "/task"), ("deal", "/financial/deal")])
@pytest.mark.parametrize("count", [0, 1, 2, 60])
async def test_an_account_that_ignores_filters_is_listed(sandbox, clock, kind, path, count):
    sandbox.settings(ignore_filters=True)
    for number in range(count):
        body = {"externalId": f"x-{number}"} | (
            {} if kind == "deal" else {"name": "Call", "priority": "low", "status": "open"}
        )
        assert sandbox.call(f"POST {path}", json.dumps(body)).status == 200
    names = [f"x-{number}" for number in (0, 59)]
    same = {} if kind == "deal" else {"name": "Call"}
    records = [sent(sandbox, kind, path, {"externalId": name, **same}, name=name, ago=60) for name in names]
    found = await findings(sandbox, clock, records)
    assert found["x-0"].state == ("arrived" if count else "not there")
    assert found["x-59"].state == ("arrived" if count == 60 else "not there")


# ── failures ─────────────────────────────────────────────────────────────────────────


async def test_a_read_that_fails_decides_nothing(sandbox, clock):
    sandbox.fault(status=503, path="/task")
    sandbox.fault(html=True, path="/financial/deal")
    records = [
        sent(sandbox, "task", "/task", {"externalId": "t-1"}, name="1"),
        sent(sandbox, "deal", "/financial/deal", {"externalId": "d-1"}, name="2"),
        sent(sandbox, "recipe", "/x", None, name="3", recipe=Recipe("https://elsewhere.example/x", "$")),
    ]
    found = await findings(sandbox, clock, records)
    sandbox.clear_faults()
    assert {each.state for each in found.values()} == {"cannot tell"}
    assert found["1"].reason.startswith("the read-back failed: 503")
    assert found["2"].reason == "the reply to the read-back is not JSON"
    assert "elsewhere.example" in found["3"].reason


async def test_a_key_that_may_not_read_decides_nothing(sandbox, clock):
    sandbox.fault(status=403, path="/task")
    found = await one(sandbox, clock, sent(sandbox, "task", "/task", {"externalId": "t-1"}))
    sandbox.clear_faults()
    assert found.state == "cannot tell"
    assert found.reason.startswith("the read-back failed: 403")


async def test_a_refused_credential_ends_the_reading(sandbox, clock):
    sandbox.fault(status=401, path="/task")
    records = [sent(sandbox, "task", "/task", {"externalId": f"t-{n}"}, name=str(n)) for n in range(200)]
    with pytest.raises(ReadRefusedError, match="the credential was refused, at a read-back: 401") as caught:
        await findings(sandbox, clock, records)
    sandbox.clear_faults()
    assert caught.value.lost.refused
    assert len(reads(sandbox)) <= 20


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (reply(404, {"message": "no such route"}), "the read-back failed: 404: no such route (Custify)"),
        (reply(200, {"message": "hello"}), "the read-back did not return the objects that were requested"),
        (reply(200, b""), "the reply to the read-back is not JSON"),
        (cut(), "the read-back got no answer: the connection was cut before the answer came"),
    ],
)
async def test_an_answer_that_says_nothing_decides_nothing(clock, step, reason):
    async with ScriptedServer(answer=lambda _: step) as server:
        found = await one(server, clock, sent(server, "task", "/task", {"externalId": "t-1"}))
    assert (found.state, found.reason) == ("cannot tell", reason)


async def test_a_record_that_may_be_sent_again_is_refused(clock):
    async with ScriptedServer() as server:
        with pytest.raises(ValueError, match="not read back"):
            await one(server, clock, sent(server, "repeatable", "/people", {}))
        assert server.log == []


async def test_what_cannot_be_read_takes_no_request_and_no_time(clock):
    async with ScriptedServer() as server:
        found = await one(server, clock, sent(server, "unreadable", "/event", {}))
        assert (found.state, server.log, clock.slept) == ("cannot tell", [], [])


# ── lists ────────────────────────────────────────────────────────────────────────────


def query(seen):
    return {name: values[0] for name, values in parse_qs(urlsplit(seen.target).query).items()}


def account(*names, total=None, kind="tasks"):
    """An API that ignores the filter by externalId, and returns 20 objects of a page unless more are requested."""

    def answer(seen):
        size, page = int(query(seen).get("itemsPerPage", "20")), int(query(seen).get("page", "1"))
        some = [{"id": f"r-{name}", "externalId": name} for name in names[size * (page - 1) : size * page]]
        return reply(200, {kind: some, "total": len(names) if total is None else total(seen)})

    return answer


async def test_an_api_that_ignores_the_filter_is_listed_once_for_all(clock):
    names = [f"t-{n}" for n in range(130)]
    async with ScriptedServer(answer=account(*names)) as server:
        wanted = ["t-3", "t-129", "t-130", "t-131"]
        records = [sent(server, "task", "/task", {"externalId": name}, name=name, ago=60) for name in wanted]
        found = await findings(server, clock, records)
        lists = [query(seen)["page"] for seen in server.log if "itemsPerPage" in query(seen)]
    assert [found[name].state for name in wanted] == ["arrived", "arrived", "not there", "not there"]
    assert lists == ["1", "2", "3"]


async def test_a_list_that_changes_is_read_once_again(clock):
    names, changes = [f"t-{n}" for n in range(60)], iter([60, 60, 61, 60, 60])
    async with ScriptedServer(answer=account(*names, total=lambda _: next(changes))) as server:
        found = await one(server, clock, sent(server, "task", "/task", {"externalId": "x"}, ago=60))
        assert len(server.log) == 5
    assert found.state == "not there"


async def test_a_list_that_keeps_changing_shows_no_absence(clock):
    names, changes = [f"t-{n}" for n in range(60)], iter(range(100, 200))
    async with ScriptedServer(answer=account(*names, total=lambda _: next(changes))) as server:
        records = [sent(server, "task", "/task", {"externalId": name}, name=name, ago=60) for name in ("x", "t-59")]
        found = await findings(server, clock, records)
    assert found["x"] == ("cannot tell", "the list changed while it was read", None)
    assert found["t-59"].state == "arrived"


async def test_no_list_is_read_beyond_its_200th_page(clock):
    names = [f"t-{n}" for n in range(20_000)]
    async with ScriptedServer(answer=account(*names)) as server:
        found = await one(server, clock, sent(server, "task", "/task", {"externalId": "x"}, ago=60))
        assert len(server.log) == 201
    assert found == ("cannot tell", "the list has more than 200 pages", None)


async def test_what_shows_later_is_found_by_the_second_read(clock):
    empty, full = {"notes": [], "total": 0}, {"id": "r", "text": "Called Ada", "createdByType": "api"}
    entity, moment = "5f00000000000000000000aa", datetime.now(UTC).isoformat()
    script = [reply(200, empty), reply(200, {"notes": [full | {"created_at": moment}], "total": 1})]
    async with ScriptedServer(script) as server:
        records = [note_to(server, entity, name="old", ago=60), note_to(server, entity, name="new")]
        found = await findings(server, clock, records)
        assert [seen.target for seen in server.log] == [f"/note/{entity}?itemsPerPage=50&page=1"] * 2
    assert {name: each.state for name, each in found.items()} == {"old": "arrived", "new": "not there"}


async def test_a_note_that_was_found_stays_found(clock):
    entity, moment = "5f00000000000000000000aa", datetime.now(UTC).isoformat()
    there = {"id": "r", "text": "Called Ada", "createdByType": "api", "created_at": moment}
    script = [reply(200, {"notes": [there], "total": 1}), reply(404, {"message": "gone"})]
    async with ScriptedServer(script) as server:
        found = await findings(server, clock, [note_to(server, entity, name="1"), note_to(server, entity, name="2")])
    assert {name: each.state for name, each in found.items()} == {"1": "arrived", "2": "cannot tell"}


# ── the budget ───────────────────────────────────────────────────────────────────────


class NotedBudget:
    """A rate limit that notes the lane of each request."""

    def __init__(self, clock):
        self.lanes = []
        self._budget = budget_in_memory(ROOMY, clock)

    async def acquire(self, lane, cost=1):
        self.lanes.append(lane)
        return await self._budget.acquire(lane, cost)

    def __getattr__(self, name):
        return getattr(self._budget, name)


async def test_reads_have_the_lane_of_retries_and_are_ten_at_once(clock):
    budget, under_way, most = NotedBudget(clock), 0, 0

    async def step(writer, seen):
        nonlocal under_way, most
        under_way, most = under_way + 1, max(most, under_way + 1)
        await asyncio.sleep(0.01)
        under_way -= 1
        return await reply(200, {"tasks": [{"id": "r", "externalId": query(seen)["externalId"]}], "total": 1})(
            writer, seen
        )

    async with ScriptedServer(answer=lambda _: step) as server:
        records = [sent(server, "task", "/task", {"externalId": f"t-{n}"}, name=str(n)) for n in range(40)]
        async with Client(Connection("acme", server.url, KEY), budget, clock, concurrency=100) as client:
            found = await ReadBack(client, clock, Delivered()).findings(records)
        assert client.requests == len(server.log) == 40
    assert {each.state for each in found.values()} == {"arrived"}
    assert budget.lanes == ["retry"] * 40
    assert 2 <= most <= 10
