"""What is kept, under which name, and the shape of every cache."""

from dataclasses import dataclass, field
from typing import Protocol

from obo_mcp.secret import Secret

MARGIN_SECONDS = 60.0
"""A token with less life than this is not handed out: it could end on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKey:
    """Everything that makes one downstream token different from another.

    It holds the digest of the user assertion, and with it person, client and level of assurance:
    a new sign-in never receives what an older one earned. `claims` is the JSON text of the claims
    request that the exchange carried (OpenID Connect Core 5.5), empty for none.
    """

    assertion_digest: bytes = field(repr=False)
    tenant_id: str
    client_id: str
    resource: str
    scopes: tuple[str, ...]
    claims: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedToken:
    """A downstream token. Times are seconds since the Unix epoch.

    `expires_at` is the token's own end; `assertion_expires_at` that of the access token it was
    traded for. The entry outlives neither.
    """

    token: Secret
    scopes: tuple[str, ...]
    expires_at: float
    assertion_expires_at: float

    @property
    def usable_until(self) -> float:
        """The moment from which this token is not handed out any more."""
        return min(self.expires_at - MARGIN_SECONDS, self.assertion_expires_at)


class TokenCache(Protocol):
    """Where the broker keeps downstream tokens. A failing cache behaves as an empty one.

    `assertion` is the user assertion that earned the token: what leaves this process is sealed
    with it, so that nobody without it can open the entry.
    """

    def at_hand(self, key: CacheKey) -> CachedToken | None:
        """The usable token that this process itself holds under `key`; asks nobody else."""
        ...

    async def get(self, key: CacheKey, assertion: Secret, /) -> CachedToken | None:
        """The token kept under `key`, here or elsewhere, if it is still usable."""
        ...

    async def put(self, key: CacheKey, entry: CachedToken, assertion: Secret, /) -> None:
        """Keep `entry` until it is no longer usable, or until room is needed."""
        ...

    async def discard(self, key: CacheKey) -> None:
        """Keep nothing under `key` any more: its token was refused."""
        ...

    async def aclose(self) -> None:
        """Finish what is under way and close connections; the cache may be used again later."""
        ...
