"""What every token cache promises; each implementation runs the whole suite."""

import pytest

from obo_mcp.cache.entry import MARGIN_SECONDS, CachedToken, CacheKey
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.secret import Secret


@pytest.fixture(params=[MemoryTokenCache])
def cache(request, clock):
    return request.param(100, clock)


def a_key(**changes) -> CacheKey:
    fields = {
        "assertion_digest": b"digest",
        "tenant_id": "t",
        "client_id": "c",
        "resource": "r",
        "scopes": ("r/s",),
    }
    return CacheKey(**(fields | changes))


def an_entry(clock, *, lives=3600.0, assertion_lives=3600.0, text="downstream") -> CachedToken:
    return CachedToken(
        token=Secret(text),
        scopes=("r/s",),
        expires_at=clock.now() + lives,
        assertion_expires_at=clock.now() + assertion_lives,
    )


async def test_what_was_put_is_given_back(cache, clock):
    await cache.put(a_key(), an_entry(clock))
    assert (await cache.get(a_key())).token == Secret("downstream")


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
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_key_that_differs_anywhere_finds_nothing(cache, clock, other):
    await cache.put(a_key(), an_entry(clock))
    assert await cache.get(a_key(**other)) is None


@pytest.mark.promise("P-04")
@pytest.mark.parametrize(
    ("lives", "assertion_lives", "kept"),
    [(3600, 5000, 3600 - MARGIN_SECONDS), (5000, 1200, 1200)],
    ids=["the token ends first", "the assertion ends first"],
)
async def test_an_entry_outlives_neither_its_token_nor_its_assertion(
    cache, clock, lives, assertion_lives, kept
):
    await cache.put(a_key(), an_entry(clock, lives=lives, assertion_lives=assertion_lives))
    clock.advance(kept - 1)
    assert await cache.get(a_key())
    clock.advance(1)
    assert await cache.get(a_key()) is None


async def test_a_token_with_too_little_life_is_not_kept(cache, clock):
    await cache.put(a_key(), an_entry(clock, lives=MARGIN_SECONDS))
    assert await cache.get(a_key()) is None


async def test_a_later_entry_replaces_an_earlier_one(cache, clock):
    await cache.put(a_key(), an_entry(clock, text="first"))
    await cache.put(a_key(), an_entry(clock, text="second"))
    assert (await cache.get(a_key())).token == Secret("second")


async def test_the_cache_never_grows_beyond_its_bound(cache, clock):
    for number in range(1000):
        await cache.put(a_key(assertion_digest=str(number).encode()), an_entry(clock))
    assert len(cache) <= 100
    assert await cache.get(a_key(assertion_digest=b"999"))


async def test_an_entry_does_not_print_its_token(cache, clock):
    assert "downstream" not in repr(an_entry(clock))
    assert "digest" not in repr(a_key()).replace("assertion_digest", "")
