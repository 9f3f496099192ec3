"""A Graph server with links, a visitor who opens them, and an upload session to fill."""

import json
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
import httpx

from obo_graph.links.desk import Links
from obo_graph.links.door import LinkDoor
from obo_graph.links.pace import Pace
from obo_graph.links.ticket import TicketSeal
from obo_graph.server import Wiring, create_server
from obo_graph.wire.graph import Graph
from obo_graph.wire.transport import GraphTransport
from support.asgi import Received
from unit.graph_server.world import World

OURS = "https://mcp.contoso.example"
STORE = "https://contoso.sharepoint.com/download/x?tempauth=secret-of-graph"
SESSION = "https://contoso.sharepoint.com/session/s1?tempauth=secret-of-graph"
SESSION_PATH = "/session/s1"
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class LinkedWorld(World):
    """A World whose server has an address, so that it can make links."""

    def __init__(self, *, keys=(), **settings):
        super().__init__(**settings)
        self.graph = Graph(
            transport=GraphTransport(self.settings.graph_url),
            clock=self.clock,
            correlation_id=lambda: "correlation-0001",
            download_hosts=self.settings.download_hosts,
            upload_hosts=self.settings.upload_hosts,
            sleep=self.clock.sleep,
        )
        self._is_open = False
        self.links = Links(
            origin=OURS,
            seconds=self.settings.link_seconds,
            clock=self.clock,
            seal=TicketSeal(keys),
        )
        wiring = Wiring(links=self.links)
        self.server = create_server(self.obo, self.graph, self.settings, self.new_http, wiring)
        self.door = LinkDoor(_elsewhere, links=self.links, graph=self.graph, pace=Pace())

    async def serve(self, scope, receive, send):
        """One ASGI connection, in the server's lifespan."""
        async with AsyncExitStack() as lifespan:
            if not self._is_open:
                self._is_open = True
                lifespan.callback(setattr, self, "_is_open", False)
                await lifespan.enter_async_context(self.graph.transport.open(self.new_http()))
            await self.door(scope, receive, send)

    async def visit(self, url, method="GET", body=(), receive=None, headers=()):
        """The answer to one request; `body` is sent in these chunks."""
        visitor = Visitor(list(body))
        sent = [(b"host", b"mcp.contoso.example"), *headers]
        if method == "PUT" and not any(name == b"content-length" for name, _ in sent):
            sent.append((b"content-length", str(sum(map(len, body))).encode()))
        scope = {
            "type": "http",
            "method": method,
            "path": urlsplit(url).path,
            "query_string": b"",
            "headers": sent,
        }
        await self.serve(scope, receive or visitor.receive, visitor.send)
        return visitor.answer

    def download(self, name="notes.txt", content_type="text/plain", url=STORE):
        return self.links.download(url, name, content_type, ("contoso", "adele")).url

    def upload(self, name="new.txt", url=SESSION):
        return self.links.upload(url, name, ("contoso", "adele")).url


async def _elsewhere(scope, receive, send):
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"elsewhere"})


async def nothing(*_):
    """What a client does that neither sends nor reads."""
    await anyio.sleep_forever()


@dataclass
class Visitor:
    """Sends its chunks, then waits; keeps what it gets, and whether the answer ended."""

    chunks: list
    answer: Received = field(default_factory=Received)
    ended: bool = False

    async def receive(self):
        if self.chunks:
            chunk = self.chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(self.chunks)}
        return await nothing()

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.answer.status = message["status"]
            self.answer.headers = {n.decode(): v.decode() for n, v in message["headers"]}
        else:
            self.answer.body += message.get("body", b"")
            self.ended = not message.get("more_body", False)


class Session:
    """An upload session as OneDrive keeps one (Graph, "driveItem: createUploadSession")."""

    def __init__(self, network):
        self.content = bytearray()
        self.parts = []
        self.state = "open"
        self.last_status = 201
        network.on(SESSION_PATH, self._status)
        network.on(SESSION_PATH, self._put, method="PUT")
        network.on(SESSION_PATH, self._delete, method="DELETE")

    def _status(self, _request):
        if self.state != "open":
            return httpx.Response(404, json={"error": {"code": "itemNotFound", "message": ""}})
        return httpx.Response(200, json={"nextExpectedRanges": [f"{len(self.content)}-"]})

    def _put(self, request):
        start, end, size = map(int, _RANGE.fullmatch(request.headers["content-range"]).groups())
        assert "authorization" not in request.headers
        if self.state != "open":
            return httpx.Response(404)
        if start != len(self.content):
            return httpx.Response(416)
        assert end - start + 1 == len(request.content)
        self.content += request.content
        self.parts.append(len(request.content))
        if len(self.content) < size:
            return httpx.Response(202, json={"nextExpectedRanges": [f"{len(self.content)}-"]})
        self.state = "done"
        return httpx.Response(self.last_status, json={"id": "01NEW", "name": "new 1.txt"})

    def _delete(self, _request):
        self.state = "ended"
        return httpx.Response(204)


def events(caplog):
    return [
        record.obo_mcp_fields
        for record in caplog.records
        if getattr(record, "obo_mcp_fields", {}).get("event") == "file_link"
    ]


def stored_item(world, path="/v1.0/drives/b!D1/items/01ABC", **changes):
    item = {
        "id": "01ABC",
        "name": "Figures.pdf",
        "size": 1234,
        "file": {"mimeType": "application/pdf"},
        "webUrl": "https://contoso.sharepoint.com/x/Figures.pdf",
        "lastModifiedDateTime": "2026-11-20T10:00:00Z",
        "lastModifiedBy": {"user": {"displayName": "Lynne Robbins"}},
        "createdDateTime": "2026-11-19T10:00:00Z",
        "createdBy": {"user": {"displayName": "Adele Vance"}},
        "parentReference": {"driveId": "b!D1", "path": "/drive/root:/Reports"},
        "@microsoft.graph.downloadUrl": STORE,
    } | changes
    world.network.on(path, item)
    return json.loads(json.dumps(item))
