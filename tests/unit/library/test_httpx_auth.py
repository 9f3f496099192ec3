"""httpx requests on behalf of the caller: whose token, where to, and what a challenge makes."""

import asyncio
import base64
import json
from contextvars import ContextVar

import httpx
import pytest
from mcp.server.mcpserver.exceptions import ToolError

from obo_mcp import MemoryTokenCache, OnBehalfOf, Principal, Secret, Settings, TokenBroker
from obo_mcp.adapters.httpx import OnBehalfOfAuth
from obo_mcp.adapters.mcp_sdk import TOLD, Told, tool_error
from obo_mcp.cache.entry import CachedToken
from obo_mcp.errors import CredentialsMissing, InteractionRequired
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.source import TokenSource
from obo_mcp.inbound.principal import Caller
from support.tokens import CLIENT, NOW, TENANT

ORIGIN = "https://api.example"
SCOPES = Scopes.parse("https://api.example/.default")
PERSON: ContextVar[str] = ContextVar("person", default="adele")
DEMAND = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
ANOTHER_DEMAND = '{"access_token":{"capolids":{"essential":true,"values":["p"]}}}'
OLD, NEW = "Bearer adele-1", "Bearer adele-2"


class Endpoint:
    """Stands where the token endpoint would: `adele-1`, then `adele-2`, and so on."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.refusals = []

    async def exchange(self, caller, scopes, claims):
        name = caller.principal.oid
        self.asked.append((name, claims))
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop()
        return CachedToken(
            token=Secret(f"{name}-{[who for who, _ in self.asked].count(name)}"),
            scopes=scopes.names,
            expires_at=self.clock.now() + 4000,
            assertion_expires_at=NOW + 3600.0,
        )


class Api:
    """The network: answers from `answers`, the last for ever, and remembers the requests."""

    def __init__(self):
        self.requests = []
        self.headers = []  # as they were then: a request is changed and sent again
        self.answers = [httpx.Response(200)]

    async def answer(self, request):
        self.requests.append(request)
        self.headers.append(dict(request.headers))
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request) if callable(answer) else answer

    def tokens(self):
        return [headers.get("authorization") for headers in self.headers]


@pytest.fixture
def endpoint(clock):
    return Endpoint(clock)


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def auth(endpoint, clock):
    broker = TokenBroker(endpoint.exchange, MemoryTokenCache(100, clock), clock, client_id=CLIENT)

    def source():
        assertion = Secret(f"assertion of {PERSON.get()}")
        principal = Principal(
            tid=TENANT,
            oid=PERSON.get(),
            sub=PERSON.get(),
            azp="client",
            issuer="issuer",
            scopes=frozenset({"mcp.access"}),
            expires_at=NOW + 3600,
            token_digest=assertion.digest(),
        )
        return TokenSource(broker, Caller(principal, assertion, "id"), SCOPES, shown=tool_error)

    return OnBehalfOfAuth(source, ORIGIN)


@pytest.fixture
def client(auth, api):
    return httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(api.answer))


def challenged(claims=DEMAND):
    encoded = base64.b64encode(claims.encode()).decode()
    header = f'Bearer realm="", error="insufficient_claims", claims="{encoded}"'
    return httpx.Response(401, headers={"WWW-Authenticate": header})


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example/x",
        "https://api.example:443/x",
        "https://API.example",
        "https://u@api.example/x",
    ],
)
async def test_a_request_to_the_origin_carries_the_callers_token(client, api, url):
    await client.get(url)
    assert api.tokens() == [OLD]


@pytest.mark.parametrize(
    "origin",
    ["https://api.example/v1", "http://127.0.0.1:8000", "http://localhost", "http://[::1]"],
)
def test_an_origin_is_encrypted_or_on_this_machine(origin):
    assert OnBehalfOfAuth(lambda: None, origin)


@pytest.mark.promise("P-12")
@pytest.mark.parametrize(
    "origin",
    [
        "http://api.example",
        "ws://api.example",
        "api.example",
        "https://",
        "https://u@api.example",
        "",
    ],
)
def test_no_other_origin_is_taken(origin):
    with pytest.raises(ValueError, match=r"^must "):
        OnBehalfOfAuth(lambda: None, origin)


@pytest.mark.promise("P-12")
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://api.example/",
        "https://api.example:8443/",
        "https://api.example.evil.example/",
        "https://api.example@evil.example/",
        "https://www.api.example/",
        "https://api.example./",
    ],
)
async def test_a_request_to_any_other_origin_carries_none_and_costs_no_exchange(
    client, api, endpoint, url
):
    await client.get(url)
    assert api.tokens() == [None]
    assert endpoint.asked == []


async def test_a_redirect_elsewhere_is_followed_without_the_token(client, api):
    there = httpx.Response(307, headers={"Location": "https://evil.example/"})
    api.answers = [there, httpx.Response(200)]
    await client.post(f"{ORIGIN}/x", content=b"body", follow_redirects=True)
    assert api.tokens() == [OLD, None]


async def test_a_redirect_from_elsewhere_to_the_origin_earns_no_token(client, api, endpoint):
    api.answers = [httpx.Response(302, headers={"Location": ORIGIN}), httpx.Response(200)]
    await client.get("https://evil.example/", follow_redirects=True)
    assert api.tokens() == [None, None]
    assert endpoint.asked == []


async def test_a_challenge_from_where_a_redirect_led_costs_no_exchange(client, api, endpoint):
    there = httpx.Response(302, headers={"Location": "https://evil.example/"})
    api.answers = [there, challenged(ANOTHER_DEMAND)]
    answer = await client.get(f"{ORIGIN}/x", follow_redirects=True)
    assert answer.status_code == 401
    assert api.tokens() == [OLD, None]
    assert len(endpoint.asked) == 1


async def test_a_challenge_costs_one_exchange_and_one_more_request(client, api, endpoint):
    api.answers = [challenged(), httpx.Response(200, text="served")]
    assert (await client.get(ORIGIN)).text == "served"
    assert api.tokens() == [OLD, NEW]
    (_, usual), (_, renewed) = endpoint.asked
    assert json.loads(usual) == {"access_token": {"xms_cc": {"values": ["cp1"]}}}
    assert json.loads(renewed)["access_token"].keys() == {"xms_cc", "nbf"}
    await client.get(ORIGIN)
    assert api.tokens() == [OLD, NEW, NEW]
    assert len(endpoint.asked) == 2


async def test_a_challenge_of_the_new_token_is_raised_with_its_claims(client, api, endpoint):
    api.answers = [challenged(), challenged(ANOTHER_DEMAND)]
    with pytest.raises(InteractionRequired) as refused:
        await client.get(ORIGIN)
    assert refused.value.claims == ANOTHER_DEMAND
    assert isinstance(refused.value, ToolError)
    assert api.tokens() == [OLD, NEW]
    assert len(endpoint.asked) == 2


async def test_what_the_authority_demands_for_a_new_token_is_raised(client, api, endpoint):
    await client.get(ORIGIN)
    api.answers = [challenged()]
    endpoint.refusals.append(InteractionRequired(claims=ANOTHER_DEMAND))
    with pytest.raises(InteractionRequired) as refused:
        await client.get(ORIGIN)
    assert refused.value.claims == ANOTHER_DEMAND
    assert api.tokens() == [OLD, OLD]


@pytest.mark.parametrize("header", [{}, {"WWW-Authenticate": 'Bearer error="invalid_token"'}])
async def test_a_401_without_a_challenge_is_the_answer(client, api, endpoint, header):
    for answers in ([], [challenged()]):
        api.answers = [*answers, httpx.Response(401, headers=header)]
        assert (await client.get(ORIGIN)).status_code == 401
    assert api.tokens() == [OLD, OLD, NEW]
    assert len(endpoint.asked) == 2


async def test_a_success_after_a_challenge_leaves_no_refusal_behind(client, api):
    told = Told()
    before = TOLD.set(told)
    try:
        api.answers = [challenged(), httpx.Response(200)]
        assert (await client.get(ORIGIN)).status_code == 200
    finally:
        TOLD.reset(before)
    assert told.refusals == []


async def parts():
    for part in (b"first ", b"second"):
        yield part


@pytest.mark.parametrize(
    "body", [{"content": b"first second"}, {"json": {"a": 1}}, {"data": {"a": "1"}}]
)
async def test_a_body_is_sent_again_whole(auth, body):
    first, second = await bodies_seen(auth, **body)
    assert first == second != b""


async def test_a_body_that_is_streamed_is_sent_again_whole(auth):
    assert await bodies_seen(auth, content=parts()) == [b"first second"] * 2


async def bodies_seen(auth, **body):
    """The bodies of a request that is challenged once, as the network reads them."""
    seen = []

    class Network(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            seen.append(b"".join([part async for part in request.stream]))
            return challenged() if len(seen) == 1 else httpx.Response(200)

    async with httpx.AsyncClient(auth=auth, transport=Network()) as client:
        assert (await client.post(ORIGIN, **body)).status_code == 200
    return seen


@pytest.mark.promise("P-03")
async def test_fifty_people_with_one_client_are_never_mixed(client, api, endpoint):
    """Five hundred requests at once; everybody's first token is challenged."""

    def of_whom(request):
        who = request.headers["authorization"].removeprefix("Bearer ")
        return challenged() if who.endswith("-1") else httpx.Response(200, text=who)

    api.answers = [of_whom]
    mixed = []

    async def ask(name):
        PERSON.set(name)  # of this task alone
        answer = await client.get(f"{ORIGIN}/{name}")
        if answer.text != f"{name}-2":
            mixed.append((name, answer.text))

    names = [f"person{number}" for number in range(50)]
    await asyncio.gather(*(asyncio.create_task(ask(name)) for name in names * 10))
    assert mixed == []
    assert len(endpoint.asked) == 100
    for request, token in zip(api.requests, api.tokens(), strict=True):
        assert token.startswith(f"Bearer {request.url.path[1:]}-")


async def test_with_nobody_signed_in_nothing_is_sent(api):
    obo = OnBehalfOf(
        Settings(
            tenant_id=TENANT,
            client_id=CLIENT,
            client_secret=Secret("of a test"),
            resource_url="https://mcp.example/mcp",
            required_scope="mcp.access",
        )
    )
    auth = obo.httpx_auth("https://api.example/.default")
    async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(api.answer)) as client:
        with pytest.raises(CredentialsMissing) as refused:
            await client.get(ORIGIN)
        assert isinstance(refused.value, ToolError)  # a model reads it, as by `downstream_token`
        assert (await client.get("https://elsewhere.example/")).status_code == 200
    assert api.tokens() == [None]


def test_a_blocking_client_is_refused_in_words(auth):
    def never(_request):
        raise AssertionError

    with (
        httpx.Client(auth=auth, transport=httpx.MockTransport(never)) as client,
        pytest.raises(RuntimeError, match=r"httpx\.AsyncClient"),
    ):
        client.get(ORIGIN)


@pytest.mark.parametrize("url", [f"{ORIGIN}/me", "https://elsewhere.example/file"])
async def test_a_cookie_that_one_person_got_does_not_go_out_for_another(client, api, url):
    api.answers = [httpx.Response(200, headers={"Set-Cookie": "session=adele; Path=/"})]
    await client.get(url)
    assert client.cookies
    PERSON.set("megan")
    await client.get(url)
    assert not any("cookie" in headers for headers in api.headers)
