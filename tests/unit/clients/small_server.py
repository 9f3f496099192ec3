"""A small MCP server on a real socket, behind a bearer check that the test supplies."""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import Any

import anyio
import uvicorn
from mcp import UrlElicitationRequiredError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ElicitRequestURLParams
from pydantic import BaseModel
from starlette.responses import JSONResponse


class Refused(Exception):
    """What the gate answers instead of letting the request through."""

    def __init__(self, status, headers=None, body=None):
        super().__init__(status)
        self.response = JSONResponse(body or {}, status, headers=headers)


class Hit(BaseModel):
    id: str
    subject: str


class Hits(BaseModel):
    items: list[Hit]


class Gate:
    """Pure ASGI: `check(token)` returns who it is, or raises Refused. Counts what it let in."""

    def __init__(self, app, check: Callable[[str], Mapping[str, Any]]):
        self.app, self.check, self.admitted = app, check, 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        try:
            scope["identity"] = self.check(token)
        except Refused as refused:
            await refused.response(scope, receive, send)
            return
        self.admitted += 1
        await self.app(scope, receive, send)


def who(ctx: Context) -> str:
    return ctx.request_context.request.scope["identity"]["oid"]


async def whoami(ctx: Context) -> dict[str, str]:
    """Say who the token stands for."""
    return {"oid": who(ctx)}


async def types(
    text: str,
    count: int = 1,
    ratio: float = 1.0,
    flag: bool = False,
    tags: list[str] | None = None,
) -> dict[str, Any]:
    """Give back what came in."""
    return {"text": text, "count": count, "ratio": ratio, "flag": flag, "tags": tags}


async def refuses() -> str:
    raise ToolError("mailbox \x1b[31mnot found")


async def plain() -> str:
    return "one \x1b[2Jtwo"


async def slow(ctx: Context) -> str:
    await ctx.report_progress(1, 2, "half way")
    return "done"


async def hangs() -> str:
    await anyio.sleep_forever()
    return "never"


async def mail_search(ctx: Context, query: str = "") -> Hits:
    return Hits(items=[Hit(id=f"m1-of-{who(ctx)}", subject=f"Budget {query}".strip())])


async def mail_read(message_id: str) -> str:
    return f"body of {message_id}"


async def needs_consent() -> str:
    page = ElicitRequestURLParams(
        message="Consent needed", url="https://consent.example/c", elicitation_id="e1"
    )
    raise UrlElicitationRequiredError([page])


async def calendar_view(start: str, end: str) -> dict[str, str]:
    return {"start": start, "end": end}


TOOLS = (
    whoami,
    types,
    refuses,
    plain,
    slow,
    hangs,
    mail_search,
    mail_read,
    needs_consent,
    calendar_view,
)


def build_tools() -> MCPServer:
    mcp = MCPServer("small")
    for tool in TOOLS:
        mcp.add_tool(tool)
    return mcp


@contextmanager
def running(check):
    """Yields the endpoint's URL and the gate; the socket is bound before the thread starts."""
    gate = Gate(build_tools().streamable_http_app(stateless_http=True), check)
    # asyncio turns Nagle's delay off only for sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(gate, log_level="warning", lifespan="on", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", gate
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
    assert not thread.is_alive()
