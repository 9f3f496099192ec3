"""Graph takes tokens back before their end: real client, our servers, real MSAL, local tenant."""

import asyncio
import base64
import re
from typing import Annotated

import httpx
import pytest
from mcp.server import MCPServer

from obo_graph.app import create_app
from obo_graph.settings import GraphSettings
from obo_mcp import OnBehalfOf
from obo_mcp.exchange.source import TokenSource
from obo_mcp.network import tls_context
from support.callers import ERAS, connected, text
from support.serving import Serving
from support.world import GRAPH_SCOPE

CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'


@pytest.fixture
def url(world):
    graph = GraphSettings(graph_url=world.url, graph_resource=world.about["graph_resource"])
    with Serving(lambda url: create_app(world.settings(f"{url}/mcp"), graph)) as serving:
        yield f"{serving.url}/mcp"


def plain_clients(obo, world):
    """A server of somebody who calls Graph in each of the ways that the library has."""
    mcp = MCPServer("under test", middleware=[obo.mcp_middleware()])
    trust = tls_context(world.ca_path)
    auth = obo.httpx_auth(GRAPH_SCOPE, origin=world.url)
    me = f"{world.url}/v1.0/me"

    @mcp.tool()
    async def by_token(token: Annotated[str, obo.token(GRAPH_SCOPE)]) -> str:
        async with httpx.AsyncClient(verify=trust, trust_env=False) as http:
            answer = await http.get(me, headers={"Authorization": f"Bearer {token}"})
            return f"{answer.status_code} {answer.json().get('id')}"

    @mcp.tool()
    async def by_httpx_auth() -> str:
        async with httpx.AsyncClient(verify=trust, trust_env=False, auth=auth) as http:
            answer = await http.get(me)
            return f"{answer.status_code} {answer.json().get('id')}"

    @mcp.tool()
    async def by_source(tokens: Annotated[TokenSource, obo.token_source(GRAPH_SCOPE)]) -> str:
        """What becomes of a client that does not answer the challenge."""
        headers = {"Authorization": f"Bearer {await tokens.token()}"}
        async with httpx.AsyncClient(verify=trust, trust_env=False) as http:
            return str((await http.get(me, headers=headers)).status_code)

    app = mcp.streamable_http_app(stateless_http=True, transport_security=obo.transport_security())
    return obo.protect(app)


@pytest.fixture
def plain_url(world):
    with Serving(
        lambda url: plain_clients(OnBehalfOf(world.settings(f"{url}/mcp")), world)
    ) as serving:
        yield f"{serving.url}/mcp"


def graph_statuses(world):
    return [entry["status"] for entry in world.log("graph")]


async def posted(url, token, tool="whoami"):
    """One call of a tool over plain HTTP, whose status a client of the SDK does not show."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    headers = {
        "Authorization": f"Bearer {token.reveal()}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        call = body | {"params": {"name": tool, "arguments": {}}}
        return await http.post(url, json=call, headers=headers)


def demanded(answer):
    """The claims in the challenge of our own 401."""
    assert answer.status_code == 401
    header = answer.headers["www-authenticate"]
    assert 'error="insufficient_claims"' in header
    return base64.b64decode(re.search(r'claims="([^"]+)"', header)[1]).decode()


def challenge_by_graph(world, claims, person="adele", count=1):
    encoded = base64.b64encode(claims.encode()).decode()
    header = f'Bearer realm="", error="insufficient_claims", claims="{encoded}"'
    world.fault(
        "graph", person=person, status=401, count=count, headers={"WWW-Authenticate": header}
    )


@pytest.mark.promise("P-20")
@pytest.mark.parametrize("era", ERAS)
async def test_a_token_that_graph_took_back_costs_one_exchange_and_nobody_notices(world, url, era):
    async with connected(url, world.token("adele"), era) as client:
        assert not (await client.call_tool("whoami", {})).is_error
        assert len(world.exchanges()) == 1
        world.cae_revoke("adele")
        for _ in range(3):
            result = await client.call_tool("whoami", {})
            assert not result.is_error, text(result)
        assert result.structured_content["id"] == world.person("adele")["oid"]
    assert len(world.exchanges()) == 2
    assert graph_statuses(world).count(401) == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("mail_search", {}),
        ("calendar_view", {"start": "2026-11-20", "end": "2026-12-20"}),
        ("files_search", {"query": "minutes"}),
    ],
)
async def test_every_tool_answers_the_challenge(world, url, tool, arguments):
    async with connected(url, world.token("adele")) as client:
        before = await client.call_tool(tool, arguments)
        world.cae_revoke("adele", reason="location")
        after = await client.call_tool(tool, arguments)
    assert after.structured_content["items"] == before.structured_content["items"] != []
    assert len(world.exchanges()) == 2


@pytest.mark.promise("P-20")
async def test_ten_calls_at_once_with_a_token_taken_back_make_one_exchange(world, url):
    async with connected(url, world.token("adele")) as client:
        await client.call_tool("whoami", {})
        world.cae_revoke("adele")
        results = await asyncio.gather(*(client.call_tool("whoami", {}) for _ in range(10)))
    assert not [text(result) for result in results if result.is_error]
    assert len(world.exchanges()) == 2


@pytest.mark.promise("P-03")
async def test_a_token_taken_back_is_nobody_elses_affair(world, url):
    async with (
        connected(url, world.token("adele")) as adele,
        connected(url, world.token("megan")) as megan,
    ):
        for client in (adele, megan):
            await client.call_tool("whoami", {})
        world.cae_revoke("adele")
        results = await asyncio.gather(
            *(client.call_tool("whoami", {}) for client in (adele, megan) * 3)
        )
    seen = [result.structured_content["id"] for result in results]
    assert seen == [world.person("adele")["oid"], world.person("megan")["oid"]] * 3
    asked = [entry["person"] for entry in world.exchanges()]
    assert (asked.count("adele"), asked.count("megan")) == (2, 1)


@pytest.mark.promise("P-20")
async def test_an_exchange_that_is_refused_goes_up_with_its_claims_and_a_step_up_helps(world, url):
    token = world.token("adele")
    assert (await posted(url, token)).status_code == 200
    claims = world.cae_revoke("adele", exchange="interaction")
    assert demanded(await posted(url, token)) == claims
    assert len(world.exchanges()) == 2
    stepped_up = world.stepped_up_token("adele", claims)
    assert (await posted(url, stepped_up)).status_code == 200


async def test_a_session_that_was_ended_asks_for_a_new_sign_in(world, url):
    token = world.token("adele")
    assert (await posted(url, token)).status_code == 200
    world.cae_revoke("adele", exchange="revoked")
    answer = await posted(url, token)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert "claims=" not in answer.headers["www-authenticate"]


async def test_a_policy_on_the_exchange_goes_up_with_its_claims_and_a_step_up_helps(world, url):
    token = world.token("adele")
    claims = world.policy("adele", "mfa")
    assert demanded(await posted(url, token)) == claims
    assert world.log("graph") == []
    assert (await posted(url, world.stepped_up_token("adele", claims))).status_code == 200


async def test_a_challenge_of_the_new_token_goes_up_with_its_claims(world, url):
    token = world.token("adele")
    assert (await posted(url, token)).status_code == 200
    world.clear()
    challenge_by_graph(world, CHALLENGE, count=2)
    assert demanded(await posted(url, token)) == CHALLENGE
    assert len(world.exchanges()) == 1
    assert graph_statuses(world) == [401, 401]
    assert (await posted(url, token)).status_code == 200
    assert len(world.exchanges()) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_where_the_operator_wants_words_the_model_reads_them(world, era):
    graph = GraphSettings(graph_url=world.url, graph_resource=world.about["graph_resource"])
    with Serving(
        lambda url: create_app(world.settings(f"{url}/mcp", step_up="tool-error"), graph)
    ) as serving:
        async with connected(f"{serving.url}/mcp", world.token("adele"), era) as client:
            challenge_by_graph(world, CHALLENGE, count=2)
            result = await client.call_tool("whoami", {})
            assert result.is_error
            assert "sign in again" in text(result)
            assert not (await client.call_tool("whoami", {})).is_error


async def test_a_token_for_a_client_that_answers_nothing_is_never_challenged(world, plain_url):
    async with connected(plain_url, world.token("adele")) as client:
        served = f"200 {world.person('adele')['oid']}"
        assert text(await client.call_tool("by_token", {})) == served
        assert text(await client.call_tool("by_source", {})) == "200"
        world.cae_revoke("adele")
        assert text(await client.call_tool("by_token", {})) == served
        assert text(await client.call_tool("by_source", {})) == "401"
        assert len(world.exchanges()) == 2


async def test_httpx_answers_the_challenge_by_itself(world, plain_url):
    async with connected(plain_url, world.token("adele")) as client:
        served = f"200 {world.person('adele')['oid']}"
        assert text(await client.call_tool("by_httpx_auth", {})) == served
        world.cae_revoke("adele")
        results = await asyncio.gather(*(client.call_tool("by_httpx_auth", {}) for _ in range(5)))
        assert {text(result) for result in results} == {served}
        assert len(world.exchanges()) == 2


async def test_what_httpx_cannot_answer_goes_up_with_its_claims(world, plain_url):
    challenge_by_graph(world, CHALLENGE, count=2)
    assert demanded(await posted(plain_url, world.token("adele"), "by_httpx_auth")) == CHALLENGE
    assert len(world.exchanges()) == 2
    claims = world.policy("adele", "mfa")
    assert demanded(await posted(plain_url, world.token("adele"), "by_httpx_auth")) == claims
