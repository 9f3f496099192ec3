"""Exactly one round trip to the token endpoint (Entra, "On-behalf-of flow": middle-tier request).

MSAL forms and sends the request. It is told to remember nothing: its token cache and its answer
cache store nothing, and no refresh token is asked for. It blocks, so it runs in threads of ours.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msal
from msal.exceptions import MsalError

from obo_mcp.cache.entry import CachedToken
from obo_mcp.clock import Clock
from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable
from obo_mcp.exchange.refusal import refusal
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.transport import TokenEndpointTransport, TransportFailure
from obo_mcp.inbound.principal import Caller
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings

_T = TypeVar("_T")

DEADLINE_SECONDS = 30.0
"""The longest that a caller waits for an exchange, queueing for a thread included."""


class StoresNothing(dict[str, Any]):
    """The `http_cache` that MSAL may write to, without effect."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Store nothing."""

    def setdefault(self, _key: str, default: Any = None) -> Any:
        """Store nothing; answer `default`."""
        return default

    def update(self, *_: Any, **__: Any) -> None:
        """Store nothing."""


class RemembersNobody(msal.TokenCache):  # type: ignore[misc]  # MSAL ships no types
    """The token cache that MSAL may write to, without effect: tokens are kept by our own."""

    def add(self, event: dict[str, Any], **_: Any) -> None:
        """Store nothing."""


class OnBehalfOfGrant:
    """Trades user assertions at the token endpoints of their tenants.

    One MSAL application per tenant, made at its first exchange; `threads` exchanges at a time.
    """

    def __init__(self, settings: Settings, transport: TokenEndpointTransport, clock: Clock) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._threads = self._new_threads()
        self._applications: dict[str, msal.ConfidentialClientApplication] = {}
        self._making = threading.Lock()
        self._making_failed_at = float("-inf")

    async def exchange(self, caller: Caller, scopes: Scopes) -> CachedToken:
        """One downstream token for `caller`.

        Raises:
            ExchangeRefused: the token endpoint said no.
            Unavailable: it gave no usable answer.
        """
        loop = asyncio.get_running_loop()
        result = loop.run_in_executor(self._threads, self._exchange, caller, scopes)
        try:
            return await asyncio.wait_for(result, DEADLINE_SECONDS)
        except TimeoutError:
            raise TokenEndpointUnavailable from TransportFailure("no thread or answer in time")
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise TokenEndpointUnavailable from TransportFailure("the server is stopping")

    def close(self) -> None:
        """Let running exchanges end, drop those that wait, and close the connections.

        An exchange after that starts anew: an application may be started more than once.
        """
        ending, self._threads = self._threads, self._new_threads()
        ending.shutdown(wait=True, cancel_futures=True)
        self._transport.close()

    def _new_threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._settings.exchange_threads, "obo-exchange")

    def _exchange(self, caller: Caller, scopes: Scopes) -> CachedToken:
        tenant = caller.principal.tid
        application = _understood(lambda: self._application(tenant), ClientMisconfigured)
        asked_at = self._clock.now()
        return _understood(
            lambda: _downstream(
                application.acquire_token_on_behalf_of(
                    caller.assertion.reveal(),
                    list(scopes.names),
                    correlation_id=caller.correlation_id,
                ),
                asked_at=asked_at,
                assertion_expires_at=float(caller.principal.expires_at),
            ),
            TokenEndpointUnavailable,
        )

    def _application(self, tenant: str) -> msal.ConfidentialClientApplication:
        waiting_since = self._clock.monotonic()
        with self._making:
            if self._making_failed_at >= waiting_since:
                raise TokenEndpointUnavailable from TransportFailure("just tried by another call")
            if tenant not in self._applications:
                self._making_failed_at = self._clock.monotonic()
                self._applications[tenant] = msal.ConfidentialClientApplication(
                    self._settings.client_id,
                    client_credential=self._settings.client_secret.reveal(),
                    authority=f"{self._settings.authority_host}/{tenant}",
                    instance_discovery=False,
                    http_client=self._transport,
                    http_cache=StoresNothing(),
                    token_cache=RemembersNobody(),
                    exclude_scopes=["offline_access", "profile"],
                )
                self._making_failed_at = float("-inf")
            return self._applications[tenant]


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


def _understood(
    call: Callable[[], _T], failure: type[ClientMisconfigured | TokenEndpointUnavailable]
) -> _T:
    """What `call` makes of MSAL's answer; one that makes no sense becomes `failure`.

    The original exception may hold the answer's text, so only its kind goes on.
    """
    try:
        return call()
    except (MsalError, ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        kind = type(error).__name__
    raise failure from ValueError(f"the authority's answer was not understood ({kind})")
