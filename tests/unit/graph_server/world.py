"""A small world for the Graph server: a fake network, a clock to move, a person to be."""

import base64
import json
import ssl
from contextlib import asynccontextmanager
from contextvars import ContextVar

import anyio.lowlevel
import httpx
from mcp import Client
from mcp.server.mcpserver import Context, Resolve

from obo_graph.server import create_server
from obo_graph.settings import GraphSettings
from obo_graph.wire.graph import Graph
from obo_graph.wire.transport import GraphTransport, new_http_client
from obo_mcp import MemoryTokenCache, Principal, Secret, TokenBroker
from obo_mcp.adapters.mcp_sdk import tool_error
from obo_mcp.cache.entry import CachedToken
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.source import TokenSource
from obo_mcp.inbound.principal import Caller

ORIGIN = "https://graph.microsoft.com"
OFFERED: ContextVar[str] = ContextVar("offered", default="")
PERSON: ContextVar[str] = ContextVar("person", default="adele")


class ManualClock:
    """Time that passes only when told, or when somebody waits."""

    def __init__(self):
        self.seconds = 1_795_000_000.0
        self.waits = []

    def now(self):
        return self.seconds

    def monotonic(self):
        return self.seconds

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.seconds += seconds


class FakeGraph(httpx.AsyncBaseTransport):
    """The network. A path answers what it was given, one after the other, the last for ever."""

    def __init__(self):
        self.requests = []
        self._answers = {}
        self.on("/v1.0/me/mailboxSettings", {"timeZone": "W. Europe Standard Time"})
        self.on("/v1.0/me", {"displayName": "Adele Vance", "mail": "adele@contoso.example"})

    def on(self, path, *answers, method="GET"):
        self._answers[method, path] = list(answers)

    async def handle_async_request(self, request):
        await request.aread()
        if request.url.path == "/v1.0/":  # the server's preparation, before anybody calls
            assert "authorization" not in request.headers
            return httpx.Response(200, json={})
        self.requests.append(request)
        answers = self._answers.get((request.method, request.url.path))
        if answers is None:
            answer = error(404, "itemNotFound")
        else:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(request)
            if hasattr(answer, "__await__"):
                answer = await answer
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return httpx.Response(200, content=json.dumps(answer))
        return answer

    def paths(self):
        return [request.url.path for request in self.requests]

    def last(self, path):
        return next(r for r in reversed(self.requests) if r.url.path == path)


def error(status, code, message="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(
        status,
        json={"error": {"code": code, "message": message}},
        headers={"request-id": "7d3d5d2e-0000-4000-8000-000000000001", **named},
    )


def challenged(claims='{"access_token":{"nbf":{"essential":true,"value":"1"}}}'):
    """Graph's claims challenge, in its own form."""
    encoded = base64.b64encode(claims.encode()).decode()
    header = (
        'Bearer realm="", authorization_uri="https://login.example/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000", '
        f'error="insufficient_claims", claims="{encoded}"'
    )
    return error(401, "InvalidAuthenticationToken", WWW_Authenticate=header)


def throttled(retry_after="2"):
    return error(429, "ApplicationThrottled", Retry_After=retry_after)


def principal(name):
    return Principal(
        tid="contoso",
        oid=name,
        sub=name,
        azp="agent",
        issuer="issuer",
        scopes=frozenset({"mcp.access"}),
        expires_at=1_800_000_000,
        token_digest=name.encode(),
    )


class Endpoint:
    """Stands where the token endpoint would: `token-of-adele`, later `token-of-adele-2`, ..."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.refusals = []
        self.meanwhile = lambda: None

    async def exchange(self, caller, scopes, claims):
        name = caller.principal.oid
        self.asked.append((name, claims))
        await anyio.lowlevel.checkpoint()
        self.meanwhile()
        if self.refusals:
            raise self.refusals.pop(0)
        count = [who for who, _ in self.asked].count(name)
        return CachedToken(
            token=Secret(f"token-of-{name}" + (f"-{count}" if count > 1 else "")),
            scopes=scopes.names,
            expires_at=self.clock.now() + 4000,
            assertion_expires_at=float(caller.principal.expires_at),
        )


class StandIn:
    """In place of OnBehalfOf: whoever the call's metadata names, else Adele."""

    def __init__(self, clock):
        self.scopes = []
        self.endpoint = Endpoint(clock)
        self.broker = TokenBroker(
            self.endpoint.exchange, MemoryTokenCache(100, clock), clock, client_id="server"
        )

    def source(self, name, scope=f"{ORIGIN}/.default"):
        caller = Caller(principal(name), Secret(f"assertion of {name}"), "correlation-0001")
        return TokenSource(self.broker, caller, Scopes.parse(scope), shown=tool_error)

    def token_source(self, scope):
        self.scopes.append(scope)

        async def give(ctx: Context):
            return self.source(_name(ctx), scope)

        return Resolve(give)

    def principal(self):
        async def give(ctx: Context):
            return principal(_name(ctx))

        return Resolve(give)


def _name(ctx):
    meta = ctx.request_context.meta or {}
    return meta.get("person", "adele")


class World:
    def __init__(self, **settings):
        self.network = FakeGraph()
        self.clock = ManualClock()
        self.obo = StandIn(self.clock)
        self.settings = GraphSettings(**{"tools": OFFERED.get()} | settings)
        self.graph = Graph(
            transport=GraphTransport(self.settings.graph_url),
            clock=self.clock,
            correlation_id=lambda: "correlation-0001",
            download_hosts=self.settings.download_hosts,
            upload_hosts=self.settings.upload_hosts,
            sleep=self.clock.sleep,
        )
        self.server = create_server(self.obo, self.graph, self.settings, self.new_http)

    def new_http(self):
        return new_http_client(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self.network)

    async def person(self, name="adele"):
        return await self.graph.as_person(self.obo.source(name), principal(name))

    @asynccontextmanager
    async def acting(self, name="adele"):
        """Graph as that person, without a tool around it."""
        async with self.graph.transport.open(self.new_http()):
            yield await self.person(name)

    @asynccontextmanager
    async def client(self):
        async with Client(self.server) as client:
            yield client

    async def call(self, tool, person="adele", **arguments):
        async with self.client() as client:
            return await client.call_tool(tool, arguments, meta={"person": person})

    async def told(self, tool, person="adele", **arguments):
        """The tool's result, which must be one."""
        return shown(await self.call(tool, person, **arguments))

    async def refused(self, tool, person="adele", **arguments):
        """The tool's refusal, which must be one."""
        return refusal(await self.call(tool, person, **arguments))


def shown(result):
    assert not result.is_error, result.content
    assert len(result.content) == 1
    text = result.content[0].text
    assert json.loads(text) == result.structured_content
    assert ": " not in text.split('"')[0]
    return result.structured_content


def refusal(result):
    assert result.is_error, result.content
    text = result.content[0].text
    assert "token-of" not in text
    assert "http" not in text
    return json.loads(text[text.index("{") :])


def size_bytes(result):
    return len(result.content[0].text.encode())
