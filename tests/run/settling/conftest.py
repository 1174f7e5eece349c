import pytest

from penstock.delivery import retry
from support.cli.shell import Shell

pytest.register_assert_rewrite(
    "support.cli.settling_project", "support.cli.new_mode_project"
)  # before the first import


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


@pytest.fixture
def new_mode(tmp_path, sandbox, monkeypatch, capsys):
    """Makes the project of a kind of records; its state is at `url`."""

    from support.cli.new_mode_project import KINDS, NewModeProject

    def project(state, kind="task", more="on_unknown: hold"):
        monkeypatch.setenv("PENSTOCK_DATABASE_URL", state)
        its = NewModeProject(tmp_path, sandbox, Shell(tmp_path, monkeypatch, capsys), KINDS[kind])
        its.state = state
        if kind == "event":  # the native API does an event with the same id once
            its.base = sandbox.flat_url
        its.settings(more)
        return its

    sandbox.call("POST /company", '{"company_id": "acme"}')
    sandbox.call("POST /people", '{"user_id": "u1"}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    return project


@pytest.fixture
def unknown(new_mode, url):
    """A project whose key `a` is unknown with the content `one`; the source has `two` now."""

    def project(kind="task", more="on_unknown: hold", *, arrives=True):
        its = new_mode(url, kind, more)
        its.rows(("a", "one"), ("b", "other"))
        its.lose(arrives=arrives)
        its.run(**{"accepted" if kind == "event" else "delivered": 1, "unknown": 1})
        its.rows(("a", "two"), ("b", "other"))
        return its

    return project
