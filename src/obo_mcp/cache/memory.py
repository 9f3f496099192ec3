"""A bounded cache in this process's memory."""

from cachetools import TLRUCache

from obo_mcp.cache.entry import CachedToken, CacheKey
from obo_mcp.clock import Clock
from obo_mcp.secret import Secret


class MemoryTokenCache:
    """Keeps at most `entries` tokens; the least recently used goes first.

    Entries end by the clock, at `CachedToken.usable_until`. Not shared between processes.
    """

    def __init__(self, entries: int, clock: Clock) -> None:
        self._kept: TLRUCache[CacheKey, CachedToken] = TLRUCache(
            entries, ttu=lambda _key, entry, _now: entry.usable_until, timer=clock.now
        )

    def at_hand(self, key: CacheKey) -> CachedToken | None:
        """The token kept under `key`, if it is still usable."""
        try:
            return self._kept[key]
        except KeyError:
            return None

    async def get(self, key: CacheKey, _assertion: Secret) -> CachedToken | None:
        """The token kept under `key`, if it is still usable."""
        return self.at_hand(key)

    async def put(self, key: CacheKey, entry: CachedToken, _assertion: Secret) -> None:
        """Keep `entry` until it is no longer usable, or until room is needed."""
        self._kept[key] = entry

    async def discard(self, key: CacheKey) -> None:
        """Forget what is kept under `key`."""
        self._kept.pop(key, None)

    async def aclose(self) -> None:
        """Nothing to close: memory ends with the process."""

    def __len__(self) -> int:
        return len(self._kept)
