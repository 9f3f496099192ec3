"""The servers of `graph_cost.py`, each a process of its own.

python tests/load/graph_server_process.py graph|ours|bare PORT

`graph` is a Graph that answers the same bytes to everybody; `ours` is the Graph server; `bare` is
what somebody writes in an afternoon: the same door and the same parameters, then httpx and json.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs

import uvicorn

sys.path.insert(0, str(Path(__file__).parent))

from echo_server import Server, log_as_the_graph_server_does

WORDS = "Could you have a look at the numbers before the meeting, they differ from last month's"


def message(number):
    address = {"emailAddress": {"name": "Lynne Robbins", "address": "lynne@contoso.example"}}
    return {
        "@odata.etag": f'W/"CQAAABYAAAD{number:04}"',
        "id": "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AY" + f"{number:031}",
        "from": address,
        "toRecipients": [address, address, address],
        "subject": f"Budget of the third quarter, part {number}",
        "receivedDateTime": "2026-11-20T09:15:00Z",
        "isRead": number % 2 == 0,
        "flag": {"flagStatus": "notFlagged"},
        "hasAttachments": False,
        "bodyPreview": WORDS * 2,
        "conversationId": "AAQkADEapmEc2byACqAC-EWg0AY" + f"{number:031}",
    }


def event(number):
    person = {"emailAddress": {"name": "Megan Bowen", "address": "megan@contoso.example"}}
    attendee = {"type": "required", "status": {"response": "accepted"}, **person}
    hour = 8 + number % 10
    return {
        "id": "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AZ" + f"{number:031}",
        "subject": f"Review {number}",
        "start": {"dateTime": f"2026-11-23T{hour:02}:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"2026-11-23T{hour:02}:30:00.0000000", "timeZone": "UTC"},
        "isAllDay": False,
        "location": {"displayName": "Room 4"},
        "isOnlineMeeting": True,
        "organizer": person,
        "attendees": [attendee] * 6,
        "responseStatus": {"response": "accepted"},
        "type": "singleInstance",
        "isCancelled": False,
    }


def item(number):
    return {
        "id": f"01ABCDEFGHIJKLMNOPQRSTUVWX{number:06}",
        "name": f"Report {number}.docx",
        "size": 12_345 + number,
        "file": {"mimeType": "application/octet-stream"},
        "webUrl": f"https://contoso.sharepoint.com/personal/x/Documents/Report%20{number}.docx",
        "lastModifiedDateTime": "2026-11-20T09:15:00Z",
        "lastModifiedBy": {"user": {"displayName": "Alex Wilber"}},
        "parentReference": {"driveId": "b!D1", "path": "/drive/root:/Reports"},
    }


def canned():
    def page(rows):
        return json.dumps({"value": rows}).encode()

    zone = json.dumps({"timeZone": "W. Europe Standard Time"}).encode()
    mails = {top: page([message(n) for n in range(top)]) for top in (10, 50)}
    events, files = page([event(n) for n in range(20)]), page([item(n) for n in range(25)])
    return {
        "/v1.0/me/mailboxSettings": lambda _top: zone,
        "/v1.0/me/messages": mails.__getitem__,
        "/v1.0/me/calendarView": lambda _top: events,
        "/v1.0/me/drive/root/children": lambda _top: files,
    }


def graph():
    answers = canned()

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                await send({"type": f"{kind}.complete"})
                if kind == "lifespan.shutdown":
                    return
        answer = answers.get(scope["path"])
        top = int(parse_qs(scope["query_string"].decode()).get("$top", ["0"])[0])
        body = b"{}" if answer is None else answer(top)
        headers = [(b"content-type", b"application/json")]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def ours():
    from obo_graph.app import create_app
    from obo_graph.settings import GraphSettings
    from obo_mcp import Settings

    return create_app(Settings.from_env(), GraphSettings.from_env())


def bare():
    from contextlib import asynccontextmanager

    import httpx
    from mcp.server import MCPServer
    from mcp.types import CallToolResult, TextContent

    from obo_graph.settings import GraphSettings
    from obo_mcp import OnBehalfOf, Principal, Settings, TokenSource

    obo, settings = OnBehalfOf(Settings.from_env()), GraphSettings.from_env()
    scope = settings.scope_for("mail_search")
    clients = []

    @asynccontextmanager
    async def lifespan(_server):
        async with httpx.AsyncClient(base_url=f"{settings.graph_url}/v1.0") as http:
            clients.append(http)
            yield

    mcp = MCPServer("bare", lifespan=lifespan, middleware=[obo.mcp_middleware()])

    async def read(tokens, path, query):
        token = await tokens.token()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        answer = await clients[0].get(path, params=query, headers=headers)
        found = json.loads(answer.raise_for_status().content)
        text = json.dumps(found, separators=(",", ":"))
        return CallToolResult(
            content=[TextContent(type="text", text=text)], structured_content=found
        )

    tokens_of = Annotated[TokenSource, obo.token_source(scope)]
    person = Annotated[Principal, obo.principal()]

    @mcp.tool()
    async def mail_search(tokens: tokens_of, who: person, limit: int = 10) -> CallToolResult:
        return await read(tokens, "/me/messages", {"$top": limit})

    @mcp.tool()
    async def calendar_view(tokens: tokens_of, who: person, start: str, end: str) -> CallToolResult:
        query = {"startDateTime": start, "endDateTime": end, "$top": 50}
        return await read(tokens, "/me/calendarView", query)

    @mcp.tool()
    async def files_list(tokens: tokens_of, who: person) -> CallToolResult:
        return await read(tokens, "/me/drive/root/children", {"$top": 25})

    security = obo.transport_security()
    return obo.protect(mcp.streamable_http_app(stateless_http=True, transport_security=security))


if __name__ == "__main__":
    log_as_the_graph_server_does()
    kind, port = sys.argv[1], int(sys.argv[2])
    # The server under test has a core of its own; the fake Graph shares the client's.
    cores = sorted(range(os.cpu_count()))
    os.sched_setaffinity(0, {cores[-1] if kind == "graph" else cores[0]})
    app = {"graph": graph, "ours": ours, "bare": bare}[kind]()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, http="h11", log_config=None, access_log=False
    )
    Server(config).run()
