"""Our own start and stop around those of the application behind the door."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from obo_mcp.asgi.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("obo_mcp.asgi")


class Lifespan:
    """Runs `running()` for as long as the server runs, and forwards the lifespan protocol.

    An application that does not speak the protocol (it raises before it answers, as the ASGI
    specification allows) still gets served: its part is answered in its stead. The server hears
    that the shutdown is complete when ours is: it stops the event loop then.
    """

    def __init__(
        self, app: ASGIApp, running: Callable[[], AbstractAsyncContextManager[object]]
    ) -> None:
        self._app = app
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one `lifespan` scope."""
        talk = _Talk(receive, send)
        async with self._running():
            try:
                await self._app(scope, talk.receive, talk.send)
            except Exception as error:
                if talk.answered:
                    raise
                if talk.heard:
                    _log.warning("the application takes no lifespan: %s", type(error).__name__)
            if not talk.answered:
                await talk.stand_in()
        if talk.last_word is not None:
            await send(talk.last_word)


class _Talk:
    """The application's half of the protocol, with its last word held back."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.heard = False
        self.answered = False
        self.last_word: Message | None = None

    async def receive(self) -> Message:
        self.heard = True
        return await self._receive()

    async def send(self, message: Message) -> None:
        self.answered = True
        if message["type"].startswith("lifespan.shutdown"):
            self.last_word = message
        else:
            await self._send(message)

    async def stand_in(self) -> None:
        if not self.heard:
            await self._receive()
        await self._send({"type": "lifespan.startup.complete"})
        await self._receive()
        self.last_word = {"type": "lifespan.shutdown.complete"}
