"""The application's answer on its way out, held back while there may be a better one."""

from collections.abc import Callable

from obo_mcp.asgi.types import Message, Send
from obo_mcp.errors import OboError

_OF_A_FRAMEWORK = 500
_MOST_HELD = 16


class Verdict:
    """What is known of an answer: whether it has begun, and the refusal that takes its place.

    It holds nothing else, so whoever serves the request may keep it in the ASGI scope.
    """

    __slots__ = ("begun", "refusal")

    def __init__(self) -> None:
        self.begun = False
        self.refusal: OboError | None = None

    def refuse(self, refusal: OboError) -> bool:
        """Have `refusal` answered in place of what the application sends, if that has not begun.

        Says whether it will be. Of two refusals the first is answered.
        """
        if self.begun:
            return False
        self.refusal = self.refusal or refusal
        return True


class HeldResponse:
    """Sends on, and notes in `verdict` whether the answer has begun.

    A status of 500 is held back until the application is done: frameworks such as Starlette send
    their own 500 for any exception before they let it through, and a refusal has a better answer.
    With `hold_start`, the start of any answer waits for the first part of its body, as the ASGI
    specification asks of servers: until then a tool may still find that the person has to sign in.
    What has not begun when `is_moot` says so, or after a refusal, is dropped: the door itself
    answers then.
    """

    def __init__(
        self, send: Send, *, is_moot: Callable[[], bool], hold_start: bool = False
    ) -> None:
        self._send = send
        self._is_moot = is_moot
        self._hold_start = hold_start
        self._held: list[Message] = []
        self.verdict = Verdict()

    async def send(self, message: Message) -> None:
        """Take one ASGI message from the application."""
        if self.verdict.begun:
            await self._send(message)
            return
        self._held.append(message)
        if not self._waits():
            await self.release()

    async def release(self) -> None:
        """Send what was held back."""
        held, self._held = self._held, []
        if not self.verdict.begun and (self.verdict.refusal is not None or self._is_moot()):
            return
        for message in held:
            if message["type"] == "http.response.start":
                self.verdict.begun = True
            await self._send(message)

    def _waits(self) -> bool:
        first, held = self._held[0], len(self._held)
        if first["type"] != "http.response.start":
            return False
        if first["status"] == _OF_A_FRAMEWORK:
            return held <= _MOST_HELD
        return self._hold_start and held == 1
