"""An edit with If-Match does not overwrite a change that was made in the meantime."""

import pytest

EDITS = ("put", "patch")
WRITE_ONLY = {
    "/api/v1/credentials/{name}/secret": "nobody can read it, so nobody can know what is there",
    "/api/v1/destinations/{name}/reconcile/schedule": "one number, which the last of two people means to set",
}
BAD = [{"id": "1", "email": "no-mail"}]


def test_every_edit_takes_if_match(service):
    paths = service.ask("GET /openapi.json")["paths"]
    without = {
        path
        for path, methods in paths.items()
        for method in EDITS
        if method in methods
        and not any(each["name"].lower() == "if-match" for each in methods[method].get("parameters", []))
    }
    assert without == set(WRITE_ONLY)


def quarantined_id(service):
    service.people("guarded", BAD)
    service.run("guarded")
    return service.ask("GET /quarantine?destination=guarded")["items"][0]["id"]


def test_an_edit_with_an_old_etag_is_refused(service):
    service.ask("POST /people", {"name": "grace", "role": "viewer"}, 201)
    service.dataset("edited", [{"id": "1"}])
    text = service.client.get("/api/v1/project/export").text
    for place, method, first, second in (
        ("/people/grace", "PATCH", {"role": "operator"}, {"role": "editor"}),
        (f"/quarantine/{quarantined_id(service)}", "PATCH", {"changes": {"email": "a"}}, {"changes": {"email": "b"}}),
        ("/settings/retention", "PUT", {"runs": 80}, {"runs": 81}),
        ("/settings/alerts", "PUT", {"rules": {"run_failed": False}}, {"rules": {"run_failed": True}}),
        ("/datasets/edited", "PATCH", {"types": {"id": "text"}}, {"types": {"id": "integer"}}),
        ("/sources/edited", "PUT", {"type": "file", "path": "a.csv"}, {"type": "file", "path": "b.csv"}),
        (
            "/project",
            "PUT",
            {"yaml": text},
            {"yaml": text.replace("sources:\n", "sources:\n  extra: {type: webhook}\n", 1)},
        ),
    ):
        read = service.client.get(f"/api/v1{place}").headers["ETag"]
        mine = {"If-Match": read}
        done = service.client.request(method, f"/api/v1{place}", json=first, headers=mine)
        assert done.status_code == 200, (place, done.text)
        after = service.client.get(f"/api/v1{place}")
        assert after.headers["ETag"] != read, place
        problem = service.refused(f"{method} {place}", second, 412, headers=mine)
        assert problem["code"] == "changed-meanwhile", place
        assert service.client.get(f"/api/v1{place}").json() == after.json(), place
        for right in (f"W/{after.headers['ETag']}", "*"):
            again = service.client.request(method, f"/api/v1{place}", json=second, headers={"If-Match": right})
            assert again.status_code == 200, (place, again.text)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_an_edit_of_a_deleted_resource_does_not_create_it(service, method):
    service.dataset("going", [{"id": "1"}])
    etag = service.client.get("/api/v1/datasets/going").headers["ETag"]
    service.ask("DELETE /datasets/going", None, 204)
    body = {"source": "going", "key": "id"}
    reply = service.client.request(
        method, "/api/v1/datasets/going", json=None if method == "DELETE" else body, headers={"If-Match": etag}
    )
    assert reply.status_code in {404, 412}
    service.ask("GET /datasets/going", None, 404)
