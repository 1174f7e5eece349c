"""Pages of records in quarantine over HTTP."""

import pytest

from support.service.sending_service import open_sending_service

BAD = "".join(f"b{n},Bad {n},nonsense-{n}\n" for n in range(5))


@pytest.fixture
def office(tmp_path, sandbox):
    with open_sending_service(tmp_path, sandbox) as made:
        with (tmp_path / "people.csv").open("a") as file:
            file.write(BAD)
        run = made.run("it")
        assert (run["records"]["quarantined"], run["records"]["delivered"]) == (6, 2), run
        yield made


def listed(office, **query):
    items, cursor = [], None
    while True:
        page = office.client.get("/quarantine", params={**query, **({"cursor": cursor} if cursor else {})}).json()
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def test_pages_and_filters_list_every_record_in_quarantine_once(office):
    everything = listed(office, limit=2)
    assert [entry["key"] for entry in everything] == ["u3", "b0", "b1", "b2", "b3", "b4"]
    cause = everything[0]["cause"]
    assert listed(office, destination="it", cause=cause, outcome="quarantined", limit=4) == everything
    assert listed(office, destination="draft") == listed(office, outcome="unknown") == []
    assert office.client.get("/quarantine", params={"outcome": "delivered"}).status_code == 400
    assert office.client.get("/quarantine", params={"cursor": "nonsense"}).status_code == 400
    [group] = office.client.get("/quarantine/groups").json()["items"]
    assert (group["destination"], group["cause"], group["count"]) == ("it", cause, 6)


def test_a_discarded_record_does_not_come_back(office):
    assert office.client.post("/quarantine/discard", json={}).json()["errors"][0]["code"] == "which"
    one = listed(office)[1]
    assert office.client.post(f"/quarantine/{one['id']}/discard", json={"reason": "no"}).json() == {"discarded": 1}
    gone = office.client.post("/quarantine/discard", json={"destination": "it", "outcome": "quarantined"})
    assert gone.json() == {"discarded": 5}
    assert office.client.post("/quarantine/discard", json={"all": True}).json()["errors"][0]["code"] == "nothing-held"
    office.run("it")
    assert listed(office) == []
