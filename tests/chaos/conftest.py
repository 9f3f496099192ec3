"""One house for the whole folder, and two sets of replicas in it."""

import pytest

from chaos.house import open_house


@pytest.fixture(scope="session")
def opened(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("chaos")) as house:
        yield house


@pytest.fixture
def house(opened):
    """With nothing in the tenant's log, and no faults."""
    opened.world.clear()
    yield opened
    opened.proxy.heal()


@pytest.fixture(scope="session")
def patient(opened):
    """Replicas that wait for Redis."""
    return opened.replicas(faults=False)


@pytest.fixture(scope="session")
def usual(opened):
    """Replicas with the settings that everybody has, before a Redis that has its faults."""
    return opened.replicas()
