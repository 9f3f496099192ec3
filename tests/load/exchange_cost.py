"""Sections of `make bench`: a cold crowd, what an exchange costs us, and what a kept token costs.

The token endpoint is a process of its own on the other core, behind TLS.
"""

import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import pytest

from obo_mcp.cache.envelope import Envelope
from obo_mcp.cache.keyring import KeyRing
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.cache.redis import RedisTokenCache
from obo_mcp.cache.redis_client import connect
from obo_mcp.clock import SystemClock
from obo_mcp.composition import grant as grant_of
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings
from support.bad_days import PLENTY, TokenEndpointWithBadDays
from support.cached import an_entry, new_ring_key
from support.redis_server import RedisServer
from support.tokens import CLIENT, TENANT
from support.wire import unsigned

GRAPH = Scopes.parse("https://graph.microsoft.com/.default")
AUTHORITY = "https://login.example"
LATENCY_MS = 80


@contextmanager
def token_endpoint(milliseconds):
    """Settings of a server whose token endpoint takes that long."""
    program = str(Path(__file__).parent / "token_endpoint.py")
    process = subprocess.Popen(
        [sys.executable, program, str(milliseconds)], stdout=subprocess.PIPE, text=True
    )
    try:
        about = json.loads(process.stdout.readline())
        yield settings(authority_host=about["url"], ca_bundle=about["ca_path"])
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def settings(**changes):
    given = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": "of-the-bench-alone"}
    given |= {"resource_url": "http://127.0.0.1:1/mcp", "required_scope": "mcp.access"}
    return Settings(**(given | {"authority_host": AUTHORITY} | changes))


def people(count):
    """Callers as the verifier would make them, each with an assertion as long as a real one."""
    return [person(number, SystemClock()) for number in range(count)]


def person(number, clock):
    """One of them; their sign-in lasts an hour by `clock`."""
    oid = f"00000000-0000-4000-8000-{number:012}"
    assertion = Secret(unsigned(oid=oid, tid=TENANT, uti=f"{number:022}", rest=PLENTY))
    principal = Principal(
        tid=TENANT, oid=oid, sub=oid, azp=CLIENT, issuer=AUTHORITY,
        scopes=frozenset({"mcp.access"}), expires_at=int(clock.now()) + 3600,
        token_digest=assertion.digest(),
    )  # fmt: skip
    return Caller(principal, assertion, "00000000-0000-4000-8000-000000000000")


class House:
    """Broker and grant as the settings make them, with an empty cache."""

    def __init__(self, settings, cache=None):
        clock = SystemClock()
        self.grant = grant_of(settings, clock, None)
        self.cache = cache or MemoryTokenCache(settings.cache_entries, clock)
        self.broker = TokenBroker(
            self.grant.exchange, self.cache, clock,
            client_id=settings.client_id, at_once=settings.exchange_threads,
        )  # fmt: skip

    async def ask(self, callers):
        await asyncio.gather(*(self.broker.downstream_token(each, GRAPH) for each in callers))


# --- a cold crowd ----------------------------------------------


def cold_crowd(*, crowd, rounds):
    """Everybody at once, nobody known: how near the configured threads come to their best."""
    with token_endpoint(LATENCY_MS) as given:
        runs = [_cold(given, people(crowd)) for _ in range(rounds)]
    ideal = ceil(crowd / given.exchange_threads) * LATENCY_MS / 1000
    seconds = statistics.median(run["seconds"] for run in runs)
    return {
        "people": crowd,
        "threads": given.exchange_threads,
        "endpoint_ms": LATENCY_MS,
        "ideal_seconds": ideal,
        "seconds": [round(run["seconds"], 2) for run in runs],
        "of_ideal": round(seconds / ideal, 2),
        "cpu_ms_per_exchange": round(
            statistics.median(run["cpu_seconds"] for run in runs) * 1000 / crowd, 2
        ),
    }


def _cold(given, callers):
    house = House(given)
    gc.collect()
    cpu, started = time.process_time(), time.perf_counter()
    asyncio.run(house.ask(callers))
    spent = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
    }
    house.grant.close()
    return spent


# --- what one exchange costs this process ----------------------------------------------


def exchange_cpu(*, exchanges):
    """CPU of one exchange, one after another in one thread: without a socket, and over TLS."""
    without = House(settings())
    TokenEndpointWithBadDays(SystemClock(), 1, share=0).before(without.grant._transport, AUTHORITY)
    figures = {"no socket": _one_by_one(without, exchanges)}
    with token_endpoint(0) as given:
        figures["TLS kept alive"] = _one_by_one(House(given), exchanges)
    return figures


def _one_by_one(house, count):
    callers = people(count + 1)
    house.grant._exchange(callers.pop(), GRAPH, "")  # discovery, and the connection
    cpu, started = time.process_time(), time.perf_counter()
    for caller in callers:
        house.grant._exchange(caller, GRAPH, "")
    figures = {
        "cpu_ms": round((time.process_time() - cpu) * 1000 / count, 3),
        "wall_ms": round((time.perf_counter() - started) * 1000 / count, 3),
    }
    house.grant.close()
    return figures


# --- what a kept token costs ----------------------------------------------


def hits(*, calls):
    """A token that is at hand, and one that only the shared cache holds."""
    near = asyncio.run(_near(calls))
    return {"L1 (memory)": near, "L2 (Redis, sealed)": _shared(calls // 10)}


async def _near(calls):
    house, (caller,) = House(settings()), people(1)
    key = house.broker._key(caller, GRAPH, "")
    await house.cache.put(key, an_entry(SystemClock()), caller.assertion)
    return await _timed(lambda: house.broker.downstream_token(caller, GRAPH), calls)


def _shared(calls):
    with tempfile.TemporaryDirectory() as folder:
        try:
            with RedisServer(folder) as server:
                return asyncio.run(_at_redis(server.url, calls))
        except pytest.skip.Exception as missing:
            return str(missing)


async def _at_redis(url, calls):
    ring, clock = [new_ring_key()], SystemClock()
    given = settings(redis_url=url, cache_keys=ring)
    cache = RedisTokenCache(connect(given), Envelope(KeyRing(ring)), clock, timeout_seconds=1)
    house, (caller,) = House(given, cache), people(1)
    key = house.broker._key(caller, GRAPH, "")
    entry = an_entry(clock, text=unsigned(rest=PLENTY * 2))
    put = await _timed(lambda: cache.put(key, entry, caller.assertion), calls)
    get = await _timed(lambda: cache.get(key, caller.assertion), calls)
    assert (await cache.get(key, caller.assertion)).token == entry.token
    await cache.aclose()
    return {"get": get, "put": put}


async def _timed(call, count):
    spent = []
    for _ in range(count // 10):
        await call()
    for _ in range(count):
        begun = time.perf_counter_ns()
        await call()
        spent.append(time.perf_counter_ns() - begun)
    ordered = sorted(spent)
    return {
        "p50_us": round(statistics.median(ordered) / 1000, 2),
        "p99_us": round(ordered[int(count * 0.99)] / 1000, 2),
    }


def exchange_costs(*, quick):
    """The three sections in one."""
    return {
        "cold_crowd": cold_crowd(crowd=100 if quick else 500, rounds=1 if quick else 3),
        "one_exchange": exchange_cpu(exchanges=100 if quick else 1000),
        "hits": hits(calls=1000 if quick else 20_000),
    }
