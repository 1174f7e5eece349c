"""Edits of the applied project, one resource at a time. Every edit checks the whole project and makes a new version."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as dataclass_replace
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.exc import IntegrityError

from penstock.clock import iso
from penstock.config.document import canonical, changes, literal_key, marked, merged, tree_of, without_keys
from penstock.config.loader import NAME, SECTIONS, load_text, load_tree, refuse_wrong_sql
from penstock.config.tree import Marked, plain
from penstock.model.errors import ConflictError, InputError, Problem
from penstock.model.reports import ProjectVersion, Resource
from penstock.model.spec import ProjectSpec
from penstock.model.text import digest
from penstock.run.context import NOWHERE, Context
from penstock.store.project import credentials, resources
from penstock.usecases.applied_project.reach import forget_removed, refuse_new_hosts

Tree = Mapping[str, Marked]
Edit = Callable[[Tree, dict[str, str]], Tree]  # also returns the keys to seal, by credential, in the second argument
NUMBERS = range(1, 2**63)  # of versions: what fits into 64 bits
TRIES = 5  # of an edit, when other processes edit at the same time
NOTHING = ProjectVersion(0, "", "", "", "")


class EditTerms(NamedTuple):
    """The author of an edit and its conditions: `create` needs a free name, `if_match` the resource's current etag."""

    author: str
    if_match: str | None = None
    create: bool = False


class EditResult(NamedTuple):
    """The newest version, and what was changed (or would be)."""

    version: int
    changes: Sequence[Mapping[str, Any]]


def newest(ctx: Context) -> ProjectVersion:
    """The newest version; if no project was applied, an empty version 0."""
    with ctx.database.read() as conn:
        return resources.newest_version(conn) or NOTHING


def listed(ctx: Context, kind: str) -> dict[str, Resource]:
    """The resources of a section, by name."""
    _check_kind(kind)
    found = newest(ctx)
    tree = tree_of(found.text)
    return {name: _resource(ctx, tree, kind, name, found.version) for name in tree[kind].entries()}


def page(ctx: Context, kind: str, limit: int, after: str | None) -> list[Resource]:
    """At most `limit` resources of a section, in the project's order, after the one named `after`.

    Raises InputError `bad-cursor` if that one was deleted meanwhile: the list cannot be continued.
    """
    _check_kind(kind)
    found = newest(ctx)
    tree = tree_of(found.text)
    names = list(tree[kind].entries())
    if after is not None and after not in names:
        hint = "read the list from its beginning"
        raise InputError(Problem("cursor", f"{after} no longer exists", "bad-cursor", hint, found=after))
    first = 0 if after is None else names.index(after) + 1
    return [_resource(ctx, tree, kind, name, found.version) for name in names[first : first + limit]]


def one(ctx: Context, kind: str, name: str) -> Resource:
    """The resource with this name. Raises InputError `unknown-…` if there is none."""
    found = newest(ctx)
    _check_kind(kind)
    return _resource(ctx, tree_of(found.text), kind, name, found.version)


def put(ctx: Context, kind: str, name: str, value: Any, by: EditTerms) -> Resource:
    """Write a resource: create it, or replace the one with this name."""

    def edit(tree: Tree) -> Any:
        _match(ctx, tree, kind, name, by.if_match)
        if by.create and name in tree[kind].entries():
            raise ConflictError(_problem(kind, name, f"{name} already exists", "name-taken", "choose another name"))
        return value

    return _write(ctx, kind, name, edit, by.author)


def patch(ctx: Context, kind: str, name: str, change: Any, *, author: str, if_match: str | None) -> Resource:
    """Change parts of a resource by a JSON merge patch: null removes a key."""

    def edit(tree: Tree) -> Any:
        _match(ctx, tree, kind, name, if_match)
        return merged(_resource(ctx, tree, kind, name, 0).value, change)

    return _write(ctx, kind, name, edit, author)


def patched(ctx: Context, kind: str, name: str, change: Any) -> Any:
    """The value of a resource after this JSON merge patch. Raises InputError if there is no such resource."""
    return merged(one(ctx, kind, name).value, change)


def copy(ctx: Context, kind: str, name: str, new_name: str, *, author: str) -> Resource:
    """Copy a resource to a new name; the copy of a destination is a draft."""

    def edit(tree: Tree) -> Any:
        if new_name in tree[kind].entries():
            message = f"{new_name} already exists"
            raise ConflictError(_problem(kind, new_name, message, "name-taken", "choose another name"))
        value = _resource(ctx, tree, kind, name, 0).value
        return {**value, "active": False} if kind == "destinations" else value

    return _write(ctx, kind, new_name, edit, author)


def delete(ctx: Context, kind: str, name: str, *, author: str, if_match: str | None) -> None:
    """Delete a resource. Raises InputError if others refer to it, or if it is an active destination."""
    _check_kind(kind)

    def edit(tree: Tree, _keys: dict[str, str]) -> Tree:
        _match(ctx, tree, kind, name, if_match)
        value = _resource(ctx, tree, kind, name, 0).value
        _refuse_active(ctx, kind, name, value)
        users = [where for where, used in _references(tree) if used == (kind, name)]
        if users:
            message = f"{name} is used by {', '.join(users)}"
            raise InputError(_problem(kind, name, message, "in-use", "change those first", ", ".join(users)))
        left = {other: node for other, node in tree[kind].entries().items() if other != name}
        return {**tree, kind: Marked(kind, 1, "", left)}

    _edit(ctx, edit, author)


def roll_back(ctx: Context, number: int, *, author: str, only: str | None) -> ProjectVersion:
    """Restore an old version, or `only` one resource of it (`destinations.people`), as a new version."""
    old = tree_of(version(ctx, number).text)

    def edit(tree: Tree, _keys: dict[str, str]) -> Tree:
        if only is None:
            return old
        kind, _, name = only.partition(".")
        _check_kind(kind)
        entries = {**tree[kind].entries()}
        before = old[kind].entries().get(name)
        if before is None and name not in entries:
            raise ctx.unknown(kind[:-1], name, old[kind].entries())
        if before is None:
            del entries[name]
        else:
            entries[name] = before
        return {**tree, kind: Marked(kind, 1, "", entries)}

    return _edit(ctx, edit, author, f"back to version {number}")


def replace(ctx: Context, text: str, by: EditTerms, *, dry_run: bool) -> EditResult:
    """Store a project's YAML text as a new version. Raises InputError with every problem, by line."""
    base = ctx.project.base
    load_text(text, base, "")
    sealed, keys = without_keys(canonical(tree_of(text)))
    before = newest(ctx)
    if by.if_match not in (None, "*", str(before.version)):
        message = f"the project is at version {before.version}"
        hint = "read the project again, then change it"
        raise ConflictError(Problem("project", message, "changed-meanwhile", hint, found=by.if_match))
    if dry_run:
        return EditResult(before.version, [change._asdict() for change in changes(before.text, sealed)])

    def edit(_tree: Tree, found: dict[str, str]) -> Tree:
        found.update(keys)
        return tree_of(sealed)

    written = _edit(ctx, edit, by.author)
    return EditResult(written.version, written.changes if written.version != before.version else ())


def problems(ctx: Context, kind: str, name: str, value: Any) -> tuple[Problem, ...]:
    """The problems that the project would have with this resource; writes nothing."""
    try:
        draft(ctx, kind, name, value)
    except InputError as error:
        return error.problems
    return ()


def draft(ctx: Context, kind: str, name: str, value: Any) -> ProjectSpec:
    """The unsaved project with this resource in it. Raises InputError with every problem."""
    _check_kind(kind)
    found = newest(ctx)
    tree = tree_of(found.text)
    if kind == "credentials" and isinstance(value, dict):
        value = _without_literal_key(name, value, {})
    entries = {**tree[kind].entries(), name: marked(value, f"{kind}.{name}")}
    check_name(kind, name)
    base = Path(found.base) if found.base else ctx.project.base
    project = load_tree({**tree, kind: Marked(kind, 1, "", entries)}, base)
    return clean(project)


def clean(project: ProjectSpec) -> ProjectSpec:
    """The project without lines and files, because an unsaved project is in no file."""
    return dataclass_replace(project, lines=NOWHERE, files=NOWHERE)


def check_name(kind: str, name: str) -> None:
    """Raise InputError for a name that is not allowed."""
    if NAME.fullmatch(name) is None:
        message = "a name can have only letters, digits, _ and -"
        raise InputError(Problem(f"{kind}.{name}", message, "bad-name", "choose another name", found=name))


def versions(ctx: Context, limit: int, before: int | None) -> list[ProjectVersion]:
    """The versions, newest first; only those below the number `before`."""
    with ctx.database.read() as conn:
        return resources.listed_versions(conn, limit, before)


def version(ctx: Context, number: int) -> ProjectVersion:
    """One version, with its changes. Raises InputError if there is none with this number."""
    with ctx.database.read() as conn:
        found = resources.numbered_version(conn, number) if number in NUMBERS else None
    if found is None:
        raise InputError(
            Problem("version", f"there is no version {number}", "unknown-version", "see the versions", str(number))
        )
    return found


def _write(ctx: Context, kind: str, name: str, value: Callable[[Tree], Any], author: str) -> Resource:
    _check_kind(kind)
    check_name(kind, name)

    def edit(tree: Tree, keys: dict[str, str]) -> Tree:
        new = value(tree)
        if kind == "credentials" and isinstance(new, dict):
            new = _without_literal_key(name, new, keys)
        entries = {**tree[kind].entries(), name: marked(new, f"{kind}.{name}")}
        return {**tree, kind: Marked(kind, 1, "", entries)}

    written = _edit(ctx, edit, author)
    return _resource(ctx, tree_of(written.text), kind, name, written.version)


def _without_literal_key(name: str, value: Mapping[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    """The value without an `api_key` that is not a reference; that key is added to `keys`, to be sealed."""
    key = literal_key(value)
    if key is None:
        return dict(value)
    keys[name] = key
    return {part: item for part, item in value.items() if part != "api_key"}


def _edit(ctx: Context, edit: Edit, author: str, note: str = "") -> ProjectVersion:
    """Store the next version. If another process stored that number first, repeats the edit on the newest version."""
    for _ in range(TRIES):
        try:
            return _once(ctx, edit, author, note)
        except IntegrityError:
            continue
    message = "the project was changed by others at the same time"
    raise ConflictError(Problem("project", message, "changed-meanwhile", "read the project again, then try again"))


def _once(ctx: Context, edit: Edit, author: str, note: str) -> ProjectVersion:
    keys: dict[str, str] = {}
    at = iso(ctx.clock.now())
    sealer = ctx.sealer()
    with ctx.database.begin() as conn:
        before = resources.newest_version(conn) or NOTHING
        base = Path(before.base) if before.base else ctx.project.base
        was = tree_of(before.text)
        tree = edit(was, keys)
        project = load_tree(tree, base)
        old = was["datasets"].entries()
        edited = [
            name
            for name, node in tree["datasets"].entries().items()
            if name not in old or plain(node) != plain(old[name])
        ]
        refuse_wrong_sql(project, edited)
        refuse_new_hosts(conn, plain(was["credentials"]), plain(tree["credentials"]), keys)
        text = canonical(tree)
        for name, key in keys.items():
            credentials.set_credential(conn, sealer, name, key, at)
        found = changes(before.text, text)
        if not found:
            return before
        rows: list[dict[str, Any]] = [change._asdict() for change in found]
        new = ProjectVersion(before.version + 1, at, f"{author} ({note})" if note else author, str(base), text, rows)
        resources.add_version(conn, new)
        forget_removed(conn, before.text, text)
    return new


def _resource(ctx: Context, tree: Tree, kind: str, name: str, number: int) -> Resource:
    node = tree[kind].entries().get(name)
    if node is None:
        raise ctx.unknown(kind[:-1], name, tree[kind].entries())
    value = plain(node)
    etag = digest(json.dumps(value, sort_keys=True).encode())  # whole numbers of any size
    return Resource(kind, name, value, etag, number)


def _match(ctx: Context, tree: Tree, kind: str, name: str, if_match: str | None) -> None:
    if if_match is None or if_match == "*":
        return
    entries = tree[kind].entries()
    if name not in entries or _resource(ctx, tree, kind, name, 0).etag != if_match.strip('"'):
        message = f"{name} was changed meanwhile"
        raise ConflictError(_problem(kind, name, message, "changed-meanwhile", "read it again, then change it"))


def _refuse_active(ctx: Context, kind: str, name: str, value: Any) -> None:
    if kind != "destinations":
        return
    with ctx.database.read() as conn:
        switch = resources.switch_of(conn, name)
    if switch is not None and switch.state == "paused":
        return
    says = ctx.project.destinations[name].active if name in ctx.project.destinations else value.get("active")
    if says if says is not None else switch is not None:
        raise InputError(_problem(kind, name, f"{name} is active", "active", f"`penstock pause {name}` first"))


def _references(tree: Tree) -> list[tuple[str, tuple[str, str]]]:
    """The references between resources: (path of the reference, (section, name) of its target)."""
    found = []
    for kind, key, other in (
        ("datasets", "source", "sources"),
        ("destinations", "dataset", "datasets"),
        ("destinations", "credential", "credentials"),
        ("flows", "destinations", "destinations"),
    ):
        for name, node in tree[kind].entries().items():
            given = node.get(key)
            if given is None:
                continue
            for item in given.items() or [given]:
                found.append((f"{kind}.{name}", (other, item.raw)))
                if other == "sources" and item.raw.endswith(".responses"):
                    found.append((f"{kind}.{name}", ("destinations", item.raw.removesuffix(".responses"))))
    return found


def _check_kind(kind: str) -> None:
    if kind not in SECTIONS:
        hint = f"one of: {', '.join(SECTIONS)}"
        raise InputError(Problem(kind, f"there is no section {kind}", "unknown-section", hint, found=kind))


def _problem(kind: str, name: str, message: str, code: str, hint: str, found: str | None = None) -> Problem:
    return Problem(f"{kind}.{name}", message, code, hint, found=found)
