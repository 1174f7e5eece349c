"""The source of the package as syntax trees, parsed once."""

import ast
from functools import lru_cache
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src" / "penstock"


@lru_cache(maxsize=1)
def source_trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
