"""The strict sandbox, which shares no code with the renderer, accepts what the templates render."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from penstock.model.spec import BatchSpec
from penstock.render.batches import filled, requests_for
from penstock.templates.catalogue import load_catalogue
from support.kernel.compiled_destination import BASES, chunk_of, compiled

EXAMPLES = YAML(typ="safe").load((Path(__file__).parent / "examples.yaml").read_text(encoding="utf-8"))
COMPANIES = ("366", "367", "36/6 ä")
UNKNOWN_ID = "5f5b3c1d2e4a6b7c8d9e0f1a"  # in the form of Custify's ids, but of no object
PERSONS = (
    {"user_id": "u-7", "email": "zoe@example.com"},
    {"user_id": "ada@example.com", "email": "ada@example.com"},
    {"user_id": UNKNOWN_ID},
)
CASES = [
    (name, dialect, mode)
    for name, template in load_catalogue().items()
    for dialect in ("native", "flat")
    for mode in (("off", "on") if template.batch_limit(dialect) else ("off",))
]


@pytest.mark.parametrize(("name", "dialect", "mode"), CASES, ids=["-".join(case) for case in CASES])
def test_the_sandbox_accepts_every_example(sandbox, name, dialect, mode):
    for company in COMPANIES:
        assert post(sandbox, "/company", {"company_id": company}).status == 200
    for person in PERSONS:
        assert post(sandbox, "/people", person).status == 200
    example = dict(EXAMPLES[name])
    chunk = chunk_of(example.pop("records"))
    work = compiled(name, dialect, chunk, example.pop("key"), BatchSpec(mode), **example)
    payloads = [looked_up(sandbox, payload) for payload in work.renderer.render(chunk).payloads]
    size = work.shape.size
    for start in range(0, len(payloads), size):
        for request in requests_for(work.shape, payloads[start : start + size]):
            path = request.url.removeprefix(BASES[dialect])
            prefix = "" if dialect == "native" else "/api"
            got = sandbox.call(f"{request.method} {prefix}{path}", request.body)
            unknown = dialect == "native" and UNKNOWN_ID.encode() in request.body
            assert got.status in ((404,) if unknown else (200, 202)), (request.url, request.body, got.body)
            assert all(result["status"] == "success" for result in results(sandbox, got)), got.body


def post(sandbox, path, body):
    return sandbox.call(f"POST {path}", json.dumps(body))


def looked_up(sandbox, payload):
    """The payload with the ids that the sandbox returns for its look-ups."""
    ids = {}
    for ask in payload.lookups:
        path = "/company" if ask.kind == "company" else "/people"
        found = sandbox.call(f"GET {path}?{ask.by}={ask.value}").json()
        ids[ask] = (found["companies"] if ask.kind == "company" else found[0]["people"])[0]["id"]
    return filled(payload, ids)


def results(sandbox, got):
    reply = got.json() if got.body else {}
    if got.status == 202 and "id" in reply:
        reply = sandbox.call(f"GET /batch/{reply['id']}").json()
        assert reply["status"] == "completed"
    return reply.get("results", [])
