"""Every operation of docs/how-to/sandbox-operations.md is answered as the page says, and every route is on the page."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock_sandbox.api import routes

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "sandbox-operations.md"
OPERATIONS = 63
FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n'
TAGGING = {"ids": ["{person}"], "tag": "vip", "type": "add"}
TRACK = {"duration": 60, "name": "Call", "startedDate": "2026-01-01T10:00:00Z"}
CUSTOM = {"data_type": "order", "data_id": "2", "data": {"total": 5}}
JOB = {"type": "people", "payload": {"user_id": "u9"}}
# By method and the first words of the path; a longer beginning goes before a shorter one.
BODIES = {
    "POST /people/tag": TAGGING,
    "POST /people": {"user_id": "u2", "name": "Ann"},
    "POST /customer": {"user_id": "u2", "name": "Ann"},
    "POST /company": {"company_id": "c2", "name": "Acme"},
    "POST /event": {"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1"},
    "POST /task": {"name": "Call", "priority": "low", "status": "open"},
    "PUT /task": {"status": "done"},
    "POST /note": {"text": "Called", "entity": "{company}", "entityModel": "Company"},
    "POST /comment": {"text": "Yes"},
    "POST /financial": {"externalId": "e1", "company_id": "c1"},
    "POST /custom_data": CUSTOM,
    "POST /ticket/": {"body": "Done", "type": "outgoing"},
    "POST /ticket": {"externalId": "e3", "title": "Broken"},
    "PUT /ticket": {"title": "Fixed"},
    "POST /tag": {"name": "new", "category": "people"},
    "PATCH /tag/entity": TAGGING | {"category": "people"},
    "POST /nps_score": {"score": 9},
    "POST /csat_score": {"score": 5},
    "POST /time": TRACK,
    "PUT /time": {"id": "{time_track}", "duration": 30},
    "POST /file/unlink": {"id": "{file}"},
    "PUT /file": {"showInPortal": True},
    "POST /batch": {"jobs": [JOB], "returnJobId": True},
}


@dataclass(frozen=True)
class Row:
    request: str
    status: int
    reply: str
    page: int | None
    number: int | None = None


def rows():
    """The rows of both tables; those of the second have no number."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or cells[0] in ("#", "request"):
            continue
        number = int(cells.pop(0)) if cells[0].isdigit() else None
        request, status, reply, page, known = cells if number is None else cells[1:]
        assert known in ("published", "clients", "ours"), line
        found.append(Row(request, int(status), reply, None if page == "–" else int(page), number))
    return found


ROWS = rows()


@pytest.fixture
def account(sandbox):
    """A sandbox with one or two objects of each kind. Returns the ids by their names on the page."""

    def made(line, body, **headers):
        got = sandbox.call(f"POST {line}", body if isinstance(body, bytes) else json.dumps(body), **headers)
        assert got.status < 300, got.body
        return got.json()["id"]

    company = made("/company", {"company_id": "c1"})
    person = made("/people", {"user_id": "u1", "email": "u1@example.com", "companies": [{"company_id": "c1"}]})
    ids = {
        "company": company,
        "person": person,
        "company_id": "c1",
        "user_id": "u1",
        "email": "u1@example.com",
        "externalId": "e1",
        "user": "ada@example.com",
        "survey": sandbox.call("GET /survey").json()[0]["id"],
        "note": made("/note", {"text": "n", "entity": company, "entityModel": "Company"}),
        "task": made("/task", {"name": "t", "priority": "low", "status": "open", "externalId": "e1"}),
        "tag": made("/tag", {"name": "vip", "category": "people"}),
        "time_track": made("/time-track?user=ada@example.com", TRACK),
        "file": made("/file", FORM, Content_Type="multipart/form-data; boundary=b"),
        "batch": made("/batch", {"jobs": [JOB], "synchronous": True}),
        "ticket": made("/ticket", {"externalId": "e1", "company": "c1"}),
    }
    for model, entity in (("Note", ids["note"]), ("Task", ids["task"])):
        made(f"/comment/{model}/{entity}", {"text": "c"})
    for kind in ("subscription", "invoice", "deal"):
        ids[kind] = made(f"/financial/{kind}", {"externalId": "e1", "company_id": "c1"})
        made(f"/financial/{kind}", {"externalId": "e2", "user_id": "u1"})
    for place in ("companies?company_id=c1", "people?user_id=u1"):
        made(f"/custom_data/{place}", CUSTOM | {"data_id": place})
    made("/nps_score?user_id=u1", {"score": 9})
    sandbox.add_ui_objects("meetings", {"title": "Call", "company_id": "c1"})
    return ids


def filled(text, ids):
    return re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], text)


def send(sandbox, ids, request, **options):
    """Send a request of the page with its example body."""
    line = filled(request, ids)
    if request == "POST /file":
        return sandbox.call(line, FORM, Content_Type="multipart/form-data; boundary=b", **options)
    begins = [begin for begin in BODIES if request.startswith(begin)]
    body = filled(json.dumps(BODIES[max(begins, key=len)]), ids) if begins else None
    return sandbox.call(line, body, **options)


def members(reply):
    """What the page's notation says: the exact members, or None for any object with an id."""
    return None if "…" in reply else set(reply.strip("{}").split(", ")) - {""}


def listed(reply):
    """The objects of a reply to a read: `[…]`, `{objects, total}` or `[{objects, total}]`."""
    wrapper = reply[0] if isinstance(reply, list) and "total" in reply[0] else reply
    if isinstance(wrapper, list):
        return wrapper
    (objects,) = (value for value in wrapper.values() if isinstance(value, list))
    return objects


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.request)
def test_the_operation_is_answered_as_the_page_says(sandbox, account, row):
    got = send(sandbox, account, row.request)
    assert got.status == row.status, got.body
    reply = got.json()
    if row.reply == "[…]":
        assert isinstance(reply, list)
        assert reply
    elif row.reply == "{<data_type>}":
        assert {kind: [stored["data"] for stored in listed] for kind, listed in reply.items()} == {
            "order": [{"total": 5}]
        }
    elif row.reply.startswith("["):
        assert [set(part) for part in reply] == [members(row.reply.strip("[]"))]
    elif members(row.reply) is None:
        assert len(reply["id"]) == 24
    else:
        assert set(reply) == members(row.reply)
    if row.reply.endswith("total}"):
        assert reply["total"] == len(listed(reply)) > 0


def test_the_page_numbers_63_operations_and_names_every_route():
    numbers = [row.number for row in ROWS if row.number is not None]
    assert sorted(set(numbers)) == list(range(1, OPERATIONS + 1))
    assert len({row.request for row in ROWS}) == len(ROWS)

    def route(line):
        line = line.partition("?")[0].replace("/Note/", "/{model}/").replace("/Task/", "/{model}/")
        return re.sub(r"\{\w+\}", "{}", line)

    assert {route(row.request) for row in ROWS} == {route(line) for line in routes.NATIVE}


def test_every_operation_needs_the_key(sandbox, account):
    before = sandbox.state()
    answers = {row.request: send(sandbox, account, row.request, key="wrong").status for row in ROWS}
    assert set(answers.values()) == {401}, answers
    assert sandbox.state() == before


def test_every_operation_counts_against_the_rate_limit(sandbox, account):
    sandbox.settings(rate="1000/1h")
    left = [int(send(sandbox, account, row.request).headers["x-ratelimit-remaining"]) for row in ROWS]
    assert left == list(range(999, 999 - len(ROWS), -1))


@pytest.mark.parametrize("row", [row for row in ROWS if row.page is not None], ids=lambda row: row.request)
def test_pages_are_bounded(sandbox, account, row):
    joint = "&" if "?" in row.request else "?"

    def page(size):
        return sandbox.call(f"{filled(row.request, account)}{joint}itemsPerPage={size}")

    assert page(row.page).status == 200
    assert page(row.page + 1).status == 400
    assert len(listed(page(1).json())) == 1
    sandbox.settings(strict=False)
    assert page(row.page + 1).status == 200
