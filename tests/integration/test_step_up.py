"""A refusal inside a tool goes to whoever can act on it: real client, sockets, every wire."""

import asyncio
import base64
import itertools
import json
import logging
import ssl
from contextlib import asynccontextmanager
from typing import Annotated

import anyio
import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer, Server
from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ElicitResult, InputRequiredResult, ListToolsResult, Tool
from pydantic import BaseModel

from obo_graph.app import create_app
from obo_graph.settings import GraphSettings
from obo_mcp import OboError, OnBehalfOf
from obo_mcp.secret import Secret
from obo_tenant.serve import LocalTenant
from support.callers import ERAS, text
from support.serving import Serving
from support.world import GRAPH_SCOPE, World
from unit.clients.browser import Browser

WIRES = list(itertools.product(ERAS, ("stateless", "stateful"), ("sse", "json")))
WIRE_IDS = ["-".join(wire) for wire in WIRES]
CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
STEP_UP = {
    "error": "interaction_required",
    "suberror": "basic_action",
    "error_codes": [50076],
    "claims": CLAIMS,
}
SIGNED_OUT = {"error": "invalid_grant", "error_codes": [50173]}
WITH_TASKS = ["in_a_task_group", "in_anyios_task_group", "gathered"]
KEYS = [Secret(base64.b64encode(bytes([number]) * 32).decode()) for number in range(3)]


class Choice(BaseModel):
    colour: str


async def choice() -> Elicit[Choice]:
    return Elicit("Which colour?", Choice)


def the_tools(mcp, obo):
    @mcp.tool()
    async def by_parameter(token: Annotated[str, obo.token(GRAPH_SCOPE)]) -> str:
        return "served"

    @mcp.tool()
    async def by_call() -> str:
        return await obo.downstream_token(GRAPH_SCOPE) and "served"

    @mcp.tool()
    async def after_progress(ctx: Context) -> str:
        await ctx.report_progress(1, 2)
        return await obo.downstream_token(GRAPH_SCOPE) and "served"

    @mcp.tool()
    async def after_a_question(
        chosen: Annotated[AcceptedElicitation[Choice], Resolve(choice)],
    ) -> str:
        return await obo.downstream_token(GRAPH_SCOPE) and chosen.data.colour


def tools_with_tasks(mcp, obo):
    async def two_tokens(group):
        async with group as tasks:
            begin = getattr(tasks, "start_soon", None) or (lambda ask: tasks.create_task(ask()))
            begin(lambda: obo.downstream_token(GRAPH_SCOPE))
            begin(lambda: obo.downstream_token(GRAPH_SCOPE))
        return "served"

    @mcp.tool()
    async def in_a_task_group() -> str:
        return await two_tokens(asyncio.TaskGroup())

    @mcp.tool()
    async def in_anyios_task_group() -> str:
        return await two_tokens(anyio.create_task_group())

    @mcp.tool()
    async def crashing_later() -> str:
        try:
            return await obo.downstream_token(GRAPH_SCOPE) and "served"
        except OboError as error:
            raise RuntimeError("a defect") from error

    @mcp.tool()
    async def gathered() -> str:
        await asyncio.gather(*(obo.downstream_token(GRAPH_SCOPE) for _ in range(2)))
        return "served"


def tools_that_catch(mcp, obo):
    @mcp.tool()
    async def in_its_own_words() -> str:
        try:
            return await obo.downstream_token(GRAPH_SCOPE) and "served"
        except OboError as error:
            raise ToolError(f"No mail today: {error}") from error

    @mcp.tool()
    async def catching() -> str:
        try:
            return await obo.downstream_token(GRAPH_SCOPE) and "served"
        except OboError:
            return "went on without"

    @mcp.tool()
    async def failing_later() -> str:
        try:
            return await obo.downstream_token(GRAPH_SCOPE) and "served"
        except OboError as error:
            raise ToolError("The disk is full.") from error


def an_app(obo, session="stateless", body="sse", *, glue=True):
    mcp = MCPServer(
        "under test",
        middleware=[obo.mcp_middleware()] if glue else [],
        request_state_security=obo.request_state_security(),
    )
    the_tools(mcp, obo)
    tools_that_catch(mcp, obo)
    tools_with_tasks(mcp, obo)
    app = mcp.streamable_http_app(
        stateless_http=session == "stateless",
        json_response=body == "json",
        transport_security=obo.transport_security(),
    )
    return obo.protect(app, stateful=session == "stateful")


def a_low_level_app(obo):
    async def list_tools(ctx, params):
        return ListToolsResult(tools=[Tool(name="by_call", input_schema={"type": "object"})])

    async def call_tool(ctx, params):
        return CallToolResult(content=[], _meta={"x": len(await obo.downstream_token(GRAPH_SCOPE))})

    server = Server("low", on_list_tools=list_tools, on_call_tool=call_tool)
    server.middleware.append(obo.mcp_middleware())
    app = server.streamable_http_app(
        stateless_http=True, transport_security=obo.transport_security()
    )
    return obo.protect(app)


@pytest.fixture
def serve(world):
    """Start a server; all are stopped at the end."""
    started = []

    def start(session="stateless", body="sse", *, app=an_app, glue=True, **options):
        def build(url):
            obo = OnBehalfOf(world.settings(f"{url}/mcp", **options))
            return app(obo) if app is not an_app else an_app(obo, session, body, glue=glue)

        started.append(Serving(build))
        return f"{started[-1].__enter__().url}/mcp"

    yield start
    for serving in started:
        serving.__exit__(None, None, None)


@pytest.fixture
def diego(world):
    """A person who has not agreed to anything, before and after."""
    withdraw_all(world)
    yield world.token("diego")
    withdraw_all(world)


def withdraw_all(world):
    body = {"client": "mcp-server", "resource": "graph", "person": "diego"}
    world.http.request("DELETE", "/_tenant/consents", json=body).raise_for_status()


class Wire(httpx2.Auth):
    """The bearer token, and what came over the wire; signs in again when challenged, if it may."""

    requires_response_body = True

    def __init__(self, token, again=None):
        self._token, self._again = token, again
        self.answers = []

    def auth_flow(self, request):
        request.headers["authorization"] = f"Bearer {self._token.reveal()}"
        answer = yield request
        self.answers.append(answer)
        if answer.status_code == 401 and self._again is not None:
            self._token = self._again()
            request.headers["authorization"] = f"Bearer {self._token.reveal()}"
            self.answers.append((yield request))

    @property
    def refused(self):
        return [answer for answer in self.answers if answer.status_code >= 400]


@asynccontextmanager
async def client_of(url, wire, era="auto", on_link=None):
    async with (
        httpx2.AsyncClient(auth=wire, timeout=30, trust_env=False) as http,
        Client(
            streamable_http_client(url, http_client=http), mode=era, elicitation_callback=on_link
        ) as client,
    ):
        yield client


class Person:
    """Opens the links that the client shows."""

    def __init__(self, world, action="accept", *, agrees=True):
        self.world, self.action, self.agrees = world, action, agrees
        self.asked = []

    async def __call__(self, ctx, params):
        self.asked.append(params)
        if self.agrees:
            self.world.consent("diego", given=True)
        return ElicitResult(action=self.action)


def challenge_of(answer):
    return answer.headers["www-authenticate"]


def claims_in(challenge):
    return base64.b64decode(challenge.partition('claims="')[2].partition('"')[0]).decode()


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("on", WIRES, ids=WIRE_IDS)
@pytest.mark.parametrize("tool", ["by_parameter", "by_call", "in_its_own_words", *WITH_TASKS])
async def test_a_step_up_challenges_the_client_who_signs_in_again_and_is_served(
    world, serve, on, tool
):
    world.fault("token", person="adele", status=400, body=STEP_UP)
    wire = Wire(world.token("adele"), lambda: world.token("adele"))
    async with client_of(serve(*on[1:]), wire, on[0]) as client:
        result = await client.call_tool(tool, {})
    assert not result.is_error
    (refused,) = wire.refused
    challenge = challenge_of(refused)
    assert refused.status_code == 401
    assert 'error="insufficient_claims"' in challenge
    assert "resource_metadata=" in challenge
    assert claims_in(challenge) == CLAIMS
    assert refused.json()["error"] == "insufficient_claims"
    assert "secret" not in refused.text


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("on", WIRES, ids=WIRE_IDS)
async def test_a_step_up_that_conditional_access_wants_is_made_and_the_call_goes_on(
    world, serve, on
):
    wanted = world.policy("adele", "mfa")
    wire = Wire(
        world.token("adele"),
        lambda: world.stepped_up_token("adele", claims_in(challenge_of(wire.answers[-1]))),
    )
    async with client_of(serve(*on[1:]), wire, on[0]) as client:
        assert text(await client.call_tool("by_call", {})) == "served"
    (refused,) = wire.refused
    assert json.loads(claims_in(challenge_of(refused))) == json.loads(wanted)


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("on", WIRES, ids=WIRE_IDS)
async def test_a_sign_in_that_the_authority_has_ended_challenges_without_claims(world, serve, on):
    world.fault("token", person="adele", status=400, body=SIGNED_OUT)
    wire = Wire(world.token("adele"), lambda: world.token("adele"))
    async with client_of(serve(*on[1:]), wire, on[0]) as client:
        assert text(await client.call_tool("by_call", {})) == "served"
    (refused,) = wire.refused
    assert 'error="invalid_token"' in challenge_of(refused)
    assert "claims=" not in challenge_of(refused)


@pytest.mark.parametrize("on", WIRES, ids=WIRE_IDS)
@pytest.mark.parametrize(
    ("tool", "outcome"),
    [
        ("catching", ("went on without", False)),
        ("failing_later", ("The disk is full.", True)),
        ("crashing_later", ("Error executing tool crashing_later", True)),
    ],
)
async def test_a_step_up_that_the_tool_got_over_challenges_nobody(world, serve, on, tool, outcome):
    world.fault("token", person="adele", status=400, body=STEP_UP)
    wire = Wire(world.token("adele"))
    async with client_of(serve(*on[1:]), wire, on[0]) as client:
        result = await client.call_tool(tool, {})
    assert outcome[0] in text(result)
    assert bool(result.is_error) is outcome[1]
    assert wire.refused == []


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("on", WIRES, ids=WIRE_IDS)
@pytest.mark.parametrize("tool", ["by_parameter", "by_call", *WITH_TASKS])
async def test_an_operator_can_have_every_step_up_told_to_the_model(world, serve, on, tool):
    world.fault("token", person="adele", status=400, body=STEP_UP)
    wire = Wire(world.token("adele"))
    async with client_of(serve(*on[1:], step_up="tool-error"), wire, on[0]) as client:
        result = await client.call_tool(tool, {})
    assert result.is_error
    assert "multi-factor" in text(result)
    assert "acrs" not in text(result)
    assert wire.refused == []


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("era", ERAS)
async def test_a_step_up_after_the_answer_began_is_told_to_the_model(world, serve, era):
    world.fault("token", person="adele", status=400, body=STEP_UP)
    wire, progress = Wire(world.token("adele")), []

    async def note(*told):
        progress.append(told)

    async with client_of(serve(), wire, era) as client:
        result = await client.call_tool("after_progress", {}, progress_callback=note)
    assert result.is_error
    assert "multi-factor" in text(result)
    assert len(progress) == 1
    assert wire.refused == []


@pytest.mark.parametrize("era", ERAS)
async def test_without_the_middleware_parameters_challenge_and_calls_are_told_in_words(
    world, serve, diego, era
):
    url = serve(glue=False)
    world.fault("token", person="adele", status=400, body=STEP_UP, count=2)
    wire = Wire(world.token("adele"), lambda: world.token("adele"))
    async with client_of(url, wire, era) as client:
        result = await client.call_tool("by_call", {})
        assert result.is_error
        assert "multi-factor" in text(result)
        assert text(await client.call_tool("by_parameter", {})) == "served"
    assert len(wire.refused) == 1
    async with client_of(url, Wire(diego), era) as client:
        for tool in ("by_parameter", "by_call"):
            assert "/adminconsent?" in text(await client.call_tool(tool, {}))


@pytest.mark.promise("P-03")
@pytest.mark.parametrize("on", WIRES, ids=WIRE_IDS)
async def test_one_persons_step_up_is_nobody_elses(world, serve, on):
    url = serve(*on[1:])
    world.fault("token", person="adele", status=400, body=STEP_UP, count=100)
    adele, megan = Wire(world.token("adele")), Wire(world.token("megan"))
    async with client_of(url, adele, on[0]) as hers, client_of(url, megan, on[0]) as others:
        calls = [hers.call_tool("by_call", {}) for _ in range(4)]
        calls += [others.call_tool("by_call", {}) for _ in range(4)]
        calls += [hers.call_tool("catching", {}) for _ in range(4)]
        came = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, MCPError) for result in came[:4])
    assert {text(result) for result in came[4:8]} == {"served"}
    assert {text(result) for result in came[8:]} == {"went on without"}
    assert (len(adele.refused), len(megan.refused)) == (4, 0)
    world.clear()


@pytest.mark.parametrize("version", ["2025-03-26", "2025-11-25", "2026-07-28"])
async def test_several_messages_in_one_request_are_refused_whole_and_harm_nobody(
    world, serve, version
):
    url = serve()
    call = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "by_call"}}
    headers = {
        "Authorization": f"Bearer {world.token('adele').reveal()}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
    }
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
        answer = await http.post(url, json=[call | {"id": 1}, call | {"id": 2}])
    assert answer.status_code == 400
    assert world.exchanges() == []
    async with client_of(url, Wire(world.token("adele"))) as client:
        assert text(await client.call_tool("by_call", {})) == "served"


async def test_a_client_that_leaves_before_its_refusal_is_no_failure_of_ours(world, serve, caplog):
    caplog.set_level(logging.WARNING)
    url = serve(token_endpoint_timeout_seconds=20)
    world.fault("token", person="adele", status=400, body=STEP_UP, delay_seconds=1)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "by_call"}}
    headers = {
        "Authorization": f"Bearer {world.token('adele').reveal()}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(url, json=call, timeout=0.3)
    async with client_of(url, Wire(world.token("megan"))) as client:
        assert text(await client.call_tool("by_call", {})) == "served"
    assert [line for line in caplog.records if line.levelno >= logging.ERROR] == []


# Consent.


@pytest.mark.promise("P-20")
@pytest.mark.promise("P-10")
@pytest.mark.parametrize("on", WIRES[4:], ids=WIRE_IDS[4:])
@pytest.mark.parametrize("tool", ["by_parameter", "by_call", *WITH_TASKS])
async def test_a_missing_consent_is_asked_for_by_link_and_the_same_call_goes_on(
    world, serve, diego, on, tool
):
    person, wire = Person(world), Wire(diego)
    async with client_of(serve(*on[1:]), wire, on_link=person) as client:
        result = await client.call_tool(tool, {})
    assert text(result) == "served"
    (link,) = person.asked
    server = world.about["apps"]["mcp-server"]["client_id"]
    assert link.mode == "url"
    assert link.url.startswith(f"{world.url}/{world.about['tenant_id']}/oauth2/v2.0/authorize?")
    assert server in link.url
    for private in (world.person("diego")["oid"], "diego", "login_hint", diego.reveal()[:20]):
        assert private not in link.url + link.message
    assert len(world.exchanges()) == 2
    assert wire.refused == []


async def test_the_question_is_a_whole_answer_of_this_server(world, serve, diego):
    wire = Wire(diego)
    async with client_of(serve(), wire, on_link=Person(world)) as client:
        await client.session.call_tool("by_call", {}, allow_input_required=True)
        asked = json.loads(wire.answers[-1].text)["result"]
        await client.call_tool("catching", {})
        served = json.loads(wire.answers[-1].text)["result"]
    assert asked["resultType"] == "input_required"
    assert "requestState" not in asked
    assert "isError" not in asked
    assert asked["_meta"] == served["_meta"]


async def test_the_middleware_is_not_advertised(world, serve):
    told = []
    for glue in (True, False):
        wire = Wire(world.token("adele"))
        async with client_of(serve(glue=glue), wire) as client:
            told.append(
                (client.server_capabilities, [t.name for t in (await client.list_tools()).tools])
            )
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("action", "agrees"), [("decline", False), ("cancel", False), ("accept", False)]
)
async def test_who_was_asked_and_has_not_agreed_is_not_asked_again(
    world, serve, diego, action, agrees
):
    person = Person(world, action, agrees=agrees)
    async with client_of(serve(), Wire(diego), on_link=person) as client:
        result = await client.call_tool("by_call", {})
        assert result.is_error
        assert "/adminconsent?" in text(result)
        assert len(person.asked) == 1
        world.consent("diego", given=True)
        assert text(await client.call_tool("by_call", {})) == "served"
    assert len(person.asked) == 1


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("on", WIRES, ids=WIRE_IDS)
async def test_to_a_client_that_opens_no_links_the_model_passes_them_on(world, serve, diego, on):
    async with client_of(serve(*on[1:]), Wire(diego), on[0]) as client:
        result = await client.call_tool("by_call", {})
    told = text(result)
    assert result.is_error
    assert f"{world.url}/{world.about['tenant_id']}/oauth2/v2.0/authorize?" in told
    assert f"{world.url}/{world.about['tenant_id']}/v2.0/adminconsent?" in told
    assert GRAPH_SCOPE in told
    assert "AADSTS" not in told
    assert len(told.splitlines()) == 4


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("body", ["sse", "json"])
@pytest.mark.parametrize("tool", ["by_parameter", "by_call"])
async def test_a_session_of_the_older_wire_gets_the_error_that_carries_the_link(
    world, serve, diego, body, tool
):
    person = Person(world)
    async with client_of(serve("stateful", body), Wire(diego), "legacy", person) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool(tool, {})
        world.consent("diego", given=True)
        assert text(await client.call_tool(tool, {})) == "served"
    (link,) = refused.value.data["elicitations"]
    assert refused.value.code == -32042
    assert "/oauth2/v2.0/authorize?" in link["url"]
    assert link["elicitationId"]


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("by_error", [False, True])
async def test_without_a_session_that_error_goes_out_only_if_the_operator_says_so(
    world, serve, diego, by_error
):
    url = serve(url_elicitation_error=by_error)
    async with client_of(url, Wire(diego), "legacy", Person(world)) as client:
        if not by_error:
            assert (await client.call_tool("by_call", {})).is_error
            return
        with pytest.raises(MCPError) as refused:
            await client.call_tool("by_call", {})
    assert refused.value.code == -32042


@pytest.mark.promise("P-10")
async def test_the_newer_wire_never_gets_that_error(world, serve, diego):
    for on_link in (None, Person(world, "decline", agrees=False)):
        url = serve(url_elicitation_error=True)
        async with client_of(url, Wire(diego), on_link=on_link) as client:
            assert (await client.call_tool("by_call", {})).is_error


async def test_the_page_to_which_people_come_back_is_served(world, serve, diego):
    url = serve()
    async with client_of(url, Wire(diego)) as client:
        told = text(await client.call_tool("by_call", {}))
    link = httpx.URL(next(line for line in told.splitlines() if "authorize" in line).split()[-1])
    back = link.params["redirect_uri"]
    assert back == f"{url.removesuffix('/mcp')}/.well-known/obo-mcp/consent"
    async with httpx.AsyncClient(trust_env=False) as http:
        page = await http.get(back, params={"error": "access_denied", "code": "never-shown"})
    assert page.status_code == 200
    assert "never-shown" not in page.text


@pytest.fixture
def registered(world):
    """Our page is where the application's people may be sent back to."""
    app = world.about["apps"]["mcp-server"]
    page = "http://127.0.0.1/.well-known/obo-mcp/consent"
    world.redirect_uris(*app["redirect_uris"], page)
    yield
    world.redirect_uris(*app["redirect_uris"])


async def follow(world, link, key):
    def go():
        with Browser(world.ca_path, world.person(key)) as browser:
            return browser.sign_in(link)

    return await asyncio.to_thread(go)


@pytest.mark.usefixtures("registered")
async def test_who_follows_the_link_and_agrees_comes_to_our_page_and_the_call_goes_on(
    world, serve, diego
):
    pages = []

    async def on_link(ctx, params):
        pages.append(await follow(world, params.url, "diego"))
        return ElicitResult(action="accept")

    async with client_of(serve(), Wire(diego), on_link=on_link) as client:
        assert text(await client.call_tool("by_call", {})) == "served"
    (page,) = pages
    assert page.url.path == "/.well-known/obo-mcp/consent"
    assert "ask again" in page.text
    assert "code" not in page.url.params


async def test_an_administrator_who_follows_their_link_agrees_for_the_person():
    with (
        LocalTenant(port=0) as local,
        httpx.Client(base_url=local.url, verify=trust_in(local), trust_env=False) as http,
    ):
        world = World(local.url, str(local.ca_path), http)
        world.redirect_uris("http://127.0.0.1/.well-known/obo-mcp/consent")
        world.administrator("adele", is_one=True)
        with Serving(lambda url: an_app(OnBehalfOf(world.settings(f"{url}/mcp")))) as serving:
            url = f"{serving.url}/mcp"
            async with client_of(url, Wire(world.token("diego"))) as client:
                told = text(await client.call_tool("by_call", {}))
                link = next(line for line in told.splitlines() if "adminconsent" in line)
                page = await follow(world, link.split()[-1], "adele")
                assert page.url.path == "/.well-known/obo-mcp/consent"
                assert "ask again" in page.text
                assert text(await client.call_tool("by_call", {})) == "served"


def trust_in(local):
    return ssl.create_default_context(cafile=str(local.ca_path))


@pytest.mark.parametrize("era", ERAS)
async def test_a_low_level_server_gets_the_same(world, serve, diego, era):
    url = serve(app=a_low_level_app)
    world.fault("token", person="adele", status=400, body=STEP_UP)
    wire = Wire(world.token("adele"), lambda: world.token("adele"))
    async with client_of(url, wire, era) as client:
        assert not (await client.call_tool("by_call", {})).is_error
    assert len(wire.refused) == 1
    async with client_of(url, Wire(diego), era) as client:
        result = await client.call_tool("by_call", {})
        assert result.is_error
        assert "/adminconsent?" in text(result)
    person = Person(world)
    async with client_of(url, Wire(diego), era, person) as client:
        result = await client.call_tool("by_call", {})
    assert bool(result.is_error) is (era == "legacy")
    assert len(person.asked) == (0 if era == "legacy" else 1)


# Calls of several rounds.


async def asked_at(url, wire):
    async with client_of(url, wire, on_link=Person(None, agrees=False)) as client:
        first = await client.session.call_tool("after_a_question", {}, allow_input_required=True)
        assert isinstance(first, InputRequiredResult)
        (question,) = first.input_requests
        return question, first.request_state


async def answered_at(url, wire, question, state):
    answer = {question: ElicitResult(action="accept", content={"colour": "blue"})}
    async with client_of(url, wire, on_link=Person(None, agrees=False)) as client:
        try:
            return await client.session.call_tool(
                "after_a_question", {}, input_responses=answer, request_state=state
            )
        except MCPError as refused:  # inside: the client's task groups would wrap it
            return refused


@pytest.mark.parametrize(
    ("before", "after"),
    [([0], [0]), ([0], [1, 0]), ([0, 1], [1, 0]), ([1, 0], [1])],
    ids=["same ring", "new key added", "order changed", "old key dropped"],
)
async def test_a_call_goes_on_at_another_replica_with_the_same_ring(world, serve, before, after):
    token = world.token("adele")
    one = serve(cache_keys=tuple(KEYS[n] for n in before))
    other = serve(cache_keys=tuple(KEYS[n] for n in after))
    question, state = await asked_at(one, Wire(token))
    assert text(await answered_at(other, Wire(token), question, state)) == "blue"


@pytest.mark.parametrize(
    ("before", "after", "person"),
    [([0], [1], "adele"), ([0], [], "adele"), ([], [], "adele"), ([0], [0], "megan")],
    ids=["another ring", "no ring there", "no ring at all", "somebody else"],
)
async def test_a_call_does_not_go_on_with_another_ring_or_for_somebody_else(
    world, serve, before, after, person
):
    one = serve(cache_keys=tuple(KEYS[n] for n in before))
    other = serve(cache_keys=tuple(KEYS[n] for n in after))
    question, state = await asked_at(one, Wire(world.token("adele")))
    refused = await answered_at(other, Wire(world.token(person)), question, state)
    assert refused.code == -32602


async def test_a_consent_that_lacks_in_a_later_round_is_told_in_words(world, serve, diego):
    url = serve()
    question, state = await asked_at(url, Wire(diego))
    result = await answered_at(url, Wire(diego), question, state)
    assert result.is_error
    assert "/adminconsent?" in text(result)


# The Graph server.


@pytest.fixture
def graph(world):
    settings = GraphSettings(graph_url=world.url, graph_resource=world.about["graph_resource"])
    started = []

    def start(**options):
        serving = Serving(lambda url: create_app(world.settings(f"{url}/mcp", **options), settings))
        started.append(serving)
        return f"{serving.__enter__().url}/mcp"

    yield start
    for serving in started:
        serving.__exit__(None, None, None)


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("era", ERAS)
async def test_the_graph_server_passes_a_step_up_on_to_the_client(world, graph, era):
    world.fault("token", person="adele", status=400, body=STEP_UP)
    wire = Wire(world.token("adele"), lambda: world.token("adele"))
    async with client_of(graph(), wire, era) as client:
        assert not (await client.call_tool("mail_search", {})).is_error
    (refused,) = wire.refused
    assert claims_in(challenge_of(refused)) == CLAIMS


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("era", ERAS)
async def test_the_graph_server_passes_on_that_graph_has_taken_back_its_tokens(world, graph, era):
    wire = Wire(
        world.token("adele"),
        lambda: world.stepped_up_token("adele", claims_in(challenge_of(wire.answers[-1]))),
    )
    async with client_of(graph(), wire, era) as client:
        assert not (await client.call_tool("mail_search", {})).is_error
        wanted = world.cae_revoke("adele", exchange="interaction")
        assert not (await client.call_tool("mail_search", {})).is_error
    (refused,) = wire.refused
    assert 'error="insufficient_claims"' in challenge_of(refused)
    assert json.loads(wanted).items() <= json.loads(claims_in(challenge_of(refused))).items()


async def test_the_graph_server_asks_for_consent_and_goes_on(world, graph, diego):
    person = Person(world)
    async with client_of(graph(), Wire(diego), on_link=person) as client:
        assert not (await client.call_tool("mail_search", {})).is_error
    assert len(person.asked) == 1


async def test_a_list_goes_on_at_another_replica_of_the_graph_server(world, graph):
    token = world.token("alex")
    one, other = graph(cache_keys=(KEYS[0],)), graph(cache_keys=(KEYS[1], KEYS[0]))
    stranger = graph()
    async with client_of(one, Wire(token)) as client:
        first = (await client.call_tool("mail_search", {"limit": 10})).structured_content
    again = {"limit": 10, "cursor": first["next"]}
    async with client_of(other, Wire(token)) as client:
        rest = (await client.call_tool("mail_search", again)).structured_content
    assert not {row["id"] for row in first["items"]} & {row["id"] for row in rest["items"]}
    async with client_of(stranger, Wire(token)) as client:
        assert (await client.call_tool("mail_search", again)).is_error
