"""Redis has its troubles in the middle of a load, and nobody who calls a tool notices.

The figure is the 99th percentile of the calls that begin after the trouble did, against that of
the same calls in a quiet slice just before. The machine has its troubles, too: a slice is repeated
(`SLICES`) and the medians are compared, and the best of three tries counts. Failures and exchanges
are counted in all of them.
"""

import asyncio
import statistics
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from chaos.effort import NIGHTLY, SLICES, say
from chaos.fleet import exchanges
from support.fault_proxy import noise

PEOPLE = 30 if NIGHTLY else 16
ROUNDS = 3
EXTRA_MS = 50
TRIES = 3
PROBES = 20
AT_ONCE = 2  # the machine has two cores: calls wait for Redis here, not for each other


@asynccontextmanager
async def killed_and_started_again(house):
    house.redis.kill()
    try:
        yield
    finally:
        await asyncio.to_thread(house.redis.start)


@asynccontextmanager
async def stopped_by_a_signal(house):
    with house.redis.frozen():
        yield


def the_way_there(name, **faults):
    @asynccontextmanager
    async def fault(house):
        vars(house.proxy).update(faults)
        yield
        house.proxy.heal()

    fault.__name__ = name
    return fault


@asynccontextmanager
async def full_memory(house):
    house.redis.command("CONFIG", "SET", "maxmemory", "1")
    yield
    house.redis.command("CONFIG", "SET", "maxmemory", "0")


TROUBLES = [
    killed_and_started_again,
    stopped_by_a_signal,
    the_way_there("two_seconds_of_latency", latency_seconds=2.0),
    the_way_there("garbage", answer_with=noise),
    the_way_there("cut_answers", cut=True),
    full_memory,
]


class Watch:
    """One load at the usual replicas, and what it cost each person at each of them."""

    def __init__(self, house, replicas):
        self._house, self._replicas = house, replicas
        self._before = [replica.exchanges() for replica in replicas]
        self.calls = house.calls(replicas)

    async def load(self, crowd, trouble=None):
        """The 99th percentile in ms from the first third on, where the trouble begins."""
        total = len(crowd) * ROUNDS * len(self._replicas)
        everybody = asyncio.create_task(self.calls.of(crowd, ROUNDS, at_once=AT_ONCE))
        await self.calls.made(total // 3)
        since = time.perf_counter()
        if trouble is None:
            await everybody
        else:
            async with trouble(self._house):
                since = time.perf_counter()
                await everybody
        return self.calls.p99_since(since)

    def exchanges(self, crowd):
        """Of each person at each replica."""
        oids = [person.oid for person in crowd]
        return [
            after.exchanges()[oid] - before[oid]
            for after, before in zip(self._replicas, self._before, strict=True)
            for oid in oids
        ]


async def slice_of_load(house, usual, trouble=None):
    for replica in usual:
        replica.let_rest_end()
    crowd = await asyncio.to_thread(house.people, PEOPLE)
    watch = Watch(house, usual)
    p99 = await watch.load(crowd, trouble)
    assert not watch.calls.failures
    spent = watch.exchanges(crowd)
    assert max(spent) <= 1
    return p99, sum(spent)


async def comparison(house, usual, trouble):
    """Medians of quiet and of troubled slices, which take turns."""
    quiet, troubled = [], []
    for _ in range(SLICES):
        quiet.append(await slice_of_load(house, usual))
        troubled.append(await slice_of_load(house, usual, trouble))
    medians = [statistics.median(p99 for p99, _ in each) for each in (quiet, troubled)]
    say(
        f"{trouble.__name__}: p99 {medians[0]:.0f} ms quiet, {medians[1]:.0f} ms in trouble; "
        f"exchanges {[n for _, n in quiet]} quiet, {[n for _, n in troubled]} in trouble, "
        f"of {PEOPLE} people at {len(usual)} replicas"
    )
    return medians[1] - medians[0]


async def it_is_shared_again(house, usual):
    """Somebody new is exchanged for once, and known by all: soon, if not at the first probe."""
    for person in await asyncio.to_thread(house.people, PROBES):
        for replica in usual:
            replica.let_rest_end()
        house.world.clear()
        calls = house.calls(usual)
        await calls.of([person])
        assert not calls.failures
        if sum(exchanges(house.world).values()) == 1:
            return True
    return False


@pytest.mark.promise("P-17")
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
async def test_trouble_with_redis_fails_no_call_and_costs_50_ms_at_most(house, usual, trouble):
    assert await it_is_shared_again(house, usual)  # so that the trouble meets a working cache
    seen_before = sum((replica.outcomes() for replica in usual), Counter())
    extra = []
    while not extra or (min(extra) > EXTRA_MS and len(extra) < TRIES):
        extra.append(await comparison(house, usual, trouble))
    noticed = sum((replica.outcomes() for replica in usual), Counter()) - seen_before
    say(f"{trouble.__name__}: {min(extra):.0f} ms more; the shared cache: {dict(noticed)}")
    assert min(extra) <= EXTRA_MS, f"tries came to {extra} ms more"
    assert noticed
    assert await it_is_shared_again(house, usual)


@pytest.mark.promise("P-17")
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
async def test_whoever_was_known_before_the_trouble_is_not_exchanged_for_again(
    house, usual, trouble
):
    crowd = await asyncio.to_thread(house.people, PEOPLE)
    watch = Watch(house, usual)
    await watch.calls.of(crowd)
    house.world.clear()
    async with trouble(house):
        await watch.calls.of(crowd)
    assert not watch.calls.failures
    assert not exchanges(house.world)


@pytest.mark.promise("P-17")
async def test_replicas_that_start_while_redis_is_away_serve_and_share_when_it_is_back(house):
    async with killed_and_started_again(house):
        replicas = await asyncio.to_thread(house.replicas, 2)
        crowd = await asyncio.to_thread(house.people, PEOPLE)
        calls = house.calls(replicas)
        await calls.of(crowd)
        assert not calls.failures
    assert await it_is_shared_again(house, replicas)
    for replica in replicas:
        house.fleet.stop(replica)
