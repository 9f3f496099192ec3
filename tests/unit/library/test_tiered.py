"""The tiered cache: near by first, the shared one behind it, and never a failure of either."""

import asyncio
import logging

import pytest

from obo_mcp.cache import tiered
from obo_mcp.cache.failure import CacheFailed, Crowded
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.cache.tiered import FAILURES_IN_A_ROW, REST_SECONDS, TieredTokenCache
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from obo_mcp.secret import Secret
from support.cached import ASSERTION, a_key, an_entry
from support.looptime import LoopClock, leaping, passing


class Shared:
    """A shared cache that counts, and that can be slow, gone or silent."""

    def __init__(self, clock):
        self.kept = MemoryTokenCache(1000, clock)
        self.asked = []
        self.failure = None
        self.gate = None
        self.gated = ("get", "put", "discard")
        self.closed = 0

    async def _answer(self, what, key):
        self.asked.append((what, key))
        if self.gate is not None and what in self.gated:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure

    def at_hand(self, key):
        return None

    async def get(self, key, assertion):
        await self._answer("get", key)
        return await self.kept.get(key, assertion)

    async def put(self, key, entry, assertion):
        await self._answer("put", key)
        await self.kept.put(key, entry, assertion)

    async def discard(self, key):
        await self._answer("discard", key)
        await self.kept.discard(key)

    async def aclose(self):
        self.closed += 1
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def shared(clock):
    return Shared(clock)


@pytest.fixture
def cache(shared, clock):
    return TieredTokenCache(MemoryTokenCache(100, clock), shared, clock)


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.DEBUG, AUDIT_LOGGER)

    def seen():
        found = [fields_of(line) for line in caplog.records if line.name == AUDIT_LOGGER]
        return [
            (each["outcome"], each["cause"]) if "cause" in each else each["outcome"]
            for each in found
        ]

    return seen


def numbered(number):
    return a_key(resource=f"r{number}")


async def settled():
    """All that is ready to run has run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def failing(cache, shared, times=FAILURES_IN_A_ROW):
    shared.failure = ConnectionError("refused at 10.0.0.1:6379")
    for number in range(times):
        assert await cache.get(numbered(number), ASSERTION) is None


# --- who is asked ----------------------------------------------------------------------------


async def test_what_is_near_by_is_given_without_asking_further(cache, shared, clock):
    await cache.put(a_key(), an_entry(clock), ASSERTION)
    await settled()
    shared.asked.clear()
    assert await cache.get(a_key(), ASSERTION) == an_entry(clock) == cache.at_hand(a_key())
    assert shared.asked == []


async def test_at_hand_never_asks_the_shared_cache(cache, shared, clock):
    await shared.kept.put(a_key(), an_entry(clock), ASSERTION)
    assert cache.at_hand(a_key()) is None
    assert shared.asked == []


async def test_what_another_replica_put_is_found_once_and_then_near_by(cache, shared, clock):
    await shared.kept.put(a_key(), an_entry(clock), ASSERTION)
    for _ in range(3):
        assert await cache.get(a_key(), ASSERTION) == an_entry(clock)
    assert shared.asked == [("get", a_key())]
    assert cache.at_hand(a_key()) == an_entry(clock)


async def test_a_shared_entry_that_is_no_longer_usable_is_not_handed_out(cache, shared, clock):
    ended = an_entry(clock, lives=60)

    async def serves_anything(key, assertion):
        return ended

    shared.get = serves_anything
    assert await cache.get(a_key(), ASSERTION) is None


async def test_a_put_does_not_wait_for_the_shared_cache(cache, shared, clock):
    shared.gate = asyncio.Event()
    await cache.put(a_key(), an_entry(clock), ASSERTION)
    assert cache.at_hand(a_key()) == an_entry(clock)
    assert await shared.kept.get(a_key(), ASSERTION) is None
    shared.gate.set()
    await cache.aclose()
    assert await shared.kept.get(a_key(), ASSERTION) == an_entry(clock)


# --- what comes in between -------------------------------------------------------------------


async def test_an_answer_that_comes_late_does_not_replace_a_newer_entry(cache, shared, clock):
    await shared.kept.put(a_key(), an_entry(clock, text="old"), ASSERTION)
    shared.gate = asyncio.Event()
    asking = asyncio.create_task(cache.get(a_key(), ASSERTION))
    await settled()
    await cache.put(a_key(), an_entry(clock, text="new"), ASSERTION)
    shared.gate.set()
    assert (await asking).token == cache.at_hand(a_key()).token == Secret("new")


async def test_a_discard_overtakes_no_write_of_the_same_key(cache, shared, clock):
    shared.gate, shared.gated = asyncio.Event(), ("put",)
    await cache.put(a_key(), an_entry(clock), ASSERTION)
    await settled()
    await cache.discard(a_key())
    await settled()
    assert [what for what, _ in shared.asked] == ["put"]
    shared.gate.set()
    await cache.aclose()
    assert [what for what, _ in shared.asked] == ["put", "discard"]
    assert await shared.kept.get(a_key(), ASSERTION) is None


async def test_a_discarded_token_is_not_fetched_back_while_its_deletion_waits(cache, shared, clock):
    await shared.kept.put(a_key(), an_entry(clock), ASSERTION)
    shared.gate, shared.gated = asyncio.Event(), ("put",)
    await cache.put(a_key(), an_entry(clock), ASSERTION)
    await cache.discard(a_key())
    assert await cache.get(a_key(), ASSERTION) is None
    shared.gate.set()
    await cache.aclose()
    assert await cache.get(a_key(), ASSERTION) is None


async def test_writes_of_one_key_reach_the_shared_cache_in_their_order(cache, shared, clock):
    shared.gate = first = asyncio.Event()
    await cache.put(a_key(), an_entry(clock, text="first"), ASSERTION)
    await settled()
    shared.gate = None
    for text in ("second", "third"):
        await cache.put(a_key(), an_entry(clock, text=text), ASSERTION)
    await cache.put(numbered(1), an_entry(clock), ASSERTION)
    await settled()
    assert shared.asked == [("put", a_key()), ("put", numbered(1))]
    first.set()
    await cache.aclose()
    assert (await shared.kept.get(a_key(), ASSERTION)).token == Secret("third")


async def test_a_caller_who_leaves_cuts_nothing_off_and_leaves_nothing_behind(
    cache, shared, clock, events
):
    shared.gate, before = asyncio.Event(), asyncio.all_tasks()
    asking = asyncio.create_task(cache.get(a_key(), ASSERTION))
    await settled()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    shared.failure = ConnectionError()
    shared.gate.set()
    await settled()
    assert events() == [("failed", "ConnectionError")]
    assert asyncio.all_tasks() == before


# --- trouble ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [ConnectionError("at 10.0.0.1"), TimeoutError(), ValueError(), RuntimeError(), KeyError("k")],
    ids=lambda failure: type(failure).__name__,
)
async def test_no_failure_of_the_shared_cache_reaches_anybody(
    cache, shared, clock, events, failure
):
    shared.failure = failure
    assert await cache.get(a_key(), ASSERTION) is None
    await cache.discard(a_key())
    await cache.put(a_key(), an_entry(clock), ASSERTION)
    assert await cache.get(a_key(), ASSERTION) == an_entry(clock)
    await cache.aclose()
    assert events() == [("failed", type(failure).__name__)] * 3


async def test_the_event_names_the_cause_that_a_cache_gives_and_no_address(cache, shared, events):
    shared.failure = CacheFailed("ClusterDownError")
    await cache.get(a_key(), ASSERTION)
    shared.failure = ConnectionError("refused at 10.0.0.1:6379")
    await cache.get(a_key(), ASSERTION)
    assert events() == [("failed", "ClusterDownError"), ("failed", "ConnectionError")]


async def test_after_three_failures_in_a_row_it_is_left_alone_for_five_seconds(
    cache, shared, clock
):
    await failing(cache, shared)
    shared.asked.clear()
    clock.advance(REST_SECONDS - 0.001)
    for number in range(100):
        assert await cache.get(numbered(number), ASSERTION) is None
        await cache.put(numbered(1000), an_entry(clock), ASSERTION)
        await cache.discard(numbered(1000))
    assert shared.asked == []


async def test_two_failures_and_an_answer_are_not_three_in_a_row(cache, shared):
    for _ in range(5):
        await failing(cache, shared, FAILURES_IN_A_ROW - 1)
        shared.failure = None
        await cache.get(a_key(), ASSERTION)
    assert len(shared.asked) == 5 * FAILURES_IN_A_ROW


async def test_after_the_rest_one_probe_goes_first_and_alone(cache, shared, clock):
    await failing(cache, shared)
    shared.asked.clear()
    clock.advance(REST_SECONDS)
    shared.gate = asyncio.Event()
    calls = [asyncio.create_task(cache.get(numbered(number), ASSERTION)) for number in range(50)]
    await settled()
    assert len(shared.asked) == 1
    assert sum(call.done() for call in calls) == 49
    shared.gate.set()
    await asyncio.gather(*calls)


async def test_a_probe_that_fails_means_another_rest(cache, shared, clock, events):
    await failing(cache, shared)
    for _ in range(3):
        shared.asked.clear()
        clock.advance(REST_SECONDS)
        for number in range(10):
            await cache.get(numbered(number), ASSERTION)
        assert len(shared.asked) == 1
    assert "back" not in events()


async def test_a_probe_that_is_answered_ends_the_rest_and_says_so_once(
    cache, shared, clock, events
):
    await failing(cache, shared)
    shared.failure = None
    clock.advance(REST_SECONDS)
    await shared.kept.put(a_key(), an_entry(clock), ASSERTION)
    assert await cache.get(a_key(), ASSERTION) == an_entry(clock)
    for number in range(10):
        await cache.get(numbered(number), ASSERTION)
    assert len(shared.asked) == FAILURES_IN_A_ROW + 11
    assert events() == [("failed", "ConnectionError")] * FAILURES_IN_A_ROW + ["back"]


async def test_a_caller_who_leaves_his_probe_does_not_end_probing(cache, shared, clock):
    await failing(cache, shared)
    shared.failure, shared.gate = None, asyncio.Event()
    clock.advance(REST_SECONDS)
    probe = asyncio.create_task(cache.get(a_key(), ASSERTION))
    await settled()
    probe.cancel()
    await settled()
    clock.advance(REST_SECONDS)
    shared.gate.set()
    await shared.kept.put(a_key(), an_entry(clock), ASSERTION)
    assert await cache.get(a_key(), ASSERTION) == an_entry(clock)


async def test_a_crowd_of_our_own_is_no_failure_of_the_shared_cache(cache, shared, events):
    shared.failure = Crowded()
    for number in range(10):
        assert await cache.get(numbered(number), ASSERTION) is None
    assert len(shared.asked) == 10
    assert events() == ["crowded"] * 10


async def test_a_crowd_does_not_make_up_for_failures(cache, shared, events):
    await failing(cache, shared, FAILURES_IN_A_ROW - 1)
    shared.failure = Crowded()
    await cache.get(a_key(), ASSERTION)
    await failing(cache, shared, 1)
    shared.asked.clear()
    await cache.get(a_key(), ASSERTION)
    assert shared.asked == []


async def test_writes_that_wait_are_bounded_and_those_beyond_are_counted(
    cache, shared, clock, events
):
    shared.gate = asyncio.Event()
    for number in range(tiered.MOST_PENDING_WRITES + 10):
        await cache.put(numbered(number), an_entry(clock), ASSERTION)
        assert cache.at_hand(numbered(number))
    assert cache.dropped == 10
    assert events() == ["dropped"] * 10
    shared.gate.set()
    await cache.aclose()
    assert len(shared.asked) == tiered.MOST_PENDING_WRITES
    await cache.put(a_key(), an_entry(clock), ASSERTION)
    assert cache.dropped == 10
    await cache.aclose()


async def test_writes_of_a_single_key_are_bounded_as_well(cache, shared, clock):
    shared.gate = asyncio.Event()
    for _ in range(tiered.MOST_PENDING_WRITES + 10):
        await cache.put(a_key(), an_entry(clock), ASSERTION)
    assert cache.dropped == 10
    shared.gate.set()
    await cache.aclose()


# --- time ------------------------------------------------------------------------------------


@leaping
async def test_a_shared_cache_that_never_answers_costs_a_second_three_times_and_then_nothing():
    clock = LoopClock()
    shared = Shared(clock)
    cache = TieredTokenCache(MemoryTokenCache(100, clock), shared, clock)
    shared.gate = asyncio.Event()
    begun = clock.monotonic()
    for number in range(10):
        assert await cache.get(numbered(number), ASSERTION) is None
    assert clock.monotonic() - begun == pytest.approx(FAILURES_IN_A_ROW * 1.0, abs=0.01)
    await passing(REST_SECONDS)
    shared.gate.set()
    assert await cache.get(a_key(), ASSERTION) is None
    assert len(shared.asked) == FAILURES_IN_A_ROW + 1


@leaping
async def test_closing_waits_for_writes_but_not_for_ever():
    clock = LoopClock()
    shared = Shared(clock)
    cache = TieredTokenCache(MemoryTokenCache(100, clock), shared, clock)
    shared.gate = asyncio.Event()
    await cache.put(a_key(), an_entry(clock), ASSERTION)
    begun = clock.monotonic()
    await cache.aclose()
    assert clock.monotonic() - begun <= 2.01
    assert shared.closed == 1
    assert len(asyncio.all_tasks()) == 1


async def test_closing_never_fails_and_closes_the_shared_cache(cache, shared, events):
    shared.failure = ConnectionError()
    await cache.aclose()
    assert shared.closed == 1
    assert events() == []
