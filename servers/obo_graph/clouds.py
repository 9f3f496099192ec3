"""Which Graph belongs to which sign-in service (Entra, "National clouds")."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from obo_mcp import ConfigurationError

_CHINA = ("microsoftgraph.chinacloudapi.cn",)
_GRAPHS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "login.microsoftonline.com": ("graph.microsoft.com",),
        "login.microsoftonline.us": ("graph.microsoft.us", "dod-graph.microsoft.us"),
        "login.partner.microsoftonline.cn": _CHINA,
        "login.chinacloudapi.cn": _CHINA,
    }
)
_ALL_GRAPHS = frozenset(host for hosts in _GRAPHS.values() for host in hosts)


def check_same_cloud(authority_host: str, graph_url: str) -> None:
    """See that tokens of this authority are good for that Graph, as far as both are known.

    Raises:
        ConfigurationError: they belong to different clouds.
    """
    graphs = _GRAPHS.get(urlsplit(authority_host).netloc)
    graph = urlsplit(graph_url).netloc
    if graphs and graph in _ALL_GRAPHS and graph not in graphs:
        raise ConfigurationError(
            "OBO_MCP_GRAPH_URL: belongs to another cloud than OBO_MCP_AUTHORITY_HOST; "
            f"that one's Graph is https://{' or https://'.join(graphs)}"
        )
