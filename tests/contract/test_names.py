"""Names in the source: events with their fields, and environment variables."""

import ast
import re
from collections.abc import Iterator

from penstock.model.events import EVENTS
from support.docs.source_trees import SOURCE, source_trees

VARIABLE = re.compile(r"""["']((?:PENSTOCK|CUSTIFY|OTEL)_[A-Z_]+)["']""")
ANY = "**"  # fields that only a run can name


def test_environment_variables(golden):
    texts = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")]
    golden("variables", sorted({name for text in texts for name in VARIABLE.findall(text)}))


def test_events_and_their_fields(golden):
    fields: dict[str, set[str]] = {event: set() for event in EVENTS}
    for module in source_trees().values():
        for event, name in events_of(module):
            fields[event].add(name)
    golden("events", {name: {"level": EVENTS[name].level, "fields": sorted(fields[name])} for name in sorted(EVENTS)})


def events_of(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Every event that the first argument of a call names, with the fields of the call."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            names = {each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant)}
            for event in names & EVENTS.keys():
                for keyword in node.keywords:
                    yield event, keyword.arg or ANY
