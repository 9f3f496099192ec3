"""Our own start and stop around those of the application behind the door."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from obo_mcp.asgi.types import ASGIApp, Message, Receive, Scope, Send


class Lifespan:
    """Runs `running()` for as long as the server runs, and forwards the lifespan protocol.

    An application that does not speak the protocol (it raises before it answers, as the ASGI
    specification allows) still gets served: its part is answered in its stead.
    """

    def __init__(
        self, app: ASGIApp, running: Callable[[], AbstractAsyncContextManager[object]]
    ) -> None:
        self._app = app
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one `lifespan` scope."""
        answered = received = False

        async def receiving() -> Message:
            nonlocal received
            received = True
            return await receive()

        async def sending(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        async with self._running():
            try:
                await self._app(scope, receiving, sending)
            except Exception:
                if answered:
                    raise
            if not answered:
                await _stand_in(receive, send, started=received)


async def _stand_in(receive: Receive, send: Send, *, started: bool) -> None:
    if not started:
        await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
