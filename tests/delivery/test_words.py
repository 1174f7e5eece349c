"""The API's own words: found wherever they are, made harmless, without secrets."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.replies import LONGEST, ErrorQuoter, error_text, parse, quoter_of
from penstock.model.delivery import Connection, Reply

KEY = "key+with/odd=signs"
QUOTER = quoter_of(Connection("acme", "https://x.invalid", KEY, headers={"X-Token": "second secret"}))


def said(body, content_type="application/json", status=422):
    return QUOTER.quote(status, error_text(Reply(status, {"content-type": content_type}, body, 1.0)))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "no e-mail"}, "message": "outer"}', "no e-mail"),
        (b'{"error": "Bad Request", "message": "email is not valid", "statusCode": 422}', "email is not valid"),
        (b'{"message": "email is not valid"}', "email is not valid"),
        (b'{"error": "User: x not found"}', "User: x not found"),
        (b'{"msg": "gone", "code": "Success", "params": null}', "gone"),
        (b'{"errors": [{"message": "a"}, {"message": "b"}]}', "a; b"),
        (b'{"message": ["a", "b"]}', "a; b"),
        (b'"just text"', "just text"),
        (b"email is not valid\r\n", "email is not valid"),
        (b'{"what": 1}', '{"what": 1}'),
        (b"a\x00b\x1b[31mc\xe2\x80\xaed", "a b [31mc d"),
        (b"\xff\xfe", "��"),
    ],
)
def test_where_the_words_are(body, words):
    assert said(body) == f"422: {words} (Custify)"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"  "])
def test_without_words_the_status_has_a_name(body):
    assert said(body) in {"422 Unprocessable Entity", "422 Unprocessable Content"}
    assert said(body, status=599) == "599"


def test_a_page_is_known_by_its_title():
    page = b"<html><head><title>\n502 Bad  Gateway</title></head><body>nginx</body></html>"
    assert said(page, "text/html", 502) == "502: 502 Bad Gateway (an HTML page) (Custify)"


def test_long_words_are_cut():
    assert len(said(b"x" * 100_000)) == len("422: ") + LONGEST + len(" (Custify)")


@pytest.mark.parametrize("secret", [KEY, "key%2Bwith%2Fodd%3Dsigns", "second secret"])
@pytest.mark.parametrize("shift", [0, 270, 290, 299, 1190, 3000])
def test_secrets_are_masked_wherever_they_stand(secret, shift):
    for body in (orjson.dumps({"message": "y" * shift + secret}), (" " * shift + secret).encode()):
        words = said(body)
        assert secret not in words
        assert secret[:12] not in words


def test_another_api_has_another_name():
    assert ErrorQuoter("the API").quote(400, "no") == "400: no (the API)"


@given(st.binary(max_size=200))
def test_any_body_can_be_quoted(body):
    words = said(body)
    assert words.isprintable()
    assert len(words) < LONGEST + 30
    parse(body)
