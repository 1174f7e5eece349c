"""Templates, pages of resources, and the sample company, which only an empty project takes, over HTTP."""

import pytest
import yaml

NUMBER = 120


def project():
    return yaml.safe_dump(
        {
            "credentials": {"acme": {"connector": "custify", "base_url": "http://127.0.0.1:9", "dialect": "flat"}},
            "sources": {"crm": {"type": "file", "path": "crm.csv"}},
            "datasets": {"people": {"source": "crm", "key": "id"}},
            "destinations": {
                f"d{n:03}": {"dataset": "people", "credential": "acme", "template": "upsert_person"}
                for n in range(NUMBER)
            },
            "flows": {f"f{n:03}": {"destinations": [f"d{n:03}"]} for n in range(NUMBER)},
        },
        sort_keys=False,
    )


@pytest.fixture
def many(office):
    now = office.client.get("/project")
    answer = office.client.put("/project", json={"yaml": project()}, headers={"If-Match": now.headers["etag"]})
    assert answer.status_code == 200, answer.text
    return office.client


@pytest.mark.parametrize(("kind", "letter"), [("destinations", "d"), ("flows", "f")])
def test_a_list_is_read_page_by_page(many, kind, letter):
    first = many.get(f"/{kind}").json()
    assert len(first["items"]) == 50, "as many as of any other list"
    page = many.get(f"/{kind}?limit=7").json()
    assert [one["name"] for one in page["items"]] == [f"{letter}{n:03}" for n in range(7)]
    names, cursor = [], ""
    while cursor is not None:
        page = many.get(f"/{kind}?limit=50{cursor and '&cursor=' + cursor}").json()
        assert all("last_run" in one["state"] for one in page["items"])
        names += [one["name"] for one in page["items"]]
        cursor = page["next"]
    assert names == [f"{letter}{n:03}" for n in range(NUMBER)]


@pytest.mark.parametrize(("query", "status"), [("limit=0", 400), ("limit=501", 400), ("cursor=nonsense!", 400)])
def test_an_invalid_cursor_or_limit_is_refused(many, query, status):
    assert many.get(f"/destinations?{query}").status_code == status


def test_a_template_equals_its_entry_in_the_list(office):
    listed = {template["name"]: template for template in office.client.get("/templates").json()["items"]}
    assert len(listed) == 10
    assert office.client.get("/templates/create_task").json() == listed["create_task"]
    assert office.client.get("/templates/create_tusk").json()["errors"][0]["hint"] == "did you mean create_task?"


def test_the_sample_company_needs_an_empty_service(office):
    assert office.client.get("/demo").json() == {"loaded": False, "arrived": None}
    refused = office.client.post("/demo")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "not-empty")
