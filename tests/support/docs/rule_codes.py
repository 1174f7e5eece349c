"""Every rule code that a refusal can have, found in the syntax trees of the source."""

import ast
from collections.abc import Iterator
from functools import lru_cache

from support.docs.source_trees import SOURCE, source_trees

MADE = {"status": "delivery/verdict.py"}  # the number of an HTTP status
INTERFACES = (("cli",), ("service", "cli"), ("service", "api"))  # they refuse commands and requests, not records
STOPS = {"stop.kind"}  # of a record that was not sent: it is not in quarantine


@lru_cache(maxsize=1)
def rules() -> dict[str, str]:
    """Rule code → a place in the source where it is given."""
    trees = source_trees()
    constants = dict(pair for tree in trees.values() for pair in _constants(tree))
    found = dict(MADE)
    for path, tree in trees.items():
        if path.relative_to(SOURCE).parts[:1] in INTERFACES or path.relative_to(SOURCE).parts[:2] in INTERFACES:
            continue
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            for rule in _rules_of(call, constants):
                found.setdefault(rule, f"{path.relative_to(SOURCE)}:{call.lineno}")
    return found


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from ((target.id, node.value.value) for target in node.targets if isinstance(target, ast.Name))


def _rules_of(call: ast.Call, constants: dict[str, str]) -> Iterator[str]:
    name = getattr(call.func, "id", "")
    given = [keyword.value for keyword in call.keywords if keyword.arg == "rule"]
    if name == "Refusal" or (name == "refuse" and len(call.args) == 4):
        given += call.args[:1]
    elif name == "_same_for_all":
        given += call.args[1:2]
    elif name == "replace":
        given = [value for value in given if isinstance(value, ast.Name)]
    else:
        return
    for value in given:
        yield from _texts(value, constants)


def _texts(value: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in constants:
            yield constants[name]
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, constants)
            yield from _texts(other, constants)
        case _ if ast.unparse(value) in STOPS or _is_passed_on(value):
            return
        case _:
            message = f"no rule code can be read from {ast.unparse(value)}"
            raise AssertionError(message)


def _is_passed_on(value: ast.expr) -> bool:
    """Whether the code comes from a parameter or is a status: another call gives it, or `MADE` has it."""
    return ast.unparse(value) in ("rule", "str(status)", "str(reply.status)")
