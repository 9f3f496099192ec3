"""How much memory a process comes to need, and what a lookup costs, when many people have called.

python tests/load/people.py PEOPLE ENTRIES

Real MSAL, grant, breaker and cache; the token endpoint is in this process and has bad days. Prints
figures as JSON. Nobody is kept by this program itself but the few whose lookups are timed.
"""

import asyncio
import gc
import json
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from exchange_cost import AUTHORITY, GRAPH, person, settings

from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.composition import grant as grant_of
from obo_mcp.errors import OboError
from obo_mcp.exchange.broker import TokenBroker
from support.bad_days import SHARE, TokenEndpointWithBadDays
from support.clock import ManualClock

LIFETIMES = 300, 3600  # some end before their room is needed, some do not
AT_ONCE = 64
FEW = 100
SECONDS_OF_A_FULL_CACHE = 1500
SAMPLES = 40
ROUNDS = 50


class Process:
    """Everything but the door, in a time that each new person moves on."""

    def __init__(self, entries, share):
        self.clock = ManualClock()
        self.entries = entries
        given = settings(cache_entries=entries)
        self._grant = grant_of(given, self.clock, None)
        endpoint = TokenEndpointWithBadDays(self.clock, 1, share=share, lifetimes=LIFETIMES)
        endpoint.before(self._grant._transport, AUTHORITY)
        self.cache = MemoryTokenCache(entries, self.clock)
        self.broker = TokenBroker(
            self._grant.exchange, self.cache, self.clock, client_id=given.client_id
        )
        self._next = 0
        self.most_kept = 0
        self.outlived = 0

    async def let_in(self, count):
        """So many new people, each for one call."""
        end = self._next + count
        await asyncio.gather(*(self._one_after_another(end) for _ in range(AT_ONCE)))

    async def _one_after_another(self, end):
        while self._next < end:
            caller = person(self._next, self.clock)
            self._next += 1
            self.clock.advance(SECONDS_OF_A_FULL_CACHE / self.entries)
            try:
                await self.broker.downstream_token(caller, GRAPH)
            except OboError:
                continue
            self.most_kept = max(self.most_kept, len(self.cache))

    def look(self):
        """Whether anything that is handed out has ended."""
        now = self.clock.now()
        kept = filter(None, map(self.cache.at_hand, list(self.cache._kept)))
        self.outlived += sum(entry.usable_until <= now for entry in kept)

    def keeps(self, caller):
        return self.cache.at_hand(self.broker._key(caller, GRAPH, "")) is not None

    async def lookup_ns(self, callers):
        """CPU of one lookup of a token that is kept, in the best of many rounds."""
        spent = []
        for _ in range(ROUNDS):
            begun = time.process_time_ns()
            for caller in callers:
                await self.broker.downstream_token(caller, GRAPH)
            spent.append((time.process_time_ns() - begun) / len(callers))
        return min(spent)


def rss_mib():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def figures(people, entries):
    process, few = Process(entries, SHARE), Process(FEW, 0)
    await few.let_in(FEW)
    known = [person(number, few.clock) for number in range(FEW)]
    at_a_hundred = await few.lookup_ns(known)
    samples = [rss_mib()]
    for _ in range(SAMPLES):
        await process.let_in(people // SAMPLES)
        process.look()
        gc.collect()
        samples.append(rss_mib())
    late = (person(number, process.clock) for number in range(people - 10 * FEW, people))
    kept = [each for each in late if process.keeps(each)][:FEW]
    with_all, half = await process.lookup_ns(kept), samples[SAMPLES // 2 :]
    return {
        "people": people,
        "entries": entries,
        "rss_mib": {"before": samples[0], "most": max(samples), "end": samples[-1]},
        "last_half_grew_mib": half[-1] - half[0],
        "most_kept": process.most_kept,
        "outlived": process.outlived,
        "lookup_ns": {f"{FEW} people": round(at_a_hundred), "all": round(with_all)},
        "lookup_ratio": round(with_all / at_a_hundred, 2),
    }


if __name__ == "__main__":
    told = asyncio.run(figures(int(sys.argv[1]), int(sys.argv[2])))
    sys.stdout.write(json.dumps(told) + "\n")
