"""The Graph server over TLS: everybody finds only what is theirs, on its bad days too."""

import asyncio
import json
import os
import random
import re
import ssl
from collections import Counter, defaultdict

import httpx
import pytest

from load.wire import answer, request
from obo_graph.app import create_app
from obo_graph.settings import GraphSettings
from obo_mcp.clock import SystemClock
from obo_tenant.serve import LocalTenant
from support.bad_days import SHARE
from support.clock import ManualClock
from support.crowd import Crowd
from support.serving import Serving
from support.world import World

NIGHTLY = os.environ.get("OBO_MCP_NIGHTLY") == "1"
SEED = 20261123
IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOOLS = ("whoami", "mail_search", "files_search")
PEOPLE_OF_GRAPH = 200 if NIGHTLY else 40
ROUNDS = 20 if NIGHTLY else 5
HALF_A_SIGN_IN = 2000
SLOW_DOWN, OVER = (
    {"error": error, "error_codes": [code]}
    for error, code in (("temporarily_unavailable", 50196), ("invalid_grant", 50173))
)
TROUBLE = [
    {"status": 429, "headers": {"Retry-After": "20"}, "body": SLOW_DOWN},
    {"status": 500},
    {"status": 400, "headers": {"Retry-After": "20"}, "body": OVER},
    {"status": 200, "headers": {"Retry-After": "20"}},
]


@pytest.fixture(scope="module")
def clock():
    return ManualClock(SystemClock().now())


@pytest.fixture(scope="module")
def local(clock):
    """A tenant in the same time as the servers: people sign in and out while it is moved."""
    with LocalTenant(port=0, clock=clock.now) as local:
        yield local


@pytest.fixture(scope="module")
def world(local):
    trust = ssl.create_default_context(cafile=local.ca_path)
    with httpx.Client(base_url=local.url, verify=trust, trust_env=False) as http:
        yield World(local.url, str(local.ca_path), http)


class Callers:
    """Everybody asks for their own things, several at a time; `found` is what each was given."""

    def __init__(self, crowd, port):
        self.crowd = crowd
        self._port = port
        self.found = defaultdict(set)
        self.outcomes = Counter()

    async def round(self, chance):
        turns = [
            (person, self.crowd.token(person, 2 * HALF_A_SIGN_IN), tool)
            for person in range(PEOPLE_OF_GRAPH)
            for tool in TOOLS
        ]
        chance.shuffle(turns)
        await asyncio.gather(*(self._some(turns) for _ in range(16)))

    async def _some(self, turns):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while turns:
            person, token, tool = turns.pop()
            era = ("legacy", "modern")[len(turns) % 2]
            given = {"query": "minutes"} if tool == "files_search" else {}
            writer.write(request(self._port, era, token.reveal(), tool, given))
            self._look(person, tool, *await answer(reader))
        writer.close()
        await writer.wait_closed()

    def _look(self, person, tool, head, body):
        named = set(IDENTIFIER.findall((head + body).decode())) & set(self.crowd.oids)
        assert named <= {self.crowd.oids[person]}
        status = int(head[9:12])
        if status != 200:
            self.outcomes[status] += 1
            return
        told = json.loads(re.search(rb"\{.*\}", body)[0])["result"]
        self.outcomes["error" if told.get("isError") else tool] += 1
        if told.get("isError"):
            return
        structured = told["structuredContent"]
        if tool == "whoami":
            assert structured["id"] == self.crowd.oids[person]
        else:
            self.found[person].update(row.get("id") or row["ref"] for row in structured["items"])


@pytest.mark.promise("P-03")
@pytest.mark.timeout(3600)
def test_everybody_finds_only_their_own_through_the_graph_server(world, local, clock):
    for number, trouble in enumerate(TROUBLE):
        chance = {"name": str(number), "probability": SHARE, "count": 1_000_000}
        world.fault("token", **trouble, **chance)
    graph = GraphSettings(graph_url=world.url, graph_resource=world.about["graph_resource"])
    crowd, order = Crowd(local.tenant, PEOPLE_OF_GRAPH), random.Random(SEED)
    with Serving(
        lambda url: create_app(world.settings(f"{url}/mcp"), graph, clock=clock)
    ) as serving:
        callers = Callers(crowd, int(serving.url.rpartition(":")[2]))
        for _ in range(ROUNDS):
            asyncio.run(callers.round(order))
            clock.advance(HALF_A_SIGN_IN)
    world.clear()
    asked = PEOPLE_OF_GRAPH * ROUNDS
    assert min(callers.outcomes[tool] for tool in TOOLS) > 0.7 * asked
    assert min(callers.outcomes["error"], callers.outcomes[401]) > 0.01 * asked
    assert len(callers.found) == PEOPLE_OF_GRAPH
    everything = [row for rows in callers.found.values() for row in rows]
    assert len(everything) == len(set(everything))
