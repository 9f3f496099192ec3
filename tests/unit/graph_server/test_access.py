"""Graph takes a token back before its end: one new token, one more try, else the person."""

import json

import anyio
import anyio.lowlevel
import httpx
import pytest
from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.errors import GraphFailure
from obo_mcp.errors import (
    AssertionRejected,
    ConsentRequired,
    InteractionRequired,
    TokenEndpointUnavailable,
)
from unit.graph_server.world import challenged, error, principal, throttled

FIRST, SECOND = "Bearer token-of-adele", "Bearer token-of-adele-2"
DEMAND = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
ANOTHER_DEMAND = '{"access_token":{"capolids":{"essential":true,"values":["p"]}}}'
SETTINGS = {"timeZone": "W. Europe Standard Time"}


def tokens(world):
    return [request.headers["authorization"] for request in world.network.requests]


def challenged_once(answer):
    """Graph that does not take the first token any more; `answer` for every other."""

    def graph(request):
        old = request.headers["authorization"].count("-") == 2
        return challenged(DEMAND) if old else httpx.Response(200, json=answer)

    return graph


async def asked(world, path="/me", person="adele"):
    async with world.graph.transport.open(world.new_http()):
        return await (await world.person(person)).get(path)


async def asked_once(world):
    """An exchange before the one that is to fail."""
    await world.obo.source("adele").token()


async def test_a_challenge_costs_one_exchange_and_one_more_request(world):
    world.network.on("/v1.0/me", challenged(DEMAND), {"displayName": "Adele Vance"})
    assert (await world.told("whoami"))["name"] == "Adele Vance"
    assert tokens(world)[:2] == [FIRST, SECOND]
    assert world.network.paths().count("/v1.0/me") == 2
    (_, usual), (_, challenge) = world.obo.endpoint.asked
    assert json.loads(usual) == {"access_token": {"xms_cc": {"values": ["cp1"]}}}
    wanted = json.loads(usual)["access_token"] | json.loads(DEMAND)["access_token"]
    assert json.loads(challenge) == {"access_token": wanted}


async def test_the_other_requests_of_the_call_and_the_next_call_use_the_new_token(world):
    world.network.on("/v1.0/me", challenged_once({}))
    world.network.on("/v1.0/me/mailboxSettings", challenged_once(SETTINGS))
    async with world.client() as client:
        for _ in range(2):
            assert not (await client.call_tool("whoami", {})).is_error
    assert tokens(world) == [FIRST, SECOND, SECOND, SECOND, SECOND]
    assert len(world.obo.endpoint.asked) == 2


async def test_a_challenge_of_the_new_token_goes_up_with_its_claims(world):
    world.network.on("/v1.0/me", challenged(DEMAND), challenged(ANOTHER_DEMAND))
    with pytest.raises(InteractionRequired) as refused:
        await asked(world)
    assert refused.value.claims == ANOTHER_DEMAND
    assert isinstance(refused.value, ToolError)
    assert tokens(world) == [FIRST, SECOND]
    assert len(world.obo.endpoint.asked) == 2


async def test_a_call_renews_its_token_only_once(world):
    world.network.on("/v1.0/me", challenged_once({}))
    world.network.on("/v1.0/me/mailboxSettings", challenged(ANOTHER_DEMAND))
    async with world.graph.transport.open(world.new_http()):
        person = await world.person()
        await person.get("/me")
        with pytest.raises(InteractionRequired) as refused:
            await person.get("/me/mailboxSettings")
    assert refused.value.claims == ANOTHER_DEMAND
    assert tokens(world) == [FIRST, SECOND, SECOND]
    assert len(world.obo.endpoint.asked) == 2


async def test_what_the_authority_demands_for_a_new_token_goes_up_as_it_is(world):
    world.network.on("/v1.0/me", challenged(DEMAND))
    await asked_once(world)
    world.obo.endpoint.refusals.append(InteractionRequired(claims=ANOTHER_DEMAND))
    with pytest.raises(InteractionRequired) as refused:
        await asked(world)
    assert refused.value.claims == ANOTHER_DEMAND
    assert isinstance(refused.value, ToolError)
    assert tokens(world) == [FIRST]


async def test_the_model_reads_that_the_person_must_act_and_sees_no_claims(world):
    world.network.on("/v1.0/me", challenged(DEMAND))
    result = await world.call("whoami")
    assert result.is_error
    told = result.content[0].text
    assert "sign in again" in told
    assert not [word for word in ("eyJ", "nbf", "token-of", "http") if word in told]


async def test_a_token_endpoint_that_fails_meanwhile_is_told_as_such(world):
    world.network.on("/v1.0/me", challenged(DEMAND))
    await asked_once(world)
    world.obo.endpoint.refusals.append(TokenEndpointUnavailable())
    with pytest.raises(TokenEndpointUnavailable) as refused:
        await asked(world)
    assert isinstance(refused.value, ToolError)
    assert tokens(world) == [FIRST]


async def test_without_any_token_nothing_is_asked_and_the_model_reads_why(world):
    world.obo.endpoint.refusals.append(ConsentRequired())
    result = await world.call("whoami")
    assert result.is_error
    assert "consent" in result.content[0].text
    assert world.network.requests == []


@pytest.mark.parametrize(
    "header",
    [
        None,
        'Bearer realm=""',
        'Bearer error="invalid_token"',
        'Bearer error="insufficient_claims"',
        'Bearer error="insufficient_claims", claims="e30="',
        'Bearer error="insufficient_claims", claims="W10="',
        'Bearer error="insufficient_claims", claims="%%%"',
        'Bearer error="invalid_token", claims="eyJhIjp7fX0="',
    ],
)
async def test_a_401_without_a_challenge_is_final_and_told_as_ever(world, header):
    headers = {"WWW_Authenticate": header} if header else {}
    world.network.on("/v1.0/me", error(401, "InvalidAuthenticationToken", **headers))
    assert (await world.refused("whoami"))["error"] == "sign_in_needed"
    assert tokens(world) == [FIRST]
    assert len(world.obo.endpoint.asked) == 1


async def test_a_plain_401_for_the_new_token_is_told_as_ever(world):
    world.network.on("/v1.0/me", challenged(DEMAND), error(401, "InvalidAuthenticationToken"))
    assert (await world.refused("whoami"))["error"] == "sign_in_needed"
    assert tokens(world) == [FIRST, SECOND]


async def test_the_challenge_is_found_among_others_and_in_any_case(world):
    several = challenged(DEMAND).headers["www-authenticate"].replace("Bearer", "bearer")
    world.network.on(
        "/v1.0/me",
        error(401, "x", WWW_Authenticate=f'PoP realm="", nonce="n", {several}'),
        {"displayName": "Adele Vance"},
    )
    assert (await world.told("whoami"))["name"] == "Adele Vance"


async def test_a_request_with_a_body_is_sent_again_whole(world):
    empty = {"value": [{"hitsContainers": [{"hits": [], "moreResultsAvailable": False}]}]}
    world.network.on("/v1.0/search/query", challenged(DEMAND), empty, method="POST")
    await world.told("files_search", query="minutes")
    sent = [request for request in world.network.requests if request.method == "POST"]
    assert [request.headers["authorization"] for request in sent] == [FIRST, SECOND]
    assert sent[0].content == sent[1].content != b""
    names = ("content-type", "content-length", "client-request-id", "accept")
    first, second = ([request.headers[name] for name in names] for request in sent)
    assert first == second


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        ([throttled(), challenged(DEMAND), {}], [FIRST, FIRST, SECOND]),
        ([challenged(DEMAND), throttled(), {}], [FIRST, SECOND, SECOND]),
        ([challenged(DEMAND), error(503, "x"), throttled(), {}], [FIRST, *[SECOND] * 3]),
    ],
)
async def test_a_challenge_between_retries_is_answered_once(world, answers, sent):
    world.network.on("/v1.0/me", *answers)
    assert await asked(world) == {}
    assert tokens(world) == sent
    assert len(world.obo.endpoint.asked) == 2


async def test_an_endless_row_of_challenges_and_throttling_ends(world):
    world.network.on("/v1.0/me", *[challenged(DEMAND), throttled()] * 9)
    with pytest.raises(InteractionRequired):
        await asked(world)
    assert tokens(world) == [FIRST, SECOND, SECOND]
    assert len(world.obo.endpoint.asked) == 2


async def test_a_challenge_of_a_download_host_changes_nothing(world):
    content = "https://files.sharepoint.com/f"
    file = {"id": "i", "name": "a.txt", "file": {}, "@microsoft.graph.downloadUrl": content}
    world.network.on("/v1.0/drives/d/items/i", file)
    world.network.on("/f", challenged(DEMAND))
    refused = await world.refused("files_read", item="d/i")
    assert refused["error"] == "download_refused"
    assert "authorization" not in world.network.last("/f").headers
    assert len(world.obo.endpoint.asked) == 1


async def test_requests_of_one_call_that_are_challenged_together_make_one_exchange(world):
    waiting, both = [], anyio.Event()

    async def graph(request):
        if request.headers["authorization"] == SECOND:
            return httpx.Response(200, json={})
        waiting.append(request)
        if len(waiting) == 2:
            both.set()
        await both.wait()
        return challenged(DEMAND)

    world.network.on("/v1.0/me", graph)
    async with world.graph.transport.open(world.new_http()):
        person = await world.person()
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(person.get, "/me")
    assert sorted(tokens(world)) == [FIRST, FIRST, SECOND, SECOND]
    assert len(world.obo.endpoint.asked) == 2


async def test_a_success_is_never_sent_again_because_another_request_was_challenged(world):
    renewed = anyio.Event()

    async def slow(_request):
        await renewed.wait()
        return httpx.Response(200, json={})

    def graph(request):
        if request.headers["authorization"] == FIRST:
            return challenged(DEMAND)
        renewed.set()
        return httpx.Response(200, json={})

    world.network.on("/v1.0/slow", slow, method="POST")
    world.network.on("/v1.0/me", graph)
    async with world.graph.transport.open(world.new_http()):
        person = await world.person()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(person.post, "/slow", {})
            tasks.start_soon(person.get, "/me")
    assert sorted(world.network.paths()) == ["/v1.0/me", "/v1.0/me", "/v1.0/slow"]


async def test_who_hears_of_the_challenge_late_shares_the_token_that_is_there_by_then(world):
    world.network.on("/v1.0/me", challenged_once({}))
    async with world.graph.transport.open(world.new_http()):
        early, late = await world.person(), await world.person()
        assert [await early.get("/me"), await late.get("/me")] == [{}, {}]
    assert tokens(world) == [FIRST, SECOND, FIRST, SECOND]
    assert len(world.obo.endpoint.asked) == 2


@pytest.mark.promise("P-03")
async def test_thirty_people_challenged_at_once_each_get_their_own_new_token(world):
    async def graph(request):
        await anyio.lowlevel.checkpoint()
        who = request.headers["authorization"]
        if not who.endswith("-2"):
            return challenged(DEMAND)
        return httpx.Response(200, json={"displayName": who})

    world.network.on("/v1.0/me", graph)
    got = {}
    async with world.client() as client, anyio.create_task_group() as tasks:

        async def ask(name):
            result = await client.call_tool("whoami", {}, meta={"person": name})
            got.setdefault(name, set()).add(result.structured_content["name"])

        for number in range(30):
            for _ in range(3):
                tasks.start_soon(ask, f"person{number}")
    assert got == {f"person{n}": {f"Bearer token-of-person{n}-2"} for n in range(30)}
    assert len(world.obo.endpoint.asked) == 60


async def test_no_place_at_the_mailbox_is_held_while_a_new_token_is_fetched(world):
    held = []
    world.obo.endpoint.meanwhile = lambda: held.append(len(world.graph.gate))
    world.network.on("/v1.0/me", challenged(DEMAND), {})
    assert await asked(world) == {}
    assert held == [0, 0]


async def test_the_time_for_graph_starts_when_there_is_a_token(world):
    def slowly():
        world.clock.seconds += 55

    world.obo.endpoint.meanwhile = slowly
    world.network.on("/v1.0/me", throttled("10"), {})
    assert await asked(world) == {}
    assert world.clock.waits == [10]


async def test_a_failure_of_graph_stays_a_failure_of_graph(world):
    world.network.on("/v1.0/me", challenged(DEMAND), error(404, "itemNotFound"))
    with pytest.raises(GraphFailure) as failed:
        await asked(world)
    assert failed.value.status == 404


async def test_a_call_that_outlives_the_sign_in_keeps_its_token_but_gets_no_new_one(world):
    end = principal("adele").expires_at
    world.clock.seconds = end - 20

    def later(_request):
        world.clock.seconds = end
        return httpx.Response(200, json={})

    world.network.on("/v1.0/me", later)
    world.network.on("/v1.0/me/drive", {"id": "d"}, challenged(DEMAND))
    async with world.graph.transport.open(world.new_http()):
        person = await world.person()
        await person.get("/me")
        assert await person.get("/me/drive") == {"id": "d"}
        with pytest.raises(AssertionRejected, match="sign in again"):
            await person.get("/me/drive")
        with pytest.raises(AssertionRejected):
            await world.person()
    assert tokens(world) == [FIRST] * 3
    assert len(world.obo.endpoint.asked) == 1


async def test_only_a_401_is_a_challenge(world):
    header = {"WWW-Authenticate": challenged(DEMAND).headers["www-authenticate"]}
    served = httpx.Response(200, json={}, headers=header)
    world.network.on("/v1.0/me", served, challenged(DEMAND), served)
    async with world.graph.transport.open(world.new_http()):
        person = await world.person()
        assert [await person.get("/me"), await person.get("/me")] == [{}, {}]
    assert tokens(world) == [FIRST, FIRST, SECOND]
