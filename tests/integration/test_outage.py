"""The token endpoint is overrun, or gone: who waits, who is refused at once, who notices nothing.

A real server on a socket and a tenant over TLS, both in a time that the test moves.
"""

import asyncio
import json
import re
import resource
import socket
import ssl
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise

import httpx
import pytest
from mcp.server import MCPServer
from requests.adapters import HTTPAdapter

from load.wire import answer, request
from obo_mcp import OnBehalfOf
from obo_mcp.clock import SystemClock
from obo_mcp.exchange.breaker import FAILURES_TO_OPEN, PROBE_SECONDS, SECONDS_TO_OPEN
from obo_tenant.serve import LocalTenant
from support.clock import ManualClock
from support.crowd import Crowd
from support.serving import Serving
from support.world import World

SCOPE = "https://graph.microsoft.com/.default"
AT_ONCE = 1_000
FILES = 2 * AT_ONCE + 500
SIGN_IN_SECONDS = 3 * 3600
OUTAGE_SECONDS = 58 * 60
A_MINUTE = 60
STEP_SECONDS = 20
WARM, COLD = 20, 840
COLD_P99_SECONDS = 0.05
CLOSED_AFTER_SECONDS = 10


@pytest.fixture(scope="module")
def clock():
    return ManualClock(SystemClock().now())


@pytest.fixture(scope="module")
def local(clock):
    with LocalTenant(port=0, clock=clock.now) as local:
        yield local


@pytest.fixture(scope="module")
def tenant_world(local):
    trust = ssl.create_default_context(cafile=local.ca_path)
    with httpx.Client(base_url=local.url, verify=trust, trust_env=False) as http:
        yield World(local.url, str(local.ca_path), http)


class Road(HTTPAdapter):
    """The way of our requests to the token endpoint; it can be blocked, or led elsewhere.

    `travelled` is when, by the clock, somebody set out for the token endpoint.
    """

    def __init__(self, clock):
        super().__init__(pool_maxsize=16)
        self._clock = clock
        self.elsewhere = ""
        self.open = threading.Event()
        self.open.set()
        self.travelled = []

    def send(self, request, **options):
        if request.method == "POST":
            self.travelled.append(self._clock.now())
            assert self.open.wait(30)
        if self.elsewhere:
            request.url = re.sub(r"https://[^/]*", self.elsewhere, request.url)
        return super().send(request, **options)


class Server:
    """One protected application: `/door` takes a token itself, `/mcp` has it taken by a tool."""

    def __init__(self, world, clock, **options):
        self.road = Road(clock)
        self.arrived = 0
        self.awaited = float("inf")
        self.serving = Serving(lambda url: self._build(world, url, clock, options))
        self.port = int(self.serving.url.rpartition(":")[2])

    def _build(self, world, url, clock, options):
        self._obo = OnBehalfOf(world.settings(f"{url}/mcp", **options), clock=clock)
        self._obo._grant._transport._session.mount(world.url, self.road)
        mcp = MCPServer("outage")

        @mcp.tool()
        async def mine() -> str:
            return "served" if await self._obo.downstream_token(SCOPE) else ""

        self._mcp = mcp.streamable_http_app(
            stateless_http=True, transport_security=self._obo.transport_security()
        )
        return self._obo.protect(self._app)

    async def _app(self, scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/door":
            await self._mcp(scope, receive, send)
            return
        self.arrived += 1
        if self.arrived == self.awaited:
            self.road.open.set()
        assert await self._obo.downstream_token(SCOPE)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"served"})

    @asynccontextmanager
    async def connected(self):
        """`ask(token)` at the door, `ask(token, "mine")` for the tool: what came, and seconds."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)

        async def ask(token, tool=""):
            wire = request(self.port, "modern", token.reveal(), tool, {})
            if not tool:
                wire = wire.replace(b"POST /mcp ", b"POST /door ")
            begun = time.perf_counter()
            writer.write(wire)
            came = Came(*await answer(reader))
            came.seconds = time.perf_counter() - begun
            return came

        yield ask
        writer.close()
        await writer.wait_closed()


class Came:
    """One answer."""

    seconds = 0.0

    def __init__(self, head, body):
        lines = head.decode().lower().rstrip().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = dict(line.split(": ", 1) for line in lines[1:])
        self.body = body

    @property
    def retry_after(self):
        return int(self.headers["retry-after"])

    @property
    def result(self):
        return json.loads(re.search(rb"\{.*\}", self.body)[0])["result"]


@pytest.fixture
def crowd(local):
    return Crowd(local.tenant, WARM + COLD + 10)


@contextmanager
def many_files():
    """A thousand connections have two thousand ends in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"{FILES} open files are needed, and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.promise("P-05")
async def test_a_thousand_cold_calls_over_http_at_once_make_one_exchange(world, clock, crowd):
    """None is answered before the last has arrived: the way to the token endpoint is blocked."""
    server, token = Server(world, clock), crowd.token(0, SIGN_IN_SECONDS)
    server.road.open.clear()
    server.awaited = AT_ONCE
    with many_files(), server.serving:
        calls = asyncio.Semaphore(100)

        async def one():
            async with calls:
                connection = server.connected()
                ask = await connection.__aenter__()
            came = await ask(token)
            await connection.__aexit__(None, None, None)
            return came.status

        statuses = await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    assert statuses == [200] * AT_ONCE
    assert len(server.road.travelled) == 1
    assert len(world.exchanges()) == 1


# --- outages ------------------------------------------------------------------------------------


@contextmanager
def refusing(world, road):
    """Nobody listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    road.elsewhere = f"https://localhost:{port}"
    yield
    road.elsewhere = ""


@contextmanager
def stalling(world, road):
    """Connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        road.elsewhere = f"https://localhost:{silent.getsockname()[1]}"
        yield
    road.elsewhere = ""


@contextmanager
def failing(world, road):
    """Every answer is a server error."""
    world.fault("token", status=500, count=1_000_000)
    yield
    world.clear()


@pytest.mark.promise("P-18")
@pytest.mark.promise("P-05")
@pytest.mark.parametrize("outage", [refusing, stalling, failing], ids=lambda kind: kind.__name__)
async def test_an_outage_costs_warm_people_nothing_and_cold_ones_no_time(
    world, clock, crowd, outage
):
    server = Server(world, clock, token_endpoint_timeout_seconds=0.3)
    tokens = [crowd.token(number, SIGN_IN_SECONDS) for number in range(WARM + COLD + 10)]
    warm, cold = tokens[:WARM], iter(tokens[WARM:])
    with server.serving:
        async with server.connected() as ask:
            assert {(await ask(token)).status for token in warm} == {200}
            with outage(world, server.road):
                await open_circuit(ask, cold, clock)
                server.road.travelled.clear()
                await cold_calls_are_refused_at_once(ask, cold)
                assert server.road.travelled == []
                await one_probe_at_a_time(server, warm, cold, clock)
                await warm_calls_go_on(ask, warm, clock)
            await closes_soon(ask, cold, clock)


async def open_circuit(ask, cold, clock):
    for _ in range(FAILURES_TO_OPEN):
        clock.advance(SECONDS_TO_OPEN)
        assert (await ask(next(cold))).status == 503


async def cold_calls_are_refused_at_once(ask, cold):
    """The quietest hundred calls of three count: other programs use this machine too."""
    slowest = {"": [], "mine": []}
    for tool in ("", "mine") * 3:
        came = [await ask(next(cold), tool) for _ in range(100)]
        assert all(map(refused_in_a_tool if tool else refused_at_the_door, came))
        slowest[tool].append(sorted(each.seconds for each in came)[98])
    assert max(map(min, slowest.values())) < COLD_P99_SECONDS


def refused_at_the_door(came):
    return came.status == 503 and 1 <= came.retry_after <= PROBE_SECONDS


def refused_in_a_tool(came):
    return came.status == 200 and came.result["isError"]


async def one_probe_at_a_time(server, warm, cold, clock):
    """Three new people come every second: a minute of that costs the authority twelve requests."""
    server.road.travelled.clear()
    async with server.connected() as ask, server.connected() as too, server.connected() as three:
        for second in range(A_MINUTE):
            clock.advance(1)
            came = await asyncio.gather(*(each(next(cold)) for each in (ask, too, three)))
            assert [each.status for each in came] == [503, 503, 503]
            assert all(each.retry_after for each in came)
            assert (await ask(warm[second % WARM])).status == 200
    apart = [later - earlier for earlier, later in pairwise(server.road.travelled)]
    assert len(apart) > 0.9 * A_MINUTE / PROBE_SECONDS - 1
    assert min(apart) >= PROBE_SECONDS


async def warm_calls_go_on(ask, warm, clock):
    """For as long as their tokens live, the last minutes included, when new ones are tried for."""
    for step in range((OUTAGE_SECONDS - A_MINUTE) // STEP_SECONDS):
        clock.advance(STEP_SECONDS)
        for number in range(4):
            came = await ask(warm[(4 * step + number) % WARM], ("", "mine")[number % 2])
            assert came.status == 200
            assert b"served" in came.body


async def closes_soon(ask, cold, clock):
    for _ in range(CLOSED_AFTER_SECONDS):
        clock.advance(1)
        last = await ask(next(cold))
    assert last.status == 200
    assert {(await ask(next(cold), "mine")).result["isError"] for _ in range(10)} == {False}
