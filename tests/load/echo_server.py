"""The server under load: one tool, with the middleware or without it, otherwise the same.

python tests/load/echo_server.py protected|aged|bare PORT
"""

import gc
import json
import logging
import os
import sys
from typing import Annotated

import uvicorn
from mcp.server import MCPServer

from obo_mcp import OnBehalfOf, Settings
from obo_mcp.clock import SystemClock
from obo_mcp.observe import JsonLines

SCOPE = "https://graph.microsoft.com/.default"


def bare():
    mcp = MCPServer("echo")

    @mcp.tool()
    async def echo(text: str) -> str:
        return text

    return mcp.streamable_http_app(stateless_http=True)


def protected(clock=None):
    obo = OnBehalfOf(Settings.from_env(), clock=clock)
    mcp = MCPServer("echo")

    @mcp.tool()
    async def echo(text: str) -> str:
        return text

    @mcp.tool()
    async def echo_by_call(text: str) -> str:
        return text if await obo.downstream_token(SCOPE) else ""

    @mcp.tool()
    async def echo_by_parameter(text: str, token: Annotated[str, obo.token(SCOPE)]) -> str:
        return text if token else ""

    security = obo.transport_security()
    return obo.protect(mcp.streamable_http_app(stateless_http=True, transport_security=security))


class AgedClock(SystemClock):
    """Five minutes ahead from two seconds after its first reading: the first keys are old then."""

    def __init__(self):
        self._first = None

    def monotonic(self):
        now = super().monotonic()
        self._first = self._first or now
        return now + (301 if now > self._first + 2 else 0)


def aged():
    return protected(AgedClock())


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        sys.stdout.write(json.dumps({"ready": True}) + "\n")
        sys.stdout.flush()


def log_as_the_graph_server_does():
    lines = logging.StreamHandler()
    lines.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[lines])


if __name__ == "__main__":
    log_as_the_graph_server_does()
    # A child begins on its parent's one core: first take all that there are, then the other one.
    os.sched_setaffinity(0, range(os.cpu_count()))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    app = {"bare": bare, "protected": protected, "aged": aged}[sys.argv[1]]()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=int(sys.argv[2]), http="h11", log_config=None, access_log=False
    )
    Server(config).run()
