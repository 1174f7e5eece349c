"""Every error code that the source can raise, found in its syntax trees."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from support.docs.source_trees import SOURCE, source_trees

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PROBLEM = {"Problem": {2}}
# made of a word and the kind of a thing: `unknown-{kind}`
KINDS = ("channel", "credential", "source", "dataset", "destination", "destination-or-flow", "flow")
MADE = {f"unknown-{kind}" for kind in KINDS}
# of responses that the HTTP server makes itself, by their status
STATUS = {"unknown-route", "wrong-method", "refused"}


@lru_cache(maxsize=1)
def codes() -> dict[str, str]:
    """Code → a place in the source where it is given."""
    trees = source_trees()
    takers = {_module(path): _takers(tree) for path, tree in trees.items()}
    methods = {name: places for own in takers.values() for name, places in own.items() if name != "note"}
    found = dict.fromkeys(MADE, "run/context.py") | dict.fromkeys(STATUS, "service/api/responses.py")
    for path, tree in trees.items():
        for code, line in (*_assigned(tree), *_defaults(tree), *_tabulated(tree)):
            found.setdefault(code, f"{path.relative_to(SOURCE)}:{line}")
        known = PROBLEM | _imported(tree, takers) | takers[_module(path)]
        named = methods | known
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            is_method = isinstance(call.func, ast.Attribute)
            places = named.get(call.func.attr) if is_method else known.get(getattr(call.func, "id", ""))
            for code in _given(call, places):
                found.setdefault(code, f"{path.relative_to(SOURCE)}:{call.lineno}")
    return found


def _module(path: Path) -> str:
    return ".".join(("penstock", *path.relative_to(SOURCE).with_suffix("").parts))


def _imported(tree: ast.Module, takers: dict[str, dict[str, set[int]]]) -> dict[str, set[int]]:
    """The functions that a file imports by name."""
    return {
        alias.asname or alias.name: takers[node.module][alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in takers
        for alias in node.names
        if alias.name in takers[node.module]
    }


def _takers(tree: ast.Module) -> dict[str, set[int]]:
    """Functions with a parameter `code`, and where it is among what a caller passes by position."""
    takers: dict[str, set[int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            if "code" in names and _is_text(node):
                takers.setdefault(node.name, set()).add(names.index("code") - (names[0] in ("self", "cls")))
            elif "code" in [argument.arg for argument in node.args.kwonlyargs]:
                takers.setdefault(node.name, set())
    return takers


def _is_text(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the parameter is a text: exit codes, grouping code and authorization codes are something else."""
    arguments = (*function.args.posonlyargs, *function.args.args)
    note = next(argument.annotation for argument in arguments if argument.arg == "code")
    return note is not None and ast.unparse(note) == "str"


def _assigned(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Codes that are assigned to a variable `code`, alone or as the first of a tuple."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            first = target.elts[0] if isinstance(target, ast.Tuple) else target
            if isinstance(first, ast.Name) and first.id == "code":
                yield from ((text, node.lineno) for text in _literals(node.value) if CODE.fullmatch(text))


def _defaults(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The defaults of parameters `code`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = zip(reversed(node.args.args), reversed(node.args.defaults), strict=False)
            for argument, value in (*last, *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)):
                if argument.arg == "code" and value is not None:
                    yield from ((text, node.lineno) for text in _literals(value) if CODE.fullmatch(text))


def _tabulated(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Codes in tuples (code, message, hint): the tables of what databases report."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) == 3:
            texts = [text for part in node.elts for text in _literals(part)]
            if len(texts) == 3 and CODE.fullmatch(texts[0]) and " " in texts[1] and " " in texts[2]:
                yield texts[0], node.lineno


def _given(call: ast.Call, places: set[int] | None) -> Iterator[str]:
    if places is None:
        return
    for value in [call.args[at] for at in places if at < len(call.args)] + [
        keyword.value for keyword in call.keywords if keyword.arg == "code"
    ]:
        for text in _literals(value):
            if CODE.fullmatch(text):
                yield text


def _literals(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _literals(value.body)
        yield from _literals(value.orelse)
    elif isinstance(value, ast.Tuple):
        yield from _literals(value.elts[0])
