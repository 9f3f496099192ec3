"""Signing keys over real sockets and TLS: a flood of unknown keys, an outage, rotations."""

import asyncio
import ssl
from collections import Counter
from contextlib import asynccontextmanager

import httpx
import pytest

from load.wire import answer
from obo_mcp import OnBehalfOf
from obo_mcp.clock import SystemClock
from obo_tenant.serve import LocalTenant
from support.clock import ManualClock
from support.serving import Serving
from support.strangers import strangers
from support.world import World

STRANGERS = 2_000
A_DAY = 24 * 3600


@pytest.fixture(scope="module")
def tenant_world():
    """A tenant of this module's own: its keys are rotated."""
    with LocalTenant(port=0) as local:
        trust = ssl.create_default_context(cafile=local.ca_path)
        with httpx.Client(base_url=local.url, verify=trust, trust_env=False) as http:
            yield World(local.url, str(local.ca_path), http)


async def welcome(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"welcome"})


class Server:
    """A protected application behind a socket, in a time that the test moves."""

    def __init__(self, world):
        self.clock = ManualClock(SystemClock().now())
        self.serving = Serving(
            lambda url: OnBehalfOf(world.settings(f"{url}/mcp"), clock=self.clock).protect(welcome)
        )

    @asynccontextmanager
    async def connected(self):
        """`ask(token)`: status and headers of one call, over one connection kept alive."""
        port = int(self.serving.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask(token):
            writer.write(
                f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n"
                f"Authorization: Bearer {token.reveal()}\r\n\r\n".encode()
            )
            head, _ = await answer(reader)
            status, *headers = head.decode().rstrip().split("\r\n")
            return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in headers)

        yield ask
        writer.close()
        await writer.wait_closed()

    async def ask_all(self, tokens, *, connections):
        """The answers to all of them, over so many connections at once."""
        left, answers = list(tokens), []

        async def one():
            async with self.connected() as ask:
                while left:
                    answers.append(await ask(left.pop()))

        await asyncio.gather(*(one() for _ in range(connections)))
        return answers


@pytest.fixture
def server(world):
    server = Server(world)
    with server.serving:
        yield server


def fetches(world):
    """How often keys were fetched; each fetch asks for those of both token versions."""
    asked = Counter(entry["path"] for entry in world.log("keys"))
    assert len(asked) <= 2
    assert len(set(asked.values())) <= 1
    return max(asked.values(), default=0)


@pytest.mark.promise("P-02")
@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
async def test_a_flood_of_unknown_keys_costs_one_fetch_and_no_caller_we_know(world, server, down):
    token = world.token(lifetime_seconds=A_DAY)
    known = world.crowd(100) * 2
    await server.ask_all([token], connections=1)
    assert fetches(world) == 1
    world.clear()
    if down:
        world.fault("keys", status=503, count=1_000_000)
    server.clock.advance(301)
    refused, served = await asyncio.gather(
        server.ask_all(strangers(token, STRANGERS), connections=8),
        server.ask_all(known, connections=2),
    )
    assert Counter(status for status, _ in served) == {200: len(known)}
    assert Counter(status for status, _ in refused) == {503 if down else 401: STRANGERS}
    assert fetches(world) == 1
    for _, headers in refused:
        if down:
            assert 0 < int(headers["retry-after"]) <= 300
        else:
            assert 'error="invalid_token"' in headers["www-authenticate"]
    server.clock.advance(299)
    await server.ask_all(strangers(token, 20), connections=2)
    assert fetches(world) == 1
    server.clock.advance(1)
    await server.ask_all(strangers(token, 20), connections=2)
    assert fetches(world) == 2


async def test_after_an_outage_a_new_key_is_found_with_the_next_fetch(world, server):
    old = world.token(lifetime_seconds=A_DAY)
    await server.ask_all([old], connections=1)
    world._ask("POST", "/_tenant/keys/rotate")
    world.fault("keys", status=500, count=1_000_000)
    new = world.token(lifetime_seconds=A_DAY)
    server.clock.advance(301)
    async with server.connected() as ask:
        status, headers = await ask(new)
        assert (status, headers["retry-after"]) == (503, "300")
        assert (await ask(old))[0] == 200
        world.clear()
        server.clock.advance(300)
        assert [(await ask(token))[0] for token in (new, old)] == [200, 200]
    assert fetches(world) == 1


@pytest.mark.promise("P-02")
@pytest.mark.parametrize(
    ("rotations", "announced"), [(100, True), (20, False)], ids=["announced", "at-once"]
)
async def test_no_request_is_lost_in_rotations(world, server, rotations, announced):
    """The tenant's new key signs at once; announced means: fetched before a token of it comes.

    There a stranger's token sets the fetch off, as the hourly refresh would. Otherwise it is the
    first token of the new key itself, which waits for it. Callers ask all the while.
    """
    old = world.token(lifetime_seconds=A_DAY)
    await server.ask_all([old], connections=1)
    world.clear()
    answers = []

    async def meanwhile(step, token):
        answers.extend(await server.ask_all([token] * 4, connections=4))
        return await step

    for _ in range(rotations):
        rotating = asyncio.to_thread(world._ask, "POST", "/_tenant/keys/rotate")
        await meanwhile(asyncio.create_task(rotating), old)
        server.clock.advance(301)
        if announced:
            fetching = server.ask_all(strangers(old, 1), connections=1)
            await meanwhile(asyncio.create_task(fetching), old)
        minting = asyncio.to_thread(world.token, lifetime_seconds=A_DAY)
        new = await meanwhile(asyncio.create_task(minting), old)
        answers.extend(await server.ask_all([old, new] * 4, connections=4))
        old = new
    assert Counter(status for status, _ in answers) == {200: rotations * (20 if announced else 16)}
    assert fetches(world) == rotations
