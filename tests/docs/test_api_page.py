"""docs/api.md describes the REST API as it is."""

from pathlib import Path

from penstock.service.api.app import make_api
from penstock.service.app import ServiceApp
from support.docs.api_reference import reference
from support.golden import golden

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
BEGIN = "<!-- generated from here on by tests/docs/test_api_page.py -->\n"


def test_the_reference_describes_every_route_and_object(tmp_path):
    with ServiceApp.open_applied(f"sqlite:///{tmp_path / 'state.db'}", environ={}) as app:
        made = reference(make_api(app))
    text = PAGE.read_text(encoding="utf-8")
    whole = text.partition(BEGIN)[0] + BEGIN + made
    assert golden(PAGE, whole) == whole, "PENSTOCK_GOLDEN=write rewrites the reference; read it before it is committed"
