"""Who is calling, and what does Graph call them: two tools, one of them with an exchange."""

import os
import sys
from typing import Annotated

import httpx
import uvicorn
from mcp.server import MCPServer

from obo_mcp import ConfigurationError, OnBehalfOf, OnBehalfOfMiddleware, Principal, Settings
from obo_mcp.network import tls_context

GRAPH = "https://graph.microsoft.com"


def create_app(settings: Settings, graph_url: str = GRAPH) -> OnBehalfOfMiddleware:
    """The whole server, as an ASGI application."""
    obo = OnBehalfOf(settings)
    mcp = MCPServer("whoami")
    trust = tls_context(settings.ca_bundle)

    @mcp.tool()
    async def whoami(who: Annotated[Principal, obo.principal()]) -> dict[str, str]:
        """Tell which person is calling, in which tenant, through which client."""
        return {"tenant": who.tid, "person": who.oid, "client": who.azp}

    @mcp.tool()
    async def my_name(token: Annotated[str, obo.token(f"{GRAPH}/.default")]) -> str:
        """Tell the name that Microsoft Graph has for the caller."""
        async with httpx.AsyncClient(verify=trust) as graph:
            me = await graph.get(
                f"{graph_url}/v1.0/me", headers={"Authorization": f"Bearer {token}"}
            )
            return str(me.raise_for_status().json()["displayName"])

    app = mcp.streamable_http_app(stateless_http=True, transport_security=obo.transport_security())
    return obo.protect(app)


if __name__ == "__main__":
    try:
        settings = Settings.from_env()
    except ConfigurationError as error:  # one line that names the setting
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    app = create_app(settings, os.environ.get("OBO_MCP_GRAPH_URL", GRAPH))
    port = int(os.environ.get("OBO_MCP_PORT", "8000"))
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False)  # it would log queries
