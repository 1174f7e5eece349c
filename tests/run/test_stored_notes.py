"""A read-back uses the delivered notes that the state has of its credential."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from penstock.clock import SystemClock
from penstock.delivery.http.client import Client
from penstock.delivery.read_back import ReadBack
from penstock.delivery.settle import SentRecord, sent_note
from penstock.model.delivery import Connection
from penstock.model.spec import RateLimit
from penstock.run.connection.leased_window import budget_in_memory
from penstock.run.diff.known_records import StoredNotes
from penstock.store.sent_notes import add_sent_notes

CLOCK = SystemClock()


@pytest.fixture
def entities(sandbox):
    """Custify's ids of two companies."""
    made = (sandbox.call("POST /company", json.dumps({"company_id": name})).json() for name in ("c1", "c2"))
    return [company["id"] for company in made]


def write(sandbox, entity, text):
    body = {"entity": entity, "entityModel": "Company", "text": text}
    return body, sandbox.call("POST /note", json.dumps(body)).json()["id"]


@pytest.mark.parametrize(
    ("credential", "place", "state"),
    [
        (None, 0, "arrived"),
        ("acme", 0, "not there"),  # the only note with this text is the delivered one
        ("other", 0, "arrived"),
        ("acme", 1, "arrived"),
    ],
)
async def test_a_note_that_is_stored_as_delivered_is_not_taken_for_another(
    sandbox, database, entities, credential, place, state
):
    body, remote = write(sandbox, entities[0], "Called Ada")
    if credential is not None:
        with database.begin() as conn:
            row = sent_note(credential, body | {"entity": entities[place]}, remote, "2026-11-30T12:00:00.000Z")
            add_sent_notes(conn, [row])
    assert await read_back(sandbox, database, body) == state


@pytest.mark.parametrize(
    ("credential", "state"), [(None, "cannot tell"), ("acme", "not there"), ("other", "cannot tell")]
)
async def test_the_newest_stored_note_shows_whether_texts_compare(sandbox, database, entities, credential, state):
    write(sandbox, entities[0], "by another program")
    hello, remote = write(sandbox, entities[1], "Hello")
    if credential is not None:
        with database.begin() as conn:
            add_sent_notes(conn, [sent_note(credential, hello, remote, "2026-11-30T12:00:00.000Z")])
    assert await read_back(sandbox, database, hello | {"entity": entities[0], "text": "Called Ada"}) == state


async def read_back(sandbox, database, body):
    record = SentRecord("q-1", "note", body, f"{sandbox.url}/note", datetime.now(UTC) - timedelta(seconds=60))
    connection = Connection("acme", sandbox.url, sandbox.api_key)
    async with Client(connection, budget_in_memory(RateLimit(), CLOCK), CLOCK) as client:
        found = await ReadBack(client, CLOCK, StoredNotes(database, "acme")).findings([record])
    return found["q-1"].state
