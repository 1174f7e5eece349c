"""Backfills of a destination beside other runs of it, on both databases."""

import pytest

from support.cli.order_project import OrderProject
from support.kernel.states import sqlite, url
from support.servers.postgres import postgres, server
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["postgres", "sandbox", "server", "shared_sandbox", "sqlite", "url"]


@pytest.fixture
def make(tmp_path, sandbox, url, monkeypatch, capsys):
    """A function that makes the project with a number of companies in its source."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", url)
    its = OrderProject(tmp_path, sandbox, monkeypatch, capsys)
    yield its.make
    its.end()
