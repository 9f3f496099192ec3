"""The one object to know: it joins the rooms and hands out what tools need."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from obo_mcp import composition
from obo_mcp.adapters.httpx import OnBehalfOfAuth
from obo_mcp.adapters.mcp_refusals import refusals
from obo_mcp.adapters.mcp_sdk import (
    request_state_security,
    resolver,
    sign_in,
    tool_error,
    transport_security,
)
from obo_mcp.asgi.middleware import Door, OnBehalfOfMiddleware
from obo_mcp.asgi.types import ASGIApp, Refuse, Scope
from obo_mcp.cache.entry import TokenCache
from obo_mcp.cache.keyring import KeyRing
from obo_mcp.clock import Clock, SystemClock
from obo_mcp.errors import CredentialsMissing, OboError, PersonRequired
from obo_mcp.exchange.claims import merged
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.source import TokenSource
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.inbound.verifier import AccessTokenVerifier
from obo_mcp.secret import ClearToken
from obo_mcp.settings import Settings

if TYPE_CHECKING:
    from mcp.server.context import ServerMiddleware
    from mcp.server.request_state import RequestStateSecurity
    from mcp.server.transport_security import TransportSecuritySettings


class OnBehalfOf:
    """On-behalf-of for one MCP server.

    Protect the application with `protect()`, then take what a tool needs: as parameters that
    the model never sees (`token()`, `principal()`), or by call (`downstream_token()`).
    `cache` and `clock` may be replaced; `credential` is a function that returns a signed client
    assertion, `() -> str` or with MSAL's context, called in a thread for each exchange. Everything
    else follows from `settings`.

    Raises:
        ConfigurationError: the settings do not suffice, or do not go together.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cache: TokenCache | None = None,
        clock: Clock | None = None,
        credential: Callable[..., str] | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._settings = settings
        self._challenges = settings.step_up == "challenge"
        self._entered = 0
        self._prepared: asyncio.Task[None] | None = None
        self._caller: ContextVar[Caller | None] = ContextVar("obo_mcp_caller", default=None)
        self._keys = composition.signing_keys(settings, clock)
        self._verifier = AccessTokenVerifier(self._keys, composition.policy(settings), clock)
        self._grant = composition.grant(settings, clock, credential)
        self._cache = composition.token_cache(settings, clock) if cache is None else cache
        self._broker = composition.broker(settings, self._grant, self._cache, clock)

    def protect(self, app: ASGIApp, *, stateful: bool = False) -> OnBehalfOfMiddleware:
        """Put the front door before `app`, whose lifespan is forwarded.

        Protect the outermost application: one that is mounted in another gets no lifespan (enter
        `running()` in the outer one then), and the metadata must be at the root of the host.
        Say `stateful` for an MCP application that keeps sessions: its endpoint then also gets
        GET and DELETE, which a stateless one answers with 405.
        """
        door = Door(
            resource=composition.resource(self._settings),
            guard=composition.guard(self._settings),
            max_body_bytes=self._settings.max_body_bytes,
            verify=self._verifier.verify,
            admit=self._admit,
            running=self.running,
            is_ready=self._is_ready,
            post_only=not stateful,
        )
        return OnBehalfOfMiddleware(app, door)

    def token(self, scope: str) -> Any:
        """A tool parameter: `Annotated[str, obo.token("https://graph.microsoft.com/.default")]`.

        Raises:
            ValueError: `scope` is not one resource's fully qualified scope or scopes.
        """
        scopes = Scopes.parse(scope)
        return resolver(lambda caller: self._downstream_token(caller, scopes, ""))

    def token_source(self, scope: str) -> Any:
        """A tool parameter: `Annotated[TokenSource, obo.token_source(scope)]`.

        For a client of a resource that challenges tokens before their end, such as Graph.

        Raises:
            ValueError: `scope` is not one resource's fully qualified scope or scopes.
        """
        scopes = Scopes.parse(scope)

        async def give(caller: Caller) -> TokenSource:
            return self._source(caller, scopes)

        return resolver(give)

    def httpx_auth(self, scope: str, *, origin: str = "") -> OnBehalfOfAuth:
        """For `httpx.AsyncClient(auth=...)`: requests to `origin` go out as the caller.

        `origin` is the address of the resource's API; it may be left out for a scope that is an
        address itself, such as Graph's. Claims challenges are answered.

        Raises:
            ValueError: `scope` is not one resource's fully qualified scope or scopes, or there is
                no origin, or one without TLS that is not this machine.
        """
        scopes = Scopes.parse(scope)
        if not origin and not scopes.resource.startswith("https://"):
            raise ValueError(f"say at which origin the API of {scopes.resource} is")

        def source() -> TokenSource:
            try:
                return self._source(self._current(), scopes)
            except OboError as error:
                raise tool_error(error) from error.__cause__

        return OnBehalfOfAuth(source, origin or scopes.resource)

    def principal(self) -> Any:
        """A tool parameter: `Annotated[Principal, obo.principal()]`, the person who calls.

        An application, where those are admitted, gets PersonRequired.
        """

        async def give(caller: Caller) -> Principal:
            return _person(caller).principal

        return resolver(give)

    def caller(self) -> Any:
        """A tool parameter: `Annotated[Principal, obo.caller()]`, a person or an application."""

        async def give(caller: Caller) -> Principal:
            return caller.principal

        return resolver(give)

    async def downstream_token(self, scope: str, *, claims: str = "") -> str:
        """A downstream token for the caller of the request that is being served.

        `claims` is a claims request as JSON text (OpenID Connect Core 5.5), for a resource that
        wants one; a token got with it is kept apart from the others.

        Works in any function under the middleware. What it raises is also the MCP SDK's
        `ToolError`, so an MCP tool may let it pass: the model gets its words.

        Raises:
            OboError: nobody is signed in, the exchange was refused, or cannot be made now.
            ValueError: `scope` is not one resource's fully qualified scope or scopes, or `claims`
                is no JSON.
            TypeError: `claims` is JSON, but no object.
        """
        scopes, claims = Scopes.parse(scope), merged(claims)
        try:
            return await self._downstream_token(self._current(), scopes, claims)
        except OboError as error:
            raise tool_error(error) from error.__cause__

    def current_principal(self) -> Principal:
        """The person whose request is being served.

        Raises:
            CredentialsMissing: outside a request, or not under the middleware.
            PersonRequired: it is an application's.
        """
        return _person(self._current()).principal

    def current_caller(self) -> Principal:
        """The person, or the application, whose request is being served.

        Raises:
            CredentialsMissing: outside a request, or not under the middleware.
        """
        return self._current().principal

    def correlation_id(self) -> str:
        """The id that ties this request's log lines and onward calls together; "" outside one."""
        caller = self._caller.get()
        return caller.correlation_id if caller else ""

    def transport_security(self) -> "TransportSecuritySettings":
        """What to pass as `transport_security=` to the SDK's `streamable_http_app()`.

        It leaves Host and Origin to the door, which `protect()` puts before every path.
        """
        return transport_security()

    def mcp_middleware(self) -> "ServerMiddleware[Any]":
        """What to pass to the SDK's server: `MCPServer("x", middleware=[obo.mcp_middleware()])`.

        With it, a step-up that a tool meets by call challenges the client over HTTP, and a missing
        consent reaches the person as a link to open, where the client can show one.
        """
        return refusals(to_unknown_clients=self._settings.url_elicitation_error)

    def request_state_security(self) -> "RequestStateSecurity":
        """What to pass as `request_state_security=` to `MCPServer`.

        With OBO_MCP_CACHE_KEYS, a call of several rounds may go on at another replica.
        """
        return request_state_security(self.shared_keys("request-state"))

    def shared_keys(self, purpose: str) -> list[bytes]:
        """Keys of 32 octets for `purpose`, the same on every replica: seal with the first, open
        with all. There are none without OBO_MCP_CACHE_KEYS.
        """
        keys = self._settings.cache_keys
        return KeyRing(keys).derived(purpose) if keys else []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the signing keys fresh while entered; `protect()` enters it with the server.

        Those of the first tenant are fetched at once and its first exchange is prepared, those of
        another with its first token.
        """
        self._prepared = asyncio.create_task(self._grant.prepare(self._settings.tenants[0]))
        keeping = [self._prepared] + [
            asyncio.create_task(keys.keep_fresh(at_once=keys is self._first_keys))
            for keys in self._keys.values()
        ]
        self._entered += 1
        try:
            yield
        finally:
            self._entered -= 1
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
            if not self._entered:
                await self._close()

    async def _close(self) -> None:
        """In the order in which a token walks, whatever one of them may raise."""
        async with AsyncExitStack() as last:
            last.push_async_callback(self._cache.aclose)
            last.push_async_callback(asyncio.to_thread, self._grant.close)
            last.push_async_callback(self._broker.aclose)
            for keys in self._keys.values():
                last.push_async_callback(keys.aclose)

    @property
    def _first_keys(self) -> SigningKeys:
        return self._keys[self._settings.tenants[0]]

    def _is_ready(self) -> bool:
        self._first_keys.start_loading()
        return self._first_keys.loaded and (self._prepared is None or self._prepared.done())

    async def _downstream_token(self, caller: Caller, scopes: Scopes, claims: str) -> str:
        caller = _person(caller)
        token = await self._broker.downstream_token(caller, scopes, claims=claims)
        return ClearToken(token.reveal())

    def _source(self, caller: Caller, scopes: Scopes) -> TokenSource:
        return TokenSource(self._broker, _person(caller), scopes, shown=tool_error)

    def _current(self) -> Caller:
        caller = self._caller.get()
        if caller is None:
            raise CredentialsMissing("Nobody is signed in: no request is being served here.")
        return caller

    def _admit(self, scope: Scope, caller: Caller, refuse: Refuse) -> Callable[[], None]:
        before = self._caller.set(caller)
        sign_out = sign_in(scope, caller, refuse if self._challenges else None)

        def leave() -> None:
            sign_out()
            self._caller.reset(before)

        return leave


def _person(caller: Caller) -> Caller:
    if caller.principal.is_application:
        raise PersonRequired
    return caller
