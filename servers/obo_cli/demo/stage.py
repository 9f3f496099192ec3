"""The stage: a tenant, the Graph server in it, and the people."""

import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from obo_cli.demo.hops import Names
from obo_cli.demo.server import GraphServer, graph_server
from obo_tenant.serve import LocalTenant

_PATIENCE_SECONDS = 60.0
_AGENT_SECONDS = 100.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that is running, and a way to each part."""

    about: Mapping[str, Any]
    tenant: httpx.Client
    server: GraphServer
    trust: ssl.SSLContext
    folder: Path
    names: Names

    def app(self, name: str) -> Mapping[str, Any]:
        """What the tenant tells about one application."""
        app: Mapping[str, Any] = self.about["apps"][name]
        return app

    def log(self, since: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The tenant's log from entry `since` on, and the number of the next entry."""
        log = self.tenant.get("/_tenant/log", params={"since": since}).raise_for_status().json()
        return log["entries"], log["next"]

    def mint(self, **wanted: Any) -> str:
        """A token made to order by the tenant's control switch."""
        made = self.tenant.post("/_tenant/tokens", json=wanted).raise_for_status().json()
        return str(made["access_token"])

    def agent(self, token: str) -> httpx.Client:
        """The user app's connection to the agent, for the person whose token this is."""
        return httpx.Client(
            base_url=self.tenant.base_url,
            verify=self.trust,
            trust_env=False,
            timeout=_AGENT_SECONDS,
            headers={"Authorization": f"Bearer {token}"},
        )

    def browser(self) -> httpx.Client:
        """A new browser without cookies."""
        return httpx.Client(verify=self.trust, trust_env=False, timeout=_PATIENCE_SECONDS)


@contextmanager
def stage(tell: Callable[[str], object]) -> Iterator[Stage]:
    """Start the tenant and the server, and stop them again; `tell` hears how far it is.

    Raises:
        CommandFailed: the server did not start.
    """
    with tempfile.TemporaryDirectory(prefix="obo-mcp-demo-") as scratch:
        tell("Starting a tenant on this machine ...")
        with LocalTenant(port=0) as local, _client(local.url, local.ca_path) as tenant:
            about = tenant.get("/_tenant/").raise_for_status().json()
            tell("Starting the Graph server ...")
            settings = server_settings(about, local.url) | {"OBO_MCP_LOG_LEVEL": "DEBUG"}
            with graph_server(settings, Path(scratch)) as server:
                switch = {"server_url": server.url}
                tenant.put("/_tenant/connection", json=switch).raise_for_status()
                trust = ssl.create_default_context(cafile=local.ca_path)
                yield Stage(about, tenant, server, trust, Path(scratch), Names.of(about))


def server_settings(about: Mapping[str, Any], tenant_url: str) -> dict[str, str]:
    """The environment of a server that belongs to the local tenant."""
    app = about["apps"]["mcp-server"]
    return {
        "OBO_MCP_TENANT_ID": about["tenant_id"],
        "OBO_MCP_CLIENT_ID": app["client_id"],
        "OBO_MCP_CLIENT_SECRET": app["client_secret"],
        "OBO_MCP_REQUIRED_SCOPE": "mcp.access",
        "OBO_MCP_AUTHORITY_HOST": tenant_url,
        "OBO_MCP_GRAPH_URL": about["graph_url"],
        "OBO_MCP_GRAPH_RESOURCE": about["graph_resource"],
        "OBO_MCP_CA_BUNDLE": about["ca_path"],
    }


def _client(url: str, ca_path: Path) -> httpx.Client:
    trust = ssl.create_default_context(cafile=ca_path)
    return httpx.Client(base_url=url, verify=trust, trust_env=False, timeout=_PATIENCE_SECONDS)
