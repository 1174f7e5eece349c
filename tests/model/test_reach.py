"""What a project may reach: files, environment variables and hosts, on the command line and in a service."""

import ipaddress
from pathlib import PurePosixPath as P

import pytest

from penstock.model.reach import (
    PERSONAL,
    FileFacts,
    Reach,
    SqlHost,
    file_denial,
    host_denial,
    is_listed,
    is_loopback,
    is_metadata,
    is_own_name,
    plain_address,
    sql_hosts,
    variable_denial,
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
        ("::ffff:169.254.169.254", "169.254.169.254"),
        ("2002:a9fe:a9fe::", "169.254.169.254"),
        ("2001:0:4136:e378:8000:63bf:5601:5601", "169.254.169.254"),
        ("64:ff9b::a9fe:a9fe", "169.254.169.254"),
        ("::169.254.169.254", "169.254.169.254"),
    ],
)
def test_the_ipv4_address_in_an_ipv6_address_is_found(text, plain):
    assert plain_address(text) == ipaddress.ip_address(plain)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_hosts(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["api.localhost", "localhost.example.com", "10.0.0.1", "", "1"])
def test_hosts_that_may_be_another_machine_are_not_loopback(host):
    assert not is_loopback(host)


def test_addresses_of_metadata_services():
    for text in ("169.254.169.254", "fe80::1", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"):
        assert is_metadata(ipaddress.ip_address(text)), text
    assert not is_metadata(ipaddress.ip_address("10.0.0.1"))


def test_files_of_the_system_and_of_the_state_are_never_read():
    reach = Reach(
        database=P("/srv/.penstock/state.db"), folder=P("/srv/.penstock"), secret_files=(P("/etc/penstock/key"),)
    )
    for name in (
        "/proc/1/environ",
        "/dev/sda",
        "/srv/.penstock/state.db",
        "/srv/.penstock/secret.key",
        "/etc/penstock/key",
    ):
        assert file_denial(reach, FileFacts(P(name))) is not None, name
    for name in ("/srv/people.csv", "/srv/.penstock/uploads/people.csv", "/process/people.csv"):
        assert file_denial(reach, FileFacts(P(name))) is None, name
    assert file_denial(reach, FileFacts(P("/srv/link.csv"), (1, 2)), frozenset({(1, 2)})) is not None
    assert file_denial(reach, FileFacts(P("/srv/link.csv"), (1, 3)), frozenset({(1, 2)})) is None


def test_the_state_of_another_project_is_never_read():
    assert file_denial(PERSONAL, FileFacts(P("/other/.penstock/state.db"))) is not None
    assert file_denial(PERSONAL, FileFacts(P("/other/.penstock"))) is not None
    assert file_denial(PERSONAL, FileFacts(P("/other/.penstock/uploads/people.csv"))) is None


def test_a_service_reads_below_its_folders_only():
    reach = Reach(is_service=True, roots=(P("/data"),))
    assert file_denial(reach, FileFacts(P("/data/people.csv"))) is None
    denied = file_denial(reach, FileFacts(P("/database/people.csv")))
    assert denied is not None
    assert "PENSTOCK_FILE_ROOTS" in denied.hint


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("secret.key", True),
        ("frozen", True),
        ("spill-1", True),
        ("mine.db", True),
        ("mine.db-wal", True),
        ("mine.work.db", True),
        ("mine.csv", False),
        ("uploads", False),
    ],
)
def test_the_files_of_a_state_outside_its_usual_folder_are_known_by_name(name, own):
    assert is_own_name(Reach(database=P("/data/mine.db"), folder=P("/data")), name) is own


def test_own_names_are_known_without_a_state_file():
    assert is_own_name(Reach(folder=P("/data")), "secret.key")
    assert not is_own_name(Reach(folder=P("/data")), "mine.db")
    assert file_denial(Reach(folder=P("/data")), FileFacts(P("/data/secret.key"))) is not None
    assert file_denial(Reach(folder=P("/data")), FileFacts(P("/data"))) is None


def test_which_environment_variables_a_project_may_read():
    assert variable_denial(PERSONAL, "ANY") is None
    service = Reach(is_service=True, variables=frozenset({"CRM_URL", "PENSTOCK_SECRET_KEY"}))
    assert variable_denial(service, "CRM_URL") is None
    ours, other = variable_denial(service, "PENSTOCK_SECRET_KEY"), variable_denial(service, "HOME")
    assert ours is not None
    assert "of another name" in ours.hint
    assert other is not None
    assert "PENSTOCK_ENV_ALLOWED" in other.hint


def test_which_database_hosts_a_project_may_reach():
    metadata = ("169.254.169.254",)
    assert host_denial(PERSONAL, "db", 5432, metadata) is None
    assert host_denial(Reach(is_service=True), "db", 5432, ("10.0.0.1",)) is None
    assert host_denial(Reach(is_service=True), "db", 5432, metadata) is not None
    listed = Reach(is_service=True, hosts=sql_hosts("db.example:5432, 10.0.0.1"))
    assert host_denial(listed, "DB.example.", 5432, metadata) is None
    assert host_denial(listed, "db.example", 5433, ("10.0.0.2",)) is not None
    assert is_listed(listed, "::ffff:10.0.0.1", 1)
    assert not is_listed(Reach(is_service=True), "db.example", 5432)


def test_the_list_of_hosts_is_read():
    assert sql_hosts(" db.Example. ,db:5432,[::1]:5432, [2001:db8::2],2001:db8::3,, ") == (
        SqlHost("db.example"),
        SqlHost("db", 5432),
        SqlHost("::1", 5432),
        SqlHost("2001:db8::2"),
        SqlHost("2001:db8::3"),
    )


@pytest.mark.parametrize("entry", ["db:port", ":5432", "[::1]x", "db:٣"])
def test_the_error_names_the_wrong_entry_of_the_list(entry):
    with pytest.raises(ValueError, match="^" + entry.replace("[", r"\[") + "$"):
        sql_hosts(f"ok,{entry}")
