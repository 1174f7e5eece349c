import pytest

from support.servers.sandbox import sandbox, shared_sandbox
from support.service.sending_service import office
from support.service.served_project import served_project

__all__ = ["office", "sandbox", "shared_sandbox"]


@pytest.fixture(scope="module")
def module_service(tmp_path_factory, shared_sandbox):
    with served_project(tmp_path_factory.mktemp("served"), shared_sandbox) as made:
        yield made


@pytest.fixture
def service(module_service, sandbox):
    """The service of this module, and an empty sandbox."""
    return module_service
