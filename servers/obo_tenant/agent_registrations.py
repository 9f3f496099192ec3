"""Two agent identity blueprints and the agents made from them (Entra Agent ID).

A blueprint is an application with credentials and a scope; an agent identity is a principal without
any, in one tenant, that acts by what its blueprint proves (Entra, "Agent identities").
"""

from collections.abc import Iterable
from types import MappingProxyType

from obo_tenant.apps import (
    BLUEPRINT_ID,
    CONNECTION_ID,
    GRAPH_SCOPES,
    OTHER_BLUEPRINT_ID,
    USER_APP_ID,
    Application,
)

_ROLES = MappingProxyType({"mcp-server": ("mcp.read",)})


def agents() -> Iterable[Application]:
    """The blueprints, each followed by its agents."""
    yield _blueprint(
        name="blueprint",
        display_name="Agent blueprint",
        client_id=BLUEPRINT_ID,
        principal_id="d3b6f2e8-7b1c-4a0a-9a8e-52c7c8f0e6d4",
    )
    yield Application(
        name="agent-identity",
        display_name="Agent identity",
        client_id="5639bd7e-ea8c-462c-a12c-1f39f43332b0",
        principal_id="46d57d99-3952-4ba7-9eb1-b831fc19d657",
        parent=BLUEPRINT_ID,
        granted_roles=_ROLES,
        proof="2",
    )
    yield _blueprint(
        name="other-blueprint",
        display_name="Another agent blueprint",
        client_id=OTHER_BLUEPRINT_ID,
        principal_id="97a2ab5f-07c0-4f3a-8a63-1e0c7e4b5d21",
    )
    yield Application(
        name="other-agent",
        display_name="Agent identity of another blueprint",
        client_id="b6b7c1d5-2a39-4f0d-8a4e-9c5d7e1f2033",
        principal_id="1fe3a7a0-98c1-4c55-8f39-6f0c2f5b7d48",
        parent=OTHER_BLUEPRINT_ID,
        proof="2",
    )


def _blueprint(*, name: str, display_name: str, client_id: str, principal_id: str) -> Application:
    return Application(
        name=name,
        display_name=display_name,
        client_id=client_id,
        principal_id=principal_id,
        secret=f"practice-secret-of-the-{name}",
        blueprint=True,
        multi_tenant=True,
        identifier_uris=(f"api://{client_id}",),
        scopes=MappingProxyType({"access_agent": "Let the agent act for you"}),
        preauthorized=frozenset({USER_APP_ID, CONNECTION_ID}),
        delegated=MappingProxyType(
            {"graph": tuple(GRAPH_SCOPES), "expenses-api": ("Expenses.Read",)}
        ),
        inheritable=frozenset({"graph", "expenses-api"}),
    )
