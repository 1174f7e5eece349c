import pytest

from penstock.delivery import retry
from support.cli.shell import Shell

pytest.register_assert_rewrite("support.cli.settling_project")  # before the first import


@pytest.fixture(autouse=True)
def _short_pauses():
    """The pauses between the attempts of one request are some milliseconds; their number is the same."""
    policy = retry.DEFAULT_POLICY
    base = policy.base
    object.__setattr__(policy, "base", 0.001)
    yield
    object.__setattr__(policy, "base", base)


@pytest.fixture
def make(tmp_path, sandbox, monkeypatch, capsys):
    """Makes the project of a kind of records; an older company is there."""

    from support.cli.settling_project import SettlingProject

    def project(kind, **keys):
        made = SettlingProject(Shell(tmp_path, monkeypatch, capsys), sandbox, kind)
        made.write(**keys)
        sandbox.settings(**kind.settings)
        return made

    sandbox.call("POST /company", '{"company_id": "acme"}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    return project
