"""Files: custify-api section 2. Uploads are made by httpx, as a client would."""

import hashlib
import json

import httpx
import pytest

ABSENT = "6b054f0991941777f3ffffff"
CONTENT = bytes(range(256)) + b"\r\n--\r\n\r\n\r"


@pytest.fixture
def upload(sandbox, ids):
    def upload(name="plan.pdf", content=CONTENT, query="", **fields):
        key = {"Authorization": f"Bearer {sandbox.api_key}"}
        files = {"file": (name, content, "application/pdf")}
        return httpx.post(f"{sandbox.url}/file{query}", headers=key, files=files, data=fields)

    return upload


def listed(sandbox, query=""):
    return [stored["name"] for stored in sandbox.call(f"GET /file{query}").json()["files"]]


def test_an_upload_arrives_byte_for_byte(sandbox, ids, upload):
    stored = upload("é 1.pdf", companyId="c1", peopleId=ids["PERSON"]).json()
    assert (stored["name"], stored["contentType"], stored["size"], stored["sha256"]) == (
        "é 1.pdf",
        "application/pdf",
        len(CONTENT),
        hashlib.sha256(CONTENT).hexdigest(),
    )
    assert (stored["company"], stored["people"], stored["showInPortal"]) == ([ids["COMPANY"]], [ids["PERSON"]], False)
    assert upload("empty", b"").json()["size"] == 0
    assert sandbox.state()["files"][0] == stored


def test_a_second_file_of_a_name_is_409_for_the_same_owner(sandbox, upload):
    assert [upload(companyId="c1").status_code for _ in range(2)] == [200, 409]
    assert [upload(peopleId="u1").status_code, upload().status_code, upload().status_code] == [200, 200, 200]
    assert listed(sandbox, "?companyId=c1") == ["plan.pdf"]


@pytest.mark.parametrize(
    ("fields", "status"), [({"companyId": "c9"}, 404), ({"peopleId": "u9"}, 404), ({"title": "x"}, 400)]
)
def test_wrong_fields_of_an_upload(sandbox, upload, fields, status):
    assert upload(**fields).status_code == status
    assert sandbox.state()["files"] == []


def test_an_upload_needs_a_form_with_a_file(sandbox):
    assert sandbox.call("POST /file", '{"file": "x"}').status == 400
    form = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n'
    got = sandbox.call("POST /file", form, Content_Type="multipart/form-data; boundary=b")
    assert (got.status, got.json()["message"]) == (400, '"file" is required')
    assert sandbox.call("POST /people", form, Content_Type="multipart/form-data; boundary=b").status == 400


def test_an_upload_counts_as_one_request_also_where_batches_count_by_their_jobs(sandbox, upload):
    sandbox.settings(rate="10/10s", batch_cost="jobs")
    got = upload()
    assert (got.status_code, got.headers["X-RateLimit-Remaining"]) == (200, "9")


def test_files_are_read_by_owner_and_id_and_paged(sandbox, ids, upload):
    first, second = upload("a", companyId="c1").json(), upload("b", query="?peopleId=u1").json()
    assert sandbox.call("GET /file").json() == {"files": [first, second], "total": 2}
    assert sandbox.call("GET /file?itemsPerPage=1&page=2").json() == {"files": [second], "total": 2}
    assert listed(sandbox, "?companyId=c1") == ["a"]
    assert listed(sandbox, f"?peopleId={ids['PERSON']}") == ["b"]
    assert sandbox.call(f"GET /file/{second['id']}").json() == {"files": [second], "total": 1}
    assert sandbox.call(f"GET /file/{ABSENT}").json() == {"files": [], "total": 0}


def test_links_are_removed_and_the_file_stays(sandbox, upload):
    stored = upload("a", companyId="c1", peopleId="u1").json()

    def unlink(**fields):
        return sandbox.call("POST /file/unlink", json.dumps({"id": stored["id"]} | fields))

    left = unlink(companyId="c1").json()
    assert (left["company"], left["people"]) == ([], stored["people"])
    assert listed(sandbox, "?companyId=c1") == []
    assert unlink().json()["people"] == []
    assert listed(sandbox) == ["a"]
    assert unlink(companyId="c9").status == 404
    assert sandbox.call("POST /file/unlink", "{}").status == 400
    assert sandbox.call("POST /file/unlink", '{"id": "%s"}' % ABSENT).status == 404  # noqa: UP031


def test_show_in_portal(sandbox, upload):
    target = f"PUT /file/{upload().json()['id']}/showInPortal"
    for body, shown in (('{"showInPortal": true}', True), ('{"showInPortal": false}', False), (None, True)):
        assert sandbox.call(target, body).json()["showInPortal"] is shown
        assert sandbox.state()["files"][0]["showInPortal"] is shown
    assert sandbox.call(target, '{"showInPortal": "yes"}').status == 400
    assert sandbox.call(f"PUT /file/{ABSENT}/showInPortal", "{}").status == 404
