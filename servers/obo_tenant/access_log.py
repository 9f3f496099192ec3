"""One line per request in the program's log: method, path, status, milliseconds; nothing else."""

import logging
import time
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_GRAPH = ("/v1.0/", "/_download/", "/_upload/", "/_attach/")
_HUNG_UP = 499  # nginx's number for a client that did not wait for its answer
_LOGGER = logging.getLogger("obo_tenant.access")


class AccessLog:
    """ASGI middleware around the whole application. The query is left out: it holds codes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log it when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, statuses = time.perf_counter(), [500]

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses[0] = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            statuses[0] = _HUNG_UP
        finally:
            spent = round((time.perf_counter() - started) * 1000)
            path = _loggable(scope["path"])
            _LOGGER.info("%s %s %d %d ms", scope["method"], path, statuses[0], spent)


def _loggable(path: str) -> str:
    """Graph's paths hold names, search words and download links; its own log tells what it may.

    Any other is quoted again, lest a line break in it forge a line of the log.
    """
    prefix = next((graph for graph in _GRAPH if path.startswith(graph)), None)
    return f"{prefix}..." if prefix else quote(path)
