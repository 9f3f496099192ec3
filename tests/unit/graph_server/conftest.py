import pytest

from unit.graph_server.world import World


@pytest.fixture
def world():
    return World()
