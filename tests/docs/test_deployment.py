"""Deployment: units, compose file and image use commands that exist, and every variable is documented."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from penstock.cli.command import open_app
from penstock.main import build
from penstock.service.care.doctor import VARIABLES

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy").glob("*.service"))
OURS = re.compile(r"PENSTOCK_[A-Z][A-Z_]+")
BUILD_ONLY = {"PENSTOCK_SKIP_UI"}


def test_every_variable_is_documented_and_exists():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "penstock").rglob("*.py"))
    assert set(OURS.findall(source)) - BUILD_ONLY == set(OURS.findall(page)) == VARIABLES


def test_what_is_deployed_with_sets_only_variables_that_exist():
    files = [*(ROOT / "deploy").iterdir(), ROOT / "compose.yaml", ROOT / "Dockerfile", ROOT / "docs" / "production.md"]
    for file in files:
        assert set(OURS.findall(file.read_text(encoding="utf-8"))) - BUILD_ONLY <= VARIABLES, file.name


def test_the_example_environment_is_valid():
    lines = (ROOT / "deploy" / "environment.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[A-Z_]+=\S+", line)] == []


def _commands() -> list[tuple[str, list[str]]]:
    compose = YAML(typ="safe").load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    found = [(name, service["command"]) for name, service in compose["services"].items() if "command" in service]
    found += [
        (unit.name, re.findall(r"^ExecStart=\S+/penstock (.+)$", unit.read_text(), re.MULTILINE)[0].split())
        for unit in UNITS
    ]
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    found.append(("Dockerfile", re.findall(r'"([^"]+)"', image[image.rindex("\nCMD") :])))
    return found


@pytest.mark.parametrize(("place", "command"), _commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_exists_with_its_options(place, command):
    app = build(open_app)
    name, *options = command
    assert name in set(app)
    _, bound, _ = app.parse_args(command, exit_on_error=False, print_error=False)
    assert len(bound.arguments) >= sum(option.startswith("--") for option in options)


def test_the_compose_file_is_complete():
    compose = YAML(typ="safe").load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert compose["services"].keys() == {"database", "serve", "worker"}
    assert compose["services"]["worker"]["deploy"]["replicas"] == 2
    for service in compose["services"].values():
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in compose["volumes"]
    for name in ("serve", "worker"):
        assert compose["services"][name]["depends_on"] == {"database": {"condition": "service_healthy"}}
        assert compose["services"][name]["environment"]["PENSTOCK_DATABASE_URL"].endswith("@database/penstock")


def test_the_image_runs_as_an_unprivileged_user_and_copies_only_needed_files():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last = lines[lines.rindex("\nFROM") :]
    assert re.search(r"^USER \d+$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert not re.search(r"^FROM \S+(:latest)?$(?<!slim)", last, re.MULTILINE)
    assert re.findall(r"^COPY (.+)$", last, re.MULTILINE) == ["--from=build /opt/penstock /opt/penstock"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_well_formed(unit, tmp_path):
    name = unit.name.replace("@.", "@1.")
    plain = unit.read_text().replace("/opt/penstock/bin/penstock", "/bin/true")
    (tmp_path / name).write_text(plain)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / name], capture_output=True, text=True, timeout=60, check=False
    )
    assert [line for line in done.stderr.splitlines() if unit.name.partition(".")[0].rstrip("@") in line] == []
