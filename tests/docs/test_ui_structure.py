"""The web UI's sources keep their structure; `ui/structure.py` finds what does not."""

import sys
from pathlib import Path

UI = Path(__file__).parents[2] / "ui"
sys.path.insert(0, str(UI))
import structure  # noqa: E402


def _write(source: Path, **files: str) -> None:
    for name, text in files.items():
        path = source / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".ts").write_text(text, encoding="utf-8")


def test_the_web_ui_has_no_import_circle_no_large_folder_and_the_same_files_in_every_page_folder():
    assert structure.faults(UI / "src") == []


def test_a_circle_is_found_across_folders_types_and_lazy_imports(tmp_path: Path):
    _write(
        tmp_path,
        texts__a='import type { B } from "@/test/b";',
        test__b='import("../main");',
        main='export * from "./texts/a";',
    )
    assert structure.faults(tmp_path) == ["import circle: main.ts → texts/a.ts → test/b.ts → main.ts"]


def test_a_folder_of_more_than_fifteen_entries_is_named(tmp_path: Path):
    _write(tmp_path / "src", **{f"parts__n{i}": "" for i in range(16)})
    assert structure.faults(tmp_path / "src") == ["src/parts has 16 entries; at most 15 are allowed"]


def test_page_folders_hold_the_same_names_and_import_no_other_page(tmp_path: Path):
    _write(
        tmp_path / "src", pages__runs__value='import "../flows/value";', pages__flows__value="", pages__flows__other=""
    )
    assert structure.faults(tmp_path / "src") == [
        f"src/pages/flows/other.ts: a page folder holds {', '.join(sorted(structure.PAGE_FILES))} and subfolders",
        "src/pages/runs/value.ts must not import src/pages/flows/value.ts",
    ]


def test_a_text_in_a_component_is_named(tmp_path: Path):
    component = tmp_path / "src" / "parts" / "Title.tsx"
    component.parent.mkdir(parents=True)
    component.write_text('export const Title = () => <h1 aria-label="Main title">{t.title}</h1>;', encoding="utf-8")
    assert structure.faults(tmp_path / "src") == [
        """src/parts/Title.tsx: the text 'aria-label="Main title"' belongs into src/texts"""
    ]
