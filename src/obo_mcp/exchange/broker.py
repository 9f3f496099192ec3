"""The downstream token of a caller: from the cache, or by one exchange."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from obo_mcp.cache.entry import CachedToken, CacheKey, TokenCache
from obo_mcp.clock import Clock
from obo_mcp.errors import OboError
from obo_mcp.exchange.flight import SingleFlight
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.principal import Caller
from obo_mcp.observe import Field, record, wanted
from obo_mcp.secret import Secret

_T = TypeVar("_T")
Grant = Callable[[Caller, Scopes], Awaitable[CachedToken]]
"""One exchange at the token endpoint; `OnBehalfOfGrant.exchange` is one."""


class TokenBroker:
    """Hands out downstream tokens: cache, then one flight per person, then the grant."""

    def __init__(self, grant: Grant, cache: TokenCache, clock: Clock, *, client_id: str) -> None:
        self._grant = grant
        self._cache = cache
        self._clock = clock
        self._client_id = client_id
        self._flights: SingleFlight[CachedToken] = SingleFlight()

    async def downstream_token(self, caller: Caller, scopes: Scopes) -> Secret:
        """A token for `scopes` that acts as `caller`: a kept one with a minute or more to live,
        or a new one.

        Raises:
            ExchangeRefused: the authority refuses the exchange; the leaf says why.
            Unavailable: the token endpoint gives no answer; ask again later.
        """
        key = CacheKey(
            assertion_digest=caller.principal.token_digest,
            tenant_id=caller.principal.tid,
            client_id=self._client_id,
            resource=scopes.resource,
            scopes=scopes.names,
        )
        started = self._clock.monotonic()
        entry, source = await _forgiven(self._cache.get(key)), "cache"
        try:
            if entry is None:
                source = "exchange"
                entry = await self._flights.run(key, lambda: self._exchange(key, caller, scopes))
        except OboError as error:
            self._report(caller, scopes, started, type(error).__name__, reason=_reason(error))
            raise
        self._report(caller, scopes, started, source, lifetime_seconds=self._left(entry))
        return entry.token

    async def _exchange(self, key: CacheKey, caller: Caller, scopes: Scopes) -> CachedToken:
        entry = await self._grant(caller, scopes)
        await _forgiven(self._cache.put(key, entry))
        return entry

    def _left(self, entry: CachedToken) -> int:
        return int(entry.expires_at - self._clock.now())

    def _report(
        self, caller: Caller, scopes: Scopes, started: float, outcome: str, **more: Field
    ) -> None:
        level = logging.DEBUG if outcome == "cache" else logging.INFO
        if not wanted(level):
            return
        principal = caller.principal
        fields: dict[str, Field] = {
            "outcome": outcome,
            "tid": principal.tid,
            "oid": principal.oid,
            "azp": principal.azp,
            "resource": scopes.resource,
            "scope": " ".join(scopes.names),
            "milliseconds": round((self._clock.monotonic() - started) * 1000, 2),
            "correlation_id": caller.correlation_id,
            **more,
        }
        record("downstream_token", level=level, fields=fields)


async def _forgiven(use: Awaitable[_T]) -> _T | None:
    """What the cache answers; a failing one behaves as an empty one."""
    try:
        return await use
    except Exception as error:  # noqa: BLE001 - each cache fails in its own way
        record("cache", fields={"outcome": "failed", "cause": type(error).__name__})
        return None


def _reason(error: OboError) -> str:
    return str(error.__cause__) if error.__cause__ else ""
