"""The web UI's types are those of the API's own description and of the project file's settings."""

from pathlib import Path

from support.docs.openapi_document import described, digest, settings

SCHEMA = Path(__file__).parents[3] / "ui" / "src" / "api" / "schema.ts"


def test_the_types_are_in_step_with_the_api():
    first = SCHEMA.read_text(encoding="utf-8").partition("\n")[0]
    assert first.endswith(f" {digest(described(), settings())}"), "`npm run api` in ui/ makes them anew"
