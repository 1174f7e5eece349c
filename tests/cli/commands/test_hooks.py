"""`penstock hooks` lists webhook sources and makes their keys."""

import pytest

from support.cli.shell import Shell

PROJECT = """\
sources:
  app: {type: webhook}
  signed: {type: webhook, auth: {type: hmac, scheme: standard}}
  open: {type: webhook, auth: none}
  filed: {type: webhook, secret: "${env:HOOK_KEY}"}
"""


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_KEY", "known to others")
    (tmp_path / "penstock.yaml").write_text(PROJECT)
    made = Shell(tmp_path, monkeypatch, capsys)
    made.text("apply")
    return made


def test_a_new_key_is_shown_once_and_stored_sealed(shell):
    before = {each["source"]: each for each in shell.json("hooks list")}
    assert {name: each["auth"].get("has_secret") for name, each in before.items()} == {
        "app": False,
        "signed": False,
        "open": None,
        "filed": True,
    }
    text = shell.text("hooks list")
    assert "/hooks/app" in text
    assert "`penstock hooks new-key app` makes one" in text
    made = shell.json("hooks new-key app")
    assert made["source"] == "app"
    assert len(made["key"]) >= 32
    assert shell.json("hooks new-key signed")["key"].startswith("whsec_")
    assert shell.json("hooks new-key app")["key"] != made["key"]
    after = {each["source"]: each["auth"].get("has_secret") for each in shell.json("hooks list")}
    assert (after["app"], after["signed"]) == (True, True)
    assert made["key"].encode() not in (shell.folder / ".penstock" / "state.db").read_bytes()


@pytest.mark.parametrize(
    ("source", "code", "says"),
    [
        ("open", "no-auth", "needs no key"),
        ("filed", "key-in-file", "already name its secret"),
        ("ap", "unknown-source", "app"),
    ],
)
def test_a_source_that_has_no_key_is_refused_with_the_reason(shell, source, code, says):
    (error,) = shell.json(f"hooks new-key {source}", 2)["errors"]
    assert error["code"] == code
    assert says in error["message"] + error["hint"]
