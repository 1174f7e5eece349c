"""The admin routes: custify-api section 7, item 10."""

import json

import pytest


def test_the_state_has_every_kind(sandbox):
    assert set(sandbox.state()) == {
        *("people", "companies", "events", "tasks", "notes", "comments", "subscriptions", "invoices", "deals"),
        *(
            "custom_data",
            "tickets",
            "tags",
            "scores",
            "time_tracks",
            "files",
            "attributes",
            "batches",
            "duplicate_events",
            "warnings",
        ),
    }


def test_the_log_has_the_received_requests(sandbox):
    sandbox.call("POST /people?x=1", '{"user_id": "é"}', X_Trace="t1")
    sandbox.call("POST /people", "{}")
    first, second = sandbox.requests()
    assert (first["method"], first["path"], first["query"], first["body"]) == (
        "POST",
        "/people",
        "x=1",
        '{"user_id": "é"}',
    )
    assert (first["headers"]["X-Trace"], first["headers"]["Authorization"]) == ("t1", "[redacted]")
    assert (first["status"], first["committed"], first["fault"], first["error"]) == (200, True, None, None)
    assert (second["status"], second["committed"]) == (400, False)
    assert second["error"] == "At least one of [id, user_id, email] is required"
    assert sandbox.requests(since=first["seq"]) == [second]
    assert sandbox.api_key not in json.dumps(sandbox.requests())


def test_reads_are_logged_and_change_nothing(sandbox):
    sandbox.call("GET /company/all")
    (entry,) = sandbox.requests()
    assert (entry["status"], entry["committed"], entry["body"]) == (200, False, "")


def test_a_long_body_is_cut_in_the_log(sandbox):
    sandbox.call("POST /note", json.dumps({"text": "x" * 1_500_000}))
    (entry,) = sandbox.requests()
    assert (len(entry["body"]), entry["size"]) == (1_000_000, 1_500_012)


def test_reset_empties_all_but_the_settings(sandbox):
    sandbox.settings(rate="50/10s")
    sandbox.fault(status=503, times=1, after=1)
    sandbox.call("POST /people", '{"user_id": "u1", "custom_attributes": {"x": 1}}')
    seen = sandbox.requests()[-1]["seq"]
    sandbox.advance(100)
    sandbox.reset()
    assert sandbox._admin("POST", "/clock", {"advance": 0}) == {"ahead": 0}
    assert sandbox.stats() == {
        "objects": dict.fromkeys(sandbox.stats()["objects"], 0),
        "requests": 0,
        "refused_429": 0,
        "refused_401": 0,
        "max_per_window": 0,
        "windows": [],
        "duplicate_events": 0,
        "warnings": 0,
    }
    assert (sandbox.faults(), sandbox.requests(), sandbox.state()["attributes"]) == (
        [],
        [],
        {"company": {}, "customer": {}},
    )
    assert sandbox.settings()["rate"] == "50/10s"
    sandbox.call("GET /segment")
    assert [entry["seq"] for entry in sandbox.requests(since=seen)] == [seen + 1]


def test_objects_of_the_web_ui_are_listed_added_and_changed(sandbox):
    company = sandbox.call("POST /company", '{"company_id": "c1"}').json()["id"]
    before = sandbox.call("GET /_admin/ui_objects").json()
    assert all(len(objects) >= 2 for objects in before.values()), before
    (survey,) = sandbox.add_ui_objects("surveys", {"name": "Exit"})
    assert (len(survey["id"]), survey["name"], survey["tags"]) == (24, "Exit", [])
    sandbox.add_ui_objects("surveys", {"id": survey["id"], "status": "closed"})
    (meeting,) = sandbox.add_ui_objects("meetings", {"title": "Call", "company_id": "c1"})
    (objective,) = sandbox.add_ui_objects("objectives", {"name": "Grow", "company_id": "c1"})
    assert (meeting["company"], objective["company"]) == ([company], company)
    after = sandbox.call("GET /_admin/ui_objects").json()
    assert after["surveys"] == [*before["surveys"], survey | {"status": "closed"}]
    sandbox.reset()
    assert sandbox.call("GET /_admin/ui_objects").json() == before


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"kind": "companies", "objects": []}', "unknown kind: companies"),
        ('{"objects": []}', "unknown kind"),
        ('{"kind": "surveys"}', "must be a list"),
        ('{"kind": "surveys", "objects": [{"name": "a"}, 1]}', "must be a JSON object"),
        ('{"kind": "surveys", "objects": [{"name": "a"}, {"id": "7"}]}', "24 hexadecimal digits"),
        ('{"kind": "surveys", "objects": [{"name": "a"}, {"id": null}]}', "24 hexadecimal digits"),
        ('{"kind": "meetings", "objects": [{"title": "a"}, {"company_id": "c9"}]}', "no company has the company_id c9"),
    ],
)
def test_wrong_objects_of_the_web_ui_are_refused_and_none_is_added(sandbox, body, error):
    before = sandbox.call("GET /_admin/ui_objects").json()
    got = sandbox.call("POST /_admin/ui_objects", body)
    assert (got.status, error in got.json()["error"]) == (400, True), got.body
    assert sandbox.call("GET /_admin/ui_objects").json() == before


def test_settings_are_read_and_changed(sandbox):
    reads = {"notes": "trimmed", "visible_after": "5s", "ignore_filters": True}
    changed = sandbox.settings(
        rate="7/2s", strict=False, latency=1.5, job_delay="2s", unknown_company="create", **reads
    )
    wanted = {
        "rate": "7/2s",
        "strict": False,
        "latency": 1.5,
        "job_delay": 2.0,
        "unknown_company": "create",
        "assignee": "any",
        "batch_cost": "1",
        "notes": "trimmed",
        "visible_after": 5.0,
        "ignore_filters": True,
    }
    assert changed == wanted
    assert sandbox.settings() == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        {"strict": "yes"},
        {"latency": -1},
        {"job_delay": "soon"},
        {"unknown_company": "maybe"},
        {"notes": "markdown"},
        {"visible_after": "soon"},
        {"ignore_filters": "no"},
        {"speed": 1},
        {"latency": True},
    ],
)
def test_invalid_settings_are_refused(sandbox, wanted):
    with pytest.raises(AssertionError, match="400"):
        sandbox.settings(**wanted)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("line", ["GET /_admin", "GET /_admin/state", "POST /_admin/reset"])
def test_only_a_loopback_host_and_origin_are_accepted(sandbox, line, headers):
    assert sandbox.call(line, **headers).status == 403


@pytest.mark.parametrize("headers", [{"Host": "localhost:5"}, {"Host": "[::1]:5"}, {"Origin": "http://127.0.0.1:5"}])
def test_loopback_names(sandbox, headers):
    assert sandbox.call("GET /_admin/state", **headers).status == 200


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("GET /_admin/nothing", None, 404),
        ("DELETE /_admin/state", None, 404),
        ("GET /_administrator", None, 404),
        ("GET /_admin/requests?since=x", None, 400),
        ("POST /_admin/faults", "{", 400),
        ("POST /_admin/faults", "[5]", 400),
        ("POST /_admin/settings", "[]", 400),
        ("POST /_admin/clock", '{"advance": -5}', 400),
    ],
)
def test_invalid_admin_requests_are_refused(sandbox, line, body, status):
    assert sandbox.call(line, body).status == status


def test_the_page_loads_nothing_else(sandbox):
    for line in ("GET /_admin", "GET /_admin/"):
        got = sandbox.call(line)
        page = got.body.decode()
        assert got.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in got.headers["content-security-policy"]
        assert "http://" not in page
        assert "https://" not in page


def test_the_summary_has_the_content_of_the_page(sandbox):
    for n in range(12):
        sandbox.call("POST /company", '{"company_id": "c%d"}' % n)  # noqa: UP031
    summary = sandbox.call("GET /_admin/summary").json()
    assert [company["company_id"] for company in summary["latest"]["companies"]] == [f"c{n}" for n in range(11, 3, -1)]
    assert summary["log"][0]["seq"] > summary["log"][-1]["seq"]
    assert summary["stats"]["objects"]["companies"] == 12
