"""The ring's keys are rotated while people call: replicas are replaced one after another."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from chaos.effort import NIGHTLY, say
from chaos.fleet import REPLICAS, exchanges, new_ring_key
from chaos.monitor import races

PEOPLE = 40 if NIGHTLY else 4


@asynccontextmanager
async def under_load(calls, crowd):
    """Everybody calls, one call after another, until the block has ended."""
    over = asyncio.Event()
    going_on = asyncio.create_task(calls.until(over, crowd))
    try:
        yield
    finally:
        over.set()
        await going_on


async def everybody_has_called_everywhere(calls, crowd):
    """Each goes round all replicas; twice as many calls come back in the meantime, at the least."""
    turns = {person: person.turn for person in crowd}
    while any(person.turn - turns[person] <= 2 * len(calls.ports) for person in crowd):
        await calls.made(len(calls.seconds) + 1)


async def replaced(house, calls, replicas, ring):
    """As many replicas with another ring; the old ones go one after another, each when drained."""
    serving = await asyncio.to_thread(house.replicas, len(replicas), faults=False, ring=ring)
    for place, (old, new) in enumerate(zip(replicas, serving, strict=True)):
        calls.ports[place] = new.port
        await calls.drained(old.port)
        await asyncio.to_thread(house.fleet.stop, old)
    return serving


@pytest.mark.promise("P-23")
async def test_keys_are_rotated_under_load_without_a_failed_call(house):
    old, new = new_ring_key(), new_ring_key()
    generations = [[old], [old, new], [new, old], [new]]
    replicas = house.replicas(faults=False, ring=generations[0])
    crowd, calls, costs = house.people(PEOPLE), house.calls(replicas), []
    async with under_load(calls, crowd):
        await everybody_has_called_everywhere(calls, crowd)
        for ring in generations[1:]:
            house.world.clear()
            with house.redis.monitored() as lines:
                replicas = await replaced(house, calls, replicas, ring)
                await everybody_has_called_everywhere(calls, crowd)
            costs.append((sum(exchanges(house.world).values()), races(lines)))
    for replica in replicas:
        house.fleet.stop(replica)
    say(
        f"{calls.begun} calls of {PEOPLE} people, {3 * REPLICAS} replicas replaced: exchanges "
        f"{[done for done, _ in costs]} for the three steps; races in the last: {costs[-1][1]}"
    )
    assert not calls.failures
    assert [done for done, _ in costs[:2]] == [0, 0]  # both keys open what either has sealed
    done, raced = costs[-1]
    assert PEOPLE <= done <= PEOPLE + raced  # what the old key sealed has to be earned again
