"""The middleware in front of a real MCP server, with the real client, on both wires and modes."""

import asyncio
import itertools
import logging
from typing import Annotated

import httpx
import pytest
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context

from obo_mcp import ConsentRequired, OboError, OnBehalfOf, Principal
from support.callers import ERAS, connected, text
from support.serving import Serving
from support.world import GRAPH_SCOPE

MODES = list(itertools.product(ERAS, ("stateless", "stateful")))
MODE_IDS = ["-".join(mode) for mode in MODES]


def an_app(obo: OnBehalfOf, mode: str):
    mcp = MCPServer("under test")

    @mcp.tool()
    async def who(me: Annotated[Principal, obo.principal()]) -> str:
        return me.oid

    @mcp.tool()
    async def everywhere(ctx: Context, me: Annotated[Principal, obo.principal()]) -> list[str]:
        """The same person, seen from every side."""
        await asyncio.sleep(0)
        request = ctx.request_context.request
        return [
            me.oid,
            obo.current_principal().oid,
            (get_access_token().subject or "").partition(".")[2],
            request.scope["user"].access_token.claims["oid"],
            request.user.access_token.claims["oid"],
        ]

    @mcp.tool()
    async def by_parameter(token: Annotated[str, obo.token(GRAPH_SCOPE)], note: str = "") -> str:
        return f"{note}{len(token) > 100}"

    @mcp.tool()
    async def by_call() -> str:
        return str(len(await obo.downstream_token(GRAPH_SCOPE)) > 100)

    @mcp.tool()
    async def catching() -> str:
        try:
            await obo.downstream_token(GRAPH_SCOPE)
        except ConsentRequired:
            return "caught"
        return "not refused"

    @mcp.tool()
    async def inbound_text(token: Annotated[str, obo.token(GRAPH_SCOPE)]) -> str:
        return repr(get_access_token()) + repr(token) + repr({"t": token})

    security = obo.transport_security()
    app = mcp.streamable_http_app(stateless_http=mode == "stateless", transport_security=security)
    return obo.protect(app, stateful=mode == "stateful")


@pytest.fixture
def serve(world):
    """Start a server in the given mode; all are stopped at the end."""
    started = []

    def start(mode="stateless", **options):
        serving = Serving(
            lambda url: an_app(OnBehalfOf(world.settings(f"{url}/mcp", **options)), mode)
        )
        started.append(serving)
        return serving.__enter__().url + "/mcp"

    yield start
    for serving in started:
        serving.__exit__(None, None, None)


@pytest.mark.promise("P-03")
@pytest.mark.parametrize(("era", "mode"), MODES, ids=MODE_IDS)
async def test_two_people_at_once_are_never_mixed_whoever_asks_how(world, serve, era, mode):
    url = serve(mode)
    people = {key: world.token(key) for key in ("adele", "megan")}

    async def ask(key):
        async with connected(url, people[key], era) as client:
            for _ in range(5):
                result = await client.call_tool("everywhere", {})
                seen = set(result.structured_content["result"])
                assert seen == {world.person(key)["oid"]}

    await asyncio.gather(*(ask(key) for key in people for _ in range(2)))


@pytest.mark.parametrize(("era", "mode"), MODES, ids=MODE_IDS)
async def test_a_tool_gets_its_downstream_token_by_parameter_and_by_call(world, serve, era, mode):
    async with connected(serve(mode), world.token("adele"), era) as client:
        assert text(await client.call_tool("by_parameter", {"note": "hm "})) == "hm True"
        assert text(await client.call_tool("by_call", {})) == "True"
    assert len(world.exchanges()) == 1


@pytest.mark.promise("P-09")
@pytest.mark.parametrize("era", ERAS)
async def test_listing_tools_makes_no_exchange_and_shows_no_token_parameter(world, serve, era):
    async with connected(serve(), world.token("diego"), era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools["by_parameter"].input_schema["properties"]) == ["note"]
    assert not tools["who"].input_schema["properties"]
    assert world.exchanges() == []


@pytest.mark.promise("P-10")
@pytest.mark.parametrize(("era", "mode"), MODES, ids=MODE_IDS)
@pytest.mark.parametrize("tool", ["by_parameter", "by_call"])
async def test_a_missing_consent_reaches_the_model_in_words(world, serve, era, mode, tool):
    async with connected(serve(mode), world.token("diego"), era) as client:
        result = await client.call_tool(tool, {})
        assert result.is_error
        assert "administrator" in text(result)
        assert "AADSTS" not in text(result)
        assert text(await client.call_tool("catching", {})) == "caught"


@pytest.mark.promise("P-10")
@pytest.mark.parametrize(("era", "mode"), MODES, ids=MODE_IDS)
async def test_a_step_up_reaches_the_model_in_words_where_the_operator_says_so(
    world, serve, era, mode
):
    body = {"error": "interaction_required", "error_codes": [50076], "claims": '{"a":"secret"}'}
    world.fault("token", person="adele", status=400, body=body, count=2)
    url = serve(mode, step_up="tool-error")
    async with connected(url, world.token("adele"), era) as client:
        for tool in ("by_parameter", "by_call"):
            result = await client.call_tool(tool, {})
            assert result.is_error
            assert "multi-factor" in text(result)
            assert "secret" not in text(result)


@pytest.mark.parametrize("era", ERAS)
async def test_throttling_and_outages_reach_the_model_in_words(world, serve, era):
    url = serve()
    for person, status in (("adele", 429), ("alex", 503)):
        about_the_person = {"error": "invalid_grant", "error_codes": [50196]}
        wait = {"Retry-After": "9"}
        world.fault("token", person=person, status=status, headers=wait, body=about_the_person)
        async with connected(url, world.token(person), era) as client:
            for _ in range(2):
                result = await client.call_tool("by_call", {})
                assert result.is_error
                assert "try again" in text(result)
        assert len(world.exchanges()) == 1
        world.clear()
    async with connected(url, world.token("megan"), era) as client:
        assert not (await client.call_tool("by_call", {})).is_error


@pytest.mark.parametrize("audience", ["", "/"])
async def test_a_v1_token_is_served_through_the_whole_wiring(world, serve, audience):
    uri = world.about["apps"]["mcp-server"]["identifier_uri"]
    token = world.token("adele", version=1, claims={"aud": f"{uri}{audience}"})
    async with connected(serve(), token) as client:
        assert text(await client.call_tool("who", {})) == world.person("adele")["oid"]


async def test_a_token_that_tries_to_set_the_hidden_parameter_changes_nothing(world, serve):
    async with connected(serve(), world.token("adele")) as client:
        result = await client.call_tool("by_parameter", {"token": "of somebody else"})
    assert text(result) == "True"


async def test_a_session_belongs_to_the_person_who_opened_it(world, serve):
    url = serve("stateful")
    adele, again, megan = world.token("adele"), world.token("adele"), world.token("megan")
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "raw", "version": "0"},
        },
    }
    ask = {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}
    ask["params"] = {"name": "everywhere", "arguments": {}}
    headers = {"Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:

        async def post(token, body, **more):
            bearer = {"Authorization": f"Bearer {token.reveal()}"}
            return await http.post(url, json=body, headers=bearer | more)

        session = {"Mcp-Session-Id": (await post(adele, hello)).headers["mcp-session-id"]}
        await post(adele, {"jsonrpc": "2.0", "method": "notifications/initialized"}, **session)
        for token in (adele, again):
            answer = await post(token, ask, **session)
            assert answer.text.count(world.person("adele")["oid"]) >= 5
        stranger = await post(megan, ask, **session)
        assert stranger.status_code == 404
        assert world.person("adele")["oid"] not in stranger.text


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_stateless_endpoint_answers_get_and_delete_with_405(world, serve, method):
    headers = {"Authorization": f"Bearer {world.token('adele').reveal()}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
        answer = await http.request(method, serve(), timeout=5)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


WRONG_TOKENS = {
    "forged": ({"foreign_key": True}, 401, "signature"),
    "for another application": ({"resource": "expenses-api", "scopes": ["Expenses.Read"]}, 401,
                                "another application"),
    "app-only": ({"person": None, "client": "agent-identity", "app_only": True}, 401,
                 "OAuth identity passthrough"),
    "an id token": ({"id_token": True}, 401, ""),
    "without our scope": ({"scopes": ["mcp.admin"]}, 403, "mcp.access"),
    "expired": ({"lifetime_seconds": -120}, 401, "expired"),
    "of another tenant": ({"claims": {"tid": "22222222-2222-4333-8444-555555555555"}}, 401,
                          "another tenant"),
}  # fmt: skip


@pytest.mark.promise("P-01")
@pytest.mark.promise("P-07")
@pytest.mark.parametrize(("wanted", "status", "words"), WRONG_TOKENS.values(), ids=WRONG_TOKENS)
async def test_tokens_of_the_wrong_kind_are_turned_away_at_the_door(
    world, serve, wanted, status, words
):
    token = world.token(**wanted)
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(serve(), headers={"Authorization": f"Bearer {token.reveal()}"})
    challenge = answer.headers["www-authenticate"]
    assert answer.status_code == status
    assert "resource_metadata=" in challenge
    assert f"api://{world.about['apps']['mcp-server']['client_id']}/mcp.access" in challenge
    assert words in challenge
    assert token.reveal() not in answer.text
    assert world.exchanges() == []


async def test_the_client_learns_from_the_challenge_where_to_sign_in(world, serve):
    url = serve()
    async with httpx.AsyncClient(trust_env=False) as http:
        challenge = (await http.post(url)).headers["www-authenticate"]
        metadata = challenge.partition('resource_metadata="')[2].partition('"')[0]
        document = (await http.get(metadata)).json()
    assert document["resource"] == url
    assert document["authorization_servers"] == [f"{world.url}/{world.about['tenant_id']}/v2.0"]


async def test_readiness_waits_for_the_signing_keys(world):
    settings = world.settings("http://127.0.0.1:1/mcp", authority_host="https://localhost:9")
    with Serving(lambda _: an_app(OnBehalfOf(settings), "stateless")) as serving:
        async with httpx.AsyncClient(base_url=serving.url, trust_env=False) as http:
            assert (await http.get("/livez")).status_code == 200
            assert (await http.get("/readyz")).status_code == 503
            bearer = {"Authorization": f"Bearer {world.token('adele').reveal()}"}
            answer = await http.post("/mcp", headers=bearer)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_person_is_served_while_the_key_endpoint_is_down(world, serve):
    url = serve()
    async with connected(url, world.token("adele")) as client:
        assert not (await client.call_tool("who", {})).is_error
    world.fault("keys", status=503, count=100)
    async with connected(url, world.token("megan")) as client:
        assert text(await client.call_tool("who", {})) == world.person("megan")["oid"]


@pytest.mark.promise("P-12")
async def test_no_token_is_written_anywhere(world, serve, caplog):
    caplog.set_level(logging.DEBUG)
    adele, diego = world.token("adele"), world.token("diego")
    url = serve()
    async with connected(url, adele) as client:
        await client.call_tool("by_parameter", {})
        inbound = text(await client.call_tool("inbound_text", {}))
    async with connected(url, diego) as client:
        refused = text(await client.call_tool("by_call", {}))
    written = caplog.text + inbound + refused
    for token in (adele, diego):
        signature = token.reveal().rpartition(".")[2]
        assert signature not in written
    assert world.about["apps"]["mcp-server"]["client_secret"] not in written
    assert "@contoso" not in caplog.text
    assert inbound.count("<hidden>") == 3


def test_outside_a_request_nobody_is_signed_in(world):
    obo = OnBehalfOf(world.settings("http://127.0.0.1:1/mcp"))
    assert obo.correlation_id() == ""
    with pytest.raises(OboError, match="Nobody is signed in"):
        asyncio.run(obo.downstream_token(GRAPH_SCOPE))
    with pytest.raises(OboError, match="Nobody is signed in"):
        obo.current_principal()
    with pytest.raises(ValueError, match="resource"):
        obo.token("Mail.Read")
