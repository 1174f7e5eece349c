"""Which hosts the SQL sources of a service connect to: the looked-up address is checked, and the connection goes to it."""

import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from penstock.service.app import ServiceApp
from support.servers.postgres import server
from support.service.http_service import apply_project, served

__all__ = ["server"]

OURS = "password-of-the-environment-5ecret"


@contextmanager
def serving(folder, environ=None):
    """Checks a SQL source with this URL at a service."""
    (folder / "penstock.yaml").write_text("sources: {}\n")
    url = f"sqlite:///{folder}/.penstock/state.db"
    apply_project(folder, url)
    with ServiceApp.open_applied(url, environ=environ or {}) as app, served(app, without_sign_in=True) as client:

        def ask(url, **value):
            drafted = {"type": "sql", "url": url, "query": "select 1 as id", **value}
            reply = client.post("/api/v1/sources/check", json={"name": "new", "value": drafted})
            assert reply.status_code == 200, reply.text
            return reply.json()

        yield ask


def codes(said):
    return [each["code"] for each in said["problems"]]


@contextmanager
def postgres_like():
    """A server that requests a password as PostgreSQL does; `got` has what it received."""
    got, over = [], threading.Event()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.settimeout(0.05)

    def take():
        while not over.is_set():
            try:
                taken, _ = listening.accept()
            except TimeoutError:
                continue
            with taken:
                taken.settimeout(5)
                while True:
                    size = struct.unpack("!i", taken.recv(4))[0]
                    packet = taken.recv(size - 4)
                    if size == 8:  # TLS or GSSAPI?
                        taken.sendall(b"N")
                        continue
                    break
                got.append(packet)
                taken.sendall(b"R" + struct.pack("!ii", 8, 3))  # a password, as it is
                got.append(taken.recv(1000))

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield listening.getsockname()[1], got
    finally:
        over.set()
        thread.join()
        listening.close()


@pytest.mark.parametrize(
    "place",
    [
        "169.254.169.254", "169.254.169.254:80", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]", "[fe80::1]", "[fd00:ec2::254]", "168.63.129.16", "100.100.100.200", "127.0.0.1:1,169.254.169.254:80",
        "127.0.0.1/x?hostaddr=169.254.169.254", "/x?host=169.254.169.254", "/x?host=127.0.0.1,169.254.169.254&port=1,80",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_link_local_and_metadata_addresses_are_refused(tmp_path, place, kind):
    with serving(tmp_path) as ask:
        rest = place if "/" in place else f"{place}/x"
        assert codes(ask(f"{kind}://u:p@{rest}")) == ["host-not-allowed"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@/x",
        "postgresql:///x",
        "postgresql://u@127.0.0.1/x?service=other",
        "postgresql://u@127.0.0.1/x?oauth_issuer=http://169.254.169.254",
        "postgresql://u@127.0.0.1/x?sslkeylogfile=/tmp/x",
        "postgresql://u@127.0.0.1/x?passfile=/etc/passwd",
        "postgresql://u@127.0.0.1/x?sslrootcert=/proc/self/environ",
    ],
)
def test_a_url_that_needs_the_environment_or_reads_other_files_is_refused(tmp_path, url):
    with serving(tmp_path) as ask:
        assert codes(ask(url))[0] in {"database-url", "option-not-allowed", "file-not-allowed"}


def test_only_the_hosts_that_are_set_are_reached(tmp_path, server):
    folder = server.partition("host=")[2]
    with (
        postgres_like() as (port, got),
        serving(tmp_path, {"PENSTOCK_SQL_HOSTS": f"{folder}, db.example:5433, 127.0.0.1:{port}, [::1]"}) as ask,
    ):
        assert ask(server)["rows"] == [{"id": 1}]
        for place in (
            "127.0.0.1:1",
            "localhost",
            "10.0.0.1",
            "db.example",
            "db.example:5434",
            f"127.0.0.1:{port},10.0.0.1:{port}",
            "elsewhere.invalid",
            "[fe80::1]",
        ):
            assert codes(ask(f"postgresql://u:p@{place}/x")) == ["host-not-allowed"], place
        assert codes(ask("mysql+pymysql://u:p@10.0.0.1/x")) in (["host-not-allowed"], ["missing-driver"])
        assert got == []
        ask(f"postgresql://u:theirs@127.0.0.1:{port}/x")
        assert b"theirs" in got[1]


def test_a_wrong_list_of_hosts_stops_the_service(tmp_path):
    from penstock.model.errors import InputError

    with pytest.raises(InputError) as caught, serving(tmp_path, {"PENSTOCK_SQL_HOSTS": "db:x"}):
        pass
    assert [(each.path, each.found) for each in caught.value.problems] == [("PENSTOCK_SQL_HOSTS", "db:x")]


def test_the_connection_goes_to_the_checked_address(tmp_path, monkeypatch):
    """A name with another address at the next look-up."""
    looked = []
    real = socket.getaddrinfo

    def lookup(host, port, *more, **options):
        if host != "moving.example":
            return real(host, port, *more, **options)
        looked.append(host)
        address = "127.0.0.1" if len(looked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with postgres_like() as (port, got), serving(tmp_path) as ask:
        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        ask(f"postgresql://u:theirs@moving.example:{port}/x")
        assert looked[:1] == ["moving.example"]
        assert b"theirs" in got[1]
        assert codes(ask(f"postgresql://u:theirs@moving.example:{port}/x")) == ["host-not-allowed"]


def test_passwords_of_the_services_environment_are_not_used(tmp_path, monkeypatch):
    """libpq would send them to a host of the editor's choice."""
    passes = tmp_path / "pass"
    passes.write_text(f"*:*:*:*:{OURS}\n")
    passes.chmod(0o600)
    monkeypatch.setenv("PGPASSWORD", OURS)
    monkeypatch.setenv("PGPASSFILE", str(passes))
    for environ, sent in (({}, False), ({"PENSTOCK_ENV_ALLOWED": "PGPASSWORD"}, True)):
        with postgres_like() as (port, got), serving(tmp_path, environ) as ask:
            ask(f"postgresql://u@127.0.0.1:{port}/x")
        assert any(OURS.encode() in packet for packet in got) is sent
    monkeypatch.delenv("PGPASSWORD")
    with postgres_like() as (port, got), serving(tmp_path) as ask:
        ask(f"postgresql://u@127.0.0.1:{port}/x")
    assert not any(OURS.encode() in packet for packet in got)


def test_on_the_command_line_any_host_is_reached(tmp_path):
    with postgres_like() as (port, got):
        text = f'sources: {{it: {{type: sql, url: "postgresql://u:theirs@127.0.0.1:{port}/x", table: t}}}}\ndatasets: {{it: {{source: it, key: id}}}}\n'
        (tmp_path / "penstock.yaml").write_text(text)
        with (
            ServiceApp.open(tmp_path / "penstock.yaml", environ={"PENSTOCK_SQL_HOSTS": "db"}) as app,
            pytest.raises(Exception, match="PostgreSQL"),
        ):
            app.dataset("it")
    assert b"theirs" in got[1]
