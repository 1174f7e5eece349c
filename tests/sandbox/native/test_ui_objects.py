"""Reads of what only Custify's web UI creates: custify-api section 3."""

import json
from urllib.parse import quote

import pytest

ABSENT = "6b054f0991941777f3ffffff"
LISTS = {
    "/segment?type=company": "segments",
    "/playbook": "playbooks",
    "/lifecycle": "lifecycles",
    "/health_score": "health_scores",
    "/calculated_metric": "calculated_metrics",
    "/objective": "objectives",
    "/calendar/meeting": "meetings",
    "/survey/responses": "responses",
}


def named(sandbox, target, kind):
    return [stored.get("name") for stored in sandbox.call(f"GET {target}").json()[kind]]


@pytest.mark.parametrize(("target", "kind"), LISTS.items())
def test_lists_have_something_and_are_paged(sandbox, target, kind):
    whole = sandbox.call(f"GET {target}").json()
    assert set(whole) == {kind, "total"}
    assert whole["total"] == len(whole[kind]) >= 2
    joint = "&" if "?" in target else "?"
    second = sandbox.call(f"GET {target}{joint}itemsPerPage=1&page=2").json()
    assert second == {kind: whole[kind][1:2], "total": whole["total"]}


def test_ids_are_the_same_in_every_sandbox(sandbox):
    before = sandbox.call("GET /survey").json()
    sandbox.reset()
    assert sandbox.call("GET /survey").json() == before


def test_surveys_and_simple_health_scores_are_arrays(sandbox):
    surveys = sandbox.call("GET /survey").json()
    assert [survey["type"] for survey in surveys] == ["nps", "csat"]
    assert sandbox.call("GET /survey?itemsPerPage=1&page=2").json() == surveys[1:]
    assert sandbox.call("GET /health_score/simple").json() == sandbox.call("GET /health_score").json()["health_scores"]


def test_responses_of_one_survey(sandbox):
    nps, csat = (survey["id"] for survey in sandbox.call("GET /survey").json())
    for survey, score in ((nps, 9), (csat, 4)):
        got = sandbox.call(f"GET /survey/{survey}/responses").json()
        assert [(response["survey"], response["score"]) for response in got["responses"]] == [(survey, score)]
    assert sandbox.call(f"GET /survey/{ABSENT}/responses").json() == {"responses": [], "total": 0}
    assert sandbox.call("GET /survey/1/responses").status == 503


@pytest.mark.parametrize(
    ("target", "kind", "names"),
    [
        ("/segment", "segments", ["Champions", "New users"]),
        ("/segment?type=people", "segments", ["Champions", "New users"]),
        ("/segment?type=company", "segments", ["Enterprise", "At risk"]),
        ("/segment?type=companies", "segments", ["Enterprise", "At risk"]),
        ("/playbook?type=companies", "playbooks", ["Onboarding", "Renewal"]),
        ("/playbook?type=people", "playbooks", ["Welcome"]),
        ("/calculated_metric?type=people", "calculated_metrics", ["Days since last login"]),
    ],
)
def test_types(sandbox, target, kind, names):
    assert named(sandbox, target, kind) == names


def test_an_unknown_type_is_400_or_ignored(sandbox):
    assert sandbox.call("GET /playbook?type=task").status == 400
    sandbox.settings(strict=False)
    assert sandbox.call("GET /playbook?type=task").json()["total"] == 3


def test_filters_and_their_absence(sandbox):
    wanted = quote(json.dumps([{"fieldName": "name", "filterType": "contains", "filterValue": "renew"}]))
    assert named(sandbox, f"/playbook?filters={wanted}", "playbooks") == ["Renewal"]
    sandbox.settings(ignore_filters=True)
    assert len(named(sandbox, f"/playbook?filters={wanted}&type=people", "playbooks")) == 3


def test_objectives_of_a_company_in_order(sandbox, ids):
    sandbox.add_ui_objects(
        "objectives",
        *({"name": name, "completionPercentage": done, "company_id": "c1"} for name, done in (("a", 9), ("b", 100))),
        {"name": "c", "company_id": "c1"},
    )
    by_id = f"/objective?company={ids['COMPANY']}"
    assert named(sandbox, by_id, "objectives") == ["a", "b", "c"]
    assert named(sandbox, "/objective?company_id=c1", "objectives") == ["a", "b", "c"]
    assert named(sandbox, f"{by_id}&sort=completionPercentage&order=desc", "objectives") == ["b", "a", "c"]
    assert named(sandbox, f"{by_id}&sort=completionPercentage&order=asc", "objectives") == ["a", "b", "c"]
    assert named(sandbox, "/objective?company_id=c2", "objectives") == []


def test_meetings_of_a_company(sandbox, ids):
    sandbox.add_ui_objects("meetings", {"title": "Call", "company_id": "c1"})
    got = sandbox.call(f"GET /calendar/meeting/company/{ids['COMPANY']}").json()
    assert ([meeting["title"] for meeting in got["meetings"]], got["total"]) == (["Call"], 1)
    assert sandbox.call(f"GET /calendar/meeting/company/{ABSENT}").json() == {"meetings": [], "total": 0}
    assert sandbox.call("GET /calendar/meeting").json()["total"] == 3


def test_objectives_and_meetings_have_at_most_50_on_a_page(sandbox):
    for target in ("/objective", "/calendar/meeting"):
        assert sandbox.call(f"GET {target}?itemsPerPage=50").status == 200
        assert sandbox.call(f"GET {target}?itemsPerPage=51").status == 400
    assert sandbox.call("GET /segment?itemsPerPage=200").status == 200
    assert sandbox.call("GET /segment?itemsPerPage=201").status == 400


def test_added_objects_are_visible_after_the_time_that_is_set(sandbox):
    sandbox.settings(visible_after="60s")
    sandbox.add_ui_objects("segments", {"name": "Late", "type": "people"})
    assert named(sandbox, "/segment", "segments") == ["Champions", "New users"]
    sandbox.advance(61)
    assert named(sandbox, "/segment", "segments") == ["Champions", "New users", "Late"]
