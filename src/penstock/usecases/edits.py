"""`Edits`: edits of the applied project for the command line and the API. Every edit is a version, visible at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock.model.applied_project import ProjectVersion, Resource
from penstock.model.errors import Problem
from penstock.run.context import Context
from penstock.usecases.applied_project import editor
from penstock.usecases.applied_project.editor import EditTerms

WITH_RECORDS = frozenset({"datasets", "destinations"})  # kinds whose settings have to fit records


@dataclass(frozen=True, slots=True)
class Edits:
    """`ctx` is what the App works with at the moment; `reload` lets it follow an edit.

    `refuse_misfit` raises InputError where settings of a kind and name do not fit their records.
    """

    ctx: Callable[[], Context]
    reload: Callable[[], None]
    refuse_misfit: Callable[[str, str, Any], None]

    def listed(self, kind: str) -> dict[str, Resource]:
        """The resources of a section of the applied project (`destinations`), by name."""
        return editor.listed(self.ctx(), kind)

    def page(self, kind: str, limit: int, after: str | None) -> list[Resource]:
        """At most so many resources of a section, in the project's order; those behind the one of this name."""
        return editor.page(self.ctx(), kind, limit, after)

    def one(self, kind: str, name: str) -> Resource:
        """One resource, with the etag that guards its next edit."""
        return editor.one(self.ctx(), kind, name)

    def put(
        self, kind: str, name: str, value: Any, *, author: str, if_match: str | None = None, create: bool = False
    ) -> Resource:
        """Write a resource. A literal `api_key` is sealed, not written.

        The whole project is checked first, and whether the settings fit their records (`refuse_misfit`).
        """
        if kind in WITH_RECORDS:
            self.refuse_misfit(kind, name, value)
        put = editor.put(self.ctx(), kind, name, value, EditTerms(author, if_match, create))
        self.reload()
        return put

    def patch(self, kind: str, name: str, patch: Any, *, author: str, if_match: str | None = None) -> Resource:
        """Change parts of a resource by a JSON merge patch; checked as `put` does."""
        ctx = self.ctx()
        patched_value = editor.patched(ctx, kind, name, patch)
        if kind in WITH_RECORDS:
            self.refuse_misfit(kind, name, patched_value)
        patched = editor.patch(self.ctx(), kind, name, patch, author=author, if_match=if_match)
        self.reload()
        return patched

    def delete(self, kind: str, name: str, *, author: str, if_match: str | None = None) -> None:
        """Delete a resource without references to it; a destination must not be active."""
        editor.delete(self.ctx(), kind, name, author=author, if_match=if_match)
        self.reload()

    def copy(self, kind: str, name: str, new_name: str, *, author: str) -> Resource:
        """The same under a new name; the copy of a destination is a draft."""
        copied = editor.copy(self.ctx(), kind, name, new_name, author=author)
        self.reload()
        return copied

    def problems(self, kind: str, name: str, value: Any) -> tuple[Problem, ...]:
        """What is wrong with the project if this resource were written into it; nothing is written."""
        return editor.problems(self.ctx(), kind, name, value)

    def versions(self, limit: int = 50, before: int | None = None) -> list[ProjectVersion]:
        """The versions of the applied project, newest first."""
        return editor.versions(self.ctx(), limit, before)

    def version(self, number: int) -> ProjectVersion:
        """One version of the applied project, with what it changed."""
        return editor.version(self.ctx(), number)

    def newest(self) -> ProjectVersion:
        """The newest version; version 0, with nothing in it, while no project was ever applied."""
        return editor.newest(self.ctx())

    def replace(
        self, text: str, *, author: str, if_match: str | None = None, dry_run: bool = False
    ) -> editor.EditResult:
        """Store the project of a whole YAML text as a new version; returns what that changes."""
        written = editor.replace(self.ctx(), text, EditTerms(author, if_match), dry_run=dry_run)
        self.reload()
        return written

    def roll_back(self, number: int, *, author: str, only: str | None = None) -> ProjectVersion:
        """Store an old version (or `only` one resource of it) again, as a new version."""
        back = editor.roll_back(self.ctx(), number, author=author, only=only)
        self.reload()
        return back
