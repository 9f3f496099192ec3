"""Nobody gets another person's token, data or error, whatever the token endpoint says to whom.

A thousand people call at once through the whole house: door, verifier, broker, real MSAL. The token
endpoint throttles, fails and refuses, and names the person in all it says, so that one word in the
wrong answer shows.
"""

import asyncio
import base64
import json
import os
import random
import re
import ssl
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx
import pytest

from obo_mcp import OnBehalfOf
from obo_mcp.clock import SystemClock
from obo_mcp.exchange.breaker import REFUSAL_SECONDS
from obo_tenant.serve import LocalTenant
from support.asgi import bearer, call
from support.bad_days import BAD_DAYS, SHARE, WORDS, TokenEndpointWithBadDays
from support.clock import ManualClock
from support.crowd import Crowd
from support.wire import payload_of
from support.world import World

NIGHTLY = os.environ.get("OBO_MCP_NIGHTLY") == "1"
SEED = 20261123
PEOPLE = 1_000
CALLS = 1_000_000 if NIGHTLY else 20_000
AT_ONCE = 64
SESSIONS = 2
RESOURCES = ("https://graph.example", "https://files.example")
SECONDS_PER_CALL = 0.25
SIGN_IN_SECONDS = (900, 3600)
CROWDING = 20.0  # how many neighbours in number call in the same minutes
IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


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


# --- the whole house in this process -------------------------------------------------------------


class Server:
    """A protected application that takes its tokens in both ways: by call, and in httpx."""

    def __init__(self, world, clock, endpoint):
        obo = OnBehalfOf(world.settings("http://localhost/mcp"), clock=clock)
        endpoint.before(obo._grant._transport, world.url)
        self._obo = obo
        self.endpoint = endpoint
        self._auths = [obo.httpx_auth(f"{name}/.default") for name in RESOURCES]
        self._resource = httpx.AsyncClient(transport=httpx.MockTransport(a_resource))
        self.door = obo.protect(self._serve)

    def close(self):
        self._obo._grant.close()

    async def _serve(self, scope, receive, send):
        asked = parse_qs(scope["query_string"].decode())
        number = int(asked["resource"][0])
        if "challenged" in asked:
            found = await self._resource.get(RESOURCES[number], auth=self._auths[number])
            told = found.json()
        else:
            token = await self._obo.downstream_token(f"{RESOURCES[number]}/.default")
            told = {"token": payload_of(str(token))}
        told["caller"] = self._obo.current_principal().oid
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})


def a_resource(request):
    """Challenges each token once, in the name of its person, then gives what is theirs."""
    claims = payload_of(request.headers["authorization"].removeprefix("Bearer "))
    if claims["oid"] not in claims["asked"]:
        wanted = {"access_token": {"nbf": {"essential": True, "value": claims["oid"]}}}
        text = base64.b64encode(json.dumps(wanted).encode()).decode()
        header = f'Bearer error="insufficient_claims", claims="{text}"'
        return httpx.Response(401, headers={"WWW-Authenticate": header})
    return httpx.Response(200, json={"token": claims, "mail": f"of {claims['oid']}"})


@dataclass
class Night:
    """Calls of everybody, in an order that the seed decides, and what was wrong with an answer."""

    crowd: Crowd
    server: Server
    clock: ManualClock
    calls: int
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    sign_ins: dict = field(default_factory=dict)
    outcomes: Counter = field(default_factory=Counter)
    renewed: Counter = field(default_factory=Counter)
    tokens: dict = field(default_factory=dict)
    begun: int = 0
    wrong: list = field(default_factory=list)

    def __post_init__(self):
        self._everybody = frozenset(self.crowd.oids)

    async def run(self):
        await asyncio.gather(*(self._one_after_another() for _ in range(AT_ONCE)))

    async def _one_after_another(self):
        while self.begun < self.calls:
            self.begun += 1
            self.clock.advance(SECONDS_PER_CALL)
            await self._call(self._next())

    def _next(self):
        """Those who call in the same minutes are near each other, so that each comes again."""
        middle = self.begun * PEOPLE / 20_000
        return int(middle + self.chance.gauss(0, CROWDING)) % PEOPLE

    async def _call(self, person):
        token = self._sign_in(person, self.chance.randrange(SESSIONS))
        number, way = self.chance.randrange(len(RESOURCES)), self.chance.random()
        query = f"resource={number}{'&challenged=1' if way < 0.1 else ''}".encode()
        asked = call(self.server.door, headers=[bearer(token)], scope={"query_string": query})
        if 0.1 <= way < 0.12:
            await self._leave(asked)
            return
        received = await asked
        self.outcomes[received.status] += 1
        self._look(person, token, number, received)

    async def _leave(self, asked):
        """One who does not wait for the answer."""
        task = asyncio.ensure_future(asked)
        for _ in range(self.chance.randrange(1, 6)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.outcomes["left"] += 1

    def _sign_in(self, person, session):
        token, end = self.sign_ins.get((person, session), (None, 0))
        if end < self.clock.now() + 30:
            lifetime = self.chance.randint(*SIGN_IN_SECONDS)
            token, end = self.crowd.token(person, lifetime), self.clock.now() + lifetime
            self.sign_ins[person, session] = token, end
            self.renewed["sign-ins"] += 1
        return token

    def _look(self, person, token, number, received):
        """Everything in an answer that names somebody must name the caller."""
        own, text = self.crowd.oids[person], whole_text(received)
        strangers = (set(IDENTIFIER.findall(text)) & self._everybody) - {own}
        if strangers:
            self.wrong.append((received.status, "names somebody else"))
        if WORDS in text:
            self.wrong.append((received.status, "says what the token endpoint said"))
        if received.status == 401 and not self._was_refused(own, token):
            self.wrong.append((401, "refused because of somebody else", received.json["error"]))
        if received.status == 200:
            self._look_at_token(own, token, number, received.json)

    def _was_refused(self, person, assertion):
        """Lately: it is not shown again for a minute; or it ended while the call was on."""
        now = self.clock.now()
        ago = now - self.server.endpoint.refused_at.get(person, 0)
        just_now = ago <= 2 * REFUSAL_SECONDS
        return just_now or payload_of(assertion.reveal())["exp"] < now

    def _look_at_token(self, own, assertion, number, told):
        token = told["token"]
        expected = (own, own, RESOURCES[number], payload_of(assertion.reveal())["uti"])
        if (told["caller"], token["oid"], token["aud"], token["of"]) != expected:
            self.wrong.append((200, "not this caller's, resource's or sign-in's"))
        if token["exp"] <= self.clock.now():
            self.wrong.append((200, "over"))
        key = assertion.digest(), number, token["asked"]
        before = self.tokens.get(key)
        self.renewed["tokens"] += before is not None and before != token["serial"]
        self.tokens[key] = token["serial"]


def whole_text(received):
    """Headers and body, and in clear what a challenge carries in base64."""
    headers = json.dumps(received.headers)
    carried = re.findall(r'claims="([^"]*)"', received.headers.get("www-authenticate", ""))
    return (
        headers
        + received.body.decode()
        + "".join(base64.b64decode(claims).decode() for claims in carried)
    )


@pytest.mark.promise("P-03")
@pytest.mark.timeout(3600)
def test_of_all_interleaved_calls_none_gets_anything_of_another_person(world, local, clock):
    endpoint = TokenEndpointWithBadDays(clock, SEED)
    server = Server(world, clock, endpoint)
    night = Night(Crowd(local.tenant, PEOPLE), server, clock, CALLS)
    asyncio.run(night.run())
    server.close()
    assert night.wrong == []
    assert night.outcomes.total() == CALLS
    assert night.outcomes[200] > 0.85 * CALLS
    assert min(night.outcomes[503], night.outcomes[401], night.outcomes["left"]) > 0.01 * CALLS
    assert night.renewed["sign-ins"] > 1.5 * PEOPLE
    assert night.renewed["tokens"] > 0.5 * PEOPLE
    exchanges = endpoint.happened.total()
    for kind in BAD_DAYS:
        assert abs(endpoint.happened[kind] / exchanges - SHARE) < 0.01, kind
