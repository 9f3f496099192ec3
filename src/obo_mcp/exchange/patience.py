"""HTTP for what our whole server asks for: a Retry-After is kept to, whoever comes next.

A person's Retry-After is the breaker's business. This is for the tokens that our application gets
for itself, where one answer is about everybody.
"""

from collections.abc import Callable
from math import ceil
from typing import Any

from obo_mcp.clock import Clock
from obo_mcp.errors import TokenEndpointUnavailable, Unavailable
from obo_mcp.exchange.cause import Cause, HeldBack, cause_of
from obo_mcp.exchange.transport import Answer, TokenEndpointTransport


class Patient:
    """An `http_client` for MSAL that asks no address again before its Retry-After is over.

    It stands below MSAL, so that an early renewal is held back too, and the token that is still
    good goes on serving.
    """

    def __init__(self, transport: TokenEndpointTransport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._resting: dict[str, tuple[float, Cause]] = {}

    def post(self, url: str, **options: Any) -> Answer:
        """POST, as MSAL's `http_client` protocol asks.

        Raises:
            Unavailable: as the transport's, or the address asked to be left alone.
        """
        return self._asked(url, lambda: self._transport.post(url, **options))

    def get(self, url: str, **options: Any) -> Answer:
        """GET, as MSAL's `http_client` protocol asks.

        Raises:
            Unavailable: as the transport's, or the address asked to be left alone.
        """
        return self._asked(url, lambda: self._transport.get(url, **options))

    def close(self) -> None:
        """Close the transport's connections."""
        self._transport.close()

    def _asked(self, url: str, send: Callable[[], Answer]) -> Answer:
        address = url.partition("?")[0]
        until, met = self._resting.get(address, (float("-inf"), Cause("")))
        left = until - self._clock.monotonic()
        if left > 0:
            reason = HeldBack(f"held back after {met}", codes=met.codes, cure=met.cure)
            raise TokenEndpointUnavailable(retry_after_seconds=ceil(left)) from reason
        try:
            return send()
        except Unavailable as error:
            cause = cause_of(error)
            if cause.asked_seconds is not None:
                self._resting[address] = self._clock.monotonic() + cause.asked_seconds, cause
            raise
