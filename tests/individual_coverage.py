"""Every line of each pure file is run by its own test file alone: `make coverage`.

The pure files are those of the contract `pure` in `.importlinter`; `tests/render/test_bodies.py` is the test file of
`render/bodies.py`. A file in which no function branches needs none.
"""

import ast
import io
import os
import sys
from configparser import ConfigParser
from contextlib import redirect_stdout
from multiprocessing import get_context
from pathlib import Path

import hypothesis.strategies  # noqa: F401 - as slow to import as what follows
import pyarrow.compute  # noqa: F401
import pytest
from coverage import Coverage

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "penstock"
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.Match)


def _pure_files() -> list[Path]:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    names = contracts["importlinter:contract:pure"]["source_modules"].split()
    places = [ROOT.joinpath("src", *name.split(".")) for name in names]
    return sorted(
        file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")])
    )


def _branches(file: Path) -> bool:
    functions = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return any(isinstance(node, BRANCHES) for function in functions for node in ast.walk(function))


def _own_tests(file: Path) -> Path:
    inside = file.relative_to(PACKAGE)
    return ROOT / "tests" / inside.parent / f"test_{inside.name}"


def _fault(file: Path) -> str | None:
    """What its own tests leave out, or how they failed."""
    tests = _own_tests(file)
    if not tests.is_file():
        return f"there is no {tests.relative_to(ROOT)}"
    said = io.StringIO()
    coverage = Coverage(data_file=None, include=[str(file)], config_file=str(ROOT / "pyproject.toml"))
    with redirect_stdout(said), coverage.collect():
        code = pytest.main(["--assert=plain", str(tests)])
    if code:
        return said.getvalue()
    _, _, _, missing, _ = coverage.analysis2(str(file))
    return f"lines {', '.join(map(str, missing))} are not run by {tests.relative_to(ROOT)}" if missing else None


def main() -> None:
    chosen = [Path(name).resolve() for name in sys.argv[1:]]
    files = chosen or [file for file in _pure_files() if _branches(file)]
    os.environ["PENSTOCK_EXAMPLES"] = "quick"
    # Each file in its own process, which imports Penstock again, but not the libraries that are slow to import.
    with get_context("fork").Pool(maxtasksperchild=1) as pool:
        faults = pool.map(_fault, files, chunksize=1)
    wrong = [
        f"{file.relative_to(PACKAGE).as_posix()}: {fault}" for file, fault in zip(files, faults, strict=True) if fault
    ]
    print("\n".join(wrong) or f"{len(files)} files are fully covered by their own tests")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
