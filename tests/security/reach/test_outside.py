"""No URL that a user types reaches the internal network: over the API, with false name servers."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiohttp.abc import AbstractResolver

from penstock.delivery.http import addresses, client
from support.service.security_service import KEY, running

NAMES = {
    "inside.example": ["10.1.2.3"],
    "meta.example": ["169.254.169.254"],
    "here.example": ["127.0.0.1"],
    "both.example": ["8.8.8.8", "127.0.0.1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
}
LITERALS = (
    "10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.100.100.200 0.0.0.0 224.0.0.1 255.255.255.255 168.63.129.16 "
    "[::] [::ffff:127.0.0.1] [::ffff:169.254.169.254] [::ffff:a00:1] [64:ff9b::a9fe:a9fe] [fe80::1] [fd00:ec2::254] "
    "[::127.0.0.1] [2002:7f00:1::1]"
).split()
DISGUISED = "2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 127.1 0 127.0.0.1. 017700000001 127.0.1 0xa9fea9fe".split()
FOREIGN = "１２７.0.0.1 ①②⑦.0.0.1 127。0。0。1".split()


class Listener(ThreadingHTTPServer):
    """Counts its requests; replies with `status` and `location`."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.location, self.came = status, location, 0

    def get_request(self):
        self.came += 1
        return super().get_request()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None: ...


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST

    def log_message(self, *_: object) -> None: ...


@contextmanager
def listening(*answer):
    server = Listener(*answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def trap():
    """A server on loopback that no request may reach."""
    with listening() as server:
        yield server
    assert server.came == 0


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running(tmp_path_factory.mktemp("outside"), without_sign_in=True) as service:
        yield service.client()


class Lying(AbstractResolver):
    """Name resolution by the table, and for other names by the machine."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {"hostname": host, "host": found, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for found in NAMES[host]
        ]

    async def close(self):
        pass


@pytest.fixture(autouse=True)
def _lying_names(monkeypatch):
    genuine = socket.getaddrinfo if socket.getaddrinfo.__module__ == "socket" else addresses.lookup

    def lookup(host, port, *arguments, **options):
        known = NAMES.get(host)
        return [(2, 1, 6, "", (each, port)) for each in known] if known else genuine(host, port, *arguments, **options)

    monkeypatch.setattr(client.aiohttp, "ThreadedResolver", Lying)
    monkeypatch.setattr(addresses, "lookup", lookup)


def checked(api, base: str, **more):
    value = {"connector": "http", "base_url": base, **more}
    return api.post("/api/v1/credentials/check", json={"name": "x", "value": value, "secret": KEY})


@pytest.mark.parametrize("host", [*LITERALS, *DISGUISED, *FOREIGN, *NAMES])
def test_a_base_url_reaches_no_internal_host(api, trap, host):
    reply = checked(api, f"https://{host}:{trap.server_port}")
    if reply.status_code == 200:
        assert reply.json()["ok"] is False
        assert "inside the network" in reply.text
    else:
        assert reply.status_code == 400, reply.text
        assert reply.json()["errors"][0]["code"] in {"foreign-host", "bad-url", "url"}
    assert KEY not in reply.text


@pytest.mark.parametrize("host", ["10.0.0.1", "here.example", "localhost.evil.example", "[::ffff:127.0.0.1]"])
def test_plain_http_is_for_loopback_alone(api, trap, host):
    assert checked(api, f"http://{host}:{trap.server_port}").json()["errors"][0]["code"] == "bad-url"


def test_the_allow_list_opens_what_it_names(api):
    with listening() as own:
        checked(api, f"https://here.example:{own.server_port}", allowed_hosts=["here.example"])
        assert own.came > 0


def manual(url: str, credential: str = "sandbox"):
    value = {"dataset": "people", "credential": credential, "request": {"method": "POST", "url": url}}
    return {"name": "new", "value": value, "sample": 1}


@pytest.mark.parametrize(
    "host", [*LITERALS, *DISGUISED, *FOREIGN, *NAMES, "user@127.0.0.1", "127.0.0.1:9@evil.example"]
)
def test_a_manual_url_reaches_only_the_credentials_host(api, trap, host):
    for url in (f"https://{host}:{trap.server_port}/x", f"https://{host}/x", f"http://{host}:{trap.server_port}/x"):
        reply = api.post("/api/v1/destinations/test", json=manual(url))
        assert reply.status_code == 400, (url, reply.text)
        assert reply.json()["errors"][0]["path"] == "destinations.new.request.url"
        assert KEY not in reply.text


@pytest.mark.parametrize(
    "url",
    ["//here.example/x", "\\\\here.example\\x", "/../../x", "/x\r\nHost: evil", "file:///etc/passwd", "gopher://x/"],
)
def test_a_path_of_a_url_reaches_no_other_host(api, trap, url):
    reply = api.post("/api/v1/destinations/test", json=manual(url))
    assert (reply.status_code, reply.json()["errors"][0]["path"]) == (400, "destinations.new.request.url"), reply.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_replies_and_are_not_followed(api, trap, status):
    with listening(status, f"{trap.url}/x") as server:
        value = {"connector": "http", "base_url": server.url, "api_key": KEY}
        made = api.post("/api/v1/credentials", json={"name": f"moved{status}", "value": value})
        assert made.status_code == 201, made.text
        reply = api.post("/api/v1/destinations/test", json=manual("/x", f"moved{status}"))
        assert reply.status_code == 200, reply.text
        assert reply.json()["response"]["status"] == status
        assert server.came > 0


# ── alert channels ───────────────────────────────────────────────────────────


def channel_test(api, url: str, **more):
    """The result of a test message to this channel."""
    etag = api.get("/api/v1/settings/alerts").headers.get("etag", "")
    document = {"channels": {"ops": {"url": url, **more}}}
    put = api.put("/api/v1/settings/alerts", json=document, headers={"If-Match": etag} if etag else {})
    if put.status_code == 400:
        return {"ok": False, "reason": "inside the network: refused as a channel"}
    assert put.status_code == 200, put.text
    (item,) = api.post("/api/v1/settings/alerts/test").json()["items"]
    return item


@pytest.mark.parametrize("host", [*LITERALS, *DISGUISED, *NAMES, "127.0.0.1", "localhost"])
def test_an_alert_channel_reaches_no_internal_host(api, trap, host):
    found = channel_test(api, f"json://{host}:{trap.server_port}/x")
    assert found["ok"] is False
    assert "inside the network" in found["reason"]


def test_a_channel_whose_host_resolves_to_another_address_later_is_refused_when_it_connects(api, trap, monkeypatch):
    answers = iter(["8.8.8.8"])

    def rebinding(host, port, *_, **__):
        return [(2, 1, 6, "", (next(answers, "127.0.0.1"), port))]

    monkeypatch.setattr(addresses, "lookup", rebinding)
    found = channel_test(api, f"json://rebound.example:{trap.server_port}/x")
    assert found["ok"] is False
    assert "127.0.0.1, inside the network" in found["reason"]
    assert next(answers, None) is None


def test_a_channel_connects_to_the_checked_address_and_follows_no_redirect(api, trap):
    with listening() as own:
        assert (
            channel_test(api, f"json://here.example:{own.server_port}/x", allowed_hosts=["here.example"])["ok"] is True
        )
        assert own.came == 1
    with listening(307, f"{trap.url}/x") as server:
        assert channel_test(api, f"json://127.0.0.1:{server.server_port}/x", allowed_hosts=["127.0.0.1"])["ok"] is False
        assert server.came == 1


@pytest.mark.parametrize(
    "name",
    ["PENSTOCK_SECRET_KEY", "PENSTOCK_DATABASE_URL", "PENSTOCK_METRICS_TOKEN", "PENSTOCK_OIDC_CLIENT_SECRET"],
)
def test_the_services_own_secrets_are_sent_nowhere(api, trap, name):
    base = f"http://127.0.0.1:{trap.server_port}"
    for value in ({"api_key": f"${{env:{name}}}"}, {"headers": {"X-Key": f"a ${{env:{name}}}"}}):
        value |= {"connector": "http", "base_url": base}
        reply = api.post("/api/v1/credentials/check", json={"name": "x", "value": value})
        assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "bad-reference"), reply.text
