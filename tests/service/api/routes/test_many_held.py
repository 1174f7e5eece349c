"""Many records in quarantine are discarded in the background, few in the request."""

import pytest

from penstock.model.reports import QuarantineFilter
from penstock.service.app import ServiceApp
from penstock.service.model import MANY
from penstock.store import quarantine
from support.deadline import until
from support.kernel.quarantine_rows import hold_many


def database_of(service):
    return service.app._ctx.database


def hold(service, destination, count):
    """So many records in the quarantine of a new destination, as a run leaves them there."""
    service.people(destination, [{"id": "1", "email": "ada@x.example"}])
    hold_many(database_of(service), destination, count)


def held(service, destination):
    groups = service.ask("GET /quarantine/groups")["items"]
    return sum(group["count"] for group in groups if group["destination"] == destination)


@pytest.mark.parametrize("count", [1, MANY])
def test_few_records_are_discarded_in_the_request(service, count):
    hold(service, f"few{count}", count)
    assert service.ask("POST /quarantine/discard", {"destination": f"few{count}"}) == {"discarded": count}
    assert held(service, f"few{count}") == 0


def test_many_records_are_discarded_in_the_background_with_progress(service):
    hold(service, "many", 3500)
    hold(service, "others", 2)
    asked = service.client.post("/api/v1/quarantine/discard", json={"destination": "many", "reason": "old"})
    assert asked.status_code == 202
    begun = asked.json()
    assert (begun["total"], begun["reason"], begun["ended_at"]) == (3500, "old", None)
    where = asked.headers["Location"].removeprefix("/api/v1")
    assert where == f"/quarantine/discards/{begun['id']}"
    ended = until(lambda: (found := service.ask(f"GET {where}"))["ended_at"] is not None and found)
    assert (ended["discarded"], ended["total"]) == (3500, 3500)
    assert service.ask("GET /quarantine/discards")["items"][0] == ended
    assert (held(service, "many"), held(service, "others")) == (0, 2)
    with database_of(service).read() as conn:
        assert len(set(quarantine.discarded_versions(conn, "many"))) == 3500
    assert service.refused("POST /quarantine/discard", {"destination": "many"})["code"] == "nothing-held"
    assert service.refused("GET /quarantine/discards/d-0", status=404)["code"] == "unknown-discard"


def test_many_ids_are_discarded_in_the_background(service):
    hold(service, "named", MANY + 500)
    with database_of(service).read() as conn:
        ids = quarantine.ids(conn, QuarantineFilter(destination="named"))
    unknown = service.refused("POST /quarantine/discard", {"ids": [*ids, "q-999999999"]}, 404)
    assert (unknown["code"], unknown["found"]) == ("unknown-id", "q-999999999")
    assert held(service, "named") == len(ids)
    begun = service.ask("POST /quarantine/discard", {"ids": ids[:-1]}, 202)
    until(lambda: service.ask(f"GET /quarantine/discards/{begun['id']}")["ended_at"])
    assert held(service, "named") == 1


def test_the_next_process_continues_the_discard_of_an_ended_one(service):
    hold(service, "left", 2500)
    url = f"sqlite:///{database_of(service).path}"
    with ServiceApp.open_applied(url, environ={}) as ending:
        ending.discards.close()  # it takes the request, and ends before it does any of it
        which = QuarantineFilter(destination="left")
        begun = ending.discards.ask(which, None, reason="", by="ada")
        assert ending.discards.ask(which, None, reason="", by="ada") == begun, "asked again, it is the same"
    hold(service, "left-later", 3)
    assert held(service, "left") == 2500
    with ServiceApp.open_applied(url, environ={}) as another:
        another.discards.resume()
        until(lambda: another.discards.get(begun.id).ended_at)
        assert another.discards.get(begun.id).done == 2500
    assert (held(service, "left"), held(service, "left-later")) == (0, 3)


def test_a_resend_of_many_records_needs_few_statements(service):
    hold(service, "again", 2500)
    with database_of(service).read() as conn:
        ids = quarantine.ids(conn, QuarantineFilter(destination="again"))
        assert quarantine.by_destination(conn, [*ids, "q-999999999"]) == {"again": ids}
        assert [each.id for each in quarantine.get_all(conn, [ids[3], "q-999999999", ids[1]])] == [ids[3], ids[1]]
    (run,) = service.ask("POST /quarantine/resend", {"destination": "again"}, 202)["items"]
    assert run["destination"] == "again"
    service.ask(f"POST /runs/{run['run']}/cancel", status=202)
    service.ended(run["run"])
