"""Unusual names and values in paths, queries and bodies never cause a defect."""

import http.client
import json
import re
from urllib.parse import urlsplit

import pytest

from support.service.served_project import API

PATHS = [
    "%00", "a%00b", "%ff%fe", "%ed%a0%80", "%F0%9F%9A%80", "..", "%2e%2e%2f", "a%2fb", "%0d%0aX:%201", "'", "%22", "%25",
    "1" * 5000, "9" * 25, "-1", "0x10", "1e5", "%D9%A1", "q-" + "9" * 30, "x-" + "9" * 30, "r" * 4000, "%E2%80%A8", "*",
]  # fmt: skip
VALUES = [
    "1e400", "-1e400", "NaN", "Infinity", "1" * 5000, str(10**30), str(2**63), str(2**64), "-0", "1e-400", '"\\ud800"', '"\\u0000"',
    '"\\udc00x"', '"\\uffff"', '""', "null", "true", "[]", "{}", '[["a"]]', '{"\\ud800": 1}', '{"\\u0000": 1}', '{"": ""}',
    '"' + "x" * 100_000 + '"', "[" * 60 + "]" * 60, '{"a":1,"a":2}', '"$${"', '"${env:NOT_THERE}"', '"${file:/etc/passwd}"', '"{record.x}"',
]  # fmt: skip
CURSORS = [
    "",
    "x",
    "%00",
    "LTE",
    "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk",
    "bnVsbA",
    "%F0%9F%9A%80",
    "W10",
    "WzFlNDAwXQ",
    "WyJhIiwiYiJd",
    "9" * 40,
]


@pytest.fixture(scope="module")
def filled(module_service):
    """A destination that has run, with a record in quarantine."""
    module_service.people("it", [{"id": "1", "email": "ada@x.example"}, {"id": "2", "email": "none"}])
    module_service.ask("PUT /flows/all", {"destinations": ["it"]})
    module_service.ask("PUT /sources/hook", {"type": "webhook", "auth": "none"})
    module_service.run("it")
    return module_service


def ask(service, method, target, body=None):
    """One raw request, whose path no client changes."""
    parts = urlsplit(str(service.client.base_url))
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, target, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def operations(service):
    document = service.client.get(f"{API}/openapi.json").json()
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def checked(found, place, status, body):
    if status >= 500:
        found.append((place, status, body[:300]))
    elif status >= 400:
        assert set(json.loads(body)) == {"errors"}, (place, body[:300])


def test_any_name_in_a_path(filled):
    wrong = []
    for method, path, _ in operations(filled):
        if "{" not in path or path.endswith("/events"):
            continue
        for name in PATHS:
            target = re.sub(r"\{(\w+)\}", lambda found, name=name: "sources" if found[1] == "kind" else name, path)
            body = None if method in ("GET", "DELETE") else "{}"
            checked(wrong, (method, path, name[:40]), *ask(filled, method, target, body))
    assert wrong == []


def test_any_value_in_a_query(filled):
    wrong = []
    for method, path, operation in operations(filled):
        asked = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        if method != "GET" or path.endswith("/events"):
            continue
        target = path.replace("{kind}", "destinations").replace("{name}", "it").replace("{run}", _run(filled))
        for name in asked:
            for value in (*PATHS, *CURSORS):
                checked(wrong, (method, path, name, value[:40]), *ask(filled, method, f"{target}?{name}={value}"))
    assert wrong == []


def _run(service):
    return service.ask("GET /runs?limit=1")["items"][0]["run"]


RESOURCES = {
    "credentials": {"connector": "custify", "base_url": "http://127.0.0.1:9", "rate_limit": {"requests": 1, "per": "1s"}, "headers": {"X-A": "1"}, "timeout": 1},
    "sources": {"type": "webhook", "auth": {"type": "key", "header": "X-Key"}, "max_bytes": 10, "columns": {"a": "text"}},
    "datasets": {"source": "it", "key": ["id"], "sql": "select * from source", "types": {"id": "text"}},
    "destinations": {
        "dataset": "it", "credential": "acme", "template": "upsert_person", "attributes": ["id"], "exclude": ["email"], "concurrency": 2,
        "fields": {"user_id": "id", "name": {"value": "x"}, "email": {"column": "email", "default": "d"}}, "active": False,
        "batch": {"size": 10, "max_bytes": 1000}, "fuse": {"ratio": 0.5, "after": 1, "in_a_row": 2}, "mode": "all", "responses": True,
    },
    "flows": {"destinations": ["it"], "schedule": "every 15m", "timezone": "UTC"},
}  # fmt: skip
BY_HAND = {
    "dataset": "it", "credential": "acme",
    "request": {
        "method": "POST", "url": "batch", "content_format": "json", "headers": {"X-A": "{record.id}"},
        "batch": {"size": 2, "grouping": {"algorithm": "property", "property": "batch", "other_props": {"a": 1}}},
    },
}  # fmt: skip
MARK = "\x1a"
EVERY = 5


def variants(document):
    """The document with a mark in each of its places, also in that of a name."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from ({**document, name: variant} for variant in variants(value))
        yield {**document, MARK: 1}
    elif isinstance(document, list):
        for place, value in enumerate(document):
            yield from ([*document[:place], variant, *document[place + 1 :]] for variant in variants(value))
    yield MARK


def bodies(document):
    """JSON texts with wrong values in each place: some of them, others in the next place."""
    for number, variant in enumerate(variants(document)):
        text, mark = json.dumps(variant), json.dumps(MARK)
        for value in VALUES[number % EVERY :: EVERY]:
            if f"{mark}:" not in text or value.startswith('"'):
                yield text.replace(mark, value)


@pytest.mark.parametrize("kind", [*RESOURCES, "by_hand"])
def test_any_value_in_a_resource(filled, kind):
    value = BY_HAND if kind == "by_hand" else RESOURCES[kind]
    section = "destinations" if kind == "by_hand" else kind
    wrong = []
    for body in bodies(value):
        status, answer = ask(filled, "PUT", f"{API}/{section}/nasty", body)
        checked(wrong, ("PUT", section, body[:300]), status, answer)
        if section == "destinations" and status == 200:
            wrapped = f'{{"name": "nasty", "value": {body}}}'
            checked(wrong, ("preview", body[:300]), *ask(filled, "POST", f"{API}/destinations/preview", wrapped))
        if status == 200:
            checked(wrong, ("list after", body[:300]), *ask(filled, "GET", f"{API}/{section}"))
    assert wrong == []


def test_any_value_in_any_other_body(filled):
    wrong = []
    entry = filled.ask("GET /quarantine?destination=it")["items"][0]["id"]
    for line, body in {
        f"PATCH /quarantine/{entry}": {"changes": {"email": "x"}},
        f"PATCH /quarantine/{entry} ": {"record": {"id": 1, "email": "x"}},
        "POST /quarantine/discard": {"ids": ["q-99"], "reason": "x"},
        "POST /quarantine/resend": {"destination": "x", "cause": "y"},
        "POST /destinations/it/test": {"sample": 99, "body": "x"},
        "POST /destinations/findings": {"name": "x", "value": {"dataset": "it"}},
        "POST /destinations/validate": {"name": "x", "value": {"dataset": "it"}},
        "POST /flows/all/copy": {"name": "x"},
        "POST /credentials/check": {"name": "x", "value": {"connector": "custify", "base_url": "http://127.0.0.1:9"}},
        "POST /sources/check": {"name": "x", "value": {"type": "file", "path": "it.csv", "delimiter": ","}},
        "POST /datasets/preview": {"name": "x", "value": {"source": "it", "key": ["id"], "sql": "select 1 as id"}},
        "PUT /settings/retention": {"runs": 90},
        "POST /runs": {"target": "x"},
        "POST /versions/1/roll-back": {"only": "x"},
        "PUT /project?dry_run=true": {"yaml": "x"},
        "PUT /credentials/nobody/secret": {"secret": "x"},
        "PUT /settings/alerts": {"channels": [{"name": "x", "url": "json://127.0.0.1:9"}]},
        "POST /people": {"name": "x", "role": "viewer", "email": "x", "password": "x"},
        "POST /session": {"name": "x", "password": "x"},
        "POST /setup": {"token": "x", "name": "x", "password": "x"},
    }.items():
        method, path = line.strip().split(" ")
        for text in bodies(body):
            checked(wrong, (line, text[:300]), *ask(filled, method, API + path, text))
    checked(wrong, ("the record in quarantine after",), *ask(filled, "GET", f"{API}/quarantine/{entry}"))
    checked(wrong, ("its preview after",), *ask(filled, "POST", f"{API}/quarantine/{entry}/preview"))
    assert wrong == []
