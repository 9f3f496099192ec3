"""The world of the integration tests: one local tenant for the whole run."""

import httpx
import pytest

from obo_tenant.serve import LocalTenant
from support.world import World


@pytest.fixture(scope="session")
def tenant_world():
    with LocalTenant(port=0) as local:
        http = httpx.Client(base_url=local.url, verify=_trust(local.ca_path), trust_env=False)
        with http:
            yield World(local.url, str(local.ca_path), http)


@pytest.fixture
def world(tenant_world):
    tenant_world.clear()
    yield tenant_world
    tenant_world.clear()


def _trust(ca_path):
    import ssl  # noqa: PLC0415 - only here

    return ssl.create_default_context(cafile=ca_path)
