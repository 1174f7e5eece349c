"""Posted JSON: valid JSON is accepted, invalid JSON is refused, and the open cases of the standards are decided here.

Each case is a value, which is posted in an object, in a list of objects and in its own line.
"""

import json
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.senders import HookSignature
from penstock.service.intake.senders import check_signature, sign
from penstock.service.model import SenderRefused
from penstock.sources.pushed_body import BadBody, records_of
from penstock.sources.typing.exact_json import parse

ESCAPES = [f'"\\{sign}"' for sign in '"\\/bfnrt'] + ['"\\u0041"', '"\\uD83D\\uDE00"', '"\\u0000"', '"\\uFFFF"']
NUMBERS = [
    f"{sign}{whole}{part}{power}"
    for sign, whole, part, power in product(
        ("", "-"), ("0", "7", "10", "123456789"), ("", ".0", ".25", ".001"), ("", "e1", "E+2", "e-3", "e00")
    )
]
TAKEN = [
    "null", "true", "false", '""', '"é"', '"\U0001f600"', '"\u2028\u2029"', '"\x7f"', '" "', "[]", "{}", "[[]]",
    '[1,"a",null,{}]', '{"":0}', '{"a":{"b":[{}]}}', " [ 1 , 2 ] ", "\t{\t}\t", "-0", "1" * 400, "0." + "1" * 100,
    "[" * 150 + "]" * 150, *ESCAPES, *NUMBERS,
]  # fmt: skip
REFUSED = [
    "", "nul", "True", "NaN", "-NaN", "Infinity", "-Infinity", "+1", "01", "-01", "1.", ".5", "-.5", "1e", "1e+", "1.e1",
    "0x1F", "1_000", "١", "--1", "1a", "1 2", "'a'", "a", '"', '"a', '"\\x"', '"\\u12"', '"\\uZZZZ"', '"\\"', '"\t"',
    '"\x01"', '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '{"\\ud800":1}', "[", "]", "[1", "[1,]", "[,1]", "[1,,2]",
    "[1 2]", "{", "}", '{"a"}', '{"a":}', "{1:2}", "{a:1}", '{"a":1,}', '{,"a":1}', '{"a":1,"a":2}', '{"a" "b"}',
    "/*c*/1", "1//c", "#1", "[1}", '{"a":1]', "\u00a01", "\ufeff1", "1" * 5000, "[" * 250 + "]" * 250, '["a"\x00]',
]  # fmt: skip


def read(text: str) -> list[object]:
    return [parse(record) for record in records_of(text.encode("utf-8", "surrogatepass"), "application/json")]


@pytest.mark.parametrize("value", TAKEN, ids=lambda value: ascii(value)[:30])
def test_valid_json_is_accepted_unchanged(value):
    wanted = json.loads(value, parse_float=Decimal)
    (record,) = records_of(f'{{"v":{value}}}'.encode(), "application/json")
    assert json.loads(record, parse_float=Decimal) == {"v": wanted}
    assert len(read(f'[{{"v":{value}}},{{"w":{value}}}]')) == 2
    lines = f'{{"v":{value}}}\n{{"v":1}}\n'
    assert len(records_of(lines.encode(), "application/x-ndjson")) == 2


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: ascii(value)[:30])
def test_invalid_json_is_refused_with_a_reason(value):
    for body in (f'{{"v":{value}}}', f'[{{"v":1}},{{"v":{value}}}]'):
        with pytest.raises(BadBody) as caught:
            read(body)
        assert caught.value.faults[0].reason
    if "\n" not in value:
        with pytest.raises(BadBody) as caught:
            records_of(f'{{"v":1}}\n{{"v":{value}}}'.encode(), "application/x-ndjson")
        assert caught.value.faults[0].line == 2


@pytest.mark.parametrize("body", [b'{"v":"\xff"}', b'{"v":"\xed\xa0\x80"}', b'{"v":"\xc0\xaf"}', b'{"v":"\xe9"}'])
def test_bytes_that_are_not_utf_8_are_refused(body):
    with pytest.raises(BadBody, match="not UTF-8"):
        records_of(body)


def test_json_that_standards_do_not_define():
    assert read('\ufeff{"v":1}') == [{"v": 1}]  # a byte-order mark before it is ignored
    assert len(read('{"v":1e999}')) == 1  # JSON; the record is quarantined later, since no column can store it
    assert read('{"v":123456789012345678901234567890}') == [{"v": 123456789012345678901234567890}]
    for body in (b'{"v":1}'.decode().encode("utf-16"), b'{"v":1}'.decode().encode("utf-32")):
        with pytest.raises(BadBody):
            records_of(body)


@given(st.binary(max_size=40))
def test_any_bytes_are_accepted_or_refused(body):
    try:
        found = records_of(body)
    except BadBody:
        return
    assert all(isinstance(parse(record), dict) for record in found)


@given(
    body=st.binary(max_size=60),
    secret=st.text(min_size=1, max_size=20),
    auth=st.builds(
        HookSignature,
        algorithm=st.sampled_from(["sha256", "sha512", "sha1"]),
        encoding=st.sampled_from(["hex", "base64"]),
        prefix=st.sampled_from(["", "sha256=", "v1,"]),
    ),
    flip=st.integers(0, 10_000),
)
def test_a_signature_is_valid_only_for_its_body_and_secret(body, secret, auth, flip):
    headers = {"x-signature": sign(auth, secret, body)}
    assert check_signature(auth, secret, headers, body, 0).seen is None
    changed = bytearray(body or b"x")
    changed[flip % len(changed)] ^= 1
    for other in (bytes(changed), body + b"\0"):
        with pytest.raises(SenderRefused):
            check_signature(auth, secret, headers, other, 0)
    with pytest.raises(SenderRefused):
        check_signature(auth, secret + "x", headers, body, 0)
