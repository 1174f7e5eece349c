"""What the web UI's types are made of (`npm run api`), as JSON with its digest: the API's description, and the settings of the project file."""

import json
import tempfile
from hashlib import sha256
from typing import Any

from penstock.service.api.app import make_api
from penstock.service.app import ServiceApp


def described() -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as folder,
        ServiceApp.open_applied(f"sqlite:///{folder}/state.db", environ={}) as app,
    ):
        document = make_api(app).openapi()
    document["info"]["version"] = "0"
    return document


def settings() -> dict[str, Any]:
    """The JSON Schema of one resource's settings, by its kind: credentials, sources, datasets, destinations, flows."""
    kinds = ServiceApp.file_schema()["properties"]
    return {kind: of["additionalProperties"] for kind, of in kinds.items()}


def digest(*documents: dict[str, Any]) -> str:
    """Of what the documents say."""
    return sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()[:16]


if __name__ == "__main__":
    api, values = described(), settings()
    print(json.dumps({"digest": digest(api, values), "document": api, "settings": values}))
