"""The description of the API as JSON, with its digest: what the web UI's types are made of (`npm run api`)."""

import json
import tempfile
from hashlib import sha256
from typing import Any

from penstock.app import App
from penstock.service.api.app import make_api


def described() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, App.open_applied(f"sqlite:///{folder}/state.db", environ={}) as app:
        document = make_api(app).openapi()
    document["info"]["version"] = "0"
    return document


def digest(document: dict[str, Any]) -> str:
    """Of what it says of paths and shapes."""
    return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


if __name__ == "__main__":
    found = described()
    print(json.dumps({"digest": digest(found), "document": found}))
