"""The tenant as one ASGI application: Entra, Graph, the agent and the control switches."""

from starlette.applications import Starlette
from starlette.middleware import Middleware

from obo_tenant.access_log import AccessLog
from obo_tenant.admin_consent import admin_consent_routes
from obo_tenant.agent import Agent, agent_routes
from obo_tenant.authorize import authorize_routes
from obo_tenant.control import control_routes
from obo_tenant.conversation import Conversation
from obo_tenant.device import device_routes
from obo_tenant.discovery import discovery_routes
from obo_tenant.graph.routes import graph_routes
from obo_tenant.mishaps import exception_handlers
from obo_tenant.platform import platform_routes
from obo_tenant.tenant import Tenant
from obo_tenant.token_endpoint import token_routes
from obo_tenant.userinfo import userinfo_routes
from obo_tenant.vault import vault_routes


def create_app(tenant: Tenant) -> Starlette:
    """Everything at one origin. The `{tenant}` patterns come last: they match most paths."""
    agent, conversation = _agent(tenant), Conversation(tenant)
    routes = [
        *control_routes(tenant, agent),
        *graph_routes(
            check_token=tenant.check_graph_token,
            fault=tenant.graph_fault,
            record=tenant.record,
            base_url=tenant.base_url,
            clock=tenant.clock,
            quirks=tenant.cloud.quirks,
        ),
        *agent_routes(agent),
        *userinfo_routes(tenant),
        *platform_routes(tenant),
        *vault_routes(tenant),
        *tenant.cloud.cluster.routes(),
        *conversation.routes(),
        *device_routes(tenant, conversation),
        *discovery_routes(tenant),
        *authorize_routes(tenant, conversation),
        *admin_consent_routes(tenant, conversation),
        *token_routes(tenant),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(AccessLog)],
        exception_handlers=exception_handlers(tenant.clock),
    )


def _agent(tenant: Tenant) -> Agent:
    connection, server = tenant.directory.app("connection"), tenant.directory.app("mcp-server")
    if connection is None or connection.secret is None or server is None:
        raise LookupError("the tenant has no connection or no MCP server registered")
    return Agent(
        base_url=tenant.base_url,
        tenant_id=tenant.tenant_id,
        client_id=connection.client_id,
        client_secret=connection.secret,
        server_scope=f"{server.prefix}/mcp.access",
        check_token=tenant.check_agent_token,
        ca_path=tenant.ca_path,
        record=tenant.record,
        clock=tenant.clock,
    )
