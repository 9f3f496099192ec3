"""The applications that the tenants start with, Graph among them, and what each may do."""

from collections.abc import Iterable
from types import MappingProxyType

from obo_tenant.agent_registrations import agents
from obo_tenant.apps import (
    AGENT_AUDIENCE,
    CONNECTION_ID,
    EXCHANGE_AUDIENCE,
    EXCHANGE_ID,
    GRAPH_AUDIENCE,
    GRAPH_ID,
    GRAPH_SCOPES,
    MANAGED_IDENTITY_ID,
    MCP_SERVER_ID,
    USER_APP_ID,
    VAULT_AUDIENCE,
    Application,
)
from obo_tenant.user_consent import ADMIN_SCOPES


def applications(base_url: str) -> tuple[Application, ...]:
    """The registrations at the start; `base_url` is the origin of the agent's redirect URI."""
    return (_graph(), *_callers(base_url), *_resources(), *agents(), *_platform())


def _graph() -> Application:
    return Application(
        name="graph",
        display_name="Microsoft Graph",
        client_id=GRAPH_ID,
        principal_id="5e624949-6b95-49c4-b53a-7850f9b5bd9c",
        multi_tenant=True,
        microsofts=True,
        token_version=1,
        identifier_uris=(GRAPH_AUDIENCE,),
        scopes=MappingProxyType({**GRAPH_SCOPES, **ADMIN_SCOPES}),
    )


def _callers(base_url: str) -> Iterable[Application]:
    yield Application(
        name="user-app",
        display_name="Desktop app",
        client_id=USER_APP_ID,
        principal_id="df9314f7-6aa7-4a4c-a22a-9b5364d79974",
        public=True,
        redirect_uris=("http://localhost", "http://localhost/callback"),
        delegated=MappingProxyType(
            {"agent-platform": ("user_impersonation",), "mcp-server": ("mcp.access",)}
        ),
    )
    yield Application(
        name="connection",
        display_name="Agent connection",
        client_id=CONNECTION_ID,
        principal_id="93af6bca-f91e-43a5-893d-8f57124e1d62",
        secret="practice-secret-of-the-connection",
        multi_tenant=True,
        redirect_uris=(f"{base_url}/agent/redirect",),
        delegated=MappingProxyType({"mcp-server": ("mcp.access",)}),
    )


def _resources() -> Iterable[Application]:
    yield Application(
        name="agent-platform",
        display_name="Agent platform",
        client_id="34acbb4a-9e6b-48e8-8db0-6fd5b0cf06e7",
        principal_id="6fec3a57-d208-4bb3-837d-6569cf675715",
        token_version=1,
        identifier_uris=(AGENT_AUDIENCE,),
        scopes=MappingProxyType({"user_impersonation": "Talk to your agents as you"}),
        preauthorized=frozenset({USER_APP_ID}),
    )
    yield Application(
        name="mcp-server",
        display_name="MCP server",
        client_id=MCP_SERVER_ID,
        principal_id="df8c2fa6-0dc9-47ac-a84f-863799958185",
        secret="practice-secret-of-the-mcp-server",
        multi_tenant=True,
        identifier_uris=(f"api://{MCP_SERVER_ID}",),
        redirect_uris=tuple(
            f"http://{host}/.well-known/obo-mcp/consent" for host in ("localhost", "127.0.0.1")
        ),
        scopes=MappingProxyType(
            {"mcp.access": "Use the MCP server as you", "mcp.admin": "Administer the MCP server"}
        ),
        known_clients=frozenset({USER_APP_ID, CONNECTION_ID}),
        delegated=MappingProxyType(
            {"graph": tuple(GRAPH_SCOPES), "expenses-api": ("Expenses.Read",)}
        ),
        app_roles=("mcp.read",),
    )
    yield Application(
        name="expenses-api",
        display_name="Expenses",
        client_id="b177d58a-3221-4e6a-834b-9674fc3c60d8",
        principal_id="ed89d539-fe47-4c8a-bf33-6fadb7d2f949",
        identifier_uris=("api://expenses",),
        scopes=MappingProxyType({"Expenses.Read": "Read your expenses"}),
    )


def _platform() -> Iterable[Application]:
    """What a workload finds on Azure: its managed identity, and what that may have tokens for."""
    yield Application(
        name="managed-identity",
        display_name="Managed identity of the MCP server",
        client_id=MANAGED_IDENTITY_ID,
        principal_id="0b9a1c64-6b0f-4a39-8f57-d2f5c3a7be90",
        proof="2",
    )
    yield Application(
        name="token-exchange",
        display_name="AAD Token Exchange Endpoint",
        client_id=EXCHANGE_ID,
        principal_id="3f0fd3a4-52a0-4b41-9a3b-0f6ad3b5a9c1",
        multi_tenant=True,
        microsofts=True,
        identifier_uris=(EXCHANGE_AUDIENCE,),
    )
    yield Application(
        name="key-vault",
        display_name="Azure Key Vault",
        client_id="cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
        principal_id="8c8b4e0e-8d0e-4a6b-9a3f-4d6a5a0c7e12",
        multi_tenant=True,
        microsofts=True,
        token_version=1,
        identifier_uris=(VAULT_AUDIENCE,),
    )
