"""The command line and the web UI have a text, with what to do, for every rule that refuses records."""

import re
from pathlib import Path

from penstock.run.preparation.prepare import FIXES
from support.docs.rule_codes import rules

UI = Path(__file__).parents[2] / "ui" / "src" / "texts" / "refusals.ts"
KEY = re.compile(r'^  (?:"([^"]+)"|([a-z0-9_]+)): ', re.MULTILINE)


def _rules_of_the_ui():
    text = UI.read_text(encoding="utf-8")
    table = text.partition("export const RULES")[2].partition("\n};")[0]
    return {quoted or plain for quoted, plain in KEY.findall(table)}


def test_the_source_has_rules():
    assert {"email", "required", "length", "type", "status", "sql", "job"} <= set(rules())


def test_the_command_line_knows_every_rule_and_no_other():
    assert set(FIXES) == set(rules())


def test_the_web_ui_knows_every_rule_and_no_other():
    assert _rules_of_the_ui() == set(rules())
