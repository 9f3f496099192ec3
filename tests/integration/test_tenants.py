"""Who may call, through the whole chain: two tenants, agents, applications, chosen clients."""

import asyncio
import logging
import ssl
from typing import Annotated

import httpx
import pytest
from mcp.server import MCPServer

from obo_mcp import OnBehalfOf, Principal
from obo_mcp.clock import SystemClock
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from support.callers import connected, text
from support.clock import ManualClock
from support.serving import Serving
from support.world import GRAPH_SCOPE

AGENT = {"client": "agent-identity"}
AGENT_USER = AGENT | {"claims": {"xms_sub_fct": "13"}}
BLUEPRINT = "a3e5e6ec-a1dc-4057-9e9d-ddcd096a295e"


def an_app(obo: OnBehalfOf, graph_url: str, trust: ssl.SSLContext):
    mcp = MCPServer("under test")

    @mcp.tool()
    async def profile(token: Annotated[str, obo.token(GRAPH_SCOPE)]) -> str:
        """What Graph itself says about whom the downstream token is for."""
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(verify=trust, headers=headers, trust_env=False) as http:
            answer = await http.get(f"{graph_url}/v1.0/me", params={"$select": "id,companyName"})
        found = answer.raise_for_status().json()
        return f"{found['id']} of {found['companyName']}"

    @mcp.tool()
    async def person(me: Annotated[Principal, obo.principal()]) -> str:
        return f"{me.tid} {me.oid}"

    @mcp.tool()
    async def anybody(me: Annotated[Principal, obo.caller()]) -> str:
        kind = "application" if me.is_application else "person"
        return f"{kind} {me.oid} {' '.join(sorted(me.roles))}".strip()

    security = obo.transport_security()
    return obo.protect(mcp.streamable_http_app(stateless_http=True, transport_security=security))


@pytest.fixture
def serve(world):
    """Start a server with these settings; all are stopped at the end."""
    started, trust = [], ssl.create_default_context(cafile=world.ca_path)

    def start(clock=None, **options):
        serving = Serving(
            lambda url: an_app(
                OnBehalfOf(world.settings(f"{url}/mcp", **options), clock=clock), world.url, trust
            )
        )
        started.append(serving)
        return serving.__enter__().url + "/mcp"

    yield start
    for serving in started:
        serving.__exit__(None, None, None)


@pytest.fixture
def audit(caplog):
    """The audit events of one kind so far."""
    caplog.set_level(logging.INFO, AUDIT_LOGGER)

    def events(kind):
        found = [fields_of(line) for line in caplog.records if line.name == AUDIT_LOGGER]
        return [event for event in found if event["event"] == kind]

    return events


async def knock(url, token):
    """What the door answers; past it, the application refuses the empty message in its own way."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(url, headers={"Authorization": f"Bearer {token.reveal()}"})


async def call(url, token, tool):
    async with connected(url, token) as client:
        return await client.call_tool(tool, {})


def asked_for_keys(world, tenant_id):
    return [entry for entry in world.log("keys") if tenant_id in entry["path"]]


# --- two tenants ---------------------------------------------------------------------------------


@pytest.mark.promise("P-03")
@pytest.mark.parametrize("version", [1, 2])
async def test_people_of_both_tenants_act_as_themselves_at_their_own_tenant(world, serve, version):
    home, neighbour = world.both_tenants
    url = serve(allowed_tenants=(home, neighbour))
    homes = {"adele": (home, "Contoso"), "nora": (neighbour, "Fabrikam")}

    async def ask(key):
        token, oid = world.token(key, version=version), world.person(key)["oid"]
        tenant_id, company = homes[key]
        async with connected(url, token) as client:
            for _ in range(3):
                assert text(await client.call_tool("profile", {})) == f"{oid} of {company}"
                assert text(await client.call_tool("person", {})) == f"{tenant_id} {oid}"

    await asyncio.gather(*(ask(key) for key in homes for _ in range(2)))
    places = {(entry["person"], entry["path"]) for entry in world.exchanges()}
    assert places == {(key, f"/{of[0]}/oauth2/v2.0/token") for key, of in homes.items()}


async def test_consent_in_one_tenant_is_none_in_the_other(world, serve):
    url = serve(allowed_tenants=world.both_tenants)
    result = await call(url, world.token("imran"), "profile")
    assert (result.is_error, "administrator" in text(result)) == (True, True)
    assert not (await call(url, world.token("nora"), "profile")).is_error


async def test_the_metadata_names_both_tenants_to_sign_in_at(world, serve):
    url = serve(allowed_tenants=world.both_tenants)
    async with httpx.AsyncClient(trust_env=False) as http:
        challenge = (await http.post(url)).headers["www-authenticate"]
        metadata = challenge.partition('resource_metadata="')[2].partition('"')[0]
        document = (await http.get(metadata)).json()
    servers = [f"{world.url}/{tenant_id}/v2.0" for tenant_id in world.both_tenants]
    assert document["authorization_servers"] == servers


@pytest.mark.promise("P-01")
@pytest.mark.promise("P-07")
@pytest.mark.parametrize("listed", [0, 1], ids=["only home listed", "only the neighbour listed"])
async def test_a_tenant_off_the_list_is_refused_and_its_keys_are_not_asked_for(
    world, serve, listed
):
    people, tenants = ("adele", "nora"), world.both_tenants
    url = serve(allowed_tenants=(tenants[listed],))
    answer = await knock(url, world.token(people[1 - listed]))
    assert answer.status_code == 401
    assert "belongs to another tenant" in answer.headers["www-authenticate"]
    assert "OBO_MCP_ALLOWED_TENANTS" in answer.json()["error_description"]
    result = await call(url, world.token(people[listed]), "person")
    assert text(result) == f"{tenants[listed]} {world.person(people[listed])['oid']}"
    assert asked_for_keys(world, tenants[listed])
    assert not asked_for_keys(world, tenants[1 - listed])
    assert world.exchanges() == []


def claims_of(world, key):
    """The claims that say whose token it is, and who issued it."""
    tenant = world.about if key in world.about["people"] else world.neighbour
    claims = {"iss": tenant["issuer"], "tid": tenant["tenant_id"]}
    return claims | {"oid": world.person(key)["oid"]}


@pytest.fixture(params=[True, False], ids=["keys at hand", "keys not fetched yet"])
def warm(request):
    return request.param


@pytest.fixture
def both(world, serve, warm):
    """A server for both tenants, which holds the keys of both if it is warm."""
    url = serve(allowed_tenants=world.both_tenants)
    for key in ("adele", "nora") if warm else ():
        assert asyncio.run(call(url, world.token(key), "person")).is_error is False
    return url


@pytest.mark.promise("P-01")
@pytest.mark.parametrize(("signer", "claimed"), [("nora", "adele"), ("adele", "nora")])
async def test_a_token_of_one_tenant_signed_by_the_others_key_is_refused(
    world, both, audit, signer, claimed
):
    forged = world.token(signer, claims=claims_of(world, claimed))
    answer = await knock(both, forged)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert "signed with a key that our authority does not publish" in answer.text
    assert [event["reason"] for event in audit("refused")] == ["SigningKeyUnknown"]


@pytest.mark.promise("P-01")
@pytest.mark.parametrize("key", ["adele", "nora"])
async def test_a_forgery_under_a_published_key_id_is_refused(world, both, audit, key):
    answer = await knock(both, world.token(key, foreign_key=True))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert [event["reason"] for event in audit("refused")] == ["SignatureInvalid"]


@pytest.mark.promise("P-01")
@pytest.mark.parametrize("wrong", ["iss", "tid"])
async def test_the_issuer_of_one_tenant_with_the_id_of_the_other_is_refused(
    world, both, audit, wrong
):
    mixed = {wrong: claims_of(world, "nora")[wrong]}
    answer = await knock(both, world.token("adele", claims=mixed))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert [event["reason"] for event in audit("refused")] == ["WrongIssuer"]


@pytest.mark.promise("P-02")
async def test_when_one_tenants_keys_are_down_only_its_people_wait(world, serve):
    clock = ManualClock(SystemClock().now())
    url = serve(clock, allowed_tenants=world.both_tenants)
    world.fault("keys", tenant="neighbour", status=503, count=100)
    for _ in range(2):
        answer = await knock(url, world.token("nora"))
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        result = await call(url, world.token("adele"), "profile")
        assert text(result) == f"{world.person('adele')['oid']} of Contoso"
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(url.replace("/mcp", "/readyz"))).status_code == 200
    world.clear()
    clock.advance(int(answer.headers["retry-after"]))
    result = await call(url, world.token("nora"), "profile")
    assert text(result) == f"{world.person('nora')['oid']} of Fabrikam"


async def test_when_one_tenants_token_endpoint_is_down_only_its_people_are_told(world, serve):
    url = serve(allowed_tenants=world.both_tenants)
    world.fault("token", tenant="neighbour", status=503, count=100)
    result = await call(url, world.token("nora"), "profile")
    assert (result.is_error, "try again" in text(result)) == (True, True)
    assert not (await call(url, world.token("adele"), "profile")).is_error


# --- agents --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [AGENT, AGENT | {"version": 1}, AGENT_USER],
    ids=["agent identity", "agent identity, v1", "agent user"],
)
async def test_an_agent_that_acts_for_a_person_is_admitted_and_recorded(
    world, serve, audit, caplog, order
):
    result = await call(serve(), world.token("megan", **order), "profile")
    assert text(result) == f"{world.person('megan')['oid']} of Contoso"
    events = audit("agent_caller")
    assert events
    for event in events:
        assert event["azp"] == world.about["apps"]["agent-identity"]["client_id"]
        assert event["blueprint"] == BLUEPRINT
        assert event["oid"] == world.person("megan")["oid"]
        written = " ".join(map(str, event.values()))
        assert "@" not in written
        assert "Megan" not in written
    assert "megan@" not in caplog.text


async def test_with_allow_an_agent_is_admitted_in_silence(world, serve, audit):
    result = await call(serve(agent_callers="allow"), world.token("megan", **AGENT), "profile")
    assert text(result) == f"{world.person('megan')['oid']} of Contoso"
    assert audit("exchange")
    assert audit("agent_caller") == []


async def test_a_person_without_an_agent_leaves_no_such_event(world, serve, audit):
    assert not (await call(serve(), world.token("megan"), "profile")).is_error
    assert audit("exchange")
    assert audit("agent_caller") == []


@pytest.mark.promise("P-07")
@pytest.mark.parametrize("order", [AGENT, AGENT_USER], ids=["agent identity", "agent user"])
async def test_with_deny_an_agent_is_refused_and_a_person_is_not(world, serve, audit, order):
    url = serve(agent_callers="deny")
    answer = await knock(url, world.token("megan", **order))
    assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized_client")
    assert "resource_metadata=" in answer.headers["www-authenticate"]
    assert "OBO_MCP_AGENT_CALLERS" in answer.json()["error_description"]
    assert not (await call(url, world.token("megan"), "profile")).is_error
    assert audit("agent_caller") == []


# --- applications --------------------------------------------------------------------------------


@pytest.mark.promise("P-01")
@pytest.mark.promise("P-07")
@pytest.mark.parametrize(
    ("app", "connection"),
    [
        ("agent-identity", "agent identity (AgenticIdentityToken)"),
        ("connection", "project managed identity (ProjectManagedIdentity)"),
    ],
)
async def test_an_application_is_refused_by_default_and_told_which_connection_to_use(
    world, serve, app, connection
):
    answer = await knock(serve(), world.application_token(app))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    words = answer.json()["error_description"]
    assert connection in words
    assert "OAuth identity passthrough" in words
    assert world.exchanges() == []


async def test_an_application_with_the_role_may_use_a_tool_that_needs_no_person(world, serve):
    url = serve(required_app_role="mcp.read")
    result = await call(url, world.application_token("agent-identity"), "anybody")
    kind, _, roles = text(result).split(" ")
    assert (kind, roles) == ("application", "mcp.read")
    person = await call(url, world.token("adele"), "anybody")
    assert text(person) == f"person {world.person('adele')['oid']}"


@pytest.mark.promise("P-01")
@pytest.mark.parametrize("tool", ["profile", "person"])
async def test_an_application_with_the_role_gets_nothing_that_is_a_persons(world, serve, tool):
    url = serve(required_app_role="mcp.read")
    result = await call(url, world.application_token("agent-identity"), tool)
    assert result.is_error
    assert "needs a person to act for" in text(result)
    assert not [entry for entry in world.exchanges() if entry["grant"] == "on_behalf_of"]
    assert world.log("graph") == []


@pytest.mark.promise("P-07")
async def test_an_application_without_the_role_is_told_what_it_lacks(world, serve):
    answer = await knock(serve(required_app_role="mcp.read"), world.application_token("connection"))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert "app role" in answer.json()["error_description"]


async def test_with_deny_even_an_agent_with_the_role_is_refused(world, serve):
    url = serve(required_app_role="mcp.read", agent_callers="deny")
    answer = await knock(url, world.application_token("agent-identity"))
    assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized_client")


# --- chosen clients ------------------------------------------------------------------------------


@pytest.mark.promise("P-07")
@pytest.mark.parametrize("version", [1, 2])
async def test_a_client_off_the_list_is_refused_and_a_listed_one_is_not(
    world, serve, audit, version
):
    url = serve(allowed_clients=(world.about["apps"]["connection"]["client_id"],))
    answer = await knock(url, world.token("adele", client="user-app", version=version))
    assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized_client")
    assert "OBO_MCP_ALLOWED_CLIENTS" in answer.headers["www-authenticate"]
    assert [event["reason"] for event in audit("refused")] == ["ClientNotAllowed"]
    assert not (await call(url, world.token("adele", version=version), "person")).is_error
