"""The way to Redis: addresses become a client for one server, Sentinel or a cluster.

The package `redis` is an extra, and heavy: it is loaded by `connect()` alone.
"""

import importlib
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from obo_mcp.errors import ConfigurationError
from obo_mcp.network import tls_context
from obo_mcp.secret import ClearMembers, Secret
from obo_mcp.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

    Client: TypeAlias = Redis | RedisCluster

ANSWER_SECONDS = 1.0
"""A connection that has been silent for so long is closed; no caller waits that long."""
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OPTIONS = {"db", "ssl_check_hostname", "sentinel_username", "sentinel_password", *_FILES}
_PLACE = {"host", "port", "path", "username", "password", "connection_class"}
_Place: TypeAlias = Mapping[str, Any]


def connect(settings: Settings) -> "Client":
    """A client for the addresses of `Settings.redis_url`; it connects when first used.

    The user and password of the first address are those of Redis (ACL) everywhere; Sentinel's
    own are its options `sentinel_username` and `sentinel_password`. `rediss://` verifies the
    server's name with the roots of `Settings.ca_bundle`; the options `ssl_ca_certs`,
    `ssl_certfile`, `ssl_keyfile` and `ssl_check_hostname=no` say otherwise.

    Raises:
        ConfigurationError: the package is missing, or an address is not as it should be.
    """
    if not settings.redis_url:
        raise ConfigurationError("OBO_MCP_REDIS_URL is not set")
    redis = _package()
    places = _places(redis, settings.redis_url)
    _check_together(places, settings)
    options = _options(redis, places[0].get("username"), places[0].get("password"))
    trust = _trust(places[0], settings) if _is_tls(redis, places[0]) else None
    if settings.redis_cluster:
        return _cluster(redis, places, options, trust)
    if settings.redis_sentinel_service:
        return _behind_sentinel(redis, places, options, trust, settings.redis_sentinel_service)
    return _one_server(redis, places[0], options, trust)


def _package() -> Any:
    try:
        return importlib.import_module("redis.asyncio")
    except ImportError:
        raise ConfigurationError(
            "OBO_MCP_REDIS_URL is set, and the package redis is not installed: "
            "pip install obo-mcp[redis]"
        ) from None


# --- what an address says ------------------------------------------------------------------------


def _places(redis: Any, addresses: Secret) -> list[_Place]:
    """No address gets a name here, nor in a frame that raises: each may hold a password."""
    places = [_parsed(redis, each) for each in addresses.reveal().replace(",", " ").split()]
    return [_checked(place) for place in places or [None]]


def _checked(place: _Place | None) -> _Place:
    if place is None:
        raise ConfigurationError(
            "OBO_MCP_REDIS_URL must hold addresses such as rediss://user:password@host:6380/0; "
            "percent-encode what is not a letter or digit in user and password"
        )
    if place.keys() - _OPTIONS - _PLACE:
        raise ConfigurationError(
            f"OBO_MCP_REDIS_URL may have the options {', '.join(sorted(_OPTIONS))} and no other"
        )
    if not all(Path(place[name]).is_file() for name in _FILES if name in place):
        raise ConfigurationError("OBO_MCP_REDIS_URL names a file that this process cannot read")
    return place


def _parsed(redis: Any, address: str) -> _Place | None:
    """None, not an exception: that one may hold part of a password."""
    try:
        return ClearMembers(redis.connection.parse_url(address))
    except ValueError:
        return None


def _check_together(places: Sequence[_Place], settings: Settings) -> None:
    many = settings.redis_cluster or settings.redis_sentinel_service
    if not many and len(places) > 1:
        raise ConfigurationError(
            "OBO_MCP_REDIS_URL holds several addresses: set OBO_MCP_REDIS_CLUSTER or "
            "OBO_MCP_REDIS_SENTINEL_SERVICE"
        )
    if many and not all("host" in place for place in places):
        raise ConfigurationError("OBO_MCP_REDIS_URL must name hosts, for Sentinel or a cluster")
    if len({place.get("connection_class") for place in places}) > 1:
        raise ConfigurationError("OBO_MCP_REDIS_URL must use TLS for all addresses, or for none")
    if settings.redis_cluster and places[0].get("db"):
        raise ConfigurationError("OBO_MCP_REDIS_URL names a database; a cluster has number 0 alone")


def _is_tls(redis: Any, place: _Place) -> bool:
    return place.get("connection_class") is redis.SSLConnection


# --- how a connection behaves --------------------------------------------------------------------


def _options(redis: Any, username: str | None, password: str | None) -> ClearMembers:
    """One command, one round trip: no retries, health checks, HELLO or CLIENT SETINFO.

    RESP 2 also has no messages that nobody asked for.
    """
    backoff = importlib.import_module("redis.backoff")
    return ClearMembers(
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=redis.retry.Retry(backoff.NoBackoff(), 0),
        protocol=2,
        driver_info=None,
        username=username,
        password=password,
    )


def _trust(place: _Place, settings: Settings) -> ssl.SSLContext:
    """One context for all connections: to make one takes 20 ms, which a call does not have."""
    roots = place.get("ssl_ca_certs")
    context = _context(Path(roots) if roots else settings.ca_bundle, place)
    if context is None:
        raise ConfigurationError("OBO_MCP_REDIS_URL names a file that is no certificate or key")
    if place.get("ssl_check_hostname") is False:
        context.check_hostname = False
    return context


def _context(roots: Path | None, place: _Place) -> ssl.SSLContext | None:
    try:
        context = tls_context(roots)
        if certificate := place.get("ssl_certfile"):
            context.load_cert_chain(certificate, place.get("ssl_keyfile"))
    except OSError:
        return None
    return context


def _kind(plain: type[Any], tls: type[Any], trust: ssl.SSLContext | None) -> type[Any]:
    """The class of connections: `plain`, or `tls` with `trust` instead of a context for each."""
    if trust is None:
        return plain

    def begin(connection: Any, **options: Any) -> None:
        tls.__init__(connection, **options)
        connection.ssl_context.context = trust

    return type(f"Trusting{tls.__name__}", (tls,), {"__init__": begin})


# --- the three shapes ----------------------------------------------------------------------------


def _one_server(
    redis: Any, place: _Place, options: dict[str, Any], trust: ssl.SSLContext | None
) -> "Client":
    plain = place.get("connection_class", redis.Connection)
    where = {name: place[name] for name in ("host", "port", "path", "db") if name in place}
    kind = _kind(plain, redis.SSLConnection, trust)
    client: Client = redis.Redis.from_pool(
        redis.ConnectionPool(connection_class=kind, **where, **options)
    )
    return client


def _behind_sentinel(
    redis: Any,
    places: Sequence[_Place],
    options: dict[str, Any],
    trust: ssl.SSLContext | None,
    service: str,
) -> "Client":
    first = places[0]
    theirs = _options(redis, first.get("sentinel_username"), first.get("sentinel_password"))
    sentinels = redis.Sentinel([])  # its own way to make clients knows no class of connections
    sentinels.sentinels = [
        _one_server(redis, {"host": at["host"], "port": at.get("port", 26379)}, theirs, trust)
        for at in places
    ]
    kind = _kind(redis.SentinelManagedConnection, redis.SentinelManagedSSLConnection, trust)
    client: Client = sentinels.master_for(
        service, connection_class=kind, db=first.get("db", 0), **options
    )
    return client


def _cluster(
    redis: Any, places: Sequence[_Place], options: dict[str, Any], trust: ssl.SSLContext | None
) -> "Client":
    nodes = [redis.cluster.ClusterNode(at["host"], at.get("port", 6379)) for at in places]
    client = redis.RedisCluster(startup_nodes=nodes, require_full_coverage=False, **options)
    client.commands_parser = _OneKey()
    # The constructor takes no class of connections; nodes found later are made from the mapping.
    kind = _kind(redis.Connection, redis.SSLConnection, trust)
    client.connection_kwargs["connection_class"] = kind
    for node in client.startup_nodes:
        node.connection_class = kind
    cluster: RedisCluster = client
    return cluster


class _OneKey:
    """Says of GETRANGE, SET and DEL that their first argument is the key.

    To learn that, redis-py asks a cluster for the description of all its commands, anew after
    each failure; to read the answer stops everything else in the process for 20 ms.
    """

    async def initialize(self, _node: object = None) -> None:
        """Nothing to ask."""

    async def get_keys(self, _command: str, *arguments: bytes) -> tuple[bytes, ...]:
        return arguments[:1]
