"""Runs over HTTP: requested, also with a limit, cancelled, listed in pages."""

import pytest


def test_runs_are_listed_page_by_page_and_filtered(service):
    service.people("listed", [{"id": "1", "email": "a@x.example"}])
    made = [service.run("listed")["run"] for _ in range(3)]
    first = service.ask("GET /runs?target=listed&limit=2")
    rest = service.ask(f"GET /runs?target=listed&limit=2&cursor={first['next']}")
    assert [run["run"] for run in (*first["items"], *rest["items"])] == made[::-1]
    assert rest["next"] is None
    assert [run["run"] for run in service.ask("GET /runs?status=succeeded&target=listed")["items"]] == made[::-1]
    assert service.ask("GET /runs?status=failed&target=listed")["items"] == []
    since = service.ask(f"GET /runs/{made[2]}")["started_at"]
    assert [run["run"] for run in service.ask(f"GET /runs?target=listed&since={since}")["items"]] == made[2:]


def test_pages_are_stable_while_runs_are_added_and_deleted(service):
    """The pages have no item twice, and every item that existed at the first page."""
    service.people("moving", [{"id": str(n), "email": "wrong"} for n in range(7)])
    made = [service.run("moving")["run"] for _ in range(5)]
    in_quarantine = [entry["id"] for entry in service.ask("GET /quarantine?destination=moving")["items"]]
    pages = {
        path: service.ask(f"GET {path}&limit=3") for path in ("/runs?target=moving", "/quarantine?destination=moving")
    }
    service.ask("POST /quarantine/discard", {"ids": in_quarantine[:2]})
    service.rows("moving", [{"id": str(n), "email": "wrong"} for n in range(5, 9)])
    made.append(service.run("moving")["run"])
    for path, page in pages.items():
        seen = list(page["items"])
        while page["next"] is not None:
            page = service.ask(f"GET {path}&limit=3&cursor={page['next']}")  # noqa: PLW2901 - the page that follows
            seen += page["items"]
        if path.startswith("/runs"):
            assert [run["run"] for run in seen] == made[4::-1]
        else:
            assert [entry["id"] for entry in seen][:7] == in_quarantine
            assert len({entry["id"] for entry in seen}) == len(seen)


def test_a_destination_shows_its_runs_within_flows_too(service):
    service.people("within", [{"id": "1", "email": "a@x.example"}])
    service.ask("POST /flows", {"name": "around", "value": {"destinations": ["within"]}}, 201)
    alone, whole = service.run("within")["run"], service.run("around")["run"]
    [part, first] = service.ask("GET /runs?target=within")["items"]
    assert (first["run"], part["kind"], part["status"]) == (alone, "destination", "succeeded")
    assert part["trigger"] == service.ask(f"GET /runs/{whole}")["trigger"]
    assert [run["run"] for run in service.ask("GET /runs?target=around")["items"]] == [whole]
    assert part["run"] not in [run["run"] for run in service.ask("GET /runs")["items"]], (
        "the list has the run of the flow instead"
    )


def test_a_run_that_has_ended_is_neither_stopped_nor_resumed(service):
    service.people("over", [{"id": "1", "email": "a@x.example"}])
    run = service.run("over")["run"]
    assert service.refused(f"POST /runs/{run}/cancel", status=409)["code"] == "ended"
    assert service.refused(f"POST /runs/{run}/resume", status=409)["code"] == "not-resumable"
    service.refused("POST /runs", {"target": "nobody"}, 404)
    service.refused("POST /runs", {}, 400)


def test_a_plan_is_what_the_next_run_does(service):
    service.people("planned", [{"id": "1", "email": "a@x.example"}, {"id": "2", "email": "wrong"}])
    plan = service.ask("GET /destinations/planned/plan")
    assert (plan["records"], plan["creates_or_updates"], plan["invalid"]) == (2, 1, 1)
    service.run("planned")
    assert service.ask("GET /destinations/planned/plan")["creates_or_updates"] == 0


def test_the_plan_of_a_flow_is_in_total_and_per_destination(service):
    service.people("flowing", [{"id": "1", "email": "a@x.example"}])
    service.ask("POST /flows", {"name": "together", "value": {"destinations": ["flowing"]}}, 201)
    plan = service.ask("GET /flows/together/plan")
    assert (plan["flow"], plan["creates_or_updates"]) == ("together", 1)
    assert [part["destination"] for part in plan["destinations"]] == ["flowing"]
    service.refused("GET /flows/flowing/plan", status=404)


def test_a_run_with_a_limit_sends_so_many_records_and_shows_the_limit(service):
    service.people("first", [{"id": str(n), "email": f"p{n}@x.example"} for n in range(5)])
    for delivered in (2, 2, 1):
        asked = service.ask("POST /runs", {"target": "first", "limit": 2}, 202)
        run = service.ended(asked["run"])
        assert (asked["limit"], run["limit"], run["status"]) == (2, 2, "succeeded")
        assert run["records"]["delivered"] == delivered
    assert [run["limit"] for run in service.ask("GET /runs?target=first")["items"]] == [2, 2, 2]
    assert "limit" not in service.run("first")


@pytest.mark.parametrize("limit", [0, -1, True, "2", 1.5, 2**53])
def test_a_limit_is_a_positive_whole_number(service, limit):
    refused = service.refused("POST /runs", {"target": "anything", "limit": limit})
    assert (refused["path"], refused["code"]) == ("limit", "wrong-value")


def test_what_cannot_be_sent_in_part_has_no_limit(service, tmp_path):
    service.people("bounded", [{"id": "1", "email": "a@x.example"}])
    service.ask("PUT /flows/bounding", {"destinations": ["bounded"]})
    service.ask("PUT /credentials/folder", {"connector": "file", "path": str(tmp_path)})
    value = {"dataset": "bounded", "credential": "folder", "path": "all.csv", "active": True}
    service.ask("PUT /destinations/written", value)
    for asked, code, message in (
        ({"target": "bounding"}, "limit-of-flow", "bounding is a flow: a limit is a number of records of one"),
        ({"target": "written"}, "written-whole", "--limit would leave only the first records in it"),
        ({"target": "bounded", "allow_deletes": "0" * 16}, "usage", "so it deletes nothing"),
    ):
        refused = service.refused("POST /runs", {**asked, "limit": 1})
        assert refused["code"] == code
        assert message in refused["message"]
