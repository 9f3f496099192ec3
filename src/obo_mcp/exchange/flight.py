"""One call for everybody who asks for the same thing at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one call per key at a time; whoever asks meanwhile waits for its result.

    The call belongs to nobody: when one of those who wait goes away, the others still get the
    result, and so does whoever asks next.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, call: Callable[[], Awaitable[T]]) -> T:
        """The result of `call`, or of the call that is already under way for `key`.

        Raises:
            Exception: whatever the call raised, to each who waited.
        """
        try:
            return await asyncio.shield(self.start(key, call))
        except Exception as error:  # noqa: BLE001 - raised again at once
            # One exception object serves all who wait: each would lengthen its traceback.
            # Whatever it was raised amidst has frames that hold the assertion and our credential.
            cause, error.__context__ = error.__cause__, None
            raise error.with_traceback(None) from cause

    def start(self, key: Hashable, call: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        """The call for `key`: the one under way, or `call`, begun now. Nobody need wait for it."""
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(_awaited(call))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._landed(key))
        return flight

    async def aclose(self) -> None:
        """Cancel every call that is under way, and wait until it has ended."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._flights

    def __len__(self) -> int:
        return len(self._flights)

    def _landed(self, key: Hashable) -> None:
        flight = self._flights.pop(key)
        if not flight.cancelled():
            flight.exception()


async def _awaited(call: Callable[[], Awaitable[T]]) -> T:
    return await call()
