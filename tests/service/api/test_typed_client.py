"""The web UI's types are generated from the OpenAPI document and the schema of the project file."""

from pathlib import Path

from support.docs.openapi_document import described, digest, settings

SCHEMA = Path(__file__).parents[3] / "ui" / "src" / "api" / "schema.ts"


def test_types_of_the_web_ui_match_the_api():
    first = SCHEMA.read_text(encoding="utf-8").partition("\n")[0]
    assert first.endswith(f" {digest(described(), settings())}"), "run `npm run api` in ui/"
