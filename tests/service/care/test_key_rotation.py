"""Key rotation: no secret is lost if the process dies at any time."""

import signal
import textwrap

import pytest

from penstock.model.errors import InputError
from penstock.run.context import sealer_of
from penstock.service import replays
from penstock.service.care.care import rotate_key
from penstock.store.database import Database
from penstock.store.project import credentials
from penstock.store.project.credentials import KEY_VARIABLE, SEALED_COLUMNS, Sealer, key_ids
from penstock.store.tables import metadata
from support.cli import forked_process

NAMES = ("acme", "other", "hooks/segment")


@pytest.fixture
def database(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path}/state.db")
    yield opened
    opened.close()


def seal(database, environ):
    with database.begin() as conn:
        for name in NAMES:
            credentials.set_credential(conn, sealer_of(environ, database.folder), name, f"key of {name}", "now")


def opened(database, environ):
    with database.read() as conn:
        return [credentials.secret_of(conn, name, sealer_of(environ, database.folder)) for name in NAMES]


EXPECTED = [f"key of {name}" for name in NAMES]


def test_after_a_rotation_the_old_key_opens_nothing(database):
    seal(database, {})
    old = Sealer.from_folder(database.folder)
    done = rotate_key(database, {})
    assert done.sealed == len(NAMES)
    assert opened(database, {}) == EXPECTED
    assert dict(key_ids(database.path)) == {done.key: len(NAMES)}
    assert old.ids()[0] not in Sealer.from_folder(database.folder).ids()


@pytest.mark.parametrize("moment", ["put_new_key_first", "reseal", "drop_older_keys"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_kill_everything_opens_and_the_next_rotation_completes(database, tmp_path, moment, when):
    seal(database, {})
    script = f"""
        import os, signal, sys
        from penstock.store.project import credentials
        from penstock.service.care import care
        from penstock.store.database import Database
        module = care if {moment!r} == "reseal" else credentials
        real = getattr(module, {moment!r})
        def dying(*args):
            if {when!r} == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            real(*args)
            os.kill(os.getpid(), signal.SIGKILL)
        setattr(module, {moment!r}, dying)
        care.rotate_key(Database.open(sys.argv[1]), {{}})
    """
    died = forked_process.run(
        ["-c", textwrap.dedent(script), f"sqlite:///{tmp_path}/state.db"], check=False, timeout=60
    )
    assert died.returncode == -signal.SIGKILL
    assert opened(database, {}) == EXPECTED
    rotate_key(database, {})
    assert opened(database, {}) == EXPECTED
    assert len(Sealer.from_folder(database.folder).ids()) == 1


def test_both_keys_of_the_environment_open_until_the_old_one_is_removed(database):
    seal(database, {KEY_VARIABLE: "old"})
    both = {KEY_VARIABLE: "new, old"}
    assert opened(database, both) == EXPECTED
    with pytest.raises(InputError) as caught:
        rotate_key(database, {KEY_VARIABLE: "old"})
    assert caught.value.problems[0].code == "one-key"
    assert rotate_key(database, both).from_environment
    assert opened(database, {KEY_VARIABLE: "new"}) == EXPECTED


def test_a_secret_of_an_unknown_key_stops_the_rotation_without_changes(database):
    seal(database, {KEY_VARIABLE: "lost"})
    before = key_ids(database.path)
    with pytest.raises(InputError):
        rotate_key(database, {KEY_VARIABLE: "new,old"})
    assert key_ids(database.path) == before


def test_stored_responses_are_sealed_again_by_a_rotation(database):
    request = replays.KeyedRequest("token/ci", "once", "a hash")
    with database.begin() as conn:
        replays.begin_response(conn, request, until=100.0)
        sealed = replays.seal_response(sealer_of({}, database.folder), request, b'{"token": "shown once"}')
        replays.store_response(conn, request, replays.StoredResponse(request.content_hash, 201, {}, sealed))
    assert rotate_key(database, {}).sealed == 1
    with database.read() as conn:
        kept = replays.stored_response(conn, request, now=1.0)
    assert (
        replays.opened_response(Sealer.from_folder(database.folder), request, kept.sealed) == b'{"token": "shown once"}'
    )


def test_every_column_with_secrets_is_in_the_rotation():
    named = {
        (table.name, column.name) for table in metadata.tables.values() for column in table.c if "sealed" in column.name
    }
    assert named == {(sealed.table.name, sealed.column) for sealed in SEALED_COLUMNS}
