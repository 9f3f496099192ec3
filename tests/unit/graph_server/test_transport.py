import gzip
import ssl
import tracemalloc

import anyio
import anyio.lowlevel
import httpx
import pytest

from obo_graph.errors import GraphFailure
from obo_graph.wire.answer import Answer
from obo_graph.wire.download import FileBytes
from obo_graph.wire.transport import GraphRequest, GraphTransport, _OneToken, new_http_client
from obo_mcp.observe import fields_of
from unit.graph_server.world import ORIGIN, World, challenged, error, refusal


async def test_six_people_at_once_never_get_one_anothers_answers(world):
    async def echo(request):
        await anyio.lowlevel.checkpoint()
        return httpx.Response(200, json={"displayName": request.headers["authorization"]})

    world.network.on("/v1.0/me", echo)
    names = [f"person-{n}" for n in range(6)]
    got = {}
    async with world.client() as client, anyio.create_task_group() as tasks:

        async def ask(name):
            for _ in range(5):
                result = await client.call_tool("whoami", {}, meta={"person": name})
                got.setdefault(name, set()).add(result.structured_content["name"])

        for name in names:
            tasks.start_soon(ask, name)
    assert got == {name: {f"Bearer token-of-{name}"} for name in names}


async def test_a_cookie_given_to_one_person_is_never_sent_for_another(world):
    cookie = {"Set-Cookie": "session=adele; Path=/"}
    world.network.on("/v1.0/me", httpx.Response(200, json={}, headers=cookie))
    async with world.client() as client:
        for person in ("adele", "megan"):
            await client.call_tool("whoami", {}, meta={"person": person})
    assert not any("cookie" in request.headers for request in world.network.requests)


async def test_a_redirect_is_not_followed_with_a_token(world):
    there = httpx.Response(302, headers={"Location": "https://evil.example/"})
    world.network.on("/v1.0/me", there)
    assert (await world.refused("whoami"))["error"] == "unexpected_answer"
    assert {request.url.host for request in world.network.requests} == {"graph.microsoft.com"}


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/v1.0/me",
        "http://graph.microsoft.com/v1.0/me",
        "https://graph.microsoft.com:8443/v1.0/me",
        "https://graph.microsoft.com.evil.example/",
        "https://graph.microsoft.com@evil.example/",
    ],
)
async def test_the_token_is_refused_for_any_other_origin(uri):
    with pytest.raises(GraphFailure) as refused:
        await _OneToken("secret", ORIGIN).get_authorization_token(uri)
    assert "secret" not in str(refused.value)


async def test_the_sdk_layers_its_steps_exactly_once():
    seen = []

    class Network(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            seen.append(request)
            return httpx.Response(200, json={})

    network = Network()
    http = new_http_client(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), network)
    transport = GraphTransport(ORIGIN)
    async with transport.open(http):
        assert http._transport.transport is network
        await transport.send(GraphRequest(path="/me"), "t")
    assert len(seen) == 1
    assert http.is_closed
    with pytest.raises(RuntimeError, match="lifespan"):
        _ = transport.http


async def test_an_answer_too_large_to_hold_is_broken_off(world):
    read = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                read.append(1)
                yield b" " * 1_048_576

    world.network.on("/v1.0/me", httpx.Response(200, stream=Endless()))
    assert (await world.refused("whoami"))["error"] == "too_large"
    assert len(read) <= 10


async def test_the_adapter_of_the_sdk_answers_no_challenge_by_itself(world):
    world.network.on("/v1.0/me", challenged())
    transport = world.graph.transport
    async with transport.open(world.new_http()):
        answer = await transport.send(GraphRequest(path="/me"), "t")
    assert answer.status == 401
    assert len(world.network.requests) == 1


async def test_search_words_and_tokens_stay_out_of_the_log(world, caplog):
    caplog.set_level("INFO")
    world.network.on("/v1.0/me/messages", {"value": []})
    await world.told("mail_search", query="confidential-merger")
    await world.refused("mail_read", message_id="x")
    assert "confidential-merger" not in caplog.text
    assert "token-of" not in caplog.text


async def test_a_local_tenant_gets_the_requests_and_the_real_resource_the_scope():
    world = World(graph_url="https://localhost:8443", graph_resource="https://graph.microsoft.com")
    await world.told("whoami")
    assert {r.url.netloc for r in world.network.requests} == {b"localhost:8443"}
    assert set(world.obo.scopes) == {"https://graph.microsoft.com/.default"}


async def test_a_token_never_shows_in_the_graph_of_a_person(world):
    assert "token-of" not in repr(await world.person())


async def test_a_client_that_leaves_stops_its_graph_call(world):
    stopped = anyio.Event()

    async def slow(_request):
        try:
            await anyio.Event().wait()
        finally:
            stopped.set()

    world.network.on("/v1.0/me", slow)
    async with world.graph.transport.open(world.new_http()):
        person = await world.person()
        with anyio.move_on_after(0.05):
            await person.get("/me")
        assert stopped.is_set()
        assert len(world.graph.gate) == 0


async def test_a_refusal_ends_in_words_not_in_a_trace(world):
    world.network.on("/v1.0/me", httpx.ConnectError("no route to 10.0.0.1"))
    refused = refusal(await world.call("whoami"))
    assert refused["error"] == "unavailable"
    assert "10.0.0.1" not in str(refused)


async def test_closing_the_transport_closes_the_network_below_the_sdk():
    closed = []

    class Network(httpx.AsyncBaseTransport):
        async def aclose(self):
            closed.append(True)

    http = new_http_client(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), Network())
    async with GraphTransport(ORIGIN).open(http):
        assert not closed
    assert closed


async def test_a_failure_is_recorded_by_its_codes_without_its_words(world, caplog):
    caplog.set_level("INFO")
    words = "Syntax error at secret-plan in 'confidential-merger'"
    world.network.on("/v1.0/me/messages", error(400, "BadRequest", words))
    refused = await world.refused("mail_search", query="confidential-merger")
    assert "confidential-merger" not in str(refused)
    told = [fields_of(line) for line in caplog.records if line.getMessage() == "tool_failed"]
    assert told == [
        {
            "event": "tool_failed",
            "tool": "mail_search",
            "code": "bad_request",
            "graph_code": "BadRequest",
            "request_id": "7d3d5d2e-0000-4000-8000-000000000001",
            "correlation_id": "correlation-0001",
        }
    ]
    assert "secret-plan" not in caplog.text
    assert "confidential-merger" not in caplog.text


async def test_half_a_character_in_an_answer_spoils_nothing_else(world):
    body = b'{"value": [{"id": "m1", "subject": "cut \\ud83d", "bodyPreview": "hello"}]}'
    world.network.on("/v1.0/me/messages", httpx.Response(200, content=body))
    (row,) = (await world.told("mail_search"))["items"]
    assert (row["subject"], row["preview"]) == ("cut", "hello")


def packed(content, encoding="gzip"):
    headers = {"Content-Encoding": encoding}
    return httpx.Response(200, headers=headers, stream=httpx.ByteStream(content))


async def test_a_packed_answer_is_not_asked_for_and_yet_read(world):
    world.network.on("/v1.0/me/x", packed(gzip.compress(b'{"a": 1}'), "GZIP"))
    async with world.acting() as graph:
        assert await graph.get("/me/x") == {"a": 1}
    assert world.network.requests[0].headers["accept-encoding"] == "identity"


async def test_a_packed_answer_is_unpacked_no_further_than_it_may_be_long(world):
    world.network.on("/v1.0/me/x", packed(gzip.compress(bytes(50_000_000))))
    async with world.acting() as graph:
        await graph.transport.send(GraphRequest(path="/"), "")
        tracemalloc.start()
        try:
            with pytest.raises(GraphFailure, match="too_large"):
                await graph.content("/me/x", 1_000_000)
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(("content", "encoding"), [(b"no gzip", "gzip"), (b"x", "br")])
async def test_an_answer_packed_in_a_way_unknown_or_wrong_is_none(world, content, encoding):
    world.network.on("/v1.0/me/x", packed(content, encoding))
    async with world.acting() as graph:
        with pytest.raises(GraphFailure, match="unexpected"):
            await graph.get("/me/x")


async def test_what_came_back_shows_nothing_of_itself():
    location = {"location": "https://contoso.sharepoint.com/x?tempauth=secret"}
    assert repr(Answer(302, location, b"secret")) == "Answer(status=302)"
    assert "secret" not in repr(FileBytes(b"secret", complete=True))
