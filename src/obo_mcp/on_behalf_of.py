"""The one object to know: it joins the rooms and hands out what tools need."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from obo_mcp.adapters.mcp_sdk import resolver, sign_in, tool_error, transport_security
from obo_mcp.asgi.guard import Guard
from obo_mcp.asgi.metadata import ProtectedResource
from obo_mcp.asgi.middleware import Door, OnBehalfOfMiddleware
from obo_mcp.asgi.types import ASGIApp, Scope
from obo_mcp.cache.entry import TokenCache
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.clock import Clock, SystemClock
from obo_mcp.errors import ConfigurationError, CredentialsMissing, OboError, PersonRequired
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.grant import OnBehalfOfGrant
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.claims import ClaimsPolicy
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.metadata import AuthorityMetadata
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.inbound.verifier import AccessTokenVerifier
from obo_mcp.network import tls_context
from obo_mcp.secret import ClearToken
from obo_mcp.settings import Settings

if TYPE_CHECKING:
    from mcp.server.transport_security import TransportSecuritySettings


class OnBehalfOf:
    """On-behalf-of for one MCP server.

    Protect the application with `protect()`, then take what a tool needs: as parameters that
    the model never sees (`token()`, `principal()`), or by call (`downstream_token()`).
    `cache` and `clock` may be replaced; everything else follows from `settings`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cache: TokenCache | None = None,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._settings = settings
        self._authorities = [Authority(settings.authority_host, t) for t in settings.tenants]
        self._entered = 0
        self._caller: ContextVar[Caller | None] = ContextVar("obo_mcp_caller", default=None)
        trust, versions = _trust(settings), settings.token_versions
        self._keys = {
            a.tenant_id: SigningKeys(
                AuthorityMetadata(a, trust, versions).fetch,
                clock,
                tenant_id=a.tenant_id,
                versions=versions,
            )
            for a in self._authorities
        }
        self._verifier = AccessTokenVerifier(self._keys, _policy(settings), clock)
        self._grant = OnBehalfOfGrant(settings, _transport(settings), clock)
        self._broker = TokenBroker(
            self._grant.exchange,
            cache or MemoryTokenCache(settings.cache_entries, clock),
            clock,
            client_id=settings.client_id,
        )

    def protect(self, app: ASGIApp, *, stateful: bool = False) -> OnBehalfOfMiddleware:
        """Put the front door before `app`, whose lifespan is forwarded.

        Protect the outermost application: one that is mounted in another gets no lifespan (enter
        `running()` in the outer one then), and the metadata must be at the root of the host.
        Say `stateful` for an MCP application that keeps sessions: its endpoint then also gets
        GET and DELETE, which a stateless one answers with 405.
        """
        resource = ProtectedResource(
            url=self._settings.resource_url,
            authorization_servers=tuple(a.authorization_server for a in self._authorities),
            scope=self._settings.qualified_scope,
        )
        door = Door(
            resource=resource,
            guard=_guard(self._settings),
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
        return resolver(lambda caller: self._downstream_token(caller, scopes))

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

    async def downstream_token(self, scope: str) -> str:
        """A downstream token for the caller of the request that is being served.

        Works in any function under the middleware. What it raises is also the MCP SDK's
        `ToolError`, so an MCP tool may let it pass: the model gets its words.

        Raises:
            OboError: nobody is signed in, the exchange was refused, or cannot be made now.
            ValueError: `scope` is not one resource's fully qualified scope or scopes.
        """
        scopes = Scopes.parse(scope)
        try:
            return await self._downstream_token(self._current(), scopes)
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

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the signing keys fresh while entered; `protect()` enters it with the server.

        Those of the first tenant are fetched at once, those of another with its first token.
        """
        keeping = [
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
                await asyncio.gather(*(keys.aclose() for keys in self._keys.values()))
                await asyncio.to_thread(self._grant.close)

    @property
    def _first_keys(self) -> SigningKeys:
        return self._keys[self._authorities[0].tenant_id]

    def _is_ready(self) -> bool:
        self._first_keys.start_loading()
        return self._first_keys.loaded

    async def _downstream_token(self, caller: Caller, scopes: Scopes) -> str:
        caller = _person(caller)
        return ClearToken((await self._broker.downstream_token(caller, scopes)).reveal())

    def _current(self) -> Caller:
        caller = self._caller.get()
        if caller is None:
            raise CredentialsMissing("Nobody is signed in: no request is being served here.")
        return caller

    def _admit(self, scope: Scope, caller: Caller) -> Callable[[], None]:
        before = self._caller.set(caller)
        sign_out = sign_in(scope, caller)

        def leave() -> None:
            sign_out()
            self._caller.reset(before)

        return leave


def _person(caller: Caller) -> Caller:
    if caller.principal.is_application:
        raise PersonRequired
    return caller


def _policy(settings: Settings) -> ClaimsPolicy:
    return ClaimsPolicy(
        tenants=frozenset(settings.tenants),
        client_id=settings.client_id,
        audience_uris=settings.audience_uris,
        scope=settings.qualified_scope,
        leeway_seconds=settings.leeway_seconds,
        versions=frozenset(settings.token_versions),
        clients=frozenset(settings.allowed_clients),
        agents=settings.agent_callers,
        app_role=settings.required_app_role,
    )


def _guard(settings: Settings) -> Guard:
    """Hosts are admitted with the scheme's own port written out or left out."""
    ours = urlsplit(settings.resource_url)
    port = 443 if ours.scheme == "https" else 80
    hosts = {ours.netloc, *settings.allowed_hosts}
    portless = {host for host in hosts if not host.rpartition(":")[2].isdecimal()}
    return Guard(
        hosts=frozenset(hosts | {f"{host}:{port}" for host in portless}),
        origins=frozenset({f"{ours.scheme}://{ours.netloc}", *settings.allowed_origins}),
        local_pages=settings.is_local,
    )


def _trust(settings: Settings) -> ssl.SSLContext:
    try:
        return tls_context(settings.ca_bundle)
    except OSError:
        raise ConfigurationError(
            "OBO_MCP_CA_BUNDLE is not set, and what REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or "
            "SSL_CERT_FILE names holds no certificates"
        ) from None


def _transport(settings: Settings) -> TokenEndpointTransport:
    return TokenEndpointTransport(
        ca_bundle=settings.ca_bundle,
        timeout_seconds=settings.token_endpoint_timeout_seconds,
        connections=settings.exchange_threads,
    )
