"""Prints the documents from which `npm run api` generates the web UI's types, and their digest, as JSON.

They are the OpenAPI document and the JSON Schema of the settings in the project file.
"""

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
    """The JSON Schema of a resource's settings, by kind: credentials, sources, datasets, destinations, flows."""
    kinds = ServiceApp.file_schema()["properties"]
    return {kind: of["additionalProperties"] for kind, of in kinds.items() if of["additionalProperties"] is not False}


def digest(*documents: dict[str, Any]) -> str:
    """A digest of the documents without their descriptions, which are not in the types."""
    return sha256(json.dumps(_without_texts(documents), sort_keys=True).encode()).hexdigest()[:16]


def _without_texts(document: Any) -> Any:
    if isinstance(document, dict):
        is_text = {name for name in ("description", "summary") if isinstance(document.get(name), str)}
        return {name: _without_texts(value) for name, value in document.items() if name not in is_text}
    return [_without_texts(each) for each in document] if isinstance(document, list | tuple) else document


if __name__ == "__main__":
    api, values = described(), settings()
    print(json.dumps({"digest": digest(api, values), "document": api, "settings": values}))
