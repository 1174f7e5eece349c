"""Project texts that would use up time or memory of the service are refused with their line, before values are built."""

import pytest

from support.service.measured_service import MeasuredService

START = "sources:\n  a: &a {type: file, path: a.csv}\n"
BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
BOMBS = {
    "40,000 sources": (
        "sources:\n" + "".join(f"  s{number}: {{type: file, path: a}}\n" for number in range(40_000)),
        False,
    ),
    "100,000 unknown keys": (START + "".join(f"k{number}: 1\n" for number in range(100_000)), True),
    "30,000 alias values": (START + "".join(f"  s{number}: *a\n" for number in range(30_000)), True),
    "60,000 anchors": ("a: [" + ",".join(f"&a{number} 1" for number in range(60_000)) + "]", True),
    "an alias bomb": (BOMB, True),
    "a deep list": ("a: " + "[" * 100_000, True),
    "a deep mapping": ("{a: " * 30_000, True),
    "deep blocks": ("".join(f"{' ' * level}a:\n" for level in range(1000)), True),
    "1.5 MB of text": ("a: " + "a" * 1_500_000, False),
    "as many unknown keys as are read": (START + "".join(f"k{number}: 1\n" for number in range(24_000)), True),
    "unknown keys of one source": (START + "  b:\n" + "".join(f"    k{number}: 1\n" for number in range(20_000)), True),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_project_bomb_is_answered_within_two_seconds(attacked: MeasuredService, name: str) -> None:
    text, has_line = BOMBS[name]
    with attacked.attack(within_s=2):
        reply = attacked.client.put("/project", params={"dry_run": "true"}, json={"yaml": text})
    errors = reply.json()["errors"]
    assert reply.status_code in {400, 413}
    assert len(errors) <= 301
    assert errors[0]["code"] in {"too-large", "yaml-syntax", "unknown-key", "missing-key"}
    assert (errors[0]["line"] is not None) == has_line


def test_as_large_a_project_as_is_allowed_is_read(attacked: MeasuredService) -> None:
    text = "sources:\n" + "".join(f"  s{number}: {{type: file, path: a.csv}}\n" for number in range(8_000))
    with attacked.attack(within_s=10):
        reply = attacked.client.put("/project", params={"dry_run": "true"}, json={"yaml": text})
    assert reply.status_code == 200


def test_a_resource_of_very_many_values_is_refused(attacked: MeasuredService) -> None:
    value = {"type": "file", "path": "a.csv", "more": [[]] * 60_000}
    with attacked.attack(within_s=2):
        found = attacked.check(value)
    assert found["problems"][0]["code"] == "too-large"


def test_a_body_of_very_many_values_is_refused_before_it_is_read(attacked: MeasuredService) -> None:
    body = b'{"name": "x", "value": [' + b"[]," * 600_000 + b"[]]}"
    with attacked.attack(within_s=2):
        reply = attacked.client.post("/sources/check", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 413
    assert reply.json()["errors"][0]["code"] == "too-large"
