"""The agent of the local tenant: a Foundry agent with one MCP connection of type OAuth2.

Here: a person's request comes in, the person's consent to the connection is asked for once, the
connection's delegated token is kept and refreshed, and the MCP server is called with it.
May import: `obo_tenant.people`, `obo_tenant.plain_json`, starlette, httpx2, mcp (the client).
Must never know: obo_mcp, obo_graph, obo_cli, or how the tenant mints its tokens.
"""

from obo_tenant.agent.agent import Agent
from obo_tenant.agent.routes import agent_routes

__all__ = ["Agent", "agent_routes"]
