"""Exactly one round trip to the token endpoint (Entra, "On-behalf-of flow": middle-tier request).

MSAL forms and sends the request. It is told to remember nothing: its token cache and its answer
cache store nothing, and no refresh token is asked for. It blocks, so it runs in threads of ours.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msal

from obo_mcp.cache.entry import CachedToken
from obo_mcp.clock import Clock
from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.cause import TransportFailure
from obo_mcp.exchange.credential import ClientCredential, exchanging_client
from obo_mcp.exchange.foreign import Foreign
from obo_mcp.exchange.refusal import refusal
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.inbound.principal import Caller
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings


class RemembersNobody(msal.TokenCache):  # type: ignore[misc]  # MSAL ships no types
    """The token cache that MSAL may write to, without effect: tokens are kept by our own."""

    def add(self, event: dict[str, Any], **_: Any) -> None:
        """Store nothing."""


class OnBehalfOfGrant:
    """Trades user assertions at the token endpoints of their tenants.

    One MSAL application per tenant, made at its first exchange and whenever the client credential
    has changed; `settings.exchange_threads` exchanges at a time.
    """

    def __init__(
        self,
        settings: Settings,
        credential: ClientCredential,
        transport: TokenEndpointTransport,
        clock: Clock,
    ) -> None:
        self._at_once = settings.exchange_threads
        self._credential = credential
        self._transport = transport
        self._clock = clock
        self._threads = self._new_threads()
        self._applications = Applications(
            exchanging_client(settings),
            credential.current,
            authority_host=settings.authority_host,
            transport=transport,
            token_cache=RemembersNobody,
        )

    async def exchange(self, caller: Caller, scopes: Scopes, claims: str) -> CachedToken:
        """One downstream token for `caller`; `claims` is a claims request as JSON text, or "".

        Raises:
            ExchangeRefused: the token endpoint said no.
            Unavailable: it gave no usable answer.
        """
        loop = asyncio.get_running_loop()
        exchange = loop.run_in_executor(self._threads, self._exchange, caller, scopes, claims)
        (came,) = await asyncio.gather(exchange, return_exceptions=True)
        if isinstance(came, asyncio.CancelledError):
            raise TokenEndpointUnavailable from TransportFailure("the server is stopping")
        if isinstance(came, BaseException):
            # The frames it went through are MSAL's: they hold the assertion and the credential.
            raise came.with_traceback(None) from came.__cause__
        return came

    async def prepare(self, tenant_id: str) -> None:
        """Have everything for the first exchange at this tenant but the person: the credential,
        its application and a connection. What fails now is tried again, and told, by that exchange.
        """
        loop = asyncio.get_running_loop()
        making = loop.run_in_executor(self._threads, self._applications.of, tenant_id)
        await asyncio.gather(making, return_exceptions=True)

    def close(self) -> None:
        """Let running exchanges end, drop those that wait, and close the connections.

        An exchange after that starts anew: an application may be started more than once.
        """
        ending, self._threads = self._threads, self._new_threads()
        ending.shutdown(wait=True, cancel_futures=True)
        self._credential.close()
        self._transport.close()

    def _new_threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._at_once, "obo-exchange")

    def _exchange(self, caller: Caller, scopes: Scopes, claims: str) -> CachedToken:
        """The exchange; once more if it failed for our credential and there is a newer one.

        This is the one case of two round trips that count as one: a credential that was replaced
        while it was in use fails nobody. That there is a new one, the event `credential` tells.
        """
        tenant = caller.principal.tid
        used = self._credential.current(tenant)
        try:
            return self._traded(caller, scopes, claims)
        except ClientMisconfigured as error:
            failure = error.with_traceback(None)
        self._credential.refused()
        if self._credential.current(tenant) is used:
            raise failure
        return self._traded(caller, scopes, claims)

    def _traded(self, caller: Caller, scopes: Scopes, claims: str) -> CachedToken:
        application = self._applications.of(caller.principal.tid)
        asked_at = self._clock.now()
        with Foreign() as library:
            result = application.acquire_token_on_behalf_of(
                caller.assertion.reveal(),
                list(scopes.names),
                claims_challenge=claims or None,
                correlation_id=caller.correlation_id,
            )
            return _downstream(
                result,
                asked_at=asked_at,
                assertion_expires_at=float(caller.principal.expires_at),
            )
        raise TokenEndpointUnavailable from TransportFailure(
            f"the authority's answer was not understood ({library.raised})"
        )


def _downstream(
    result: dict[str, Any], *, asked_at: float, assertion_expires_at: float
) -> CachedToken:
    """The token in MSAL's result, whose lifetime counts from before it was asked for."""
    if "access_token" not in result:
        raise refusal(result)
    token = result["access_token"]
    lifetime_seconds = int(result.get("expires_in", 0))
    if not isinstance(token, str) or not token or lifetime_seconds <= 0:
        raise TypeError
    return CachedToken(
        token=Secret(token),
        scopes=tuple(str(result.get("scope", "")).split()),
        expires_at=asked_at + lifetime_seconds,
        assertion_expires_at=assertion_expires_at,
    )
