"""Wrong usage ends with 2, suggests the nearest word and has the usual error shape; `--help` is quick."""

import json
import resource
import subprocess
import sys

import pytest

from penstock.main import build, execute
from support.cli.fake_app import FakeApp

COMMANDS = [
    "init",
    "demo",
    "validate",
    "schema",
    "apply",
    "export",
    "check",
    "preview",
    "test",
    "plan",
    "activate",
    "pause",
    "run",
    "runs",
    "deliveries",
    "settle",
    "serve",
    "worker",
    "credential",
    "quarantine",
]
SUBCOMMANDS = [
    "credential set",
    *(f"quarantine {word}" for word in ["list", "show", "edit", "resend", "discard", "settle"]),
]


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        ("prveiw people", "unknown-command", "did you mean preview?"),
        ("quarantine lst", "unknown-command", "did you mean list?"),
        ("xyzzy", "unknown-command", "commands: "),
        ("preview people --limt 3", "unknown-option", "did you mean --limit?"),
        ("preview people --jsno", "unknown-option", "did you mean --json?"),
        ("--databse x plan people", "unknown-option", "did you mean --database?"),
        ("run people --no-wait", "unknown-option", "did you mean --wait?"),
        ("preview", "missing-argument", "penstock preview --help"),
        ("plan --file", "missing-argument", "--help"),
        ("preview people other", "extra-argument", "penstock preview --help"),
        ("preview people --limit many", "wrong-value", "--help"),
        ("preview people --limit 0", "wrong-value", "1 or more"),
        ("preview people --limit 3 --all", "usage", "one of them"),
        ("-f a -f b plan people", "repeated-option", "write it once"),
        ("quarantine", "missing-command", "list"),
        ("credential", "missing-command", "set"),
        ("quarantine resend", "usage", "--all"),
        ("settle", "missing-argument", "penstock settle --help"),
        ("quarantine discard q-1 --all", "usage", "--all"),
        ("quarantine edit q-1 --set email", "wrong-value", "--set email="),
        ("schema --refresh", "missing-argument", "DATASET"),
        ("", "missing-command", "demo"),
    ],
)
def test_wrong_usage_is_reported_with_code_and_hint(capsys, line, code, hint):
    assert execute([*line.split(), "--json"], FakeApp().opener) == 2
    [error] = json.loads(capsys.readouterr().out)["errors"]
    assert list(error) == ["path", "line", "code", "found", "message", "hint"]
    assert error["code"] == code
    assert hint in error["hint"]


def test_wrong_usage_for_people_is_one_line_on_stderr(capsys):
    assert execute(["prveiw", "people"], FakeApp().opener) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "prveiw: penstock has no command prveiw — did you mean preview?\n"


@pytest.mark.parametrize(
    "line",
    [
        "-f p.yaml --database sqlite:///s.db plan people",
        "plan people -f p.yaml --database sqlite:///s.db",
        "--file=p.yaml plan --database=sqlite:///s.db people",
    ],
)
def test_options_of_every_command_can_be_anywhere(line, capsys):
    app = FakeApp()
    assert execute(line.split(), app.opener) == 0
    assert (str(app.opened[0]), app.opened[1]) == ("p.yaml", "sqlite:///s.db")


def test_options_reach_the_app(capsys, monkeypatch, tmp_path):
    app = FakeApp()
    body = tmp_path / "body.json"
    body.write_text('{"name": "Zoë"}', encoding="utf-8")
    for line in (
        "preview people",
        "preview people --limit 2",
        "preview people --all",
        f"test people --sample 3 --body {body}",
        "run people --wait",
        "runs r-1 --limit 3",
        "check acme --refresh",
        "quarantine list --cause x --destination people",
        "quarantine edit q-1 --set a=b=c --set d=",
        "quarantine resend q-1 q-2",
        "quarantine discard --cause x --reason old",
        "settle people",
    ):
        assert execute(line.split(), app.opener) == 0, line
    assert app.asked == [
        ("preview", ("people",), {"limit": 5, "everything": False}),
        ("preview", ("people",), {"limit": 2, "everything": False}),
        ("preview", ("people",), {"limit": None, "everything": True}),
        ("test", ("people",), {"sample": 3, "body": '{"name": "Zoë"}'}),
        ("stopped_by_canary", ("people",), {}),
        (
            "run",
            ("people",),
            {"wait": True, "handle_signals": True, "begins_at": None, "allow_deletes": None, "limit": None},
        ),
        ("runs", (), {"run": "r-1", "limit": 3}),
        ("check", ("acme",), {"refresh": True}),
        ("quarantine", (), {"destination": "people", "cause": "x"}),
        ("edit_texts", ("q-1", {"a": "b=c", "d": ""}), {}),
        ("resend", (("q-1", "q-2"),), {"cause": None, "everything": False, "handle_signals": True}),
        ("discard", ((),), {"cause": "x", "everything": False, "reason": "old"}),
        ("settle_destination", ("people",), {"handle_signals": True}),
        ("runs", (), {"run": "r-5"}),
    ]


@pytest.mark.parametrize("body", ["missing.json", "."])
def test_an_unreadable_body_is_reported_with_its_file(capsys, body):
    assert execute(["test", "people", "--body", body, "--json"], FakeApp().opener) == 2
    [error] = json.loads(capsys.readouterr().out)["errors"]
    assert (error["path"], error["found"]) == ("--body", body)


@pytest.mark.parametrize("command", [*COMMANDS, *SUBCOMMANDS])
def test_every_command_has_help(capsys, command):
    assert execute([*command.split(), "--help"], FakeApp().opener) == 0
    out = capsys.readouterr().out
    assert f"Usage: penstock {command}" in out
    assert "--json" in out


def test_help_is_quick():
    before = _cpu_of_children()
    done = subprocess.run([sys.executable, "-m", "penstock", "--help"], capture_output=True, text=True, check=True)
    took = _cpu_of_children() - before  # CPU time, because other processes may be busy
    assert [command for command in COMMANDS if f"│ {command} " not in done.stdout] == []
    assert took < 1.5  # 0.25 s on an idle machine: nothing heavy is imported


def _cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_nothing_heavy_is_imported_for_help():
    code = (
        "import sys; sys.argv = ['penstock', '--help']; from penstock.main import main; main(); "
        "sys.exit(' '.join({'pyarrow', 'duckdb', 'sqlalchemy', 'aiohttp', 'numpy', 'faker'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "\n"


def test_a_command_begins_without_rich_and_the_settings():
    """These imports take a third of the start."""
    code = "import sys; import penstock.main; sys.exit(' '.join({'rich.console', 'penstock.model.spec'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "\n"


def test_commands_are_listed_the_same_whether_the_service_is_loaded_or_not(capsys):
    listed = []
    for arguments in ([], None):
        app = build(FakeApp().opener, arguments)
        for tokens in ([], ["credential"]):
            app.help_print(tokens)
        listed.append(capsys.readouterr().out)
    assert "rotate-key" in listed[0]
    assert listed[0] == listed[1]


def test_help_imports_nothing_of_the_service():
    code = (
        "import sys; sys.argv = ['penstock', '--help']; from penstock.main import main; main(); "
        "sys.exit(' '.join(name for name in sys.modules if name.startswith('penstock.service')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "\n"


def test_the_version_and_the_command_without_arguments(capsys):
    from penstock.version import __version__

    assert execute(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__
    assert execute([]) == 0
    assert "penstock demo" in capsys.readouterr().out
