import pytest

from support.servers.postgres import postgres, server
from support.servers.sandbox import sandbox, shared_sandbox
from support.service.applied_project import Applied

__all__ = ["postgres", "sandbox", "server", "shared_sandbox"]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path / 'state.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
def project(tmp_path, monkeypatch, url, sandbox):
    monkeypatch.chdir(tmp_path)  # the local folder of a PostgreSQL state is made here
    made = Applied(tmp_path, url, sandbox)
    made.people(20)
    made.apply()
    return made


@pytest.fixture
def app(project):
    with project.open() as opened:
        yield opened


@pytest.fixture
def worker(app):
    started = app.worker()
    started.start()
    yield started
    started.stop()
