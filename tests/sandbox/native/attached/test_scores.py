"""NPS and CSAT scores: custify-api section 2."""

import json

import pytest

ABSENT = "6b054f0991941777f3ffffff"


def score(sandbox, target, body):
    got = sandbox.call(f"POST {target}", json.dumps(body))
    assert got.status == 200, got.body
    return got.json()


@pytest.fixture
def people(sandbox):
    """Three people of the company c1."""
    sandbox.call("POST /company", '{"company_id": "c1"}')
    for name in ("a", "b", "c"):
        person = {"user_id": name, "email": f"{name}@example.com", "companies": [{"company_id": "c1"}]}
        sandbox.call("POST /people", json.dumps(person))
    return sandbox


def person_of(sandbox, name):
    return sandbox.call(f"GET /people?user_id={name}").json()[0]["people"][0]


def metrics_of_company(sandbox):
    return sandbox.call("GET /company?company_id=c1").json()["companies"][0]["metrics"]


@pytest.mark.parametrize(
    ("target", "body", "status", "message"),
    [
        ("/nps_score?user_id=u1", {"score": 0}, 200, None),
        ("/nps_score?user_id=u1", {"score": 10, "comment": "é", "submittedAt": "2026-01-01T00:00:00Z"}, 200, None),
        ("/nps_score?user_id=u1", {"score": 11}, 400, '"score" must be between 0 and 10'),
        ("/nps_score?user_id=u1", {"score": -1}, 400, '"score" must be between 0 and 10'),
        ("/nps_score?user_id=u1", {"score": 7.5}, 400, '"score" must be an integer'),
        ("/nps_score?user_id=u1", {"score": True}, 400, '"score" must be an integer'),
        ("/nps_score?user_id=u1", {"score": None}, 400, '"score" is required'),
        ("/nps_score?user_id=u1", {"comment": "no score"}, 400, '"score" is required'),
        ("/nps_score?user_id=u1", {"score": 5, "submittedAt": "yesterday"}, 400, '"submittedAt" must be a date'),
        ("/nps_score?user_id=u1", {"score": 5, "rating": 5}, 400, '"rating" is not allowed'),
        ("/nps_score?user_id=u1", {"score": 5, "surveyId": ABSENT}, 404, "Survey not found"),
        (f"/nps_score?user_id=u1&surveyId={ABSENT}", {"score": 5}, 404, "Survey not found"),
        ("/nps_score", {"score": 5}, 400, "At least one of"),
        ("/nps_score?user_id=u9", {"score": 5}, 404, "People not found"),
        ("/nps_score?email=u9@example.com", {"score": 5}, 404, "People not found"),
        (f"/nps_score/{ABSENT}", {"score": 5}, 404, "People not found"),
        ("/nps_score/u1", {"score": 5}, 503, ""),
        ("/csat_score?user_id=u1", {"score": 5}, 200, None),
        ("/csat_score?user_id=u1", {"score": 0}, 400, '"score" must be between 1 and 5'),
        ("/csat_score?user_id=u1", {"score": 6}, 400, '"score" must be between 1 and 5'),
    ],
)
def test_scores_are_checked(sandbox, ids, target, body, status, message):
    got = sandbox.call(f"POST {target}", json.dumps(body))
    assert got.status == status, got.body
    assert len(sandbox.state()["scores"]) == (1 if status == 200 else 0)
    if status != 200:
        assert message in got.json()["message"]


def test_the_person_is_named_in_three_ways(people):
    internal = person_of(people, "a")["id"]
    for target in (f"/nps_score/{internal}", "/nps_score?user_id=a", "/nps_score?email=a@example.com"):
        assert score(people, target, {"score": 8})["people"] == internal


def test_the_newest_submission_wins_whatever_the_order_of_the_requests(people):
    assert "metrics" not in person_of(people, "a")
    for value, when in ((6, "2026-03-01T00:00:00Z"), (2, "2026-02-01T00:00:00Z")):
        score(people, "/nps_score?user_id=a", {"score": value, "submittedAt": when})
        assert person_of(people, "a")["metrics"] == {"nps_score": 6}
    # 01:30 at +02:00 is before midnight in UTC.
    score(people, "/nps_score?user_id=a", {"score": 3, "submittedAt": "2026-03-01T01:30:00+02:00"})
    assert person_of(people, "a")["metrics"] == {"nps_score": 6}
    score(people, "/nps_score?user_id=a", {"score": 0, "submittedAt": "2026-03-01T00:00:00Z"})
    assert person_of(people, "a")["metrics"] == {"nps_score": 0}
    score(people, "/csat_score?user_id=a", {"score": 4})
    assert person_of(people, "a")["metrics"] == {"nps_score": 0, "csat_score": 4}


def test_the_score_of_a_company_is_the_rounded_mean_of_its_people(people):
    assert metrics_of_company(people) == {"people_count": 3, "health_scores": {}}
    for name, value, mean in (("a", 9, 9), ("b", 8, 9), ("c", 8, 8), ("a", 0, 5)):
        score(people, f"/nps_score?user_id={name}", {"score": value})
        assert metrics_of_company(people)["nps_score"] == mean
    people.call("DELETE /people?user_id=a")
    assert metrics_of_company(people) == {"people_count": 2, "health_scores": {}, "nps_score": 8}
    assert {response["score"] for response in people.state()["scores"]} == {8}


def test_scores_are_responses_to_the_survey_that_is_named(people):
    nps, csat = (survey["id"] for survey in people.call("GET /survey").json())
    (exit_survey,) = people.add_ui_objects("surveys", {"name": "Exit", "type": "nps"})
    own = score(people, "/nps_score?user_id=a", {"score": 7})
    in_body = score(people, "/nps_score?user_id=b", {"score": 6, "surveyId": exit_survey["id"]})
    in_query = score(people, f"/nps_score?user_id=c&surveyId={exit_survey['id']}", {"score": 5})
    assert people.call(f"GET /survey/{exit_survey['id']}/responses").json()["responses"] == [in_body, in_query]
    assert people.call(f"GET /survey/{nps}/responses").json()["responses"][-1] == own
    assert score(people, "/csat_score?user_id=a", {"score": 5})["survey"] == csat
