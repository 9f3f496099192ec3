"""Who is held back, for how long, and who is not."""

import asyncio
import contextlib
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import strategies as st

from fuzz.effort import tried
from obo_mcp.cache.entry import MARGIN_SECONDS
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.errors import (
    AssertionRejected,
    ClientMisconfigured,
    ConsentRequired,
    InteractionRequired,
    OboError,
    TokenEndpointThrottled,
    TokenEndpointUnavailable,
    Unavailable,
)
from obo_mcp.exchange.breaker import (
    FAILURES_TO_OPEN,
    PROBE_SECONDS,
    SECONDS_TO_OPEN,
    Breaker,
)
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.cause import HeldBack
from support.clock import ManualClock
from support.exchanges import (
    FILES,
    MAIL,
    NEIGHBOUR,
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

ADELE, MEGAN = a_caller().principal, a_caller("megan").principal
NEIGHBOURS = a_caller("nestor", tid=NEIGHBOUR).principal
LONG = NOW + 100_000


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def held_back(breaker, principal) -> OboError:
    with pytest.raises(OboError) as caught:
        breaker.admit(principal)
    return caught.value


def held_back_or_not(breaker, principal) -> OboError | None:
    try:
        breaker.admit(principal)
    except OboError as error:
        return error
    return None


def opened(breaker, error=None):
    for number in range(FAILURES_TO_OPEN):
        unlucky = a_caller(f"unlucky-{number}").principal
        breaker.admit(unlucky)
        breaker.failed(unlucky, error or cut(), since=0.0)


# One person


@pytest.mark.promise("P-19")
def test_a_pause_that_the_authority_asked_for_is_kept_to_the_second(breaker, clock):
    breaker.failed(ADELE, throttled(30))
    for second in range(30):
        error = held_back(breaker, ADELE)
        assert type(error) is TokenEndpointThrottled
        assert error.retry_after_seconds == 30 - second
        assert isinstance(error.__cause__, HeldBack)
        clock.advance(1)
    breaker.admit(ADELE)


def test_the_last_moment_of_a_pause_still_holds_back_and_says_one_second(breaker, clock):
    breaker.failed(ADELE, throttled(30))
    clock.advance(29.999)
    assert held_back(breaker, ADELE).retry_after_seconds == 1


def test_everybody_else_passes_while_one_person_is_held_back(breaker):
    breaker.failed(ADELE, throttled(30))
    breaker.admit(MEGAN)
    breaker.admit(NEIGHBOURS)
    breaker.admit(a_caller(tid=NEIGHBOUR).principal)  # the same oid means nobody's twin


def test_a_new_sign_in_of_a_throttled_person_waits_as_well(breaker):
    breaker.failed(ADELE, throttled(30))
    held_back(breaker, a_caller(session="2").principal)


def test_without_a_word_from_the_authority_the_pauses_double_up_to_a_minute(breaker, clock):
    pauses = []
    for _ in range(7):
        breaker.admit(ADELE)
        breaker.failed(ADELE, throttled())
        pauses.append(held_back(breaker, ADELE).retry_after_seconds)
        clock.advance(pauses[-1] - 0.001)
        held_back(breaker, ADELE)
        clock.advance(0.001)
    assert pauses == [5, 10, 20, 40, 60, 60, 60]


def test_a_success_lets_the_pauses_begin_anew(breaker, clock):
    for _ in range(3):
        breaker.failed(ADELE, throttled())
        clock.advance(60)
    breaker.succeeded(ADELE)
    breaker.failed(ADELE, throttled())
    assert held_back(breaker, ADELE).retry_after_seconds == 5


def test_a_success_under_way_does_not_end_the_pause_that_a_person_was_asked_for(breaker, clock):
    breaker.admit(ADELE)
    breaker.admit(ADELE)
    breaker.failed(ADELE, throttled(30))
    breaker.succeeded(ADELE)
    clock.advance(29)
    held_back(breaker, ADELE)
    clock.advance(1)
    breaker.admit(ADELE)


@pytest.mark.parametrize("second", [throttled(1), throttled(), broken(2)])
def test_a_second_answer_under_way_does_not_shorten_the_first_ones_pause(breaker, clock, second):
    breaker.admit(ADELE)
    breaker.admit(ADELE)
    breaker.failed(ADELE, throttled(60))
    breaker.failed(ADELE, second)
    clock.advance(59)
    held_back(breaker, ADELE)


def test_a_server_error_with_a_retry_after_holds_the_person_back_that_long(breaker, clock):
    breaker.failed(ADELE, broken(20))
    clock.advance(19)
    assert held_back(breaker, ADELE).retry_after_seconds == 1
    clock.advance(1)
    breaker.admit(ADELE)


# One assertion


def test_a_refused_assertion_is_left_alone_for_a_minute_and_no_longer(breaker, clock):
    breaker.failed(ADELE, refused(50173))
    error = held_back(breaker, ADELE)
    assert type(error) is AssertionRejected
    assert error.retry_after_seconds is None
    assert "50173" in str(error.__cause__)
    clock.advance(59.999)
    held_back(breaker, ADELE)
    clock.advance(0.001)
    breaker.admit(ADELE)


def test_another_assertion_of_the_same_person_passes_at_once(breaker):
    breaker.failed(ADELE, refused(50173))
    breaker.admit(a_caller(session="2").principal)


def test_the_words_of_a_refusal_are_those_it_had_the_first_time(breaker):
    error = refused(50057)
    breaker.failed(ADELE, error)
    assert str(held_back(breaker, ADELE)) == str(error)
    assert "disabled" in str(error)


@pytest.mark.parametrize(
    ("error", "leaf"),
    [
        (refused(65001, suberror="consent_required"), ConsentRequired),
        (refused(50076, "interaction_required", claims='{"a":1}'), InteractionRequired),
        (refused(53003), InteractionRequired),
        (refused(50173, "interaction_required"), InteractionRequired),
        (refused(999_999), AssertionRejected),
    ],
    ids=["consent", "step-up", "blocked", "sign-in", "unknown"],
)
def test_what_the_person_can_mend_and_what_we_do_not_know_is_never_remembered(breaker, error, leaf):
    assert type(error) is leaf
    breaker.failed(ADELE, error)
    breaker.admit(ADELE)


# The tenant


def test_a_throttled_tenant_waits_as_a_whole_and_its_neighbour_does_not(breaker, clock):
    breaker.failed(ADELE, throttled(30, 90055))
    for second in range(30):
        assert held_back(breaker, MEGAN).retry_after_seconds == 30 - second
        breaker.admit(NEIGHBOURS)
        clock.advance(1)
    breaker.admit(MEGAN)
    held_back(breaker, ADELE)  # one at a time, to see


def test_a_success_under_way_does_not_end_the_pause_that_a_tenant_was_asked_for(breaker, clock):
    breaker.failed(ADELE, throttled(30, 90055))
    breaker.succeeded(MEGAN)
    clock.advance(29)
    assert held_back(breaker, MEGAN).retry_after_seconds == 1
    clock.advance(1)
    breaker.admit(MEGAN)
    breaker.succeeded(MEGAN)
    breaker.admit(ADELE)
    breaker.admit(MEGAN)


def test_a_shorter_pause_does_not_shorten_a_longer_one(breaker, clock):
    breaker.failed(ADELE, throttled(30, 90055))
    breaker.failed(MEGAN, throttled(2, 90055))
    clock.advance(29)
    held_back(breaker, MEGAN)


def test_a_throttled_tenant_without_a_retry_after_is_probed(breaker, clock):
    breaker.failed(ADELE, throttled(None, 90055))
    assert held_back(breaker, MEGAN).retry_after_seconds == PROBE_SECONDS
    clock.advance(PROBE_SECONDS)
    breaker.admit(MEGAN)


@pytest.mark.parametrize("failure", [cut, too_slow, broken, lambda: refused(90033)])
def test_five_failures_in_a_row_of_several_people_open_the_circuit_for_everybody(breaker, failure):
    for number in range(FAILURES_TO_OPEN):
        breaker.admit(MEGAN)
        breaker.failed(a_caller(f"unlucky-{number}").principal, failure(), since=0.0)
    error = held_back(breaker, MEGAN)
    assert type(error) is TokenEndpointUnavailable
    assert error.retry_after_seconds == PROBE_SECONDS
    held_back(breaker, NEIGHBOURS)


def test_failures_of_one_person_hold_back_that_person_and_nobody_else(breaker, clock):
    for _ in range(10 * FAILURES_TO_OPEN):
        with contextlib.suppress(TokenEndpointUnavailable):
            breaker.admit(ADELE)
            breaker.failed(ADELE, broken(), since=0.0)
        breaker.admit(MEGAN)
        clock.advance(0.5)
    assert held_back(breaker, ADELE).retry_after_seconds <= PROBE_SECONDS


def test_whoever_fails_as_the_probe_leaves_the_next_one_to_others(breaker, clock):
    opened(breaker)
    clock.advance(PROBE_SECONDS)
    breaker.admit(ADELE)
    breaker.failed(ADELE, broken(), since=0.0)
    clock.advance(PROBE_SECONDS)
    held_back(breaker, ADELE)
    breaker.admit(MEGAN)
    breaker.succeeded(MEGAN)
    clock.advance(PROBE_SECONDS)
    breaker.admit(ADELE)


def test_a_circuit_tells_nobody_the_claims_of_somebody_else(breaker):
    refusal = refused(7000215)
    refusal.claims = '{"access_token":{}}'
    opened(breaker, refusal)
    assert held_back(breaker, MEGAN).claims == ""


@pytest.mark.parametrize(
    "code", [7000215, 7000222, 700027, 700024, 70021, 700211, 700016, 90002, 700025]
)
def test_a_client_credential_that_is_refused_holds_the_tenant_back_like_an_outage(
    breaker, clock, code
):
    opened(breaker, refused(code, "invalid_client"))
    error = held_back(breaker, MEGAN)
    assert type(error) is ClientMisconfigured
    assert error.retry_after_seconds is None
    assert (error.__cause__.codes, bool(error.__cause__.cure)) == ((code,), True)
    breaker.admit(NEIGHBOURS)
    clock.advance(PROBE_SECONDS)
    breaker.admit(MEGAN)
    held_back(breaker, ADELE)
    breaker.succeeded(MEGAN)
    breaker.admit(ADELE)


@pytest.mark.parametrize("code", [500011, 70011, 650053, 82002, 65002, 9002313])
def test_what_is_wrong_with_one_scope_or_request_holds_nobody_back(breaker, code):
    opened(breaker, refused(code, "invalid_request"))
    breaker.admit(ADELE)


@pytest.mark.parametrize(
    "answer", [None, refused(65001), refused(50173), throttled(1), refused(500011)]
)
def test_any_answer_in_between_shows_that_the_endpoint_lives(breaker, answer):
    for number in range(FAILURES_TO_OPEN - 1):
        breaker.failed(a_caller(f"unlucky-{number}").principal, cut(), since=0.0)
    if answer is None:
        breaker.succeeded(MEGAN)
    else:
        breaker.failed(MEGAN, answer)
    for number in range(FAILURES_TO_OPEN - 1):
        breaker.failed(a_caller(f"unlucky-{number}").principal, cut(), since=0.0)
    breaker.admit(ADELE)


def test_while_it_is_open_one_of_many_passes_every_five_seconds(breaker, clock):
    opened(breaker)
    for _ in range(20):
        clock.advance(PROBE_SECONDS - 0.001)
        held_back(breaker, MEGAN)
        clock.advance(0.001)
        breaker.admit(MEGAN)
        held_back(breaker, ADELE)


def test_the_first_answer_after_an_outage_closes_the_circuit(breaker, clock):
    opened(breaker)
    clock.advance(PROBE_SECONDS)
    breaker.admit(MEGAN)
    breaker.failed(MEGAN, refused(65001))
    for number in range(FAILURES_TO_OPEN - 1):
        unlucky = a_caller(f"unlucky-{number}").principal
        breaker.admit(unlucky)
        breaker.failed(unlucky, cut(), since=0.0)
    breaker.admit(ADELE)


def test_what_an_outage_asks_for_is_kept_by_the_whole_tenant(breaker, clock):
    for number in range(FAILURES_TO_OPEN):
        breaker.failed(a_caller(f"person-{number}").principal, broken(40), since=0.0)
    clock.advance(39)
    assert held_back(breaker, MEGAN).retry_after_seconds == 1


_OUTCOMES = {
    "granted": lambda: None,
    "cut": cut,
    "slow": too_slow,
    "503 for 7": lambda: broken(7),
    "429": throttled,
    "429 for 13": lambda: throttled(13),
    "tenant for 11": lambda: throttled(11, 90055),
    "refused": lambda: refused(50173),
    "consent": lambda: refused(65001),
}
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["adele", "adele", "adele", "megan", "nestor"]),
        st.sampled_from([0, 0, 0, 0.5, 1, 4.9, 5, 12, 61]),
        st.integers(0, 4),
        st.sampled_from(sorted(_OUTCOMES)),
    ),
    max_size=50,
)
_PEOPLE = {"adele": ADELE, "megan": MEGAN, "nestor": NEIGHBOURS}


class Rules:
    """What was asked of us, told in the plainest words: when may whom be asked about again?"""

    def __init__(self):
        self.person = defaultdict(float)
        self.tenant = defaultdict(float)
        self.assertion = defaultdict(float)
        self.failures = defaultdict(int)
        self.failing_since = {}
        self.open = defaultdict(bool)
        self.probed = defaultdict(float)

    def early(self, who, now):
        tried_again = self.open[who.tid] and now < self.probed[who.tid]
        times = self.person[who.oid], self.tenant[who.tid], self.assertion[who.token_digest]
        return tried_again or now < max(times)

    def passed(self, who, now):
        self.probed[who.tid] = now + PROBE_SECONDS

    def answered(self, who, outcome, now, since):
        is_failure = outcome in {"cut", "slow", "503 for 7"}
        if outcome != "tenant for 11":
            self.failures[who.tid] = self.failures[who.tid] + 1 if is_failure else 0
            if self.failures[who.tid] == 1:
                self.failing_since[who.tid] = since
            enough = self.failures[who.tid] >= FAILURES_TO_OPEN
            lasts = enough and now - self.failing_since[who.tid] >= SECONDS_TO_OPEN
            self.open[who.tid] = is_failure and (self.open[who.tid] or lasts)
        pauses = {"503 for 7": 7, "429 for 13": 13}
        self.person[who.oid] = max(self.person[who.oid], now + pauses.get(outcome, 0))
        self.tenant[who.tid] = max(
            self.tenant[who.tid], now + 11 if outcome == "tenant for 11" else 0
        )
        if outcome == "refused":
            self.assertion[who.token_digest] = now + 60


@pytest.mark.promise("P-19")
@tried(500, steps=_STEPS)
def test_no_order_of_calls_and_answers_lets_anybody_through_early(steps):
    """Answers may be under way: each comes up to four steps after its call was let through."""
    clock, rules = ManualClock(), Rules()
    breaker, flying = Breaker(clock), []
    for number, (name, seconds, delay, outcome) in enumerate(steps):
        clock.advance(seconds)
        for landed in [flight for flight in flying if flight[0] <= number]:
            flying.remove(landed)
            _land(breaker, rules, landed, clock.now())
        who = _PEOPLE[name]
        refusal = held_back_or_not(breaker, who)
        if isinstance(refusal, Unavailable):
            assert 1 <= refusal.retry_after_seconds <= 61
        elif isinstance(refusal, AssertionRejected):
            assert clock.now() < rules.assertion[who.token_digest]
        else:
            assert refusal is None
            assert not rules.early(who, clock.now())
            rules.passed(who, clock.now())
            flying.append((number + delay + 1, who, outcome, clock.now()))


def _land(breaker, rules, landed, now):
    _, who, outcome, since = landed
    error = _OUTCOMES[outcome]()
    if error is None:
        breaker.succeeded(who)
    else:
        breaker.failed(who, error, since=since)
    rules.answered(who, outcome, now, since)


# Through the broker


@pytest.fixture
def endpoint(clock):
    return TokenEndpoint(clock)


@pytest.fixture
def broker(endpoint, clock):
    cache = MemoryTokenCache(1000, clock)
    return TokenBroker(endpoint.exchange, cache, clock, client_id=CLIENT, sleep=at_once)


async def at_once(_seconds):
    await settled()


def stranger(number):
    return a_caller(f"stranger-{number}", expires_at=LONG)


async def told_to_wait(broker, caller) -> int:
    with pytest.raises(Unavailable) as caught:
        await broker.downstream_token(caller, MAIL)
    return caught.value.retry_after_seconds


@pytest.mark.promise("P-19")
async def test_a_throttled_person_is_not_asked_about_before_the_thirtieth_second(
    broker, endpoint, clock
):
    endpoint.answers += [throttled(30)]
    assert await told_to_wait(broker, a_caller()) == 30
    for second in range(30):
        assert await told_to_wait(broker, a_caller()) == 30 - second
        assert await broker.downstream_token(stranger(second), MAIL)
        clock.advance(1)
    assert endpoint.asked_by["adele"] == 1
    assert await broker.downstream_token(a_caller(), MAIL)
    assert endpoint.asked_by["adele"] == 2


async def test_a_success_for_another_scope_does_not_cut_a_persons_pause_short(
    broker, endpoint, clock
):
    endpoint.gate.clear()
    endpoint.answers += [throttled(30)]
    calls = [
        asyncio.create_task(broker.downstream_token(a_caller(), scopes)) for scopes in (MAIL, FILES)
    ]
    await until(lambda: endpoint.under_way == 2)
    endpoint.gate.set()
    await settled()
    assert [type(call.exception()) for call in calls] == [
        TokenEndpointThrottled,
        type(None),
    ]
    clock.advance(10)
    assert await told_to_wait(broker, a_caller()) == 20


@pytest.mark.promise("P-18")
@pytest.mark.parametrize(
    "failure", [cut, too_slow, lambda: broken(30), lambda: throttled(30, 90055)]
)
async def test_with_the_endpoint_down_nobody_who_holds_a_token_notices_until_it_ends(
    broker, endpoint, clock, failure
):
    people = [stranger(number) for number in range(50)]
    for who in people:
        await broker.downstream_token(who, MAIL)
    endpoint.rule = lambda caller: failure()
    while clock.now() + 5 < NOW + endpoint.lifetime_seconds - MARGIN_SECONDS:
        clock.advance(5)
        for who in people:
            assert await broker.downstream_token(who, MAIL)
        await settled()
    assert len(endpoint.asked) > len(people)  # the advisory window had its probes


async def test_once_open_a_cold_caller_hears_at_once_when_to_come_back(broker, endpoint, clock):
    endpoint.rule = lambda caller: cut()
    number = 0
    while len(endpoint.asked) < FAILURES_TO_OPEN:
        await told_to_wait(broker, stranger(number))
        number += 1
        clock.advance(SECONDS_TO_OPEN / 2)
    clock.advance(-SECONDS_TO_OPEN / 2)
    asked = len(endpoint.asked)
    for second in range(int(PROBE_SECONDS)):
        assert await told_to_wait(broker, stranger(f"cold-{second}")) == PROBE_SECONDS - second
        clock.advance(1)
    assert len(endpoint.asked) == asked


async def test_once_open_a_cold_caller_does_not_queue_behind_a_probe_that_hangs(endpoint, clock):
    cache = MemoryTokenCache(10, clock)
    broker = TokenBroker(endpoint.exchange, cache, clock, client_id=CLIENT, at_once=1)
    endpoint.answers += [too_slow()] * FAILURES_TO_OPEN
    for number in range(FAILURES_TO_OPEN):
        await told_to_wait(broker, stranger(number))
        clock.advance(SECONDS_TO_OPEN)
    clock.advance(PROBE_SECONDS)
    endpoint.gate.clear()
    probe = asyncio.create_task(broker.downstream_token(stranger("probe"), MAIL))
    await until(lambda: endpoint.under_way)
    cold = asyncio.create_task(broker.downstream_token(stranger("cold"), MAIL))
    await settled()
    was_told = cold.done()
    endpoint.gate.set()
    await settled()
    assert was_told
    assert type(cold.exception()) is TokenEndpointUnavailable
    assert probe.result()


@pytest.mark.promise("P-18")
@leaping
async def test_ten_minutes_of_outage_cost_a_probe_every_five_seconds_and_end_within_ten():
    clock = LoopClock()
    endpoint = TokenEndpoint(clock)
    broker = TokenBroker(endpoint.exchange, MemoryTokenCache(10, clock), clock, client_id=CLIENT)
    endpoint.rule = lambda caller: cut() if clock.monotonic() < 600 else None
    endpoint.takes = lambda: passing(0.08)
    served, pauses = [], set()

    async def call(number):
        try:
            await broker.downstream_token(stranger(number), MAIL)
        except Unavailable as error:
            pauses.add(error.retry_after_seconds)
        else:
            served.append(clock.monotonic())

    calls = []
    for tenth in range(6200):
        calls.append(asyncio.create_task(call(tenth)))
        await passing(0.1)
    await asyncio.gather(*calls)
    assert pauses <= {1, 2, 3, 4, 5}
    times = [asked.at for asked in endpoint.asked if asked.at < 600]
    probes = times[2 * FAILURES_TO_OPEN :]
    gaps = [later - earlier for earlier, later in pairwise(probes)]
    assert len(times) <= 600 / PROBE_SECONDS + 2 * FAILURES_TO_OPEN
    assert min(gaps) >= PROBE_SECONDS
    assert 600 <= served[0] <= 610
    assert len(served) >= 100


async def test_a_probe_that_is_answered_with_a_refusal_lets_everybody_through(
    broker, endpoint, clock
):
    endpoint.answers += [too_slow()] * FAILURES_TO_OPEN
    for number in range(FAILURES_TO_OPEN):
        await told_to_wait(broker, stranger(number))
        clock.advance(SECONDS_TO_OPEN)
    clock.advance(PROBE_SECONDS)
    endpoint.answers += [refused(65001)]
    with pytest.raises(ConsentRequired):
        await broker.downstream_token(stranger("probe"), MAIL)
    for number in range(20):
        assert await broker.downstream_token(stranger(f"after-{number}"), MAIL)
