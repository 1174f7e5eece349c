"""The folder of a credential with `connector: file`: where it is, whether it may be written to, and its check."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from penstock.model.errors import InputError, Problem
from penstock.model.reports import CheckReport
from penstock.model.spec import CredentialSpec
from penstock.run.context import Context
from penstock.sources.files.source_files import denial_of

NOT_OURS = "files must not be written here"
HINT = "write a folder below the project's, or let an administrator add it to PENSTOCK_FILE_ROOTS"


def folder_of(ctx: Context, spec: CredentialSpec) -> Path:
    """The folder, without links. InputError if the project may not write there."""
    folder = Path(os.path.realpath(spec.base / Path(spec.path or "").expanduser()))
    problem = _out_of_reach(ctx, spec, folder)
    if problem is not None:
        raise InputError(ctx.placed(problem))
    return folder


def file_in(ctx: Context, spec: CredentialSpec, name: str) -> Path:
    """A file of the folder, without links in its path. InputError if the project may not write it."""
    folder = folder_of(ctx, spec)
    path = folder / name
    final = Path(os.path.realpath(path.parent)) / path.name
    problem = _out_of_reach(ctx, spec, final)
    if problem is None and not final.is_relative_to(folder):
        hint = "write a name below the folder, without links that lead out of it"
        problem = Problem(
            f"credentials.{spec.name}.path", "the file would be outside the folder", "outside-folder", hint
        )
    if problem is not None:
        raise InputError(ctx.placed(replace(problem, found=name)))
    return final


def _out_of_reach(ctx: Context, spec: CredentialSpec, path: Path) -> Problem | None:
    denial = denial_of(path, ctx.reach)
    if denial is None:
        return None
    return Problem(f"credentials.{spec.name}.path", NOT_OURS, "file-not-allowed", HINT, spec.path)


def check_folder(ctx: Context, spec: CredentialSpec) -> CheckReport:
    """Whether the folder exists and can be written to. InputError if the project may not write there."""
    folder, shown = folder_of(ctx, spec), str(spec.path)
    if not folder.exists():
        ok, result = False, "there is no such folder; the first run makes it"
    elif not folder.is_dir():
        ok, result = False, "this is no folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        ok, result = False, "this folder cannot be written to: check its permissions"
    else:
        ok, result = True, "a folder that can be written to"
    return CheckReport(
        credential=spec.name,
        ok=ok,
        base_url=None,
        dialect=None,
        tried=({"base_url": shown, "result": result},),
        allowance=None,
        reason=f"{shown}: {result}",
    )
