"""Everything that a chaos test has: a tenant, a Redis behind a proxy with faults, and a fleet."""

from contextlib import contextmanager
from dataclasses import dataclass, field

from chaos.calls import Calls, Person
from chaos.fleet import REPLICAS, Fleet, new_ring_key, proxied, tenant
from support.fault_proxy import FaultProxy
from support.redis_server import RedisServer
from support.world import World


@dataclass(repr=False, kw_only=True)
class House:
    """One place for all tests of a run. `seen` has every token that anybody held."""

    world: World
    redis: RedisServer
    proxy: FaultProxy
    fleet: Fleet
    ring: str
    seen: set = field(default_factory=set)

    def people(self, count):
        """New people with new sign-ins; their first replicas differ."""
        crowd = [Person(token, number) for number, token in enumerate(self.world.crowd(count))]
        self.seen.update(person.token.reveal() for person in crowd)
        return crowd

    def calls(self, replicas):
        return Calls([replica.port for replica in replicas], self.seen)

    def replicas(self, count=REPLICAS, *, faults=True, **settings):
        """Replicas with our ring; `faults`: the way to Redis has them, and its time is the usual.

        Without, they wait a second: then only a race costs an exchange, not a slow machine.
        """
        redis = f"redis://127.0.0.1:{self.proxy.port}" if faults else self.redis.url
        patience = {} if faults else {"redis_timeout_seconds": 1}
        given = {"redis": redis, "ring": [self.ring]} | patience | settings
        return self.fleet.start(count, **given)


@contextmanager
def open_house(folder):
    """Skips the test where there is no redis-server."""
    lines = ("appendonly yes", "maxmemory-policy noeviction", "rdbcompression no")
    with (
        RedisServer(folder / "redis", *lines) as redis,
        proxied(redis.port) as proxy,
        tenant() as world,
        Fleet(world, folder) as fleet,
    ):
        yield House(world=world, redis=redis, proxy=proxy, fleet=fleet, ring=new_ring_key())
