"""Answers that never arrive: the connection is cut before the first byte, or within the body.

uvicorn would say 500 for an application that stays silent, so the cut needs the transport itself.
"""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_KNIFE = "obo_tenant.cut_line"
_NO_ANSWER = 444  # nginx's number for a connection closed without an answer


class Severable:
    """ASGI middleware, directly under uvicorn: lets an answer reach its connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if scope["type"] == "http" and transport is not None:
            scope.setdefault("extensions", {})[_KNIFE] = transport
        await self._app(scope, receive, send)


class CutLine(Response):
    """No answer. With `begun` the head and half of the body are sent before the cut.

    Where there is no connection to cut, as in a test without sockets, it raises.

    Raises:
        ConnectionResetError: the request did not come through `Severable`.
    """

    def __init__(self, *, begun: bool = False) -> None:
        super().__init__(b'{"value": [', 200 if begun else _NO_ANSWER)
        self._begun = begun

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection."""
        transport = scope.get("extensions", {}).get(_KNIFE)
        if transport is None:
            raise ConnectionResetError("a switch of the local tenant cut this connection")
        if self._begun:
            await self._begin(send)
            transport.close()
        else:
            transport.abort()
        # uvicorn complains of an answer that is not finished, unless the client is known to be gone
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _begin(self, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
