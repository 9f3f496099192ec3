"""Signing keys: who waits for a fetch, how often one is made, and how long keys stay good."""

import asyncio
import random
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from obo_mcp.errors import KeysUnavailable, SigningKeyUnknown
from obo_mcp.inbound.encoding import Unusable
from obo_mcp.inbound.jwks import SigningKeys
from obo_mcp.inbound.metadata import IssuerKeys
from obo_mcp.inbound.verifier import AccessTokenVerifier
from obo_mcp.observe import fields_of
from support.looptime import START, LoopClock, leaping, passing
from support.tokens import (
    ISSUER_V1,
    ISSUER_V2,
    KID,
    POLICY,
    TENANT,
    claims_v2,
    key,
    published,
    sign,
)

HOUR, DAY, WEEK = 3600, 24 * 3600, 7 * 24 * 3600
ISSUERS = {"1.0": ISSUER_V1, "2.0": ISSUER_V2}


class Authority:
    """Publishes keys through a gate that the test holds: one RSA key, under every key id."""

    def __init__(self, *kids):
        self.kids = kids or (KID,)
        self.times = []
        self.seconds = 0
        self.open = asyncio.Event()
        self.open.set()
        self.down = False
        self.without = ""

    @property
    def asked(self):
        return len(self.times)

    async def fetch(self):
        self.times.append(asyncio.get_running_loop().time())
        await self.open.wait()
        if self.seconds:
            await passing(self.seconds)
        if self.down:
            raise KeysUnavailable
        found = dict.fromkeys(self.kids, key(KID).public_key())
        return {v: IssuerKeys(i, found) for v, i in ISSUERS.items() if v != self.without}


def at_once(coroutine):
    """What it returns, which it must do without giving way to anybody."""
    with pytest.raises(StopIteration) as returned:
        coroutine.send(None)
    return returned.value.value


@asynccontextmanager
async def kept_fresh(*all_keys, at_once=True):
    keeping = [asyncio.create_task(keys.keep_fresh(at_once=at_once)) for keys in all_keys]
    await asyncio.sleep(0)
    yield
    for task in keeping:
        task.cancel()
    await asyncio.gather(*keeping, *(keys.aclose() for keys in all_keys), return_exceptions=True)


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


async def test_a_known_key_is_found_without_giving_way_while_a_fetch_hangs(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    clock.advance(3601)
    authority.open.clear()
    assert at_once(keys.find("2.0", KID)) == (ISSUER_V2, key(KID).public_key())
    stranger = asyncio.create_task(keys.find("2.0", "new"))
    await asyncio.sleep(0)
    for version, issuer in ISSUERS.items():
        assert at_once(keys.find(version, KID))[0] == issuer
    assert (authority.asked, stranger.done()) == (2, False)
    authority.open.set()
    with pytest.raises(SigningKeyUnknown):
        await stranger


@pytest.mark.promise("P-02")
async def test_known_keys_stay_good_for_a_day_and_up_to_a_week_of_outage(clock):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    authority.down = True
    for period in (DAY, WEEK - DAY - 1):
        for _ in range(period // 900):
            clock.advance(900)
            await keys.find("2.0", KID)
            await asyncio.sleep(0)
    assert authority.asked > 20 * 7
    clock.advance(899)
    assert at_once(keys.find("2.0", KID))
    clock.advance(1)
    with pytest.raises(KeysUnavailable) as caught:
        await keys.find("2.0", KID)
    assert 0 < caught.value.retry_after_seconds <= 300
    authority.down = False
    clock.advance(300)
    await keys.find("2.0", KID)


@pytest.mark.parametrize(("failing", "good"), [("1.0", "2.0"), ("2.0", "1.0")])
async def test_the_week_is_counted_for_each_token_version_alone(clock, failing, good):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    authority.without = failing
    for _ in range(WEEK // 900 - 1):
        clock.advance(900)
        await keys.find(failing, KID)
        await keys.find(good, KID)
        await asyncio.sleep(0)
    assert keys.issuer(failing) == ISSUERS[failing]
    clock.advance(900)
    with pytest.raises(KeysUnavailable):
        await keys.find(failing, KID)
    assert keys.issuer(failing) is None
    assert at_once(keys.find(good, KID))[0] == ISSUERS[good]


@pytest.mark.parametrize(("failing", "good"), [("1.0", "2.0"), ("2.0", "1.0")])
async def test_an_unknown_key_is_an_outage_only_where_the_documents_fail(clock, failing, good):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    authority.without = failing
    clock.advance(301)
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            await keys.find(failing, "new")
        with pytest.raises(SigningKeyUnknown):
            await keys.find(good, "new")
    assert authority.asked == 2
    assert at_once(keys.find(failing, KID))


@pytest.mark.parametrize(("drawn", "due"), [(0.0, 3600), (0.5, 3150), (0.999, 2701)])
async def test_a_refresh_is_due_between_three_quarters_of_an_hour_and_an_hour(clock, drawn, due):
    authority = Authority()
    keys = SigningKeys(authority.fetch, clock, jitter=lambda: drawn)
    await keys.refresh()
    for advance, asked in ((due - 1, 1), (1, 2), (due - 1, 2), (1, 3)):
        clock.advance(advance)
        at_once(keys.find("2.0", KID))
        await asyncio.sleep(0)
        assert authority.asked == asked


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


async def test_who_must_return_is_never_told_to_do_so_at_once(clock):
    authority = Authority()
    authority.down = True
    keys = SigningKeys(authority.fetch, clock)
    await keys.refresh()
    clock.advance(4.5)
    with pytest.raises(KeysUnavailable) as caught:
        await keys.find("2.0", "key-one")
    assert caught.value.retry_after_seconds == 1


async def test_every_fetch_leaves_one_event_that_names_the_cause_of_a_failure(clock, caplog):
    caplog.set_level("INFO", logger="obo_mcp.audit")
    failures = [
        None,
        ValueError("socks://user:password@proxy"),
        Unusable("answered with status 400"),
        ConnectionError(),
        None,
    ]

    async def fetch():
        if failure := failures.pop():
            raise KeysUnavailable from failure
        if failures:
            return published()
        raise RecursionError

    keys = SigningKeys(fetch, clock, tenant_id="t")
    for _ in range(5):
        await keys.refresh()
    failed = {"event": "keys", "tid": "t", "outcome": "unavailable"}
    assert [fields_of(line) for line in caplog.records] == [
        {"event": "keys", "tid": "t", "outcome": "fetched"},
        failed | {"cause": "ConnectionError"},
        failed | {"cause": "answered with status 400"},
        failed | {"cause": "ValueError"},
        failed | {"cause": "RecursionError"},
    ]


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
    for _ in range(9):
        await asyncio.sleep(0)
    keeping.cancel()
    assert keys.issuer("2.0")
    assert keys.issuer("9.9") is None


@leaping
async def test_keep_fresh_may_wait_for_the_first_token():
    authority = Authority()
    keys = SigningKeys(authority.fetch, LoopClock())
    async with kept_fresh(keys, at_once=False):
        await passing(DAY)
        assert (authority.asked, keys.loaded) == (0, False)
        await keys.find("2.0", KID)
        assert authority.times == [DAY]
        await passing(DAY)
    assert 24 <= authority.asked - 1 <= 32


@leaping
async def test_keep_fresh_retries_every_five_seconds_until_the_first_keys_are_there():
    authority = Authority()
    authority.down = True
    async with kept_fresh(SigningKeys(authority.fetch, LoopClock())):
        await passing(29)
        authority.down = False
        await passing(HOUR / 2)
    assert authority.times == [0, 5, 10, 15, 20, 25, 30]


@leaping
async def test_keep_fresh_retries_within_five_minutes_of_a_failure_and_then_hourly_again():
    authority = Authority()
    keys = SigningKeys(authority.fetch, LoopClock(), jitter=lambda: 0.0)
    async with kept_fresh(keys):
        await passing(10)
        authority.down = True
        await passing(HOUR + 600)
        authority.down = False
        await passing(HOUR + 300)
    assert authority.times == [0, 3600, 3900, 4200, 4500, 8100]


@leaping
async def test_nobody_refreshes_later_than_an_hour_and_replicas_do_not_in_step():
    replicas = [Authority() for _ in range(100)]
    draw = random.Random(20261123).random
    all_keys = [SigningKeys(each.fetch, LoopClock(), jitter=draw) for each in replicas]
    async with kept_fresh(*all_keys):
        await passing(10 * HOUR)
    pauses = [b - a for each in replicas for a, b in pairwise(each.times)]
    assert 2700 <= min(pauses) < max(pauses) <= 3600
    second = sorted(each.times[1] for each in replicas)
    assert all(later - earlier > 60 for earlier, later in zip(second, second[20:], strict=False))


@leaping
async def test_two_with_other_jitter_refresh_apart():
    early, late = Authority(), Authority()
    async with kept_fresh(
        SigningKeys(early.fetch, LoopClock(), jitter=lambda: 0.9),
        SigningKeys(late.fetch, LoopClock(), jitter=lambda: 0.1),
    ):
        await passing(2 * HOUR)
    assert not {*early.times[1:]} & {*late.times[1:]}


@pytest.mark.promise("P-02")
@leaping
async def test_hours_of_flood_cost_a_fetch_in_five_minutes_and_the_regular_ones():
    for down in (False, True):
        authority = Authority()
        authority.seconds = 1
        keys = SigningKeys(authority.fetch, LoopClock(), jitter=lambda: 0.37)
        async with kept_fresh(keys):
            await passing(10)
            authority.down = down
            for number in range(3 * HOUR // 10):
                with pytest.raises((SigningKeyUnknown, KeysUnavailable)):
                    await keys.find("2.0", f"invented-{number}")
                at_once(keys.find("2.0", KID))
                await passing(10)
        assert authority.asked <= 3 * 12 + 4


async def use(verifier, token, *, every, seconds):
    for _ in range(seconds // every):
        await verifier.verify(token)
        await passing(every)


@pytest.mark.promise("P-02")
@pytest.mark.parametrize("drawn", [0.0, 0.5, 0.999])
@leaping
async def test_a_removed_key_is_refused_within_the_hour_though_its_token_is_remembered(drawn):
    authority = Authority("key-old", "key-new")
    keys = SigningKeys(authority.fetch, LoopClock(), jitter=lambda: drawn)
    verifier = AccessTokenVerifier({TENANT: keys}, POLICY, LoopClock())
    token = sign(claims_v2(exp=START + DAY), kid="key-old", with_key=KID)
    async with kept_fresh(keys):
        await passing(1)
        first = await verifier.verify(token)
        assert await verifier.verify(token) is first
        authority.kids = ("key-new",)
        removed = LoopClock().monotonic()
        with pytest.raises(SigningKeyUnknown):
            await use(verifier, token, every=7, seconds=2 * HOUR)
        learned, refused = authority.times[-1], LoopClock().monotonic()
    assert HOUR / 2 < learned - removed < HOUR
    assert refused - learned < 7


@pytest.mark.promise("P-02")
@pytest.mark.parametrize(("lead", "longest_wait"), [(300, 1), (HOUR + 10, 0)])
@leaping
async def test_no_request_is_refused_in_a_hundred_announced_rotations(lead, longest_wait):
    """Each key is published `lead` seconds before it signs; the one before goes an hour later.

    Announced an hour ahead, a key is known when it first signs; five minutes ahead, the first
    token it signs may have to wait for a fetch, which takes a second here.
    """
    authority, draw, now = Authority("key-0"), random.Random(lead).random, LoopClock().monotonic
    authority.seconds = 1
    keys = SigningKeys(authority.fetch, LoopClock(), jitter=draw)
    verifier = AccessTokenVerifier({TENANT: keys}, POLICY, LoopClock())
    waits = []

    async def requests(number, seconds):
        token = sign(claims_v2(exp=START + 100 * DAY), kid=f"key-{number}", with_key=KID)
        end = now() + seconds
        while now() < end:
            begun = now()
            await verifier.verify(token)
            waits.append(now() - begun)
            await passing(60 * draw())

    async with kept_fresh(keys):
        await passing(10)
        for number in range(100):
            authority.kids = (f"key-{number}", f"key-{number + 1}")
            await requests(number, lead)
            await requests(number + 1, HOUR)
    assert len(waits) > 10_000
    assert max(waits) <= longest_wait


async def test_a_fetch_that_is_given_up_is_an_outage_for_those_who_wait(clock):
    authority = Authority()
    authority.open.clear()
    keys = SigningKeys(authority.fetch, clock)
    waiting = asyncio.create_task(keys.find("2.0", KID))
    while not authority.asked:
        await asyncio.sleep(0)
    await keys.aclose()
    with pytest.raises(KeysUnavailable):
        await waiting
    authority.open.set()
    await keys.find("2.0", KID)
    assert authority.asked == 2


def test_a_fetch_of_an_event_loop_that_has_ended_is_forgotten(clock):
    started = []

    async def fetch():
        started.append(asyncio.get_running_loop())
        if len(started) == 1:
            await asyncio.Event().wait()
        return published()

    keys = SigningKeys(fetch, clock)

    async def begin():
        keys.start_loading()
        await asyncio.sleep(0)

    async def use():
        return await keys.find("2.0", KID)

    first = asyncio.new_event_loop()
    first.run_until_complete(begin())
    with asyncio.Runner() as second:
        clock.advance(6)
        assert second.run(use())
    for task in asyncio.all_tasks(first):
        task.cancel()
    first.run_until_complete(asyncio.sleep(0))
    first.close()
    assert len(started) == 2


@leaping
async def test_a_version_that_is_missing_is_asked_for_again_within_five_minutes():
    authority = Authority()
    authority.without = "1.0"
    keys = SigningKeys(authority.fetch, LoopClock(), jitter=lambda: 0.0)
    async with kept_fresh(keys):
        await passing(1)
        authority.without = None
        await passing(4000)
    assert authority.times == [0, 300, 3900]
    assert keys.issuer("1.0")
