"""The downstream token of a caller: kept ones first, then one exchange for all who wait."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import NamedTuple, TypeVar

from cachetools import TTLCache

from obo_mcp.cache.entry import MARGIN_SECONDS, CachedToken, CacheKey, TokenCache
from obo_mcp.clock import Clock
from obo_mcp.errors import AssertionRejected, OboError, TokenEndpointUnavailable, WrongPerson
from obo_mcp.exchange.breaker import Breaker
from obo_mcp.exchange.budget import RetryBudget
from obo_mcp.exchange.cause import HeldBack, TransportFailure, cause_of
from obo_mcp.exchange.claims import merged
from obo_mcp.exchange.downstream import check_person
from obo_mcp.exchange.flight import SingleFlight
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.principal import Caller
from obo_mcp.observe import Field, record, wanted
from obo_mcp.secret import Secret

Grant = Callable[[Caller, Scopes, str], Awaitable[CachedToken]]
"""One exchange at the token endpoint, with a claims request or ""; `OnBehalfOfGrant.exchange`."""
Sleep = Callable[[float], Awaitable[None]]

DEADLINE_SECONDS = 30.0
"""The longest that a caller waits for an exchange, queueing included."""
ADVISORY_SECONDS = 300.0
"""In the last five minutes of a token's use, the first who asks has a new one fetched meanwhile."""
ADVISORY_PAUSE_SECONDS = 30.0
"""When that fails, nobody tries again for this long; the old token goes on serving."""
RENEWAL_SECONDS = 3600.0
"""For how long it is known which challenge the kept token was got for."""
_OVER = (
    "The sign-in under which this work began is over. What was done stays done; to go on, sign in "
    "again and repeat the request."
)
_T = TypeVar("_T")


class _Found(NamedTuple):
    entry: CachedToken
    source: str


class TokenBroker:
    """Hands out downstream tokens: memory, then one flight per token, shared cache, exchange.

    No more than `at_once` exchanges run at a time. What one comes to decides whether the next may
    be tried (`Breaker`); one that failed in passing is tried once more (`RetryBudget`).
    """

    def __init__(
        self,
        grant: Grant,
        cache: TokenCache,
        clock: Clock,
        *,
        client_id: str,
        at_once: int = 16,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._grant = grant
        self._cache = cache
        self._clock = clock
        self._client_id = client_id
        self._sleep = sleep
        self._at_once = at_once
        self._slots: tuple[object, asyncio.Semaphore] | None = None
        self._flights: SingleFlight[_Found] = SingleFlight()
        self._breaker = Breaker(clock)
        self._budget = RetryBudget()
        self._renewed: TTLCache[CacheKey, str] = TTLCache(
            10_000, RENEWAL_SECONDS, timer=clock.monotonic
        )
        self._tried_early: TTLCache[CacheKey, bool] = TTLCache(
            10_000, ADVISORY_PAUSE_SECONDS, timer=clock.monotonic
        )

    async def downstream_token(self, caller: Caller, scopes: Scopes, *, claims: str = "") -> Secret:
        """A token for `scopes` that acts as `caller`: a kept one with a minute or more to live,
        or a new one. `claims` is a claims request as JSON text; a token got with one is kept apart.

        Raises:
            ExchangeRefused: the authority refuses the exchange; the leaf says why.
            Unavailable: the token endpoint gives no answer; ask again later.
        """
        key = self._key(caller, scopes, claims)
        entry = self._cache.at_hand(key)
        if entry is None:
            return await self._joined(key, caller, scopes, lambda: self._found(key, caller, scopes))
        if self._is_ageing(entry) and key not in self._tried_early:
            self._tried_early[key] = True
            self._flights.start(key, lambda: self._exchanged(key, caller, scopes))
        if wanted(logging.DEBUG):  # asked here too: most calls come this way
            self._tell(caller, scopes, self._clock.monotonic(), _Found(entry, "cache"))
        return entry.token

    async def renewed_token(
        self, caller: Caller, scopes: Scopes, *, refused: Secret, challenge: str, claims: str = ""
    ) -> Secret:
        """A token in place of `refused`, which its resource has met with a claims challenge.

        `challenge` is that challenge's claims as JSON text, `claims` what `refused` was asked for
        with. One exchange serves all who hold the refused token; whoever comes later gets its
        result.

        Raises:
            ExchangeRefused: above all InteractionRequired, whose claims go to the client.
            Unavailable: the token endpoint gives no answer; ask again later.
        """
        started, key = self._clock.monotonic(), self._key(caller, scopes, claims)
        entry = self._cache.at_hand(key)
        is_newer = entry is not None and entry.token != refused
        if entry is not None and is_newer and self._renewed.get(key) == challenge:
            self._tell(caller, scopes, started, _Found(entry, "cache"))
            return entry.token

        async def renew() -> _Found:
            # The refused token stays until there is a better one: whoever comes meanwhile takes
            # it, is challenged and waits here, instead of having one fetched without the claims.
            try:
                found = await self._exchanged(key, caller, scopes, challenge)
            except OboError:
                await _forgiven(self._cache.discard(key))
                raise
            self._renewed[key] = challenge
            return found

        return await self._joined((key, challenge), caller, scopes, renew)

    async def aclose(self) -> None:
        """End what is under way: who waits hears Unavailable. It may be used again later."""
        await self._flights.aclose()

    async def _joined(
        self,
        flight: Hashable,
        caller: Caller,
        scopes: Scopes,
        call: Callable[[], Awaitable[_Found]],
    ) -> Secret:
        started = self._clock.monotonic()
        try:
            found = await self._flights.run(flight, call)
        except OboError as error:
            self._tell(caller, scopes, started, error)
            raise
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise TokenEndpointUnavailable from TransportFailure("the server is stopping")
        self._tell(caller, scopes, started, found)
        return found.entry.token

    async def _found(self, key: CacheKey, caller: Caller, scopes: Scopes) -> _Found:
        entry = await _forgiven(self._cache.get(key, caller.assertion))
        return _Found(entry, "cache") if entry else await self._exchanged(key, caller, scopes)

    async def _exchanged(
        self, key: CacheKey, caller: Caller, scopes: Scopes, challenge: str = ""
    ) -> _Found:
        claims = merged(key.claims, challenge)
        self._breaker.check(caller.principal)  # before the queue, and again at its end
        try:
            async with asyncio.timeout(DEADLINE_SECONDS), self._room():
                entry = await self._tried(caller, scopes, claims)
        except TimeoutError:
            raise TokenEndpointUnavailable from TransportFailure("no thread or answer in time")
        await _forgiven(self._cache.put(key, entry, caller.assertion))
        return _Found(entry, "exchange")

    async def _tried(self, caller: Caller, scopes: Scopes, claims: str) -> CachedToken:
        """One exchange; a second where the first failed in passing and the budget allows it."""
        self._budget.earn()
        try:
            return await self._asked(caller, scopes, claims)
        except TokenEndpointUnavailable as error:
            open_now = self._breaker.held_back(caller.principal) is not None
            if open_now or not cause_of(error).is_blip or not self._budget.spend():
                raise
        await self._sleep(_pause_seconds())
        return await self._asked(caller, scopes, claims)

    async def _asked(self, caller: Caller, scopes: Scopes, claims: str) -> CachedToken:
        """One round trip, if it may be made now, and what is learnt from it."""
        principal = caller.principal
        if self._clock.now() >= principal.expires_at:
            raise AssertionRejected(_OVER) from HeldBack("the user assertion has expired")
        self._breaker.admit(principal)
        started = self._clock.monotonic()
        try:
            entry = await self._grant(caller, scopes, claims)
            check_person(entry.token, principal)
            self._check_life(entry)
        except OboError as error:
            self._learn(caller, scopes, started, error)
            raise
        except asyncio.CancelledError:
            cut_off = TokenEndpointUnavailable()  # by the deadline, or the end of the server
            cut_off.__cause__ = TransportFailure("cut off")
            self._learn(caller, scopes, started, cut_off)
            raise
        self._breaker.succeeded(principal)
        self._record(caller, scopes, started, entry)
        return entry

    def _room(self) -> asyncio.Semaphore:
        """The slots of this loop: a semaphore belongs to one, and a server may start again."""
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots[0] is not loop:
            self._slots = loop, asyncio.Semaphore(self._at_once)
        return self._slots[1]

    def _learn(self, caller: Caller, scopes: Scopes, started: float, error: OboError) -> None:
        self._breaker.failed(caller.principal, error, since=started)
        self._record(caller, scopes, started, error)

    def _key(self, caller: Caller, scopes: Scopes, claims: str) -> CacheKey:
        return CacheKey(
            assertion_digest=caller.principal.token_digest,
            tenant_id=caller.principal.tid,
            client_id=self._client_id,
            resource=scopes.resource,
            scopes=scopes.names,
            claims=claims,
        )

    def _check_life(self, entry: CachedToken) -> None:
        if entry.expires_at - self._clock.now() < MARGIN_SECONDS:
            raise TokenEndpointUnavailable from TransportFailure("the token ends within a minute")

    def _is_ageing(self, entry: CachedToken) -> bool:
        """Whether a new token would serve longer, and it is time to have one fetched."""
        end = entry.expires_at - MARGIN_SECONDS
        return end < entry.assertion_expires_at and self._clock.now() > end - ADVISORY_SECONDS

    def _record(
        self, caller: Caller, scopes: Scopes, started: float, came: CachedToken | OboError
    ) -> None:
        """The one event of an exchange, written even when nobody waits for it any more."""
        outcome, more = "granted", self._came(came)
        if isinstance(came, OboError):
            outcome, more = type(came).__name__, more | {"cure": cause_of(came).cure}
        level = logging.ERROR if isinstance(came, WrongPerson) else logging.INFO
        fields = _about(caller, scopes, outcome) | self._took(started) | more
        record("exchange", level=level, fields={k: v for k, v in fields.items() if v != ""})

    def _tell(
        self, caller: Caller, scopes: Scopes, started: float, came: _Found | OboError
    ) -> None:
        """The event of one call for a token."""
        level = logging.INFO if isinstance(came, OboError) else logging.DEBUG
        if wanted(level):
            outcome = type(came).__name__ if isinstance(came, OboError) else came.source
            more = self._came(came if isinstance(came, OboError) else came.entry)
            fields = _about(caller, scopes, outcome) | self._took(started) | more
            record("downstream_token", level=level, fields=fields)

    def _came(self, came: CachedToken | OboError) -> dict[str, Field]:
        if isinstance(came, OboError):
            return {"reason": str(cause_of(came))}
        return {"lifetime_seconds": int(came.expires_at - self._clock.now())}

    def _took(self, started: float) -> dict[str, Field]:
        return {"milliseconds": round((self._clock.monotonic() - started) * 1000, 2)}


def _about(caller: Caller, scopes: Scopes, outcome: str) -> dict[str, Field]:
    principal = caller.principal
    return {
        "outcome": outcome,
        "tid": principal.tid,
        "oid": principal.oid,
        "azp": principal.azp,
        "resource": scopes.resource,
        "scope": " ".join(scopes.names),
        "correlation_id": caller.correlation_id,
    }


async def _forgiven(use: Awaitable[_T]) -> _T | None:
    """What the cache answers; a failing one behaves as an empty one."""
    try:
        return await use
    except Exception as error:  # noqa: BLE001 - each cache fails in its own way
        record("cache", fields={"outcome": "failed", "cause": type(error).__name__})
        return None


def _pause_seconds() -> float:
    """A short while, not the same for all who failed together."""
    return random.uniform(0.05, 0.25)  # noqa: S311 - spreads load, guards nothing
