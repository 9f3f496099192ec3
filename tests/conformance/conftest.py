"""The tenant of the integration tests, and Node with its packages."""

import os

import pytest

from conformance.node import Node, NodeIsMissing, find_runtime
from integration.conftest import tenant_world, world  # noqa: F401 - pytest finds fixtures by name


@pytest.fixture(scope="session", autouse=True)
def runtime():
    """Missing is a reason to skip, but not for `make conformance`, which has installed it."""
    try:
        return find_runtime()
    except NodeIsMissing as missing:
        if os.environ.get("OBO_MCP_TEST_NODE") == "1":
            raise
        pytest.skip(f"{missing}: run `make conformance`")


@pytest.fixture
def node(runtime, tmp_path):
    return Node(runtime, tmp_path)


def pytest_terminal_summary(terminalreporter):
    """The figures, where somebody who ran `make conformance` looks for them."""
    for report in terminalreporter.stats.get("passed", []):
        for name, figures in report.user_properties:
            if name == "conformance":
                case = report.nodeid.partition("[")[2].rstrip("]")
                terminalreporter.write_line(f"{case}: {figures}")
