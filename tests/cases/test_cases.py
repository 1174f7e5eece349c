"""Every folder here is a case. README.md describes case.yaml."""

import json
import os
import re
import shlex
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from support.cli import forked_process

HERE = Path(__file__).parent
CASES = sorted(folder.parent.name for folder in HERE.glob("*/case.yaml"))
KEYS = {"kind", "title", "source", "postgres", "steps", "arrived", "sent"}
STEP_KEYS = {"copy", "run", "sql", "exit", "status", "records", "notes", "no_notes", "answer", "errors", "mentions"}
NATURAL_KEYS = ("company_id", "user_id", "email", "externalId", "data_id", "deduplication_id", "name", "text")


class Case:
    def __init__(self, name: str, folder: Path, sandbox: Any, database: str | None) -> None:
        self.given = yaml.safe_load((HERE / name / "case.yaml").read_text(encoding="utf-8"))
        assert set(self.given) <= KEYS, f"unknown keys in {name}/case.yaml: {set(self.given) - KEYS}"
        self.origin, self.folder, self.sandbox, self.database = HERE / name, folder, sandbox, database

    def prepare(self) -> None:
        for path in self.origin.iterdir():
            if path.name != "case.yaml":
                self._copy(path, self.folder / path.name)
        if "postgres" in self.given:
            self._sql((self.origin / self.given["postgres"]).read_text(encoding="utf-8"))

    def step(self, step: dict[str, Any]) -> None:
        assert set(step) <= STEP_KEYS, f"unknown keys in a step: {set(step) - STEP_KEYS}"
        for origin, target in step.get("copy", {}).items():
            self._copy(self.origin / origin, self.folder / target)
        if "sql" in step:
            self._sql(step["sql"])
        if "run" not in step:
            return
        ended = self._penstock(step["run"])
        assert ended.returncode == step.get("exit", 0), ended.stdout + ended.stderr
        answer = json.loads(ended.stdout)
        if "status" in step:
            assert answer["status"] == step["status"]
        if "records" in step:
            assert {name: n for name, n in answer["records"].items() if n} == step["records"], answer
        notes = (
            [json.dumps(note, ensure_ascii=False) for note in answer.get("notes", [])]
            if isinstance(answer, dict)
            else []
        )
        for wanted in step.get("notes", []):
            assert any(re.search(wanted, note) for note in notes), (wanted, notes)
        for unwanted in step.get("no_notes", []):
            assert not any(re.search(unwanted, note) for note in notes), (unwanted, notes)
        if "answer" in step:
            _holds(answer, step["answer"], "answer")
        if "errors" in step:
            assert len(answer["errors"]) == len(step["errors"]), answer
            for found, wanted in zip(answer["errors"], step["errors"], strict=True):
                _holds(found, wanted, "errors")
        for text in step.get("mentions", []):
            assert text in json.dumps(answer, ensure_ascii=False), (text, answer)

    def judge(self) -> None:
        if "arrived" in self.given:
            state = self.sandbox.state()
            for kind, wanted in self.given["arrived"].items():
                found = {_natural_key(thing): thing for thing in state[kind]}
                assert set(found) == set(wanted), f"{kind} that arrived: {found}"
                for key, members in wanted.items():
                    for member, value in members.items():
                        assert found[key].get(member) == value, f"{kind} {key}: {found[key]}"
        if "sent" in self.given:
            found = Counter(_canonical(_request(r)) for r in self.sandbox.requests() if r["method"] != "GET")
            assert found == Counter(_canonical(wanted) for wanted in self.given["sent"]), found

    def _copy(self, origin: Path, target: Path) -> None:
        """In a project file the sandbox's address is replaced by that of this sandbox."""
        if origin.suffix == ".yaml":
            text = origin.read_text(encoding="utf-8").replace("http://127.0.0.1:8321", self.sandbox.url)
            target.write_text(text, encoding="utf-8")
        else:
            shutil.copy(origin, target)

    def _penstock(self, line: str) -> Any:
        _, *arguments = shlex.split(line)
        environ = {**os.environ, "CUSTIFY_API_KEY": self.sandbox.api_key, "NO_COLOR": "1"}
        if self.database:
            environ["SRC"] = self.database
        command = ["-m", "penstock", *arguments, "--json"]
        return forked_process.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=100)

    def _sql(self, statements: str) -> None:
        assert self.database
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(statements)


def _holds(found: Any, wanted: dict[str, Any], where: str) -> None:
    for name, value in wanted.items():
        if isinstance(value, dict):
            _holds(found[name], value, f"{where}.{name}")
        else:
            assert found[name] == value, f"{where}.{name}: {found}"


def _natural_key(thing: dict[str, Any]) -> Any:
    return next((thing[name] for name in NATURAL_KEYS if thing.get(name) is not None), None)


def _request(logged: dict[str, Any]) -> dict[str, Any]:
    return {"method": logged["method"], "path": logged["path"], "body": json.loads(logged["body"])}


def _canonical(value: Any) -> str:
    """JSON text in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


@pytest.mark.parametrize("name", CASES)
def test_each_reported_case_has_its_outcome(name, tmp_path, sandbox, request):
    wants_postgres = "postgres" in yaml.safe_load((HERE / name / "case.yaml").read_text(encoding="utf-8"))
    case = Case(name, tmp_path, sandbox, request.getfixturevalue("empty_postgres") if wants_postgres else None)
    case.prepare()
    for step in case.given["steps"]:
        case.step(step)
    case.judge()
