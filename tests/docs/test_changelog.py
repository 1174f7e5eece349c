"""The changelog: versions with their dates, the newest one first, each entry once and below its kind."""

import re
from collections import Counter
from datetime import date
from pathlib import Path

from penstock.version import __version__

CHANGELOG = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
VERSION = re.compile(r"## (?:(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)|Unreleased)")
KINDS = ("### Added", "### Changed", "### Fixed")


def test_the_newest_version_is_that_of_the_package():
    found = [VERSION.fullmatch(line) for line in CHANGELOG.splitlines() if line.startswith("## ")]
    assert all(found), "a heading is `## 1.2.3 (2026-01-31)`, or `## Unreleased` on top"
    versions = [match.groups() for match in found if match and match[1]]
    assert len(versions) >= len(found) - 1
    assert versions[0][0] == __version__
    assert versions == sorted(versions, key=lambda one: [int(part) for part in one[0].split(".")], reverse=True)
    assert all(date.fromisoformat(day) for _, day in versions)


def test_each_entry_is_one_sentence_or_more_below_its_kind():
    kind = None
    for number, line in enumerate(CHANGELOG.splitlines(), 1):
        if line.startswith("#"):
            kind = line if line in KINDS else None
            assert kind or line == "# Changes" or VERSION.fullmatch(line), f"line {number}: {line}"
        if line.startswith("- "):
            assert kind, f"line {number} is below none of {KINDS}; a merge may have brought back lines that were moved"
            assert line.endswith("."), f"line {number} ends without a full stop"


def test_no_entry_is_repeated():
    entries = Counter(line for line in CHANGELOG.splitlines() if line.startswith("- "))
    assert [line for line, count in entries.items() if count > 1] == []
