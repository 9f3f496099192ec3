"""Signing keys: who waits for a fetch, and how often one is made."""

import asyncio

import pytest

from obo_mcp.errors import KeysUnavailable, SigningKeyUnknown
from obo_mcp.inbound.jwks import SigningKeys
from support.tokens import published


class Authority:
    """Publishes keys through a gate that the test holds."""

    def __init__(self, *kids):
        self.kids = kids
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()
        self.down = False

    async def fetch(self):
        self.asked += 1
        await self.open.wait()
        if self.down:
            raise KeysUnavailable
        return published(*self.kids)


async def test_the_first_hundred_callers_share_one_fetch(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    found = await asyncio.gather(*(keys.find("2.0", "key-one") for _ in range(100)))
    assert len({issuer for issuer, _ in found}) == 1
    assert authority.asked == 1


async def test_a_known_key_never_waits_behind_a_fetch(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    clock.advance(3601)
    authority.open.clear()
    await asyncio.wait_for(keys.find("2.0", "key-one"), 1)
    await asyncio.sleep(0)
    assert authority.asked == 2
    authority.open.set()
    await keys.refresh()


@pytest.mark.promise("P-02")
@pytest.mark.parametrize("down", [False, True])
async def test_a_flood_of_unknown_key_ids_causes_one_fetch_in_five_minutes(clock, down):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    authority.down = down
    clock.advance(301)
    for number in range(1000):
        with pytest.raises(KeysUnavailable if down else SigningKeyUnknown):
            await keys.find("2.0", f"invented-{number}")
        clock.advance(0.29)
    assert authority.asked == 2


@pytest.mark.promise("P-02")
async def test_known_keys_stay_good_while_the_endpoint_is_down_for_a_day(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    authority.down = True
    for _ in range(24 * 4):
        clock.advance(900)
        await keys.find("2.0", "key-one")
        await asyncio.sleep(0)
    assert authority.asked > 20


async def test_an_unknown_key_while_the_endpoint_is_down_says_when_to_return(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    authority.down = True
    clock.advance(301)
    with pytest.raises(KeysUnavailable):
        await keys.find("2.0", "new")
    clock.advance(100)
    with pytest.raises(KeysUnavailable) as caught:
        await keys.find("2.0", "new")
    assert caught.value.retry_after_seconds == 200


async def test_a_new_key_is_used_after_one_fetch(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    authority.kids = ("key-one", "key-two")
    clock.advance(301)
    await keys.find("2.0", "key-two")
    assert authority.asked == 2


async def test_before_the_first_keys_a_failed_fetch_is_repeated_after_five_seconds(clock):
    authority = Authority()
    authority.down = True
    keys = SigningKeys(authority.fetch, clock)
    for _ in range(3):
        with pytest.raises(KeysUnavailable) as caught:
            await keys.find("2.0", "key-one")
    assert authority.asked == 1
    assert caught.value.retry_after_seconds == 5
    authority.down = False
    clock.advance(5)
    await keys.find("2.0", "key-one")


async def test_a_caller_who_goes_away_leaves_the_fetch_to_the_others(clock):
    authority = Authority()
    authority.open.clear()
    keys = SigningKeys(authority.fetch, clock)
    waiting = [asyncio.create_task(keys.find("2.0", "key-one")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    authority.open.set()
    assert len(await asyncio.gather(*waiting[1:])) == 2


async def test_a_fetch_that_fails_in_an_unforeseen_way_is_an_outage(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()

    async def broken():
        raise RecursionError

    keys._fetch = broken
    clock.advance(301)
    with pytest.raises(KeysUnavailable):
        await keys.find("2.0", "new")
    await keys.find("2.0", "key-one")


async def test_the_same_keys_again_change_nothing_and_new_ones_do(clock):
    authority = Authority("key-one")
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    await keys.refresh()
    assert keys.generation == 1
    authority.kids = ("key-two",)
    await keys.refresh()
    assert keys.generation == 2


async def test_asking_for_readiness_sets_a_fetch_off_but_not_a_flood(clock):
    authority = Authority()
    authority.down = True
    keys = SigningKeys(authority.fetch, clock)
    for _ in range(10):
        keys.start_loading()
        await asyncio.sleep(0)
    assert (authority.asked, keys.loaded) == (1, False)
    authority.down = False
    clock.advance(5)
    keys.start_loading()
    await keys.refresh()
    assert keys.loaded
    keys.start_loading()
    assert authority.asked == 2


async def test_closing_ends_a_fetch_that_is_under_way(clock):
    authority = Authority()
    authority.open.clear()
    keys = SigningKeys(authority.fetch, clock)
    keys.start_loading()
    await asyncio.sleep(0)
    await keys.aclose()
    assert keys._refresh.done()
    await SigningKeys(authority.fetch, clock).aclose()


async def test_keep_fresh_fetches_at_once(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    keeping = asyncio.create_task(keys.keep_fresh())
    while not keys.loaded:
        await asyncio.sleep(0)
    keeping.cancel()
    assert keys.issuer("2.0")
    assert keys.issuer("9.9") is None
