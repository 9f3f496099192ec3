"""Which Graph belongs to which sign-in service (Entra, "National clouds")."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from obo_mcp import ConfigurationError
from obo_mcp.inbound.authority import cloud_of

_PUBLIC = ("graph.microsoft.com",)
_GRAPHS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "the public cloud": _PUBLIC,
        "External ID": _PUBLIC,
        "the US Government cloud": ("graph.microsoft.us", "dod-graph.microsoft.us"),
        "the China cloud": ("microsoftgraph.chinacloudapi.cn",),
    }
)
_ALL_GRAPHS = frozenset(host for hosts in _GRAPHS.values() for host in hosts)


def check_same_cloud(authority_host: str, graph_url: str) -> None:
    """See that tokens of this authority are good for that Graph, as far as both are known.

    Raises:
        ConfigurationError: they belong to different clouds.
    """
    cloud, graph = cloud_of(authority_host), urlsplit(graph_url).hostname
    if cloud is None or graph not in _ALL_GRAPHS:
        return
    graphs = _GRAPHS.get(cloud, ())
    if graph not in graphs:
        right = " or ".join(f"https://{host}" for host in graphs) or "the one of that cloud"
        raise ConfigurationError(
            f"OBO_MCP_GRAPH_URL: OBO_MCP_AUTHORITY_HOST is of {cloud}, so set this to {right}"
        )
