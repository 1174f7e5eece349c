import pytest

from penstock.delivery import retry
from support.cli.shell import Shell

pytest.register_assert_rewrite("support.cli.mirror_project")  # before the first import


@pytest.fixture(autouse=True)
def _short_pauses():
    """The pauses between the attempts of one request are some milliseconds; their number is the same."""
    policy = retry.DEFAULT_POLICY
    base = policy.base
    object.__setattr__(policy, "base", 0.001)
    yield
    object.__setattr__(policy, "base", base)


@pytest.fixture
def its(tmp_path, sandbox, monkeypatch, capsys):
    """A project that has no destination yet."""
    from support.cli.mirror_project import MirrorProject

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    return MirrorProject(Shell(tmp_path, monkeypatch, capsys), sandbox)
