"""The broker: what is at hand, then one flight, then the cache behind, then one exchange."""

import asyncio
from dataclasses import replace

import pytest

from obo_mcp.cache.entry import MARGIN_SECONDS, CachedToken
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.errors import (
    AssertionRejected,
    ConsentRequired,
    InteractionRequired,
    TokenEndpointUnavailable,
    WrongPerson,
)
from obo_mcp.exchange.broker import (
    ADVISORY_PAUSE_SECONDS,
    ADVISORY_SECONDS,
    TokenBroker,
)
from obo_mcp.exchange.cause import HeldBack
from obo_mcp.observe import fields_of
from obo_mcp.secret import Secret
from support.exchanges import FILES, MAIL, TokenEndpoint, a_caller, broken, refused, settled, until
from support.tokens import CLIENT, NOW

CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1790000000"}}}'
STEP_UP = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
HOUR = 3600


class SharedCache:
    """A cache behind the process: nothing is ever at hand, every question is counted."""

    def __init__(self, clock):
        self.kept = MemoryTokenCache(1000, clock)
        self.gets, self.puts, self.discarded = [], [], []

    def at_hand(self, key):
        return None

    async def get(self, key, assertion):
        self.gets.append((key, assertion))
        await asyncio.sleep(0)
        return self.kept.at_hand(key)

    async def put(self, key, entry, assertion):
        self.puts.append((key, assertion))
        await self.kept.put(key, entry, assertion)

    async def discard(self, key):
        self.discarded.append(key)
        await self.kept.discard(key)

    async def aclose(self):
        """Nothing to close."""


class BrokenCache:
    def at_hand(self, key):
        return None

    async def get(self, key, assertion):
        raise ConnectionError

    async def put(self, key, entry, assertion):
        raise ConnectionError

    async def discard(self, key):
        raise ConnectionError

    async def aclose(self):
        raise ConnectionError


@pytest.fixture
def endpoint(clock):
    return TokenEndpoint(clock)


@pytest.fixture
def cache(clock):
    return MemoryTokenCache(100, clock)


@pytest.fixture
def broker(endpoint, cache, clock):
    return TokenBroker(endpoint.exchange, cache, clock, client_id=CLIENT, sleep=settled_instead)


async def settled_instead(_seconds):
    await settled()


def exchanges(caplog):
    return [fields_of(r) for r in caplog.records if fields_of(r)["event"] == "exchange"]


# Order: what is at hand, one flight, the cache behind, one exchange


async def test_ten_calls_of_one_person_make_one_exchange(broker, endpoint):
    tokens = {(await broker.downstream_token(a_caller(), MAIL)).reveal() for _ in range(10)}
    assert tokens == {"token 1 of adele for https://g.example/Mail.Read"}
    assert len(endpoint.asked) == 1


@pytest.mark.promise("P-05")
async def test_a_thousand_cold_calls_at_once_ask_the_shared_cache_once_and_make_one_exchange(
    endpoint, clock
):
    shared = SharedCache(clock)
    broker = TokenBroker(endpoint.exchange, shared, clock, client_id=CLIENT)
    caller = a_caller()
    tokens = await asyncio.gather(*(broker.downstream_token(caller, MAIL) for _ in range(1000)))
    assert len({token.reveal() for token in tokens}) == 1
    assert (len(shared.gets), len(endpoint.asked), len(shared.puts)) == (1, 1, 1)
    assert shared.gets[0][1] == shared.puts[0][1] == caller.assertion


async def test_what_the_shared_cache_holds_needs_no_exchange(endpoint, clock):
    shared = SharedCache(clock)
    for _ in range(2):
        broker = TokenBroker(endpoint.exchange, shared, clock, client_id=CLIENT)
        await broker.downstream_token(a_caller(), MAIL)
    assert (len(shared.gets), len(endpoint.asked)) == (2, 1)


async def test_what_is_at_hand_starts_nothing_and_never_yields_to_the_loop(broker, endpoint):
    await broker.downstream_token(a_caller(), MAIL)
    with pytest.raises(StopIteration) as ended:
        broker.downstream_token(a_caller(), MAIL).send(None)
    assert ended.value.value.reveal().startswith("token 1 ")
    assert len(asyncio.all_tasks()) <= 2


@pytest.mark.promise("P-03")
async def test_many_people_at_once_each_get_their_own_token(broker, endpoint):
    people = [a_caller(f"person-{number}") for number in range(50)] * 4
    tokens = await asyncio.gather(*(broker.downstream_token(who, MAIL) for who in people))
    for who, token in zip(people, tokens, strict=True):
        assert f" of {who.principal.oid} " in token.reveal()
    assert set(endpoint.asked_by.values()) == {1}


@pytest.mark.promise("P-04")
async def test_whatever_is_in_the_key_is_exchanged_by_itself(broker, endpoint):
    adele = a_caller()
    elsewhere = replace(adele, principal=replace(adele.principal, tid="another tenant"))
    for _ in range(2):
        await broker.downstream_token(adele, MAIL)
        await broker.downstream_token(adele, FILES)
        await broker.downstream_token(adele, MAIL, claims=STEP_UP)
        await broker.downstream_token(elsewhere, MAIL)
        await broker.downstream_token(a_caller(session="2"), MAIL)
    assert len(endpoint.asked) == 5
    assert [asked.claims for asked in endpoint.asked] == ["", "", STEP_UP, "", ""]


async def test_a_plain_call_declares_no_capability(broker, endpoint):
    await broker.downstream_token(a_caller(), MAIL)
    assert endpoint.asked[0].claims == ""


async def test_no_more_than_the_given_number_of_exchanges_run_at_once(endpoint, cache, clock):
    broker = TokenBroker(endpoint.exchange, cache, clock, client_id=CLIENT, at_once=3)
    endpoint.gate.clear()
    calls = [
        asyncio.create_task(broker.downstream_token(a_caller(f"person-{n}"), MAIL))
        for n in range(20)
    ]
    await settled()
    assert endpoint.under_way == 3
    endpoint.gate.set()
    await asyncio.gather(*calls)


# Failures


@pytest.mark.parametrize(
    ("code", "suberror", "leaf"),
    [(65001, "consent_required", ConsentRequired), (50076, "", InteractionRequired)],
)
async def test_missing_consent_and_step_up_are_forgotten_the_next_call_asks_again(
    broker, endpoint, code, suberror, leaf
):
    endpoint.answers += [refused(code, suberror=suberror)] * 3
    for _ in range(3):
        with pytest.raises(leaf):
            await broker.downstream_token(a_caller(), MAIL)
    assert await broker.downstream_token(a_caller(), MAIL)
    assert len(endpoint.asked) == 4


async def test_a_blip_is_tried_once_more_and_nobody_notices(broker, endpoint):
    endpoint.answers += [broken()]
    assert await broker.downstream_token(a_caller(), MAIL)
    assert len(endpoint.asked) == 2


async def test_a_second_blip_in_a_row_is_not_tried_a_third_time(broker, endpoint):
    endpoint.answers += [broken()] * 9
    with pytest.raises(TokenEndpointUnavailable):
        await broker.downstream_token(a_caller(), MAIL)
    assert len(endpoint.asked) == 2


async def test_what_asked_for_patience_is_not_tried_again(broker, endpoint):
    endpoint.answers += [broken(7)]
    with pytest.raises(TokenEndpointUnavailable) as caught:
        await broker.downstream_token(a_caller(), MAIL)
    assert (caught.value.retry_after_seconds, len(endpoint.asked)) == (7, 1)


async def test_a_cache_that_fails_costs_an_exchange_and_no_call(endpoint, clock, caplog):
    caplog.set_level("INFO", logger="obo_mcp.audit")
    broker = TokenBroker(endpoint.exchange, BrokenCache(), clock, client_id=CLIENT)
    assert await broker.downstream_token(a_caller(), MAIL)
    assert [fields_of(r)["event"] for r in caplog.records].count("cache") == 2


async def test_a_cache_that_fails_does_not_keep_a_refused_token_from_being_renewed(endpoint, clock):
    broker = TokenBroker(endpoint.exchange, BrokenCache(), clock, client_id=CLIENT)
    token = await broker.downstream_token(a_caller(), MAIL)
    assert token != await broker.renewed_token(a_caller(), MAIL, refused=token, challenge=CHALLENGE)


@pytest.mark.promise("P-03")
async def test_a_readable_token_of_somebody_else_is_thrown_away_and_reported(
    cache, clock, caplog, endpoint
):
    caplog.set_level("INFO", logger="obo_mcp.audit")
    theirs = "e30.eyJvaWQiOiJtZWdhbiJ9.e30"  # {"oid":"megan"}

    async def mixed_up(caller, scopes, claims):
        entry = await endpoint.exchange(caller, scopes, claims)
        return replace(entry, token=Secret(theirs))

    broker = TokenBroker(mixed_up, cache, clock, client_id=CLIENT)
    for _ in range(2):
        with pytest.raises(WrongPerson):
            await broker.downstream_token(a_caller(), MAIL)
    assert len(cache) == 0
    assert [event["outcome"] for event in exchanges(caplog)] == ["WrongPerson"] * 2
    assert {r.levelname for r in caplog.records if fields_of(r)["event"] == "exchange"} == {"ERROR"}
    assert "megan" not in caplog.text


# Lifetime


@pytest.mark.promise("P-04")
async def test_an_entry_that_ended_is_exchanged_again_not_served(broker, endpoint, clock):
    endpoint.lifetime_seconds = 1000.0
    await broker.downstream_token(a_caller(), MAIL)
    clock.advance(1000 - MARGIN_SECONDS)
    token = await broker.downstream_token(a_caller(), MAIL)
    assert token.reveal().startswith("token 2 ")


@pytest.mark.promise("P-04")
async def test_nothing_kept_is_served_after_the_end_of_its_assertion(broker, endpoint, clock):
    endpoint.lifetime_seconds = 9000.0
    await broker.downstream_token(a_caller(), MAIL)
    clock.advance(HOUR - 1)
    await broker.downstream_token(a_caller(), MAIL)
    assert len(endpoint.asked) == 1
    clock.advance(1)
    with pytest.raises(AssertionRejected):
        await broker.downstream_token(a_caller(), MAIL)
    assert len(endpoint.asked) == 1


@pytest.mark.promise("P-04")
@pytest.mark.parametrize("seconds", [1.0, 30.0, 59.0])
async def test_a_new_token_with_less_than_a_minute_to_live_leaves_no_more_than_a_kept_one(
    broker, endpoint, seconds
):
    endpoint.lifetime_seconds = seconds
    with pytest.raises(TokenEndpointUnavailable):
        await broker.downstream_token(a_caller(), MAIL)


async def test_work_that_outlives_its_sign_in_gets_no_new_token_and_hears_what_to_do(
    broker, endpoint, clock
):
    held = await broker.downstream_token(a_caller(), MAIL)
    clock.advance(HOUR - 1)
    assert await broker.downstream_token(a_caller(), MAIL)
    asked = len(endpoint.asked)
    clock.advance(1)
    with pytest.raises(AssertionRejected) as caught:
        await broker.downstream_token(a_caller(), MAIL)
    assert str(caught.value) == (
        "The sign-in under which this work began is over. What was done stays done; to go on, "
        "sign in again and repeat the request."
    )
    assert isinstance(caught.value.__cause__, HeldBack)
    assert len(endpoint.asked) == asked
    assert endpoint.ends[held.reveal()] > clock.now()


async def test_a_refused_token_is_not_renewed_either_once_the_sign_in_is_over(
    broker, endpoint, clock
):
    held = await broker.downstream_token(a_caller(), MAIL)
    clock.advance(HOUR)
    with pytest.raises(AssertionRejected, match="work began is over"):
        await broker.renewed_token(a_caller(), MAIL, refused=held, challenge=CHALLENGE)
    assert len(endpoint.asked) == 1


# Early refresh


LIFETIME = 2000.0
WINDOW = LIFETIME - MARGIN_SECONDS - ADVISORY_SECONDS


async def in_the_window(broker, endpoint, clock):
    endpoint.lifetime_seconds = LIFETIME
    await broker.downstream_token(a_caller(), MAIL)
    clock.advance(WINDOW)
    await broker.downstream_token(a_caller(), MAIL)
    await settled()
    assert len(endpoint.asked) == 1
    clock.advance(1)


async def test_an_ageing_token_is_fetched_anew_once_while_the_old_one_serves(
    broker, endpoint, clock
):
    await in_the_window(broker, endpoint, clock)
    endpoint.gate.clear()
    old = [(await broker.downstream_token(a_caller(), MAIL)).reveal() for _ in range(100)]
    await until(lambda: endpoint.under_way)
    old += [(await broker.downstream_token(a_caller(), MAIL)).reveal() for _ in range(100)]
    assert {token[:8] for token in old} == {"token 1 "}
    assert len(endpoint.asked) == 2
    endpoint.gate.set()
    await settled()
    new = await broker.downstream_token(a_caller(), MAIL)
    assert new.reveal().startswith("token 2 ")


@pytest.mark.parametrize("answer", [broken(1), refused(50173), refused(65001)])
async def test_an_early_fetch_that_fails_costs_nobody_anything_and_waits_half_a_minute(
    broker, endpoint, clock, answer
):
    await in_the_window(broker, endpoint, clock)
    endpoint.answers += [answer]
    for _ in range(int(ADVISORY_PAUSE_SECONDS)):
        token = await broker.downstream_token(a_caller(), MAIL)
        assert token.reveal().startswith("token 1 ")
        await settled()
        assert len(endpoint.asked) == 2
        clock.advance(1)
    clock.advance(40)  # a refused assertion is left alone for a minute by itself
    await broker.downstream_token(a_caller(), MAIL)
    await settled()
    assert len(endpoint.asked) == 3


async def test_early_fetches_are_counted_for_each_token_by_itself(broker, endpoint, clock):
    endpoint.lifetime_seconds = LIFETIME
    calls = [(a_caller(name), scopes) for name in "ab" for scopes in (MAIL, FILES)]
    for caller, scopes in calls:
        await broker.downstream_token(caller, scopes)
    clock.advance(WINDOW + 1)
    for caller, scopes in calls * 3:
        await broker.downstream_token(caller, scopes)
    await settled()
    assert len(endpoint.asked) == 8


async def test_an_early_fetch_asks_with_the_same_claims(broker, endpoint, clock):
    endpoint.lifetime_seconds = LIFETIME
    await broker.downstream_token(a_caller(), MAIL, claims=STEP_UP)
    clock.advance(WINDOW + 1)
    await broker.downstream_token(a_caller(), MAIL, claims=STEP_UP)
    await settled()
    assert [asked.claims for asked in endpoint.asked] == [STEP_UP, STEP_UP]


async def test_nothing_is_fetched_early_where_the_assertion_ends_first(broker, endpoint, clock):
    endpoint.lifetime_seconds = HOUR + MARGIN_SECONDS
    await broker.downstream_token(a_caller(), MAIL)
    for _ in range(HOUR - 1):
        clock.advance(1)
        await broker.downstream_token(a_caller(), MAIL)
    await settled()
    assert len(endpoint.asked) == 1


# Renewal after a claims challenge


async def test_a_hundred_holders_of_a_refused_token_make_one_exchange(broker, endpoint):
    old = await broker.downstream_token(a_caller(), MAIL)

    def renew():
        return broker.renewed_token(a_caller(), MAIL, refused=old, challenge=CHALLENGE)

    tokens = await asyncio.gather(*(renew() for _ in range(100)))
    late = [await renew(), await broker.downstream_token(a_caller(), MAIL)]
    assert {token.reveal()[:8] for token in [*tokens, *late]} == {"token 2 "}
    assert [asked.claims for asked in endpoint.asked] == ["", CHALLENGE]


async def test_a_renewal_declares_what_the_refused_token_was_asked_for_with(broker, endpoint):
    capable = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
    old = await broker.downstream_token(a_caller(), MAIL, claims=capable)
    await broker.renewed_token(a_caller(), MAIL, refused=old, challenge=CHALLENGE, claims=capable)
    assert endpoint.asked[1].claims == (
        '{"access_token":{"nbf":{"essential":true,"value":"1790000000"},'
        '"xms_cc":{"values":["cp1"]}}}'
    )
    kept = await broker.downstream_token(a_caller(), MAIL, claims=capable)
    assert kept.reveal().startswith("token 2 ")


@pytest.mark.promise("P-20")
async def test_a_refused_renewal_carries_its_claims_up_and_the_old_token_is_gone(
    broker, endpoint, cache
):
    old = await broker.downstream_token(a_caller(), MAIL)
    endpoint.answers += [refused(50076, "interaction_required", claims=STEP_UP)]
    with pytest.raises(InteractionRequired) as caught:
        await broker.renewed_token(a_caller(), MAIL, refused=old, challenge=CHALLENGE)
    assert caught.value.claims == STEP_UP
    assert len(cache) == 0
    assert await broker.downstream_token(a_caller(), MAIL) != old


async def test_a_refused_token_is_discarded_from_the_shared_cache_too(endpoint, clock):
    shared = SharedCache(clock)
    broker = TokenBroker(endpoint.exchange, shared, clock, client_id=CLIENT)
    old = await broker.downstream_token(a_caller(), MAIL)
    endpoint.answers += [refused(50076)]
    with pytest.raises(InteractionRequired):
        await broker.renewed_token(a_caller(), MAIL, refused=old, challenge=CHALLENGE)
    assert len(shared.discarded) == 1
    assert len(shared.kept) == 0


async def test_a_renewal_of_one_person_leaves_the_tokens_of_others(broker, endpoint):
    old = await broker.downstream_token(a_caller(), MAIL)
    await broker.downstream_token(a_caller("megan"), MAIL)
    await broker.renewed_token(a_caller(), MAIL, refused=old, challenge=CHALLENGE)
    await broker.downstream_token(a_caller("megan"), MAIL)
    assert endpoint.asked_by == {"adele": 2, "megan": 1}


# Events


async def test_every_call_is_reported_with_who_and_how_but_no_token(broker, caplog):
    caplog.set_level("DEBUG", logger="obo_mcp.audit")
    for _ in range(2):
        await broker.downstream_token(a_caller(), MAIL)
    events = [fields_of(record) for record in caplog.records]
    assert [(event["event"], event["outcome"]) for event in events] == [
        ("exchange", "granted"),
        ("downstream_token", "exchange"),
        ("downstream_token", "cache"),
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "DEBUG", "DEBUG"]
    for event in events:
        assert event["oid"] == "adele"
        assert event["correlation_id"] == "correlation of adele"
        assert event["lifetime_seconds"] == 4000
        assert event["scope"] == "https://g.example/Mail.Read"
    assert "token 1" not in str(events)
    assert "assertion of" not in str(events)


async def test_a_refusal_is_reported_with_its_codes_and_its_cure(broker, endpoint, caplog):
    caplog.set_level("INFO", logger="obo_mcp.audit")
    endpoint.answers += [refused(50173)]
    for _ in range(2):
        with pytest.raises(AssertionRejected):
            await broker.downstream_token(a_caller(), MAIL)
    exchange, first, second = (fields_of(record) for record in caplog.records)
    assert (exchange["event"], exchange["outcome"]) == ("exchange", "AssertionRejected")
    assert "AADSTS[50173]" in exchange["reason"]
    assert "signs in again" in exchange["cure"]
    assert [e["event"] for e in (first, second)] == ["downstream_token"] * 2
    assert second["reason"].startswith("held back")


async def test_a_caller_who_left_is_not_told_but_the_exchange_is_reported(broker, endpoint, caplog):
    caplog.set_level("DEBUG", logger="obo_mcp.audit")
    endpoint.gate.clear()
    call = asyncio.create_task(broker.downstream_token(a_caller(), MAIL))
    await until(lambda: endpoint.under_way)
    call.cancel()
    await settled()
    endpoint.gate.set()
    await settled()
    assert [fields_of(r)["event"] for r in caplog.records] == ["exchange"]


async def test_what_a_renewal_finds_done_already_is_reported_as_any_call(broker, caplog):
    old = await broker.downstream_token(a_caller(), MAIL)
    await broker.renewed_token(a_caller(), MAIL, refused=old, challenge=CHALLENGE)
    caplog.set_level("DEBUG", logger="obo_mcp.audit")
    caplog.clear()
    await broker.renewed_token(a_caller(), MAIL, refused=old, challenge=CHALLENGE)
    assert [fields_of(r)["outcome"] for r in caplog.records] == ["cache"]


async def test_an_entry_in_memory_ends_with_its_token_or_its_assertion(clock, cache):
    entry = CachedToken(
        token=Secret("x"), scopes=(), expires_at=NOW + 500.0, assertion_expires_at=NOW + 400.0
    )
    assert entry.usable_until == NOW + 400
    assert replace(entry, assertion_expires_at=NOW + 900.0).usable_until == NOW + 440


OTHER_CHALLENGE = '{"access_token":{"acrs":{"essential":true,"value":"c2"}}}'


async def test_another_challenge_of_the_same_token_is_answered_with_its_own_claims(
    broker, endpoint
):
    old = await broker.downstream_token(a_caller(), MAIL)
    first = await broker.renewed_token(a_caller(), MAIL, refused=old, challenge=CHALLENGE)
    second = await broker.renewed_token(a_caller(), MAIL, refused=old, challenge=OTHER_CHALLENGE)
    assert len({old, first, second}) == 3
    assert await broker.downstream_token(a_caller(), MAIL) == second


def test_a_broker_serves_in_one_loop_after_another(endpoint, clock):
    broker = TokenBroker(
        endpoint.exchange, MemoryTokenCache(100, clock), clock, client_id=CLIENT, at_once=2
    )

    async def everybody(session):
        callers = [a_caller(f"p-{number}", session) for number in range(6)]
        await asyncio.gather(*(broker.downstream_token(caller, MAIL) for caller in callers))

    for session in ("first", "second"):
        asyncio.run(everybody(session))
    assert len(endpoint.asked) == 12


async def test_who_waits_when_the_server_stops_hears_that_it_is_unavailable(endpoint, clock):
    broker = TokenBroker(
        endpoint.exchange, MemoryTokenCache(100, clock), clock, client_id=CLIENT, at_once=1
    )
    endpoint.gate.clear()
    waiting = [
        asyncio.create_task(broker.downstream_token(a_caller(f"p-{number}"), MAIL))
        for number in range(5)
    ]
    await until(lambda: endpoint.under_way)
    await broker.aclose()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TokenEndpointUnavailable}
    assert len(endpoint.asked) == 1
    endpoint.gate.set()
    assert await broker.downstream_token(a_caller("later"), MAIL)
