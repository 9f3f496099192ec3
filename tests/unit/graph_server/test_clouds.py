"""Graph and sign-in service belong to one cloud."""

import pytest

from obo_graph.app import create_app
from obo_graph.clouds import check_same_cloud
from obo_graph.settings import GraphSettings
from obo_mcp import ConfigurationError, Settings

GUID = "6b2f3a54-90c1-4c1d-8f0e-2d7c5a9e4b10"

TOGETHER = [
    ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    ("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    ("https://login.microsoftonline.us", "https://127.0.0.1:8443"),
    ("https://127.0.0.1:8443", "https://graph.microsoft.com"),
    ("https://login.sovcloud-identity.fr", "https://graph.example.fr"),
]
APART = [
    ("https://login.microsoftonline.us", "https://graph.microsoft.com"),
    ("https://login.microsoftonline.com", "https://graph.microsoft.us"),
    ("https://login.partner.microsoftonline.cn", "https://graph.microsoft.com"),
    ("https://login.chinacloudapi.cn", "https://dod-graph.microsoft.us"),
]


@pytest.mark.parametrize(("authority", "graph"), TOGETHER)
def test_what_goes_together_or_is_unknown_passes(authority, graph):
    check_same_cloud(authority, graph)


@pytest.mark.parametrize(("authority", "graph"), APART)
def test_two_clouds_are_told_apart_and_the_right_graph_is_named(authority, graph):
    with pytest.raises(ConfigurationError, match=r"^OBO_MCP_GRAPH_URL: .*https://") as caught:
        check_same_cloud(authority, graph)
    assert "\n" not in str(caught.value)


def test_the_server_does_not_start_between_two_clouds():
    settings = Settings(
        tenant_id=GUID,
        client_id=GUID,
        client_secret="hunter2-hunter2",
        resource_url="https://mcp.example/mcp",
        required_scope="mcp.access",
        authority_host="login.microsoftonline.us",
    )
    with pytest.raises(ConfigurationError, match=r"graph\.microsoft\.us"):
        create_app(settings, GraphSettings())
