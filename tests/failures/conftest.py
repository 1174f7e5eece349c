"""A sandbox for one test: what these tests do to it must not meet another test."""

from collections.abc import Iterator

import pytest

from support.servers.postgres import own_server, postgres, server
from support.servers.sandbox import Sandbox, running_sandbox

__all__ = ["own_server", "postgres", "server"]


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """Replies after some milliseconds, so that there is a middle of a run."""
    with running_sandbox("--rate", "off", "--latency", "60") as sandbox:
        yield sandbox
