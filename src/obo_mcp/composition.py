"""What settings become: each part of the house, made from what the operator decided."""

import ssl
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from obo_mcp.asgi.guard import Guard
from obo_mcp.asgi.metadata import ProtectedResource
from obo_mcp.cache.entry import TokenCache
from obo_mcp.cache.envelope import Envelope
from obo_mcp.cache.keyring import KeyRing
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.cache.redis import RedisTokenCache
from obo_mcp.cache.redis_client import connect
from obo_mcp.cache.tiered import TieredTokenCache
from obo_mcp.clock import Clock
from obo_mcp.errors import ConfigurationError
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.consent import ConsentLinks, consent_links, linked
from obo_mcp.exchange.credential import credential_of, exchanging_client
from obo_mcp.exchange.grant import OnBehalfOfGrant
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.claims import ClaimsPolicy
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.metadata import AuthorityMetadata
from obo_mcp.network import tls_context
from obo_mcp.settings import Settings


def authorities(settings: Settings) -> list[Authority]:
    """One for each tenant whose people may call, our own first."""
    return [Authority(settings.authority_host, tenant) for tenant in settings.tenants]


def resource(settings: Settings) -> ProtectedResource:
    """What the resource metadata says (RFC 9728)."""
    return ProtectedResource(
        url=settings.resource_url,
        authorization_servers=tuple(a.authorization_server for a in authorities(settings)),
        scope=settings.qualified_scope,
    )


def signing_keys(settings: Settings, clock: Clock) -> dict[str, SigningKeys]:
    """The keys of each tenant, not fetched yet.

    Raises:
        ConfigurationError: the roots to trust cannot be read.
    """
    trust, versions = _trust(settings), settings.token_versions
    return {
        a.tenant_id: SigningKeys(
            AuthorityMetadata(a, trust, versions).fetch,
            clock,
            tenant_id=a.tenant_id,
            versions=versions,
        )
        for a in authorities(settings)
    }


def token_cache(settings: Settings, clock: Clock) -> TokenCache:
    """Memory, with the shared cache behind it if there is one.

    Raises:
        ConfigurationError: the shared cache cannot be set up.
    """
    near = MemoryTokenCache(settings.cache_entries, clock)
    if settings.redis_url is None:
        return near
    sealed = Envelope(KeyRing(settings.cache_keys))
    shared = RedisTokenCache(connect(settings), sealed, clock, settings.redis_timeout_seconds)
    return TieredTokenCache(near, shared, clock)


def grant(
    settings: Settings, clock: Clock, credential: Callable[..., str] | None
) -> OnBehalfOfGrant:
    """The exchange, with the client credential of the settings or the developer's own function.

    Raises:
        ConfigurationError: there is no credential, more than one, or it is of no use.
    """
    transport = TokenEndpointTransport(
        ca_bundle=settings.ca_bundle,
        timeout_seconds=settings.token_endpoint_timeout_seconds,
        connections=settings.exchange_threads,
    )
    ours = credential_of(settings, clock, transport, credential)
    return OnBehalfOfGrant(settings, ours, transport, clock)


def broker(
    settings: Settings, grant: OnBehalfOfGrant, cache: TokenCache, clock: Clock
) -> TokenBroker:
    """What tools ask for their tokens; its ConsentRequired says where somebody can agree."""
    return TokenBroker(
        linked(grant.exchange, partial(links_for_consent, settings)),
        cache,
        clock,
        client_id=exchanging_client(settings),
        at_once=settings.exchange_threads,
    )


def links_for_consent(settings: Settings, tenant: str, scopes: Scopes) -> ConsentLinks:
    """Where people of `tenant` agree to `scopes`.

    For an agent identity nowhere: in a browser nobody can agree to what a child of a blueprint
    does (AADSTS82014); an administrator grants it to the blueprint.
    """
    if settings.agent_identity_id:
        return ConsentLinks("", "")
    return consent_links(
        Authority(settings.authority_host, tenant),
        settings.client_id,
        scopes.names,
        settings.consent_redirect_url or resource(settings).consent_page_url,
    )


def policy(settings: Settings) -> ClaimsPolicy:
    """What the claims of an access token must say."""
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


def guard(settings: Settings) -> Guard:
    """Which Host and Origin are admitted: hosts with the scheme's own port, or without it."""
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
