"""One service for all attacks of this folder: none of them may affect the next one."""

from collections.abc import Iterator

import pytest

from support.servers.postgres import empty_postgres, server
from support.service.measured_service import MeasuredService

__all__ = ["attacked", "empty_postgres", "server"]


@pytest.fixture(scope="package")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeasuredService]:
    with MeasuredService(tmp_path_factory.mktemp("attacked")) as service:
        service.look()
        yield service
