"""One service that all attacks of this folder go to: none of them may harm what comes after it."""

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
