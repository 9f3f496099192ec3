"""The composition root: everything is put together here, and nowhere else."""

from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp

from obo_graph.clouds import check_same_cloud
from obo_graph.links.desk import PREFIX, Links
from obo_graph.links.door import LinkDoor
from obo_graph.links.ticket import TicketSeal
from obo_graph.server import Wiring, create_server
from obo_graph.settings import GraphSettings
from obo_graph.wire.graph import Graph
from obo_graph.wire.origins import origin_of
from obo_graph.wire.transport import GraphTransport, new_http_client
from obo_mcp import ConfigurationError, OnBehalfOf, Settings
from obo_mcp.clock import Clock, SystemClock
from obo_mcp.network import tls_context


def create_app(
    settings: Settings, graph_settings: GraphSettings, *, clock: Clock | None = None
) -> ASGIApp:
    """The whole server as an ASGI application with a lifespan.

    Raises:
        ConfigurationError: the two settings do not go together.
    """
    check_same_cloud(settings.authority_host, graph_settings.graph_url)
    endpoint = _endpoint(settings.resource_url)
    clock = clock or SystemClock()
    obo = OnBehalfOf(settings, clock=clock)
    graph = Graph(
        transport=GraphTransport(graph_settings.graph_url),
        clock=clock,
        correlation_id=obo.correlation_id,
        download_hosts=graph_settings.download_hosts,
        upload_hosts=graph_settings.upload_hosts,
    )
    links = Links(
        origin=origin_of(settings.resource_url),
        seconds=graph_settings.link_seconds,
        clock=clock,
        seal=TicketSeal(obo.shared_keys("link")),
    )
    mcp = create_server(
        obo,
        graph,
        graph_settings,
        lambda: new_http_client(tls_context(settings.ca_bundle)),
        Wiring(
            middleware=[obo.mcp_middleware()],
            request_state=obo.request_state_security(),
            cursor_keys=obo.shared_keys("cursor"),
            links=links,
        ),
    )
    door = obo.protect(
        mcp.streamable_http_app(
            streamable_http_path=endpoint,
            stateless_http=True,
            json_response=False,  # only then does a client that leaves cancel its Graph calls
            transport_security=obo.transport_security(),
        )
    )
    return LinkDoor(door, links=links, graph=graph, hosts=settings.allowed_hosts)


def _endpoint(resource_url: str) -> str:
    path = unquote(urlsplit(resource_url).path) or "/"
    if f"{path}/".startswith(PREFIX):
        raise ConfigurationError(
            f"OBO_MCP_RESOURCE_URL: its path must not begin with {PREFIX}, where files are served"
        )
    return path
