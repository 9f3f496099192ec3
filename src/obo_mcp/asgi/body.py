"""The body of a request, of limited length and patience."""

import asyncio
from collections.abc import Iterable

from obo_mcp.asgi.types import Message, Receive
from obo_mcp.errors import BodyTooLarge, BodyTooSlow, RequestRefused

BODY_SECONDS = 30.0
"""How long a body that has begun to arrive may keep us waiting, all its parts together."""


class LimitedBody:
    """Passes a request's body on until it is too long or takes too long.

    The application then hears that its client has gone; `refusal` says what really happened.
    `client_left` says that the client has gone indeed.
    """

    def __init__(self, receive: Receive, *, max_bytes: int, seconds: float = BODY_SECONDS) -> None:
        self._receive = receive
        self._left = max_bytes
        self._seconds = seconds
        self._begun = False
        self._complete = False
        self.refusal: RequestRefused | None = None
        self.client_left = False

    def check_announced(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Refuse by its Content-Length a body that nobody needs to read.

        Raises:
            BodyTooLarge: the client announces more than is read here.
        """
        for name, value in headers:
            if name.lower() == b"content-length" and (
                not value.isdigit() or int(value[:20]) > self._left
            ):
                raise BodyTooLarge

    async def receive(self) -> Message:
        """The next message of the ASGI connection; `http.disconnect` after a refusal."""
        if self.refusal is not None:
            return _gone()
        arriving = self._begun and not self._complete
        message = await (self._in_time() if arriving else self._receive())
        self._begun = True
        if message["type"] == "http.disconnect":
            self.client_left = self.refusal is None
        elif message["type"] == "http.request" and not self._complete:
            self._left -= len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._left < 0:
                self.refusal = BodyTooLarge()
                return _gone()
        return message

    async def _in_time(self) -> Message:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        try:
            async with asyncio.timeout(self._seconds):
                return await self._receive()
        except TimeoutError:
            self.refusal = BodyTooSlow()
            return _gone()
        finally:
            self._seconds -= loop.time() - asked_at


def _gone() -> Message:
    return {"type": "http.disconnect"}
