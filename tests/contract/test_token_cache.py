"""What every token cache promises; each implementation runs the whole suite."""

from contextlib import asynccontextmanager

import pytest

from obo_mcp.cache.entry import MARGIN_SECONDS
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.cache.tiered import TieredTokenCache
from obo_mcp.secret import Secret
from support.cached import ASSERTION, a_key, an_entry, redis_cache
from support.redis_server import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(params=["memory", "redis", "tiered"])
def kind(request):
    return request.param


@pytest.fixture
def opened(request, kind, clock):
    """`async with opened() as cache`: an empty cache of each kind, closed at the end."""
    if kind != "memory":
        server = request.getfixturevalue("server")
        server.command("FLUSHALL")

    def build():
        if kind == "memory":
            return MemoryTokenCache(100, clock)
        shared = redis_cache(server.url, clock, timeout_seconds=5)
        if kind == "redis":
            return shared
        return TieredTokenCache(MemoryTokenCache(100, clock), shared, clock)

    @asynccontextmanager
    async def open_and_close():
        cache = build()
        try:
            yield cache
        finally:
            await cache.aclose()

    return open_and_close


async def test_what_was_put_is_given_back_whole(opened, clock):
    async with opened() as cache:
        await cache.put(a_key(), an_entry(clock), ASSERTION)
        assert await cache.get(a_key(), ASSERTION) == an_entry(clock)


async def test_an_empty_cache_gives_nothing(opened):
    async with opened() as cache:
        assert cache.at_hand(a_key()) is None
        assert await cache.get(a_key(), ASSERTION) is None


async def test_at_hand_is_what_this_process_holds_and_nobody_else(opened, clock, kind):
    async with opened() as cache:
        await cache.put(a_key(), an_entry(clock), ASSERTION)
        assert cache.at_hand(a_key()) == (None if kind == "redis" else an_entry(clock))


@pytest.mark.promise("P-04")
@pytest.mark.parametrize(
    "other",
    [
        {"assertion_digest": b"another"},
        {"tenant_id": "another"},
        {"client_id": "another"},
        {"resource": "another"},
        {"scopes": ("r/s", "r/t")},
        {"scopes": ()},
        {"claims": '{"access_token":{}}'},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_key_that_differs_anywhere_finds_nothing(opened, clock, other):
    async with opened() as cache:
        await cache.put(a_key(), an_entry(clock), ASSERTION)
        assert await cache.get(a_key(**other), ASSERTION) is None
        assert cache.at_hand(a_key(**other)) is None


@pytest.mark.promise("P-04")
@pytest.mark.parametrize(
    ("lives", "assertion_lives", "kept"),
    [(3600, 5000, 3600 - MARGIN_SECONDS), (5000, 1200, 1200)],
    ids=["the token ends first", "the assertion ends first"],
)
async def test_an_entry_outlives_neither_its_token_nor_its_assertion(
    opened, clock, lives, assertion_lives, kept
):
    entry = an_entry(clock, lives=lives, assertion_lives=assertion_lives)
    async with opened() as cache:
        await cache.put(a_key(), entry, ASSERTION)
        clock.advance(kept - 1)
        assert await cache.get(a_key(), ASSERTION) == entry
        clock.advance(1)
        assert await cache.get(a_key(), ASSERTION) is None
        assert cache.at_hand(a_key()) is None


async def test_a_token_with_too_little_life_is_not_kept(opened, clock):
    async with opened() as cache:
        await cache.put(a_key(), an_entry(clock, lives=MARGIN_SECONDS), ASSERTION)
        assert await cache.get(a_key(), ASSERTION) is None


async def test_a_later_entry_replaces_an_earlier_one(opened, clock):
    async with opened() as cache:
        await cache.put(a_key(), an_entry(clock, text="first"), ASSERTION)
        await cache.put(a_key(), an_entry(clock, text="second"), ASSERTION)
        assert (await cache.get(a_key(), ASSERTION)).token == Secret("second")


async def test_what_was_discarded_is_gone_and_the_rest_is_not(opened, clock):
    async with opened() as cache:
        await cache.put(a_key(), an_entry(clock), ASSERTION)
        await cache.put(a_key(resource="another"), an_entry(clock), ASSERTION)
        await cache.discard(a_key())
        await cache.discard(a_key(resource="never kept"))
        assert cache.at_hand(a_key()) is None
        assert await cache.get(a_key(), ASSERTION) is None
        assert await cache.get(a_key(resource="another"), ASSERTION)


async def test_a_closed_cache_may_be_used_again(opened, clock):
    async with opened() as cache:
        await cache.put(a_key(), an_entry(clock), ASSERTION)
        await cache.aclose()
        await cache.aclose()
        await cache.put(a_key(resource="another"), an_entry(clock), ASSERTION)
        assert await cache.get(a_key(resource="another"), ASSERTION)


async def test_a_cache_in_memory_never_grows_beyond_its_bound(clock):
    cache = MemoryTokenCache(100, clock)
    for number in range(1000):
        key = a_key(assertion_digest=str(number).encode())
        await cache.put(key, an_entry(clock), ASSERTION)
    assert len(cache) <= 100
    assert await cache.get(a_key(assertion_digest=b"999"), ASSERTION)


async def test_neither_an_entry_nor_its_key_prints_what_is_secret(clock):
    assert "downstream" not in repr(an_entry(clock))
    assert "digest" not in repr(a_key()).replace("assertion_digest", "")
