"""The panel of a paused feed on the page of its source: reason, time, and removal when the feed continues."""

from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from support.service.service_process import ServiceProcess


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Its own service, because a service with a paused feed is not ready."""
    with ServiceProcess(tmp_path_factory.mktemp("paused")) as served:
        served.begin()
        yield served


def test_a_paused_feed_shows_its_reason_and_continues_after_the_fix(new_page, alone):
    base = {"connector": "custify", "base_url": alone.sandbox["url"], "dialect": "native"}
    alone.call("POST", "/credentials", {"name": "shut", "value": base})
    alone.call("PUT", "/credentials/shut/secret", {"secret": "not-the-key"})
    hook = {"type": "webhook", "auth": "none", "flush": {"records": 1, "after": "50ms"}}
    alone.call("POST", "/sources", {"name": "posts", "value": hook})
    alone.call("POST", "/datasets", {"name": "posts", "value": {"source": "posts", "key": "id"}})
    value = {"dataset": "posts", "credential": "shut", "template": "upsert_person", "fields": {"user_id": "id"}}
    alone.call("POST", "/destinations", {"name": "posted", "value": {**value, "active": True}})
    post = Request(f"{alone.url}/hooks/posts", b'{"id": "u-1"}', {"Content-Type": "application/json"})
    with urlopen(post, timeout=60) as reply:
        assert reply.status < 300
    alone.until(lambda: alone.call("GET", "/sources/posts/hook")["paused"] != [])

    page = new_page(alone)
    page.goto("/sources/posts")
    panel = page.get_by_role("region", name="Records are not sent").or_(
        page.locator("section", has=page.get_by_role("heading", name="Records are not sent"))
    )
    expect(panel.get_by_text("posted is paused")).to_be_visible()
    expect(panel.get_by_text("401").first).to_be_visible()
    for moment in ("Since", "Next try"):
        expect(panel.get_by_text(moment, exact=True)).to_be_visible()
    expect(panel.locator("time")).to_have_count(2)
    assert "not-the-key" not in page.content()

    run = alone.call("GET", "/sources/posts/hook")["paused"][0]["run"]
    alone.until(lambda: "errors" in alone.call("GET", f"/runs/{run}"))  # not while it is tried again
    page.goto(f"/runs/{run}")
    expect(page.get_by_role("heading", name="Errors")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("the credential was refused (401")
    expect(page.get_by_role("alert")).to_contain_text("Check on the page of the credential shut")
    page.goto("/sources/posts")
    expect(panel).to_be_visible()

    alone.call("PUT", "/credentials/shut/secret", {"secret": alone.sandbox["api_key"]})
    expect(panel).to_have_count(0)  # by itself
    alone.until(lambda: [person["user_id"] for person in alone.admin("GET", "/state")["people"]] == ["u-1"])
    assert alone.call("GET", "/sources/posts/hook")["paused"] == []
