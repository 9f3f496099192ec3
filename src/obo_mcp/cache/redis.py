"""Sealed entries in Redis or Valkey, shared by all replicas."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Any, TypeAlias

from obo_mcp.cache.entry import CachedToken, CacheKey
from obo_mcp.cache.envelope import Envelope, Unopened
from obo_mcp.cache.failure import CacheFailed, Crowded
from obo_mcp.clock import Clock
from obo_mcp.observe import record
from obo_mcp.secret import Secret

if TYPE_CHECKING:
    from obo_mcp.cache.redis_client import Client

MOST_CONNECTIONS = 64
WORK_SECONDS = 5.0
"""The longest that one question may occupy a connection, all detours included."""
CLOSE_SECONDS = 1.0
MOST_BYTES = 64 * 1024
"""More is not read of a value: whoever can write to Redis could fill our memory else."""
_JITTER = 0.1  # entries that were put together do not end together

_chance = SystemRandom()
_Task: TypeAlias = asyncio.Task[list[Any]]


class RedisTokenCache:
    """Keeps sealed entries behind `client`; what does not open is deleted and missing.

    Callers wait `timeout_seconds` at most. What they asked for goes on without them, so that no
    connection ever goes to the next caller with somebody else's answer still to come.

    Raises:
        CacheFailed: from `get`, `put` and `discard`, if Redis could not be asked.
    """

    def __init__(
        self, client: "Client", envelope: Envelope, clock: Clock, timeout_seconds: float
    ) -> None:
        self._client: Any = client  # two classes without a common base; three commands are used
        self._envelope = envelope
        self._clock = clock
        self._timeout = timeout_seconds
        self._free = asyncio.Semaphore(MOST_CONNECTIONS)
        self._under_way: set[_Task] = set()

    def at_hand(self, _key: CacheKey) -> CachedToken | None:
        """Nothing: all that is kept here is a round trip away."""
        return None

    async def get(self, key: CacheKey, assertion: Secret) -> CachedToken | None:
        """The entry under one of the names that the ring gives `key`, the newest key's first."""
        names = self._envelope.names(key)
        values = await self._asked("GETRANGE", names, 0, MOST_BYTES - 1)
        for name, octets in zip(names, values, strict=True):
            if octets != b"":
                if entry := self._opened(name, octets, assertion):
                    return entry
                await self._forget(name)
        return None

    async def put(self, key: CacheKey, entry: CachedToken, assertion: Secret) -> None:
        """Seal and keep `entry`; Redis drops it by itself at its end, or up to 10 % earlier.

        One that would fill 64 KiB is not kept here.
        """
        left = entry.usable_until - self._clock.now()
        milliseconds = int(left * (1 - _chance.uniform(0, _JITTER)) * 1000)
        if milliseconds > 0:
            name, octets = self._envelope.seal(key, entry, assertion)
            if len(octets) < MOST_BYTES:
                await self._asked("SET", [name], octets, "PX", milliseconds)

    async def discard(self, key: CacheKey) -> None:
        """Delete what lies under any name of `key`."""
        await self._asked("DEL", self._envelope.names(key))

    async def aclose(self) -> None:
        """Close all connections, the busy ones too. Never fails, and takes a second at most.

        Who asks again, be it in another event loop, has new ones opened.
        """
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                under_way = list(self._under_way)
                for task in under_way:
                    task.cancel()
                await asyncio.gather(*under_way, return_exceptions=True)
                await self._close()
        self._free = asyncio.Semaphore(MOST_CONNECTIONS)  # one belongs to the loop it served

    async def _close(self) -> None:
        """The client, and what redis-py leaves open: Sentinel's clients, nodes after a failure."""
        pool = getattr(self._client, "connection_pool", None)
        if sentinels := getattr(pool, "sentinel_manager", None):
            await sentinels.aclose()
        await self._client.aclose()
        if nodes := getattr(self._client, "nodes_manager", None):
            await nodes.aclose()
            await nodes.aclose("startup_nodes")

    def _opened(self, name: bytes, octets: object, assertion: Secret) -> CachedToken | None:
        with suppress(Unopened):
            if isinstance(octets, bytes) and len(octets) < MOST_BYTES:
                return self._envelope.open(name, octets, assertion, self._clock.now())
        return None

    async def _forget(self, name: bytes) -> None:
        """Delete what did not open; nobody waits for it."""
        record("cache", fields={"outcome": "unopened"})
        if not self._free.locked():
            await self._free.acquire()
            self._start("DEL", [name])

    async def _asked(self, command: str, names: Sequence[bytes], *rest: bytes | str | int) -> Any:
        """One answer for each name, in one round trip.

        A failure is raised here, where no frame holds the library's own error: that one names
        addresses.
        """
        answers, failure = await self._outcome(command, names, *rest)
        if failure is not None:
            raise failure
        return answers

    async def _outcome(
        self, command: str, names: Sequence[bytes], *rest: bytes | str | int
    ) -> tuple[list[Any], CacheFailed | None]:
        time = asyncio.get_running_loop().time
        limit = time() + self._timeout
        if not await self._has_room(limit):
            return [], Crowded()
        task = self._start(command, names, *rest)
        await asyncio.wait({task}, timeout=max(0.0, limit - time()))
        cause = _cause(task)
        return ([], CacheFailed(cause)) if cause else (task.result(), None)

    async def _has_room(self, limit: float) -> bool:
        """Whether a connection of ours was free before `limit`; the next `_start` takes it."""
        try:
            async with asyncio.timeout_at(limit):
                return await self._free.acquire()
        except TimeoutError:
            return False

    def _start(self, command: str, names: Sequence[bytes], *rest: bytes | str | int) -> _Task:
        task = asyncio.create_task(self._work(command, names, *rest))
        self._under_way.add(task)
        task.add_done_callback(partial(self._ended, self._free))
        return task

    def _ended(self, taken: asyncio.Semaphore, task: _Task) -> None:
        self._under_way.discard(task)
        taken.release()
        _cause(task)  # an error that nobody has looked at would be logged, address and all

    async def _work(
        self, command: str, names: Sequence[bytes], *rest: bytes | str | int
    ) -> list[Any]:
        async with asyncio.timeout(WORK_SECONDS):
            if len(names) == 1:
                return [await self._client.execute_command(command, names[0], *rest)]
            pipeline = self._client.pipeline(transaction=False)
            for name in names:
                pipeline.execute_command(command, name, *rest)
            return list(await pipeline.execute())


def _cause(task: _Task) -> str:
    """What kind of thing kept `task` from answering; empty if it has answered."""
    if not task.done():
        return "TimeoutError"
    if task.cancelled():
        return "CancelledError"
    error = task.exception()
    return type(error).__name__ if error else ""
