"""Multipart forms. The sandbox runs in its own process, so that its parts are tested by requests."""

import pytest

PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("multipart/form-data", PART + b"x\r\n--b--\r\n", "no boundary"),
        ("multipart/form-data; boundary=", PART + b"x\r\n--b--\r\n", "no boundary"),
        ("multipart/form-data; boundary=other", PART + b"x\r\n--b--\r\n", "not complete"),
        ("multipart/form-data; boundary=b", PART + b"x", "not complete"),
        ("multipart/form-data; boundary=b", PART + b"x\r\n--b\r\n", "not complete"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", "no name"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="file"\r\n--b--', "no name"),
    ],
)
def test_broken_forms_are_400(sandbox, content_type, body, message):
    got = sandbox.call("POST /file", body, Content_Type=content_type)
    assert got.status == 400
    assert message in got.json()["message"]
    assert sandbox.state()["files"] == []


@pytest.mark.parametrize(
    ("content_type", "body", "size"),
    [
        ("multipart/form-data; boundary=b", PART + b"xyz\r\n--b--", 3),
        ('Multipart/Form-Data; charset=utf-8; boundary="b"', b"preamble\r\n" + PART + b"\r\n\r\n--b--\r\nend", 2),
        ("multipart/form-data; boundary=b", PART + b"a\r\n-b\r\n--a\r\n--b--\r\n", 10),
    ],
)
def test_forms_of_other_shapes(sandbox, content_type, body, size):
    got = sandbox.call("POST /file", body, Content_Type=content_type).json()
    assert (got["name"], got["size"], got["contentType"]) == ("a.txt", size, "text/plain")
