"""docs/errors.md lists every error code. It is generated from docs/errors.yaml: `PENSTOCK_GOLDEN=write` writes it."""

from pathlib import Path

import yaml

from support.docs.error_codes import codes
from support.golden import golden

DOCS = Path(__file__).parents[2] / "docs"
HEAD = """\
# Error codes

Every error has a stable `code`, in the output of `--json` and in the `errors` of the API. An error also has its place
(`path`, `line`), what was `found`, a `message`, and a `hint` with what to write instead. The findings of `penstock doctor`
have codes from the same list.

<!-- made from errors.yaml by tests/docs/test_errors_page.py -->
| code | what it means | what to do |
|---|---|---|
"""


def _page():
    known = yaml.safe_load((DOCS / "errors.yaml").read_text(encoding="utf-8"))
    cells = {code: [text.replace("|", "\\|") for text in texts] for code, texts in known.items()}
    return HEAD + "".join(f"| `{code}` | {meaning} | {action} |\n" for code, (meaning, action) in cells.items())


def test_every_code_of_the_source_is_explained_and_no_other():
    known = yaml.safe_load((DOCS / "errors.yaml").read_text(encoding="utf-8"))
    found = codes()
    assert {code: place for code, place in found.items() if code not in known} == {}
    assert set(known) - set(found) == set()
    assert list(known) == sorted(known)


def test_the_page_is_made_from_the_list():
    assert golden(DOCS / "errors.md", _page()) == _page()
