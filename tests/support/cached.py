"""Keys, entries and rings for the tests of the token caches."""

import base64
import os

from obo_mcp.cache.entry import CachedToken, CacheKey
from obo_mcp.cache.envelope import Envelope
from obo_mcp.cache.keyring import KeyRing
from obo_mcp.cache.redis import RedisTokenCache
from obo_mcp.cache.redis_client import connect
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings
from support.canary import watch

ASSERTION = Secret("user assertion of adele")
RING_KEY = Secret(base64.b64encode(bytes(range(32))).decode())
watch("ring key", RING_KEY.reveal())


def new_ring_key() -> Secret:
    text = base64.urlsafe_b64encode(os.urandom(32)).decode()
    watch("ring key", text)
    return Secret(text)


def an_envelope(*keys: Secret) -> Envelope:
    return Envelope(KeyRing(keys or [RING_KEY]))


def a_key(**changes) -> CacheKey:
    fields = {
        "assertion_digest": ASSERTION.digest(),
        "tenant_id": "t",
        "client_id": "c",
        "resource": "r",
        "scopes": ("r/s",),
    }
    return CacheKey(**(fields | changes))


def an_entry(clock, *, lives=3600.0, assertion_lives=3600.0, text="downstream") -> CachedToken:
    return CachedToken(
        token=Secret(text),
        scopes=("r/s",),
        expires_at=clock.now() + lives,
        assertion_expires_at=clock.now() + assertion_lives,
    )


def redis_settings(url: str, **changes) -> Settings:
    fields = {
        "tenant_id": "11111111-1111-1111-1111-111111111111",
        "client_id": "22222222-2222-2222-2222-222222222222",
        "resource_url": "http://127.0.0.1:8000/mcp",
        "required_scope": "mcp.access",
        "redis_url": url,
        "cache_keys": [RING_KEY],
    }
    return Settings(**(fields | changes))


def redis_cache(url, clock, *keys, timeout_seconds=0.04, **changes) -> RedisTokenCache:
    client = connect(redis_settings(url, **changes))
    return RedisTokenCache(client, an_envelope(*keys), clock, timeout_seconds)
