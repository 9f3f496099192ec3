"""The SDK's typed client as the caller: real msgraph-sdk, our middleware, real MSAL, tenant."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from mcp.server import MCPServer
from msgraph.generated.models.o_data_errors.o_data_error import ODataError

from obo_mcp import OnBehalfOf
from obo_mcp.adapters.msgraph import graph_client
from obo_mcp.network import tls_context
from support.callers import connected, text
from support.serving import Serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's own classes

CLIENTS = []


def server(obo, world, clients):
    @asynccontextmanager
    async def lifespan(_server):
        trust = tls_context(world.ca_path)
        async with graph_client(obo, graph_url=world.url, verify=trust) as graph:
            clients.append(graph)
            yield

    mcp = MCPServer("typed", lifespan=lifespan, middleware=[obo.mcp_middleware()])

    @mcp.tool()
    async def my_id() -> str:
        me = await clients[0].me.get()
        return str(me.id)

    @mcp.tool()
    async def subjects() -> str:
        page = await clients[0].me.messages.get()
        return "\n".join(str(message.subject) for message in page.value)

    @mcp.tool()
    async def elsewhere(address: str) -> str:
        try:
            await clients[0].me.with_url(address).get()
        except ODataError as error:
            return f"{error.response_status_code}"
        return "answered"

    app = mcp.streamable_http_app(stateless_http=True, transport_security=obo.transport_security())
    return obo.protect(app)


@pytest.fixture
def url(world):
    CLIENTS.clear()
    with Serving(
        lambda url: server(OnBehalfOf(world.settings(f"{url}/mcp")), world, CLIENTS)
    ) as serving:
        yield f"{serving.url}/mcp"


async def call(url, world, person, tool, **arguments):
    async with connected(url, world.token(person)) as client:
        return await client.call_tool(tool, arguments)


async def test_one_typed_client_is_each_caller_in_turn_and_at_once(url, world):
    people = ["adele", "megan", "alex"] * 4
    answers = await asyncio.gather(*(call(url, world, who, "my_id") for who in people))
    assert [text(answer) for answer in answers] == [world.person(who)["oid"] for who in people]


async def test_a_page_of_mail_is_parsed_into_models(url, world):
    assert len(text(await call(url, world, "adele", "subjects")).splitlines()) == 10


async def test_a_token_that_graph_takes_back_is_replaced_once(url, world):
    await call(url, world, "adele", "my_id")
    world.cae_revoke("adele")
    world.clear()
    assert text(await call(url, world, "adele", "my_id")) == world.person("adele")["oid"]
    assert len(world.exchanges()) == 1


async def test_the_token_stays_home_when_a_link_leads_elsewhere(url, world):
    # 127.0.0.1 is not localhost: another origin, though the same tenant answers there.
    away = world.url.replace("localhost", "127.0.0.1")
    assert away != world.url
    answer = text(await call(url, world, "adele", "elsewhere", address=f"{away}/v1.0/me"))
    assert answer == "401"


async def test_the_sdk_sends_nothing_again_by_itself(url, world):
    world.fault("graph", status=503, count=3)
    await call(url, world, "adele", "my_id")
    assert len(world.log("graph")) == 1


async def test_a_cookie_given_to_one_person_is_never_sent_for_another(url, world):
    world.fault("graph", count=1, status=200, headers={"Set-Cookie": "session=adele; Path=/"})
    await call(url, world, "adele", "my_id")
    assert [len(client.request_adapter._http_client.cookies.jar) for client in CLIENTS] == [0]
