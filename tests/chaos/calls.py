"""Calls of many people, spread over replicas round robin, and what came of each."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

from chaos.fleet import PUBLIC_PORT, oid_of
from load.wire import answer, request
from obo_mcp.secret import Secret
from support.wire import payload_of

CALL_SECONDS = 20


@dataclass(eq=False)
class Person:
    """Somebody with an access token; `turn` says which replica is next."""

    token: Secret
    turn: int = 0
    oid: str = field(init=False)
    wire: bytes = field(init=False, repr=False)

    def __post_init__(self):
        self.oid = oid_of(self.token)
        self.wire = request(PUBLIC_PORT, "legacy", self.token.reveal(), "downstream", {})


class Calls:
    """Makes calls at `ports`, which may change meanwhile, and keeps what they came to.

    Each call has a connection of its own, as behind a load balancer that keeps none. `seen`, of
    whoever makes many loads, gets the tokens as well as `downstream`.
    """

    def __init__(self, ports, seen):
        self.ports = ports
        self.begun, self.seconds, self.failures = 0, [], Counter()
        self.downstream, self._seen = set(), seen
        self._in_flight = Counter()
        self._moved = asyncio.Condition()

    async def of(self, crowd, rounds=1, *, at_once=4):
        """Everybody comes, calls every replica `rounds` times, one call after another, and goes."""
        coming = iter(crowd)

        async def visits():
            for person in coming:
                for _ in range(rounds * len(self.ports)):
                    await self.one(person)

        await asyncio.gather(*(visits() for _ in range(at_once)))

    async def all_at_once(self, crowd):
        """Everybody calls all replicas at the same moment."""
        await asyncio.gather(*(self.one(person) for person in crowd for _ in self.ports))

    async def until(self, event, crowd):
        """Everybody goes on calling until `event`."""

        async def goes_on(person):
            while not event.is_set():
                await self.one(person)

        await asyncio.gather(*(goes_on(person) for person in crowd))

    async def one(self, person):
        port = self.ports[person.turn % len(self.ports)]
        person.turn += 1
        self.begun += 1
        self._in_flight[port] += 1
        started = time.perf_counter()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                failure = self._judged(person, *await _answered(port, person.wire))
        except (OSError, EOFError, TimeoutError) as error:
            failure = type(error).__name__
        self.seconds.append((started, time.perf_counter() - started))
        self.failures.update([failure] if failure else [])
        async with self._moved:
            self._in_flight[port] -= 1
            self._moved.notify_all()

    async def made(self, count):
        """Until so many calls have come back."""
        async with self._moved:
            await self._moved.wait_for(lambda: len(self.seconds) >= count)

    async def drained(self, port):
        """Until no call is under way at `port`."""
        async with self._moved:
            await self._moved.wait_for(lambda: not self._in_flight[port])

    def p99_since(self, moment):
        """Milliseconds, of the calls that began after `moment`."""
        spent = sorted(seconds for started, seconds in self.seconds if started >= moment)
        return 1000 * spent[int(len(spent) * 0.99)]

    def _judged(self, person, head, body):
        """What is wrong with an answer; nothing of the answer is in it."""
        if not head.startswith(b"HTTP/1.1 200"):
            return head[:12].decode("ascii", "replace")
        result = json.loads(body).get("result", {"isError": True})
        if result.get("isError"):
            return "tool error"
        token = result["content"][0]["text"]
        self.downstream.add(token)
        self._seen.add(token)
        return "" if payload_of(token)["oid"] == person.oid else "the token of somebody else"


async def _answered(port, wire):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(wire)
        return await answer(reader)
    finally:
        writer.close()
