"""A session belongs to the person and the client that opened it; our own servers have none."""

import asyncio
import itertools
import json
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import pytest
from mcp.server import MCPServer

from obo_graph.app import create_app as create_graph_server
from obo_graph.settings import GraphSettings
from obo_mcp import OnBehalfOf, Principal
from obo_whoami.__main__ import create_app as create_whoami
from support.serving import Serving

COUNT = 10_000
CONNECTIONS = 8
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
SESSION = "mcp-session-id"


def message(method, params=None, *, id_=1):
    wanted = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    return wanted if method.startswith("notifications/") else wanted | {"id": id_}


INITIALIZE = message(
    "initialize",
    {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "0"},
    },
)
INITIALIZED = message("notifications/initialized")
WHO = message("tools/call", {"name": "who", "arguments": {}})


def bearer(token):
    return {"Authorization": f"Bearer {token.reveal()}"}


class Stateful:
    """A server that keeps sessions; `served` lists whom its tool was called for."""

    def __init__(self, world):
        self.served = []
        self._world = world

    def build(self, url):
        obo = OnBehalfOf(self._world.settings(f"{url}/mcp"))
        mcp = MCPServer("under test")

        @mcp.tool()
        async def who(me: Annotated[Principal, obo.principal()]) -> str:
            self.served.append((me.oid, me.azp))
            return me.oid

        security = obo.transport_security()
        app = mcp.streamable_http_app(stateless_http=False, transport_security=security)
        return obo.protect(app, stateful=True)


@pytest.fixture
def stateful(world):
    return Stateful(world)


@pytest.fixture
def url(stateful):
    with Serving(stateful.build) as serving:
        yield f"{serving.url}/mcp"


@pytest.fixture
def http():
    with httpx.Client(trust_env=False, headers=HEADERS, timeout=30) as client:
        yield client


@pytest.fixture
def opened(http, url):
    """A function: open a session as the owner of a token, and give its header."""

    def open_session(token):
        answer = http.post(url, json=INITIALIZE, headers=bearer(token))
        session = {SESSION: answer.headers[SESSION]}
        http.post(url, json=INITIALIZED, headers=bearer(token) | session)
        return session

    return open_session


ATTEMPTS = [
    ("POST", WHO),
    ("POST", message("tools/list")),
    ("POST", message("ping")),
    ("POST", INITIALIZE),
    ("POST", INITIALIZED),
    ("GET", None),
    ("DELETE", None),
]
"""What somebody with a stolen session id would try: to use it, to listen, to end it."""


def on_the_wire(url, token, session, attempt):
    method, body = attempt
    content = json.dumps(body).encode() if body else b""
    headers = HEADERS | bearer(token) | session
    headers |= {"Host": urlsplit(url).netloc, "Content-Length": str(len(content))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} /mcp HTTP/1.1\r\n{lines}\r\n".encode() + content


async def answers(url, requests):
    """Send `requests` one after the other over one connection; (status, body) of each answer."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    got = []
    for request in requests:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        body = await reader.readexactly(int(length))
        got.append((int(head.split(" ", 2)[1]), body))
    writer.close()
    await writer.wait_closed()
    return got


@pytest.mark.promise("P-14")
async def test_ten_thousand_requests_with_the_session_id_of_another_are_refused(
    world, stateful, url, http, opened
):
    """Figure: 0 accepted. The others: somebody else, the same person through another client."""
    adele = world.token("adele")
    session = opened(adele)
    strangers = [world.token("megan"), world.token("adele", client="user-app"), *world.crowd(20)]
    prepared = [
        on_the_wire(url, token, session, attempt)
        for token, attempt in itertools.product(strangers, ATTEMPTS)
    ]
    requests = list(itertools.islice(itertools.cycle(prepared), COUNT))
    got = await asyncio.gather(
        *(answers(url, requests[first::CONNECTIONS]) for first in range(CONNECTIONS))
    )
    different = set(itertools.chain.from_iterable(got))
    assert sum(map(len, got)) == COUNT
    assert [(status, json.loads(body)["error"]["message"]) for status, body in different] == [
        (404, "Session not found")
    ]
    assert stateful.served == []
    answer = http.post(url, json=WHO, headers=bearer(adele) | session)
    assert (answer.status_code, world.person("adele")["oid"] in answer.text) == (200, True)


def test_the_refusal_is_that_of_a_session_that_never_was(world, url, http, opened):
    session = opened(world.token("adele"))
    megan = bearer(world.token("megan"))
    taken = http.post(url, json=WHO, headers=megan | session)
    invented = http.post(url, json=WHO, headers=megan | {SESSION: "0" * 32})
    assert taken.status_code == invented.status_code == 404
    assert taken.content == invented.content


def test_a_refreshed_token_of_the_same_person_and_client_is_accepted(
    world, stateful, url, http, opened
):
    session = opened(world.token("adele"))
    oid = world.person("adele")["oid"]
    client = world.about["apps"]["connection"]["client_id"]
    for scopes in (["mcp.access"], ["mcp.access", "mcp.admin"]):
        refreshed = world.token("adele", scopes=scopes, claims={"uti": "another"})
        answer = http.post(url, json=WHO, headers=bearer(refreshed) | session)
        assert (answer.status_code, oid in answer.text) == (200, True)
    assert stateful.served == [(oid, client)] * 2


def test_a_session_id_is_no_credential(world, url, http, opened):
    session = opened(world.token("adele"))
    expired = world.token("adele", lifetime_seconds=-120)
    for headers in ({}, bearer(expired)):
        for method, body in ATTEMPTS:
            answer = http.request(method, url, json=body, headers=headers | session)
            assert answer.status_code == 401


def test_only_the_owner_ends_a_session(world, url, http, opened):
    adele, megan = world.token("adele"), world.token("megan")
    session = opened(adele)
    assert http.delete(url, headers=bearer(megan) | session).status_code == 404
    assert http.post(url, json=WHO, headers=bearer(adele) | session).status_code == 200
    assert http.delete(url, headers=bearer(adele) | session).status_code == 200
    assert http.post(url, json=WHO, headers=bearer(adele) | session).status_code == 404


def test_on_the_wire_of_2026_a_session_id_means_nothing(world, stateful, url, http, opened):
    """That wire has no sessions: whoever sends an id is served as themselves, if at all."""
    session = opened(world.token("adele"))
    version = "2026-07-28"
    meta = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "0"},
    }
    ask = message("tools/call", {"name": "who", "arguments": {}, "_meta": meta})
    modern = {"MCP-Protocol-Version": version, "Mcp-Method": "tools/call", "Mcp-Name": "who"}
    answer = http.post(url, json=ask, headers=bearer(world.token("megan")) | session | modern)
    assert answer.status_code == 200
    assert [oid for oid, _ in stateful.served] == [world.person("megan")["oid"]]
    assert SESSION not in answer.headers


def whoami(world, url):
    return create_whoami(world.settings(f"{url}/mcp"), world.url)


def graph_server(world, url):
    graph = GraphSettings(graph_url=world.url, graph_resource=world.about["graph_resource"])
    return create_graph_server(world.settings(f"{url}/mcp"), graph)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", ""])
@pytest.mark.parametrize("program", [whoami, graph_server])
def test_our_own_servers_never_give_out_a_session_id(world, http, program, version):
    asked = [INITIALIZE, INITIALIZED, message("ping"), message("tools/list")]
    asked.append(message("tools/call", {"name": "whoami", "arguments": {}}))
    headers = bearer(world.token("adele"))
    headers |= {"MCP-Protocol-Version": version} if version else {}
    with Serving(lambda url: program(world, url)) as serving:
        for claimed in ({}, {SESSION: "0" * 32}):
            for body in asked:
                answer = http.post(f"{serving.url}/mcp", json=body, headers=headers | claimed)
                assert answer.is_success
                assert SESSION not in answer.headers
