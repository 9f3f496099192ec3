"""The application's answer on its way out, held back while there may be a better one."""

from collections.abc import Callable

from obo_mcp.asgi.types import Message, Send

_OF_A_FRAMEWORK = 500
_MOST_HELD = 16


class HeldResponse:
    """Sends on, and notes whether the answer has begun.

    A status of 500 is held back until the application is done: frameworks such as Starlette send
    their own 500 for any exception before they let it through, and a refusal has a better answer.
    What has not begun when `is_moot` says so is dropped: the door itself answers then.
    """

    def __init__(self, send: Send, *, is_moot: Callable[[], bool]) -> None:
        self._send = send
        self._is_moot = is_moot
        self._held: list[Message] = []
        self.started = False

    async def send(self, message: Message) -> None:
        """Take one ASGI message from the application."""
        begins = message["type"] == "http.response.start"
        if (begins and message["status"] == _OF_A_FRAMEWORK) or self._held:
            self._held.append(message)
            if len(self._held) > _MOST_HELD:
                await self.release()
        else:
            await self._pass_on(message)

    async def release(self) -> None:
        """Send what was held back."""
        held, self._held = self._held, []
        for message in held:
            await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        if not self.started and self._is_moot():
            return
        self.started = self.started or message["type"] == "http.response.start"
        await self._send(message)
