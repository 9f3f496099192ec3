"""Two caches as one: this process's own in front, the one shared between replicas behind it.

The shared one may be slow, full, gone or lying; callers notice nothing but a token that has to
be exchanged again.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from obo_mcp.cache.entry import CachedToken, CacheKey, TokenCache
from obo_mcp.cache.failure import CacheFailed, Crowded
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.clock import Clock
from obo_mcp.observe import record
from obo_mcp.secret import Secret

FAILURES_IN_A_ROW = 3
REST_SECONDS = 5.0
MOST_PENDING_WRITES = 256
LONGEST_SECONDS = 1.0
"""Nobody waits longer for a shared cache, whatever limits it keeps itself."""

T = TypeVar("T")


class _Patience:
    """Leaves the shared cache alone for `REST_SECONDS` after failures in a row, then tries once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0

    def may_ask(self) -> bool:
        """Whether to ask now. The first to hear yes after a rest is the probe; others wait on."""
        if self._failures < FAILURES_IN_A_ROW:
            return True
        if self._clock.monotonic() < self._rests_until:
            return False
        self._rest()
        return True

    def failed(self, cause: str) -> None:
        record("cache", fields={"outcome": "failed", "cause": cause})
        self._failures += 1
        self._rest()

    def answered(self) -> None:
        if self._failures >= FAILURES_IN_A_ROW:
            record("cache", fields={"outcome": "back"})
        self._failures = 0

    def _rest(self) -> None:
        self._rests_until = self._clock.monotonic() + REST_SECONDS


class TieredTokenCache:
    """`near` answers at once; `shared` is asked when it has nothing, and told in the background.

    Never raises because of `shared`. `dropped` counts the writes that it was not told of.
    """

    def __init__(self, near: MemoryTokenCache, shared: TokenCache, clock: Clock) -> None:
        self._near = near
        self._shared = shared
        self._patience = _Patience(clock)
        self._asked: set[asyncio.Task[Any]] = set()
        self._told: set[asyncio.Task[None]] = set()
        self._last: dict[CacheKey, asyncio.Task[None]] = {}
        self.dropped = 0

    def at_hand(self, key: CacheKey) -> CachedToken | None:
        """The usable token that this process itself holds under `key`."""
        return self._near.at_hand(key)

    async def get(self, key: CacheKey, assertion: Secret) -> CachedToken | None:
        """The token near by, or the shared one, which is then kept near by."""
        entry = self._near.at_hand(key)
        if entry is not None or key in self._last or not self._patience.may_ask():
            return entry  # what is still to be written or deleted there is not asked for
        found = await self._tried(self._shared.get(key, assertion))
        entry = self._near.at_hand(key)  # what was put here meanwhile is the newer one
        if entry is None and found is not None:
            await self._near.put(key, found, assertion)
            entry = self._near.at_hand(key)
        return entry

    async def put(self, key: CacheKey, entry: CachedToken, assertion: Secret) -> None:
        """Keep `entry` near by at once, and tell the shared cache in the background."""
        await self._near.put(key, entry, assertion)
        self._tell(key, partial(self._shared.put, key, entry, assertion))

    async def discard(self, key: CacheKey) -> None:
        """Forget `key` near by and in the shared cache, unless that is left alone just now."""
        await self._near.discard(key)
        if key in self._last:  # what is written after us would bring the refused token back
            self._tell(key, partial(self._shared.discard, key))
        elif self._patience.may_ask():
            await self._tried(self._shared.discard(key))

    async def aclose(self) -> None:
        """Wait a second at most for writes under way, and another for the shared cache to close."""
        if self._told:
            await asyncio.wait(set(self._told), timeout=LONGEST_SECONDS)
        closing = asyncio.create_task(self._shared.aclose())
        await asyncio.wait({closing}, timeout=LONGEST_SECONDS)
        unfinished = [task for task in (closing, *self._told, *self._asked) if not task.done()]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(closing, *unfinished, return_exceptions=True)
        await self._near.aclose()

    def _tell(self, key: CacheKey, write: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do `write` in the background, after what is already under way for the same key."""
        if not self._patience.may_ask():
            return
        if len(self._told) >= MOST_PENDING_WRITES:
            self.dropped += 1
            record("cache", fields={"outcome": "dropped"})
            return
        task = asyncio.create_task(self._in_turn(self._last.get(key), write))
        self._told.add(task)
        self._last[key] = task
        task.add_done_callback(partial(self._told_of, key))

    async def _in_turn(
        self, before: asyncio.Task[None] | None, write: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        await self._tried(write())

    def _told_of(self, key: CacheKey, task: asyncio.Task[None]) -> None:
        self._told.discard(task)
        if self._last.get(key) is task:
            del self._last[key]

    async def _tried(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What the shared cache answers; None if it fails. A caller who leaves cuts nothing off."""
        task = asyncio.create_task(work)
        self._asked.add(task)
        task.add_done_callback(self._noted)
        await asyncio.wait({task}, timeout=LONGEST_SECONDS)
        if not task.done():
            task.cancel()
            self._patience.failed("TimeoutError")
            return None
        return None if task.cancelled() or task.exception() else task.result()

    def _noted(self, task: asyncio.Task[Any]) -> None:
        self._asked.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._patience.answered()
        elif isinstance(error, Crowded):
            record("cache", fields={"outcome": "crowded"})
        else:
            cause = error.cause if isinstance(error, CacheFailed) else type(error).__name__
            self._patience.failed(cause)
