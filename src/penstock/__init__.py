"""Penstock keeps Custify true to your own data.

    from penstock import Project

    with Project.load("penstock.yaml") as project:
        print(project.plan("people").requests)
        report = project.run("people")
        print(report.status, report.records.delivered)

The same use-cases as the command line, with the same reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.version import __version__

if TYPE_CHECKING:
    from penstock.project import Project

__all__ = ["Project", "__version__"]


def __getattr__(name: str) -> Any:
    """Imports `Project` at its first use, so that the command line does not wait for it."""
    if name == "Project":
        from penstock.project import Project  # noqa: PLC0415

        return Project
    msg = f"module 'penstock' has no attribute {name!r}"
    raise AttributeError(msg)
