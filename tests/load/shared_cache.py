"""Section of `make bench`: what four replicas exchange for a crowd that calls all of them.

Tenant, Redis and replicas are processes of their own, on all cores.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1])]

from chaos.fleet import exchanges
from chaos.house import open_house
from chaos.monitor import races

ROUNDS = 5
AT_ONCE = 8


def shared_cache(*, people):
    """Exchanges and races of two loads; with the reason instead where there is no Redis."""
    with all_cores(), tempfile.TemporaryDirectory() as folder:
        try:
            with open_house(Path(folder)) as house:
                return _figures(house, people)
        except pytest.skip.Exception as missing:
            return str(missing)


@contextmanager
def all_cores():
    """The bench keeps to one core; what it starts here would inherit that."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count()))
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


def _figures(house, people):
    replicas = house.replicas(faults=False)
    _run(house, replicas, _one_after_another, 4)  # keys, discovery and connections
    return {
        "replicas": len(replicas),
        "one call after another": _run(house, replicas, _one_after_another, people),
        "all replicas at once": _run(house, replicas, _everywhere_at_once, people),
    }


def _run(house, replicas, load, people):
    house.world.clear()
    calls, crowd = house.calls(replicas), house.people(people)
    with house.redis.monitored() as lines:
        asyncio.run(load(calls, crowd))
    done = exchanges(house.world)
    return {
        "people": len(done),
        "calls": calls.begun,
        "failed": sum(calls.failures.values()),
        "exchanges": sum(done.values()),
        "races": races(lines),
        "people_by_exchanges": dict(sorted(Counter(done.values()).items())),
    }


async def _one_after_another(calls, crowd):
    await calls.of(crowd, ROUNDS)


async def _everywhere_at_once(calls, crowd):
    for start in range(0, len(crowd), AT_ONCE):
        await calls.all_at_once(crowd[start : start + AT_ONCE])


if __name__ == "__main__":
    print(json.dumps(shared_cache(people=50), indent=2))
