"""A secret is only where it was stored: not in the database's bytes, logs, exports, replies or the audit log."""

import logging

import pytest

from support.service.security_service import KEY, PASSWORD

SEALED = "cus_sealed_through_the_api"
MISTYPED = "my-other-secret-password"


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


def test_secrets_are_in_no_database_log_export_or_reply(service, log):
    admin = service.signed_in("admin")
    made = admin.post("/api/v1/tokens", json={"name": "ci", "role": "admin"}).json()
    link = admin.post("/api/v1/people", json={"name": "grace", "role": "viewer"}).json()["link"].partition("=")[2]
    secrets = [
        KEY,
        PASSWORD,
        SEALED,
        MISTYPED,
        made["token"],
        link,
        admin.cookies["penstock_session"],
        admin.headers["X-Penstock-CSRF"],
    ]
    value = {"connector": "custify", "base_url": "http://127.0.0.1:9", "api_key": SEALED}
    assert admin.put("/api/v1/credentials/sandbox", json=value).status_code == 200
    sent = [admin.post("/api/v1/destinations/it/test", json={"sample": 1})]
    sent += [admin.get(f"/api/v1/{kind}") for kind in ("credentials", "destinations", "people", "tokens", "runs")]
    sent += [admin.get("/api/v1/destinations/it/preview"), admin.get("/api/v1/audit/export")]
    sent += [admin.put("/api/v1/credentials/sandbox", json={**value, "nonsense": 1})]
    sent += [admin.post("/api/v1/session", json={"name": "admin", "password": MISTYPED})]
    sent += [admin.post("/api/v1/session", json={"name": MISTYPED, "password": MISTYPED, "x": MISTYPED})]
    sent += [admin.post("/api/v1/session", json={"name": MISTYPED, "password": MISTYPED})]
    sent += [service.client(Authorization=f"Bearer {MISTYPED}").get("/api/v1/runs")]
    ours = [record for record in log.records if not record.name.startswith(("httpx", "httpcore"))]  # not the browser's
    everything = b"".join(reply.content for reply in sent) + "".join(map(logging.Formatter().format, ours)).encode()
    kept = b"".join(path.read_bytes() for path in service.folder.glob("state.db*") if path.is_file())
    assert b"people" in kept
    assert [secret for secret in secrets if secret.encode() in everything] == []
    assert [secret for secret in secrets if secret.encode() in kept] == []
