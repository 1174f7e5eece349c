"""API keys are sealed: they are in no file as plain text, and open only with the right key and name."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from penstock.model.errors import InputError, StateUnavailable
from penstock.store.project import credentials
from penstock.store.project.credentials import KEY_FILE, Sealer, StoredCheck

SECRET = "sk-live-Zq81-ümlaut"  # not a real one
AT = "2026-01-31T12:00:00.000Z"


def test_a_sealed_secret_is_in_no_file_and_no_text(database):
    sealer = Sealer.from_folder(database.folder)
    with database.begin() as conn:
        credentials.set_credential(conn, sealer, "acme", SECRET, AT)
        assert credentials.secret_of(conn, "acme", sealer) == SECRET
        assert credentials.secret_of(conn, "other", sealer) is None
    for path in database.folder.iterdir():
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()
    assert sealer.key.hex() not in repr(sealer) + str(sealer)
    assert repr(sealer.key) not in repr(sealer)


def test_a_database_error_contains_no_secret(database):
    with pytest.raises(Exception, match=r"no such table|does not exist") as caught, database.begin() as conn:
        conn.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": SECRET})
    assert SECRET not in str(caught.value)


def test_the_same_secret_is_sealed_differently_each_time():
    sealer = Sealer.from_text("x")
    assert sealer.seal(SECRET, "acme") != sealer.seal(SECRET, "acme")


def test_a_secret_that_is_set_again_is_replaced(database):
    sealer = Sealer.from_text("x")
    with database.begin() as conn:
        credentials.set_credential(conn, sealer, "acme", "old", AT)
        credentials.set_credential(conn, sealer, "acme", "new", AT)
        assert credentials.secret_of(conn, "acme", sealer) == "new"


def test_the_key_file_is_made_once_and_readable_only_by_its_owner(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = {sealer.key for sealer in pool.map(lambda _: Sealer.from_folder(tmp_path), range(8))}
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "abcd", "no hex at all", "00" * 31])
def test_a_broken_key_file_is_reported(tmp_path, content):
    (tmp_path / KEY_FILE).write_text(content)
    with pytest.raises(StateUnavailable, match="cannot be read or made") as caught:
        Sealer.from_folder(tmp_path)
    assert "PENSTOCK_SECRET_KEY" in caught.value.problems[0].hint


def test_a_secret_of_another_key_is_reported():
    with pytest.raises(InputError, match="sealed with another") as caught:
        Sealer.from_text("y").open(Sealer.from_text("x").seal(SECRET, "acme"), "acme")
    assert "penstock credential set acme" in caught.value.problems[0].hint


def test_every_altered_byte_is_detected():
    sealer = Sealer.from_text("x")
    sealed = sealer.seal(SECRET, "acme")
    for place in range(1, len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(InputError):
            sealer.open(bytes(altered), "acme")


def test_a_sealed_secret_cannot_be_moved_to_another_name():
    sealer = Sealer.from_text("x")
    with pytest.raises(InputError, match="altered"):
        sealer.open(sealer.seal(SECRET, "acme"), "other")


@pytest.mark.parametrize("cut", [0, 1, 4, 17, 25])
def test_a_truncated_sealed_secret_is_reported(cut):
    sealer = Sealer.from_text("x")
    with pytest.raises(InputError):
        sealer.open(sealer.seal(SECRET, "acme")[:cut], "acme")


def test_the_result_of_a_check_is_stored_until_the_next_check(database):
    first = StoredCheck("acme", "https://a.example", "auto", AT, ok=False)
    with database.begin() as conn:
        assert credentials.stored_check(conn, "acme") is None
        credentials.store_check(conn, first)
        assert credentials.stored_check(conn, "acme") == first
        second = StoredCheck("acme", "https://b.example", "auto", AT, ok=True)
        credentials.store_check(conn, second)
        assert credentials.stored_check(conn, "acme") == second


def sealed_by_0_1_0(sealer, name):
    """A secret as 0.1.0 sealed it: with the sealing key itself."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = b"n" * 12
    identity = bytes.fromhex(sealer.ids()[0])
    return b"\x01" + identity + nonce + AESGCM(sealer.key).encrypt(nonce, SECRET.encode(), name.encode())


def test_a_leaked_derived_key_opens_one_secret():
    sealer = Sealer.from_text("x")
    purposes = ("session", "csrf", "tries", "seal acme", "seal other")
    keys = {sealer.key_for(purpose) for purpose in purposes} | {sealer.key}
    assert len(keys) == len(purposes) + 1
    for leaked in keys - {sealer.key}:
        with pytest.raises(InputError):
            Sealer(leaked).open(sealer.seal(SECRET, "acme"), "acme")


def test_secrets_of_0_1_0_open_and_are_sealed_again_when_a_service_starts(database):
    from penstock.usecases.applied_project.reach import seal_by_derived_keys

    sealer = Sealer.from_folder(database.folder)
    with database.begin() as conn:
        for name in ("acme", "sources/hook"):
            row = {"name": name, "sealed": sealed_by_0_1_0(sealer, name), "at": AT}
            conn.execute(credentials.credentials.insert(), row)
        assert credentials.secret_of(conn, "acme", sealer) == SECRET
    seal_by_derived_keys(database, {})
    with database.read() as conn:
        assert not credentials.sealed_by_root(conn)
        assert {credentials.secret_of(conn, name, sealer) for name in ("acme", "sources/hook")} == {SECRET}


def test_a_service_without_the_old_key_starts_and_loses_nothing(database):
    from penstock.usecases.applied_project.reach import seal_by_derived_keys

    old = Sealer.from_text("old")
    with database.begin() as conn:
        conn.execute(
            credentials.credentials.insert(), {"name": "acme", "sealed": sealed_by_0_1_0(old, "acme"), "at": AT}
        )
    seal_by_derived_keys(database, {"PENSTOCK_SECRET_KEY": "new"})
    with database.read() as conn:
        assert credentials.secret_of(conn, "acme", old) == SECRET
