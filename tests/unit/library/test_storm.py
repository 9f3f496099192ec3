"""Many callers and a bad day: how much is asked, who is served, and what is left behind."""

import asyncio
import gc
import random
import weakref
from collections import Counter

import pytest

from fuzz.effort import NIGHTLY, SEED, say
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.errors import (
    AssertionRejected,
    OboError,
    TokenEndpointThrottled,
    TokenEndpointUnavailable,
    Unavailable,
)
from obo_mcp.exchange.broker import DEADLINE_SECONDS, TokenBroker
from obo_mcp.exchange.cause import cause_of
from obo_mcp.observe import fields_of
from support.clock import ManualClock
from support.exchanges import (
    MAIL,
    TokenEndpoint,
    a_caller,
    broken,
    cut,
    refused,
    settled,
    throttled,
    too_slow,
    until,
)
from support.looptime import LoopClock, leaping, passing
from support.tokens import CLIENT, NOW

LONG = NOW + 1_000_000
AT_ONCE = 16
CALLS = 1_000_000 if NIGHTLY else 20_000


def stranger(number):
    return a_caller(f"stranger-{number}", expires_at=LONG)


def a_broker(endpoint, clock, **options):
    cache = MemoryTokenCache(100_000, clock)
    return TokenBroker(endpoint.exchange, cache, clock, client_id=CLIENT, **options)


async def at_once(_seconds):
    await asyncio.sleep(0)


# Storms, in a loop whose time leaps


def served_by(broker, served):
    """A caller; `served` gets their number once they have a token, which must be theirs."""

    async def call(number, *, again):
        while True:
            try:
                token = await broker.downstream_token(stranger(number), MAIL)
            except Unavailable as error:
                if not again:
                    return
                await passing(error.retry_after_seconds)
            else:
                assert f" of stranger-{number} " in token.reveal()
                served.append(number)
                return

    return call


async def all_called(call, callers, per_second, *, again):
    tasks = []
    for number in range(callers):
        tasks.append(asyncio.create_task(call(number, again=again)))
        await passing(1 / per_second)
    await asyncio.gather(*tasks)


@pytest.mark.promise("P-19")
@pytest.mark.parametrize("per_second", [20, 150] if NIGHTLY else [150])
def test_with_three_faults_in_ten_answers_retries_add_no_more_than_a_fifth(per_second):
    callers, served = 20_000, []
    drawn, faults = random.Random(SEED), [cut, broken, throttled]

    async def storm():
        clock = LoopClock()
        endpoint = TokenEndpoint(clock)
        endpoint.takes = lambda: passing(0.08)
        endpoint.rule = lambda _: drawn.choice(faults)() if drawn.random() < 0.3 else None
        call = served_by(a_broker(endpoint, clock), served)
        await all_called(call, callers, per_second, again=False)
        return len(endpoint.asked)

    requests = leapt(storm)
    say(f"{requests} requests for {callers} calls, {len(served)} served, {per_second} a second")
    assert len(served) > 0.75 * callers  # no caller of these comes back
    assert requests <= 1.2 * callers


@pytest.mark.promise("P-19")
@pytest.mark.parametrize("per_second", [20, 100])
def test_an_endpoint_that_is_down_for_three_of_ten_seconds_is_asked_a_fifth_more_at_most(
    per_second,
):
    callers, served = 10_000 if NIGHTLY else 3_000, []

    async def storm():
        clock = LoopClock()
        endpoint = TokenEndpoint(clock)
        endpoint.takes = lambda: passing(0.08)
        endpoint.rule = lambda _: cut() if clock.monotonic() % 10 < 3 else None
        call = served_by(a_broker(endpoint, clock), served)
        await all_called(call, callers, per_second, again=True)
        return len(endpoint.asked)

    requests = leapt(storm)
    say(f"{requests} requests until {callers} callers were served, {per_second} a second")
    assert sorted(served) == list(range(callers))
    assert requests <= 1.2 * callers


def leapt(storm):
    """What the coroutine function returns in a loop that leaps."""
    results = []

    @leaping
    async def run():
        results.append(await storm())

    run()
    return results[0]


# What is left behind


async def left_nothing(broker, endpoint, tasks):
    """No more than `tasks`, no flight, and every slot is free: so many run at once again."""
    await until(lambda: not len(broker._flights))
    await settled()
    assert asyncio.all_tasks() == tasks
    assert endpoint.under_way == 0
    endpoint.gate.clear()
    calls = [
        asyncio.create_task(broker.downstream_token(a_caller(f"afterwards-{n}"), MAIL))
        for n in range(AT_ONCE + 5)
    ]
    await until(lambda: endpoint.under_way == AT_ONCE)
    await settled()
    assert endpoint.under_way == AT_ONCE
    endpoint.gate.set()
    await asyncio.gather(*calls)


@pytest.mark.parametrize("answer", [None, broken, lambda: refused(50173)])
async def test_ten_thousand_callers_who_leave_during_the_exchange_leave_nothing_behind(
    clock, answer
):
    endpoint = TokenEndpoint(clock)
    broker, tasks = a_broker(endpoint, clock, sleep=at_once), asyncio.all_tasks()
    for _ in range(10):
        endpoint.gate.clear()
        endpoint.rule = lambda _: answer() if answer else None
        calls = [
            asyncio.create_task(
                broker.downstream_token(a_caller(f"p-{n % 100}", str(len(endpoint.asked))), MAIL)
            )
            for n in range(1000)
        ]
        await until(lambda: endpoint.under_way)
        for call in calls:
            call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
        endpoint.gate.set()
        await until(lambda: asyncio.all_tasks() == tasks)
        clock.advance(120)
    endpoint.rule = lambda _: None
    await broker.downstream_token(a_caller("probe"), MAIL)
    await left_nothing(broker, endpoint, tasks)


@pytest.mark.promise("P-05")
async def test_a_leader_who_leaves_fails_none_of_those_who_followed(clock):
    endpoint = TokenEndpoint(clock)
    broker, tasks = a_broker(endpoint, clock), asyncio.all_tasks()
    endpoint.gate.clear()
    calls = [asyncio.create_task(broker.downstream_token(a_caller(), MAIL)) for _ in range(1000)]
    await until(lambda: endpoint.under_way)
    for call in calls[:999]:
        call.cancel()
    await settled()
    endpoint.gate.set()
    assert await calls[999]
    assert len(endpoint.asked) == 1
    await asyncio.gather(*calls, return_exceptions=True)
    await left_nothing(broker, endpoint, tasks)


@leaping
async def test_an_exchange_that_never_ends_fails_after_half_a_minute_and_leaves_nothing():
    clock = LoopClock()
    endpoint = TokenEndpoint(clock)
    broker, tasks = a_broker(endpoint, clock), asyncio.all_tasks()
    endpoint.gate.clear()
    calls = [
        asyncio.create_task(broker.downstream_token(a_caller(f"p-{n}"), MAIL)) for n in range(40)
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TokenEndpointUnavailable}
    assert clock.monotonic() == pytest.approx(DEADLINE_SECONDS)
    endpoint.gate.set()
    await passing(120)
    await broker.downstream_token(a_caller("probe"), MAIL)
    await left_nothing(broker, endpoint, tasks)


@leaping
async def test_exchanges_that_never_end_open_the_circuit():
    clock = LoopClock()
    endpoint = TokenEndpoint(clock)
    broker = a_broker(endpoint, clock)
    endpoint.gate.clear()
    calls = [broker.downstream_token(a_caller(f"p-{n}"), MAIL) for n in range(AT_ONCE)]
    await asyncio.gather(*calls, return_exceptions=True)
    with pytest.raises(TokenEndpointUnavailable) as caught:
        await broker.downstream_token(a_caller("next"), MAIL)
    assert "held back" in str(cause_of(caught.value))


# Events


def exchanges(caplog):
    fields = [fields_of(record) for record in caplog.records]
    return [event for event in fields if event["event"] == "exchange"]


async def test_each_round_trip_is_reported_exactly_once_whoever_stays_to_hear(clock, caplog):
    caplog.set_level("INFO", logger="obo_mcp.audit")
    drawn = random.Random(SEED)
    endpoint = TokenEndpoint(clock)
    broker, tasks = a_broker(endpoint, clock, sleep=at_once), asyncio.all_tasks()
    kinds = [cut, too_slow, broken, throttled, lambda: refused(65001), lambda: refused(50173)]
    endpoint.rule = lambda _: drawn.choice(kinds)() if drawn.random() < 0.5 else None
    calls = []
    for number in range(2000):
        caller = a_caller(f"p-{number}", expires_at=NOW + 1_000_000)
        calls.append(asyncio.create_task(broker.downstream_token(caller, MAIL)))
        await asyncio.sleep(0)
        if drawn.random() < 0.3:
            drawn.choice(calls).cancel()
        clock.advance(drawn.choice([0, 0, 0, 1, 6]))
    await asyncio.gather(*calls, return_exceptions=True)
    endpoint.rule = lambda _: None
    clock.advance(60)
    await left_nothing(broker, endpoint, tasks)
    told = Counter(event["oid"] for event in exchanges(caplog))
    assert told == endpoint.asked_by
    assert {event["outcome"] for event in exchanges(caplog)} >= {
        "granted",
        "TokenEndpointUnavailable",
        "TokenEndpointThrottled",
        "ConsentRequired",
        "AssertionRejected",
    }


def test_a_round_trip_that_the_deadline_cut_off_is_reported_too(caplog):
    caplog.set_level("INFO", logger="obo_mcp.audit")

    @leaping
    async def cut_off():
        endpoint = TokenEndpoint(LoopClock())
        broker = a_broker(endpoint, LoopClock())
        endpoint.gate.clear()
        with pytest.raises(TokenEndpointUnavailable):
            await broker.downstream_token(a_caller(), MAIL)
        assert len(endpoint.asked) == 1

    cut_off()
    assert [event["outcome"] for event in exchanges(caplog)] == ["TokenEndpointUnavailable"]


# What is remembered of a failure


class Body:
    """Stands for what a frame of the HTTP client holds: the assertion and our credential."""


@pytest.mark.parametrize("failure", [throttled, cut, lambda: refused(50173)])
@pytest.mark.parametrize("early", [False, True], ids=["waited for", "fetched early"])
async def test_what_is_remembered_of_a_failure_keeps_nothing_of_its_request(clock, failure, early):
    bodies = []
    endpoint = TokenEndpoint(clock)

    async def exchange(caller, scopes, claims):
        body = Body()
        bodies.append(weakref.ref(body))
        entry = await endpoint.exchange(caller, scopes, claims)
        del body
        return entry

    cache = MemoryTokenCache(10, clock)
    broker = TokenBroker(exchange, cache, clock, client_id=CLIENT, sleep=at_once)
    endpoint.lifetime_seconds = 2000.0
    for number in range(6):
        await broker.downstream_token(a_caller(f"p-{number}"), MAIL)
    clock.advance(1900 if early else 1990)
    endpoint.rule = lambda _: failure()
    for number in range(6):
        await _tried(broker, number)
        await settled()
    gc.collect()
    assert len(bodies) > 10
    assert [body for body in bodies if body() is not None] == []


async def _tried(broker, number):
    try:
        await broker.downstream_token(a_caller(f"p-{number}"), MAIL)
    except OboError as error:
        assert isinstance(  # noqa: PT017 - what must not stay is the exception itself
            error, TokenEndpointThrottled | TokenEndpointUnavailable | AssertionRejected
        )


# Life


@pytest.mark.promise("P-04")
def test_however_time_goes_on_no_token_leaves_with_less_than_a_minute_to_live():
    """A random walk through token ends, assertion ends, early fetches and failures."""
    drawn, clock = random.Random(SEED), ManualClock()
    endpoint = TokenEndpoint(clock)
    broker = a_broker(endpoint, clock, sleep=at_once)
    faults = [cut, throttled, lambda: refused(65001), lambda: broken(3)]
    endpoint.rule = lambda _: drawn.choice(faults)() if drawn.random() < 0.05 else None
    sessions = [(0, 0.0)] * 50
    outcomes = Counter()

    async def walk():
        for number in range(CALLS):
            clock.advance(drawn.choice([0, 0.1, 1, 3, 20]))
            endpoint.lifetime_seconds = drawn.choice([61.0, 400.0, 1000.0, 3600.0, 90_000.0])
            person = drawn.randrange(50)
            if sessions[person][1] <= clock.now() - drawn.choice([0, 30, 90]):
                sessions[person] = number, int(clock.now()) + drawn.choice([600, 3600, 5400])
            session, end = sessions[person]
            caller = a_caller(f"p-{person}", str(session), expires_at=int(end))
            asked = len(endpoint.asked)
            try:
                token = (await broker.downstream_token(caller, MAIL)).reveal()
            except OboError as error:
                outcomes[type(error).__name__] += 1
                continue
            outcomes["kept" if len(endpoint.asked) == asked else "new"] += 1
            assert f" of p-{person} " in token
            assert endpoint.ends[token] - clock.now() >= 60
            assert len(endpoint.asked) > asked or clock.now() < end
            while len(broker._flights):
                await asyncio.sleep(0)

    asyncio.run(walk())
    say(f"{CALLS} calls: {dict(outcomes)}, {len(endpoint.asked)} exchanges")
    assert outcomes["kept"] > CALLS / 2
    assert outcomes["new"] > 100
    assert outcomes["AssertionRejected"] > 10
