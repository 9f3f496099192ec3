"""Replicas of a server, each a process of its own; this program is what they are made from.

It loads everything once and then forks a replica for every order on standard input, one JSON
object a line: {"name", "kind", "environment", "log"} starts one, {"stop": pid} ends one with
SIGTERM. What has happened is told on standard output, again one object a line. When its input
ends, so do all replicas.
"""

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Annotated

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import AcceptedElicitation, Elicit, Resolve
from pydantic import BaseModel

from obo_graph.__main__ import _log_as_json
from obo_graph.app import create_app
from obo_graph.settings import GraphSettings
from obo_mcp import OnBehalfOf, Settings
from obo_mcp.cache.tiered import REST_SECONDS
from obo_mcp.clock import SystemClock

SCOPE = "https://graph.microsoft.com/.default"


class PushedClock(SystemClock):
    """A signal moves it on, so that no test has to wait until Redis is tried again."""

    def __init__(self):
        self._ahead = 0.0
        signal.signal(signal.SIGUSR1, self._push)

    def monotonic(self):
        return super().monotonic() + self._ahead

    def _push(self, *_):
        self._ahead += REST_SECONDS


class Choice(BaseModel):
    colour: str


async def choice() -> Elicit[Choice]:
    return Elicit("Which colour?", Choice)


def tokens():
    """A protected server with a tool that gives its caller the downstream token itself."""
    obo = OnBehalfOf(Settings.from_env(), clock=PushedClock())
    state = obo.request_state_security()
    mcp = MCPServer("tokens", middleware=[obo.mcp_middleware()], request_state_security=state)

    @mcp.tool()
    async def downstream() -> str:
        return str(await obo.downstream_token(SCOPE))

    @mcp.tool()
    async def after_a_question(
        chosen: Annotated[AcceptedElicitation[Choice], Resolve(choice)],
    ) -> str:
        return await obo.downstream_token(SCOPE) and chosen.data.colour

    security = obo.transport_security()
    return obo.protect(
        mcp.streamable_http_app(
            stateless_http=True, json_response=True, transport_security=security
        )
    )


def graph():
    return create_app(Settings.from_env(), GraphSettings.from_env())


class Server(uvicorn.Server):
    def __init__(self, name, listener, app):
        config = uvicorn.Config(app, http="h11", log_config=None, access_log=False)
        super().__init__(config)
        self._name, self._listener = name, listener

    async def startup(self, sockets=None):
        await super().startup(sockets)
        tell(ready=self._name, pid=os.getpid(), port=self._listener.getsockname()[1])


def tell(**news):
    """Less than PIPE_BUF octets in one write: what two replicas tell is never mixed."""
    os.write(1, json.dumps(news).encode() + b"\n")


def live(order):
    """What a fork does instead of returning."""
    os.dup2(os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    for name in [name for name in os.environ if name.startswith("OBO_MCP_")]:
        del os.environ[name]
    os.environ |= order["environment"]
    _log_as_json()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises what stopped it once more
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    app = {"tokens": tokens, "graph": graph}[order["kind"]]()
    Server(order["name"], listener, app).run(sockets=[listener])


def start(order):
    pid = os.fork()
    if pid:
        return pid
    try:
        live(order)
    except BaseException as error:  # noqa: BLE001 - a fork never goes on as its parent
        tell(failed=order["name"], kind=type(error).__name__)
    os._exit(0)


def main():
    running = set()
    gc.collect()
    gc.freeze()  # as the Graph server does: full collections need not walk what was loaded
    try:
        for line in sys.stdin:
            order = json.loads(line)
            if pid := order.get("stop"):
                os.kill(pid, signal.SIGTERM)
                os.waitpid(pid, 0)
                running.discard(pid)
                tell(stopped=pid)
            else:
                running.add(start(order))
    finally:
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
