"""The broker: cache, then one flight, then one exchange."""

import asyncio
from dataclasses import replace

import pytest

from obo_mcp.cache.entry import CachedToken
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.errors import ConsentRequired, TokenEndpointThrottled
from obo_mcp.exchange.broker import TokenBroker
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.observe import fields_of
from obo_mcp.secret import Secret
from support.tokens import CLIENT, NOW, TENANT

MAIL = Scopes.parse("https://g.example/Mail.Read")
FILES = Scopes.parse("https://g.example/Files.Read")


def a_caller(name="adele", session="1") -> Caller:
    assertion = Secret(f"assertion of {name} {session}")
    principal = Principal(
        tid=TENANT,
        oid=name,
        sub=name,
        azp="client",
        issuer="issuer",
        scopes=frozenset({"mcp.access"}),
        expires_at=NOW + 3600,
        token_digest=assertion.digest(),
    )
    return Caller(principal, assertion, "correlation")


class Endpoint:
    """Stands where the token endpoint would; counts and remembers who asked."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.errors = []

    async def exchange(self, caller, scopes):
        self.asked.append(caller.principal.oid)
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop()
        return CachedToken(
            token=Secret(f"token of {caller.principal.oid} for {scopes.names[0]}"),
            scopes=scopes.names,
            expires_at=self.clock.now() + 4000,
            assertion_expires_at=float(caller.principal.expires_at),
        )


@pytest.fixture
def endpoint(clock):
    return Endpoint(clock)


@pytest.fixture
def broker(endpoint, clock):
    return TokenBroker(endpoint.exchange, MemoryTokenCache(100, clock), clock, client_id=CLIENT)


async def test_ten_calls_of_one_person_make_one_exchange(broker, endpoint):
    tokens = {(await broker.downstream_token(a_caller(), MAIL)).reveal() for _ in range(10)}
    assert tokens == {"token of adele for https://g.example/Mail.Read"}
    assert len(endpoint.asked) == 1


@pytest.mark.promise("P-05")
async def test_a_thousand_cold_calls_of_one_person_at_once_make_one_exchange(broker, endpoint):
    caller = a_caller()
    await asyncio.gather(*(broker.downstream_token(caller, MAIL) for _ in range(1000)))
    assert len(endpoint.asked) == 1


@pytest.mark.promise("P-03")
async def test_many_people_at_once_each_get_their_own_token(broker, endpoint):
    people = [a_caller(f"person-{number}") for number in range(50)] * 4
    tokens = await asyncio.gather(*(broker.downstream_token(who, MAIL) for who in people))
    for who, token in zip(people, tokens, strict=True):
        assert token.reveal().startswith(f"token of {who.principal.oid} ")
    assert len(endpoint.asked) == 50


async def test_other_scopes_and_a_new_sign_in_are_exchanged_anew(broker, endpoint):
    await broker.downstream_token(a_caller(), MAIL)
    await broker.downstream_token(a_caller(), FILES)
    await broker.downstream_token(a_caller(session="2"), MAIL)
    assert len(endpoint.asked) == 3


async def test_an_entry_that_ended_is_exchanged_again_not_served(broker, endpoint, clock):
    await broker.downstream_token(a_caller(), MAIL)
    clock.advance(3600)
    late = a_caller()
    late = replace(late, principal=replace(late.principal, expires_at=NOW + 9000))
    await broker.downstream_token(late, MAIL)
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize("error", [ConsentRequired(), TokenEndpointThrottled()])
async def test_a_failure_is_not_kept_the_next_call_asks_again(broker, endpoint, error):
    endpoint.errors.append(error)
    with pytest.raises(type(error)):
        await broker.downstream_token(a_caller(), MAIL)
    assert await broker.downstream_token(a_caller(), MAIL)
    assert len(endpoint.asked) == 2


class BrokenCache:
    async def get(self, key):
        raise ConnectionError

    async def put(self, key, entry):
        raise ConnectionError


async def test_a_cache_that_fails_costs_an_exchange_and_no_call(endpoint, clock, caplog):
    caplog.set_level("INFO", logger="obo_mcp.audit")
    broker = TokenBroker(endpoint.exchange, BrokenCache(), clock, client_id=CLIENT)
    assert await broker.downstream_token(a_caller(), MAIL)
    assert [fields_of(r)["event"] for r in caplog.records].count("cache") == 2


async def test_every_call_is_reported_with_who_and_how_but_no_token(broker, caplog):
    caplog.set_level("DEBUG", logger="obo_mcp.audit")
    for _ in range(2):
        await broker.downstream_token(a_caller(), MAIL)
    events = [fields_of(record) for record in caplog.records]
    assert [event["outcome"] for event in events] == ["exchange", "cache"]
    assert [record.levelname for record in caplog.records] == ["INFO", "DEBUG"]
    assert events[0]["oid"] == "adele"
    assert events[0]["correlation_id"] == "correlation"
    assert events[0]["lifetime_seconds"] == 4000
    assert "token of" not in str(events)
    assert "assertion of" not in str(events)
