import pytest

from sandbox_process import sandbox, shared_sandbox
from served_project import served_project
from serving_office import office

__all__ = ["office", "sandbox", "shared_sandbox"]


@pytest.fixture(scope="module")
def module_service(tmp_path_factory, shared_sandbox):
    with served_project(tmp_path_factory.mktemp("served"), shared_sandbox) as made:
        yield made


@pytest.fixture
def service(module_service, sandbox):
    """The service of this module, and an empty sandbox."""
    return module_service
