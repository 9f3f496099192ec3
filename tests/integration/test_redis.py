"""The shared cache on a real Redis: what it shows, what it survives, and what it never does."""

import asyncio
import itertools
import logging
import random
import re
import time
import traceback
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from obo_mcp.cache.entry import CachedToken, CacheKey
from obo_mcp.cache.envelope import NAME_PREFIX, Unopened
from obo_mcp.cache.failure import CacheFailed
from obo_mcp.cache.memory import MemoryTokenCache
from obo_mcp.cache.redis import MOST_BYTES, MOST_CONNECTIONS
from obo_mcp.cache.tiered import FAILURES_IN_A_ROW, REST_SECONDS, TieredTokenCache
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from obo_mcp.secret import Secret
from support.cached import (
    ASSERTION,
    RING_KEY,
    a_key,
    an_entry,
    an_envelope,
    new_ring_key,
    redis_cache,
)
from support.fault_proxy import FaultProxy, noise
from support.redis_server import Certificate, RedisServer, cluster, sentinel_pair

EXTRA_SECONDS = 0.05
"""What trouble with Redis may add to one call."""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis"), "appendonly yes") as server:
        yield server


@pytest.fixture
def server(running):
    running.command("FLUSHALL")
    return running


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.DEBUG)

    def seen():
        found = [fields_of(line) for line in caplog.records if line.name == AUDIT_LOGGER]
        return [each["outcome"] for each in found if each["event"] == "cache"]

    return seen


@asynccontextmanager
async def opened(url, clock, *keys, timeout_seconds=5.0, **changes):
    cache = redis_cache(url, clock, *keys, timeout_seconds=timeout_seconds, **changes)
    try:
        yield cache
    finally:
        await cache.aclose()


@asynccontextmanager
async def through_a_proxy(server, clock, **changes):
    async with (
        FaultProxy(server.port) as proxy,
        opened(f"redis://127.0.0.1:{proxy.port}", clock, **changes) as cache,
    ):
        yield proxy, cache


@asynccontextmanager
async def in_front_of(shared, clock):
    cache = TieredTokenCache(MemoryTokenCache(1000, clock), shared, clock)
    try:
        yield cache
    finally:
        await cache.aclose()


def person(number):
    return Secret(f"assertion of person {number}")


def of(number, **changes):
    return a_key(assertion_digest=person(number).digest(), **changes)


async def filled(cache, clock, count):
    for number in range(count):
        await cache.put(of(number), an_entry(clock, text=f"token {number}"), person(number))


async def filled_to_the_end(cache, clock, count):
    """What a tiered cache writes in the background has arrived, however slow the machine is."""
    usual, cache._shared._timeout = cache._shared._timeout, 5
    await filled(cache, clock, count)
    while cache._told:
        await asyncio.wait(set(cache._told))
    cache._shared._timeout = usual


async def found(cache, count):
    """How many of `count` people find their own token; finding another's fails."""
    hits = 0
    for number in range(count):
        if entry := await cache.get(of(number), person(number)):
            assert entry.token == Secret(f"token {number}")
            hits += 1
    return hits


# --- ways to reach it ------------------------------------------------------------------------


async def works(cache, clock, count=20):
    await filled(cache, clock, count)
    assert await found(cache, count) == count
    await cache.discard(of(0))
    assert await found(cache, count) == count - 1


async def test_it_works_over_a_unix_socket(server, clock):
    async with opened(f"unix://{server.socket_path}?db=3", clock) as cache:
        await works(cache, clock)
    assert server.command("DBSIZE") == 0


async def test_it_works_in_a_database_of_its_own(server, clock):
    async with opened(f"{server.url}/5", clock) as cache:
        await works(cache, clock)
    assert server.command("DBSIZE") == 0
    assert b"db5:keys=19" in server.command("INFO", "keyspace")


async def test_with_tls_the_server_must_prove_its_name(tmp_path, clock):
    ours = Certificate(tmp_path / "ours")
    misnamed = Certificate(tmp_path / "misnamed", address="127.0.0.9")
    with RedisServer(tmp_path / "1", tls=ours) as server:
        async with opened(server.url, clock, ca_bundle=ours.certificate) as cache:
            await works(cache, clock)
        async with opened(f"{server.url}?ssl_ca_certs={ours.certificate}", clock) as cache:
            await works(cache, clock)
        for stranger in ({}, {"ca_bundle": misnamed.certificate}):
            async with opened(server.url, clock, **stranger) as cache:
                with pytest.raises(CacheFailed, match="ConnectionError"):
                    await cache.get(a_key(), ASSERTION)
    with RedisServer(tmp_path / "2", tls=misnamed) as server:
        async with opened(server.url, clock, ca_bundle=misnamed.certificate) as cache:
            with pytest.raises(CacheFailed, match="ConnectionError"):
                await cache.get(a_key(), ASSERTION)
        url = f"{server.url}?ssl_check_hostname=no"
        async with opened(url, clock, ca_bundle=misnamed.certificate) as cache:
            await works(cache, clock)


def accounts(*more):
    """An administrator, and the account that docs/howto/shared-cache.md asks for."""
    commands = " ".join(f"+{command}" for command in ("getrange", "set", "del", *more))
    return (
        "user default off",
        "user admin on >admin ~* &* +@all",
        f"user obo on >pass%word ~obo-mcp:* resetchannels -@all {commands}",
    )


LOGIN, ADMIN = "obo:pass%25word@", ("admin", "admin")


async def test_an_acl_user_needs_three_commands_on_our_names_and_nothing_else(tmp_path, clock):
    with RedisServer(tmp_path, *accounts(), login=LOGIN, admin=ADMIN) as server:
        async with opened(server.url, clock) as cache:
            await works(cache, clock)
        async with opened(server.url, clock, new_ring_key(), RING_KEY) as cache:
            await works(cache, clock)
        assert server.command("ACL", "LOG") == []


async def test_an_acl_user_needs_a_fourth_command_for_a_database_of_its_own(tmp_path, clock):
    with RedisServer(tmp_path, *accounts("select"), login=LOGIN, admin=ADMIN) as server:
        async with opened(f"{server.url}/5", clock) as cache:
            await works(cache, clock)
        assert server.command("ACL", "LOG") == []


async def test_an_acl_user_needs_a_fourth_command_in_a_cluster(tmp_path, clock):
    lines = accounts("cluster|slots")
    with cluster(tmp_path, *lines, login=LOGIN, admin=ADMIN) as servers:
        async with opened(servers[0].url, clock, redis_cluster=True) as cache:
            await works(cache, clock, 60)
        for server in servers:
            assert server.command("DBSIZE") > 5
            assert server.command("ACL", "LOG") == []


async def test_behind_sentinel_the_acl_user_is_the_servers_own(tmp_path, clock):
    with sentinel_pair(tmp_path, *accounts(), login=LOGIN, admin=ADMIN) as (primary, _, sentinel):
        url = f"redis://{LOGIN}127.0.0.1:{sentinel.port}"
        async with opened(url, clock, redis_sentinel_service="obo") as cache:
            await works(cache, clock)
        assert primary.command("ACL", "LOG") == []


async def test_no_failure_names_the_address_or_the_password(tmp_path, clock, caplog):
    caplog.set_level(logging.DEBUG)
    lines = ("user default off", "user admin on >admin ~* &* +@all")
    with RedisServer(tmp_path, *lines, login="obo:canary-password@", admin=("admin", "admin")) as s:
        async with opened(s.url, clock) as cache:
            with pytest.raises(CacheFailed, match=r"^AuthenticationError$") as refused:
                await cache.get(a_key(), ASSERTION)
        s.kill()
        async with opened(s.url, clock) as cache:
            with pytest.raises(CacheFailed, match=r"^ConnectionError$") as gone:
                await cache.put(a_key(), an_entry(clock), ASSERTION)
        for error in (refused.value, gone.value):
            assert error.__context__ is error.__cause__ is None
            shown = "".join(
                traceback.TracebackException(
                    type(error), error, error.__traceback__.tb_next, capture_locals=True
                ).format()
            )
            for hidden in ("canary-password", str(s.port), "127.0.0.1"):
                assert hidden not in shown + repr(cache) + caplog.text


# --- what one call costs ---------------------------------------------------------------------


async def test_a_call_is_one_command_from_the_first_and_a_value_never_goes_without_its_end(
    server, clock
):
    with server.monitored() as lines:
        async with opened(server.url, clock) as cache:
            await cache.put(a_key(), an_entry(clock), ASSERTION)
            await cache.get(a_key(), ASSERTION)
            await cache.get(a_key(resource="another"), ASSERTION)
            await cache.discard(a_key())
    commands = [re.findall(rb'"((?:[^"\\]|\\.)*)"', line) for line in lines]
    assert [words[0] for words in commands] == [b"SET", b"GETRANGE", b"GETRANGE", b"DEL"]
    name = an_envelope().names(a_key())[0]
    assert commands[0][1] == commands[1][1] == commands[3][1] == name
    assert commands[0][3] == b"PX"
    assert len(commands[0]) == 5


async def test_redis_drops_an_entry_at_its_end_or_a_little_earlier_and_not_all_at_once(
    server, clock
):
    async with opened(server.url, clock) as cache:
        for number in range(200):
            entry = an_entry(clock, lives=1060, assertion_lives=1000)
            await cache.put(of(number), entry, person(number))
    left = [server.command("PTTL", name) for name in server.command("KEYS", "*")]
    assert len(left) == 200
    assert all(880_000 < milliseconds <= 1_000_000 for milliseconds in left)
    assert max(left) - min(left) > 50_000


async def test_names_of_all_ring_keys_are_asked_for_in_one_round_trip(server, clock):
    ring = [new_ring_key() for _ in range(3)]
    async with FaultProxy(server.port) as proxy:
        questions = []
        proxy.answer_with = lambda data: questions.append(data) or data
        async with opened(f"redis://127.0.0.1:{proxy.port}", clock, *ring) as cache:
            assert await cache.get(a_key(), ASSERTION) is None
            assert questions == [b"$0\r\n\r\n" * 3]


# --- silence ---------------------------------------------------------------------------------


WORDS = {
    "token": "canary-downstream-token",
    "assertion": "canary-assertion",
    "tenant": "0f3c2b1a-canary-4tid",
    "oid": "5e6f7a8b-canary-5oid",
    "upn": "canary.adele@contoso.example",
    "client": "9a8b7c6d-canary-6azp",
    "resource": "https://canary-graph.example",
    "scope": "canary.Mail.Read",
    "claims": '{"access_token":{"canary":null}}',
}


@pytest.mark.promise("P-16")
async def test_dump_log_and_command_stream_hold_nothing_that_anybody_could_use(server, clock):
    assertion = Secret(f"{WORDS['assertion']}.{WORDS['upn']}.{WORDS['oid']}")
    key = CacheKey(
        assertion_digest=assertion.digest(),
        tenant_id=WORDS["tenant"],
        client_id=WORDS["client"],
        resource=WORDS["resource"],
        scopes=(f"{WORDS['resource']}/{WORDS['scope']}",),
        claims=WORDS["claims"],
    )
    entry = CachedToken(
        token=Secret(f"{WORDS['token']}.{WORDS['upn']}"),
        scopes=key.scopes,
        expires_at=clock.now() + 3600,
        assertion_expires_at=clock.now() + 3600,
    )
    with server.monitored() as lines:
        async with opened(server.url, clock) as cache:
            await cache.put(key, entry, assertion)
            assert await cache.get(key, assertion) == entry
    everything = server.dump() + server.append_only_file() + b"".join(lines)
    assert everything.count(NAME_PREFIX) >= 4  # dump, log, SET and GET were all looked at
    for what, word in WORDS.items():
        for spelling in (word.encode(), word.encode("utf-16-le"), word.encode().hex().encode()):
            assert spelling not in everything, what
    for digest in (key.assertion_digest, entry.token.digest()):
        assert digest not in everything
        assert digest.hex().encode() not in everything


@pytest.mark.promise("P-16")
async def test_ring_key_and_store_together_open_nothing_without_the_assertion(server, clock):
    async with opened(server.url, clock) as cache:
        await filled(cache, clock, 100)
    envelope = an_envelope()
    store = {name: server.command("GET", name) for name in server.command("KEYS", "*")}
    guesses = [Secret(""), Secret("x"), *(Secret(person(n).digest().hex()) for n in range(100))]

    def opens(name, octets, assertion):
        try:
            return bool(envelope.open(name, octets, assertion, clock.now()))
        except Unopened:
            return False

    assert len(store) == 100
    assert not any(opens(*each, guess) for each in store.items() for guess in guesses)
    owners = sum(opens(*each, person(n)) for each in store.items() for n in range(100))
    assert owners == 100


# --- lies ------------------------------------------------------------------------------------


@pytest.mark.promise("P-16")
async def test_entries_that_somebody_tampered_with_are_missing_deleted_and_counted(
    server, clock, events
):
    count = 300
    chance = random.Random(20)
    async with opened(server.url, clock) as cache:
        await filled(cache, clock, count)
        names = [an_envelope().names(of(number))[0] for number in range(count)]
        values = {name: server.command("GET", name) for name in names}
        for number, name in enumerate(names):
            octets = bytearray(values[name])
            match number % 5:
                case 0:
                    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
                case 1:
                    octets = octets[: chance.randrange(len(octets))]
                case 2:
                    octets = values[names[number - 1]]
                case 3:
                    octets[9:17] = (2**62).to_bytes(8)
                case 4:
                    octets = chance.randbytes(400)
            server.command("SET", name, bytes(octets))
        assert await found(cache, count) == 0
    assert events() == ["unopened"] * count
    async with opened(server.url, clock) as cache:
        await filled(cache, clock, 10)
        assert await found(cache, 10) == 10


async def test_what_did_not_open_is_deleted(server, clock):
    name = an_envelope().names(a_key())[0]
    server.command("SET", name, "garbage")
    async with opened(server.url, clock) as cache:
        with server.monitored() as lines:
            assert await cache.get(a_key(), ASSERTION) is None
            while server.command("EXISTS", name):
                await asyncio.sleep(0)
    assert sum(b'"DEL"' in line for line in lines) == 1


@pytest.mark.parametrize("size", [MOST_BYTES - 1, MOST_BYTES, 100 * MOST_BYTES])
async def test_a_value_of_any_size_is_read_up_to_64_kib_and_deleted(server, clock, events, size):
    name = an_envelope().names(a_key())[0]
    sent = 0

    def passed_on(data):
        nonlocal sent
        sent += len(data)
        return data

    async with through_a_proxy(server, clock) as (proxy, cache):
        await cache.put(a_key(), an_entry(clock), ASSERTION)
        server.command("APPEND", name, bytes(size - server.command("STRLEN", name)))
        proxy.answer_with = passed_on
        assert await cache.get(a_key(), ASSERTION) is None
        assert size > MOST_BYTES or sent > size
        assert sent < MOST_BYTES + 100
        while server.command("EXISTS", name):
            await asyncio.sleep(0)
    assert events() == ["unopened"]


async def test_an_entry_that_would_fill_64_kib_is_not_written(server, clock):
    async with opened(server.url, clock) as cache:
        await cache.put(a_key(), an_entry(clock, text="x" * MOST_BYTES), ASSERTION)
        assert server.command("DBSIZE") == 0
        entry = an_entry(clock, text="x" * (MOST_BYTES - 1024))
        await cache.put(a_key(), entry, ASSERTION)
        assert await cache.get(a_key(), ASSERTION) == entry


async def test_a_name_that_holds_something_else_is_a_failure_and_no_token(server, clock):
    server.command("LPUSH", an_envelope().names(a_key())[0], "a", "b")
    async with opened(server.url, clock) as cache:
        with pytest.raises(CacheFailed, match="ResponseError"):
            await cache.get(a_key(), ASSERTION)


# --- those who leave -------------------------------------------------------------------------


async def test_whoever_leaves_early_leaves_no_answer_behind_for_the_next(server, clock, events):
    """Gets are cancelled at every point of their way; all that come after are answered right."""
    people = 20
    chance = random.Random(1)
    async with through_a_proxy(server, clock) as (_proxy, cache):
        if True:
            await filled(cache, clock, people)
            left = 0
            for turn in range(600):
                number = turn % people
                asking = asyncio.create_task(cache.get(of(number), person(number)))
                for _ in range(chance.randrange(30)):
                    await asyncio.sleep(0)
                left += asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                other = (number + 1) % people
                entry = await cache.get(of(other), person(other))
                assert entry.token == Secret(f"token {other}")
            assert left > 200
            assert await found(cache, people) == people
    assert events() == []  # nobody even saw an answer that was not for him


async def test_whoever_gave_up_waiting_leaves_no_answer_behind_for_the_next(server, clock, events):
    people = 10
    async with FaultProxy(server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        async with opened(url, clock, timeout_seconds=0.02) as cache:
            cache._timeout = 5
            await filled(cache, clock, people)
            proxy.latency_seconds, cache._timeout = 0.1, 0.02
            late = [cache.get(of(number), person(number)) for number in range(people)]
            outcomes = await asyncio.gather(*late, return_exceptions=True)
            assert {str(each) for each in outcomes} == {"TimeoutError"}
            proxy.heal()
            cache._timeout = 5
            assert await found(cache, people) == people
    assert events() == []


async def test_more_callers_than_connections_wait_their_turn(server, clock):
    people = MOST_CONNECTIONS * 4
    async with opened(server.url, clock) as cache:
        await filled(cache, clock, people)
        gets = [cache.get(of(number), person(number)) for number in range(people)]
        entries = await asyncio.gather(*gets)
        expected = [Secret(f"token {number}") for number in range(people)]
        assert [entry.token for entry in entries] == expected
    clients = server.command("INFO", "stats")
    assert b"rejected_connections:0" in clients


async def test_a_crowd_before_a_silent_redis_waits_no_longer_than_one_caller(tmp_path, clock):
    with RedisServer(tmp_path) as server:
        async with opened(server.url, clock, timeout_seconds=0.2) as cache:
            await filled(cache, clock, 10)
            with server.frozen():
                crowd = [cache.get(of(number), person(number)) for number in range(500)]
                begun = time.perf_counter()
                outcomes = await asyncio.gather(*crowd, return_exceptions=True)
                assert time.perf_counter() - begun < 0.7
            causes = Counter(outcome.cause for outcome in outcomes)
            assert causes == {"TimeoutError": MOST_CONNECTIONS, "Crowded": 500 - MOST_CONNECTIONS}
            cache._timeout = 5
            assert await found(cache, 10) == 10


async def test_a_connection_that_was_closed_while_idle_costs_nobody_an_answer(server, clock):
    async with opened(server.url, clock) as cache:
        await filled(cache, clock, 3)
        for _ in range(3):
            server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            idle = cache._client.connection_pool._available_connections
            while not all(connection._reader.at_eof() for connection in idle):
                await asyncio.sleep(0)
            assert await found(cache, 3) == 3


# --- from one event loop to the next --------------------------------------------------------


def a_life(cache, clock):
    """An event loop's whole life: more callers than connections, then the end."""

    async def lived():
        people = MOST_CONNECTIONS * 2
        try:
            for number in range(people):
                entry = an_entry(clock, text=f"token {number}")
                await cache.put(of(number), entry, person(number))
            gets = [cache.get(of(number), person(number)) for number in range(people)]
            return sum(map(bool, await asyncio.gather(*gets)))
        finally:
            await cache.aclose()

    return asyncio.run(lived())


def test_a_closed_cache_works_again_in_another_event_loop(server, clock):
    cache = redis_cache(server.url, clock, timeout_seconds=5)
    assert [a_life(cache, clock) for _ in range(3)] == [MOST_CONNECTIONS * 2] * 3


def test_a_closed_cache_in_a_cluster_works_again_in_another_event_loop(tmp_path, clock):
    with cluster(tmp_path) as servers:
        cache = redis_cache(servers[0].url, clock, timeout_seconds=5, redis_cluster=True)
        assert [a_life(cache, clock) for _ in range(3)] == [MOST_CONNECTIONS * 2] * 3


def test_a_closed_cache_behind_sentinel_works_again_in_another_event_loop(tmp_path, clock):
    with sentinel_pair(tmp_path) as (_, _, sentinel):
        url = f"redis://127.0.0.1:{sentinel.port}"
        cache = redis_cache(url, clock, timeout_seconds=5, redis_sentinel_service="obo")
        assert [a_life(cache, clock) for _ in range(3)] == [MOST_CONNECTIONS * 2] * 3


# --- trouble ---------------------------------------------------------------------------------


STRANGERS = itertools.count(1000)


async def calls_in_trouble(cache, clock):
    """Seconds for each get, put and discard of four rests; every rest ends with a probe."""
    spent = []

    async def timed(work):
        begun = time.perf_counter()
        outcome = await work
        spent.append(time.perf_counter() - begun)
        return outcome

    for turn in range(40):
        number = next(STRANGERS)
        entry = an_entry(clock, text=f"token {number}")
        assert await timed(cache.get(of(number), person(number))) is None
        await timed(cache.put(of(number), entry, person(number)))
        assert (await timed(cache.get(of(number), person(number)))) == entry
        await timed(cache.discard(of(-number)))
        if turn % 10 == 9:
            clock.advance(REST_SECONDS)
    return spent


async def assert_calls_stay_quick(cache, clock):
    """All but one in one of three tries: the machine, too, may stop for a moment."""
    worst = []
    for _ in range(3):
        spent = await calls_in_trouble(cache, clock)
        worst.append(sorted(spent)[-2])
        if worst[-1] <= EXTRA_SECONDS:
            return
    pytest.fail(f"calls took {worst} seconds")


def latency(proxy):
    proxy.latency_seconds = 2.0


def garbage(proxy):
    proxy.answer_with = noise


def another_protocol(proxy):
    proxy.answer_with = b"HTTP/1.1 400 Bad Request\r\n\r\n"


def a_wrong_kind_of_answer(proxy):
    proxy.answer_with = b":42\r\n"


def an_endless_answer(proxy):
    proxy.answer_with = b"$1000000000\r\nx"


def too_many_answers(proxy):
    proxy.answer_with = lambda data: data * 3


def cut(proxy):
    proxy.cut = True


def black_hole(proxy):
    proxy.black_hole = True


FAULTS = (
    latency, garbage, another_protocol, a_wrong_kind_of_answer, an_endless_answer, cut, black_hole,
)  # fmt: skip


@pytest.mark.promise("P-17")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_faulty_way_to_redis_costs_no_call_and_at_most_50_ms(server, clock, fault):
    async with FaultProxy(server.port) as proxy:
        shared = redis_cache(f"redis://127.0.0.1:{proxy.port}", clock)
        async with in_front_of(shared, clock) as cache:
            await filled_to_the_end(cache, clock, 20)
            fault(proxy)
            assert await found(cache, 20) == 20
            await assert_calls_stay_quick(cache, clock)
            proxy.heal()
            clock.advance(REST_SECONDS)
            shared._timeout = 5
            await cache.get(a_key(), ASSERTION)  # the probe
            async with in_front_of(shared, clock) as replica:
                assert await found(replica, 20) == 20


async def test_more_answers_than_questions_make_no_wrong_one(server, clock):
    async with through_a_proxy(server, clock) as (proxy, cache):
        if True:
            await filled(cache, clock, 20)
            too_many_answers(proxy)
            for number in range(20):
                try:
                    entry = await cache.get(of(number), person(number))
                except CacheFailed:
                    continue
                assert entry is None or entry.token == Secret(f"token {number}")


@pytest.mark.promise("P-17")
async def test_a_redis_that_is_killed_costs_no_call_and_is_used_again_when_it_is_back(
    tmp_path, clock
):
    with RedisServer(tmp_path, "appendonly yes", "appendfsync always") as server:
        shared = redis_cache(server.url, clock)
        async with in_front_of(shared, clock) as cache:
            await filled_to_the_end(cache, clock, 20)
            server.kill()
            assert await found(cache, 20) == 20
            await assert_calls_stay_quick(cache, clock)
            server.start()
            clock.advance(REST_SECONDS)
            shared._timeout = 5
            async with in_front_of(shared, clock) as replica:
                assert await found(replica, 20) == 20


@pytest.mark.promise("P-17")
async def test_a_redis_that_stands_still_costs_no_call(tmp_path, clock):
    with RedisServer(tmp_path) as server:
        shared = redis_cache(server.url, clock)
        async with in_front_of(shared, clock) as cache:
            await filled_to_the_end(cache, clock, 20)
            with server.frozen():
                assert await found(cache, 20) == 20
                await assert_calls_stay_quick(cache, clock)
            clock.advance(REST_SECONDS)
            shared._timeout = 5
            async with in_front_of(shared, clock) as replica:
                assert await found(replica, 20) == 20


@pytest.mark.promise("P-17")
async def test_a_full_redis_costs_no_call_and_still_gives_what_it_holds(tmp_path, clock, caplog):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    with RedisServer(tmp_path, "maxmemory-policy noeviction") as server:
        shared = redis_cache(server.url, clock)
        async with in_front_of(shared, clock) as cache:
            await filled_to_the_end(cache, clock, 20)
        server.command("CONFIG", "SET", "maxmemory", "1")
        async with in_front_of(shared, clock) as cache:
            assert await found(cache, 20) == 20
            await assert_calls_stay_quick(cache, clock)
    causes = {fields_of(line).get("cause") for line in caplog.records if fields_of(line)}
    assert "OutOfMemoryError" in causes


async def test_a_redis_that_was_never_there_costs_no_call(clock, tmp_path):
    with RedisServer(tmp_path) as server:
        url = server.url
    async with in_front_of(redis_cache(url, clock), clock) as cache:
        await assert_calls_stay_quick(cache, clock)


async def test_while_redis_is_left_alone_nobody_connects(server, clock):
    async with FaultProxy(server.port) as proxy:
        proxy.cut = True
        shared = redis_cache(f"redis://127.0.0.1:{proxy.port}", clock, timeout_seconds=5)
        async with in_front_of(shared, clock) as cache:
            for number in range(FAILURES_IN_A_ROW):
                await cache.get(of(number), person(number))
            before = proxy.connections
            assert before == FAILURES_IN_A_ROW  # and nothing was tried twice behind our back
            for number in range(200):
                await cache.get(of(number), person(number))
            assert proxy.connections == before


# --- several servers -------------------------------------------------------------------------


@pytest.mark.promise("P-17")
async def test_behind_sentinel_the_cache_is_back_ten_seconds_after_its_server_died(tmp_path, clock):
    with sentinel_pair(tmp_path) as (primary, replica, sentinel):
        url = f"redis://127.0.0.1:1,redis://127.0.0.1:{sentinel.port}/2"
        shared = redis_cache(url, clock, redis_sentinel_service="obo", timeout_seconds=5)
        async with in_front_of(shared, clock) as cache:
            await works(shared, clock)
            await filled(shared, clock, 20)
            while replica.command("DBSIZE") < 20:
                await asyncio.sleep(0)  # WAIT would only wait for what its own connection wrote
            shared._timeout = 0.04
            begun = time.monotonic()
            primary.kill()
            await assert_calls_stay_quick(cache, clock)
            await asyncio.to_thread(sentinel.wait_until_it_says, "+switch-master")
            shared._timeout = 5
            clock.advance(REST_SECONDS)
            assert await found(cache, 20) == 20
            assert time.monotonic() - begun + REST_SECONDS <= 10
            await works(shared, clock)
        assert replica.command("ROLE")[0] == b"master"


async def test_an_unknown_service_is_a_failure_and_nothing_worse(tmp_path, clock):
    with sentinel_pair(tmp_path) as (_, _, sentinel):
        url = f"redis://127.0.0.1:{sentinel.port}"
        async with opened(url, clock, redis_sentinel_service="another") as cache:
            with pytest.raises(CacheFailed, match="MasterNotFoundError"):
                await cache.get(a_key(), ASSERTION)


async def test_a_cluster_holds_entries_on_all_its_nodes_and_loses_only_those_of_a_dead_one(
    tmp_path, clock
):
    old, new = new_ring_key(), new_ring_key()
    with cluster(tmp_path) as servers:
        url = ",".join(server.url for server in servers)
        async with opened(url, clock, old, redis_cluster=True) as cache:
            await works(cache, clock, 60)
        async with opened(url, clock, new, old, redis_cluster=True) as cache:
            assert await found(cache, 60) == 59
            assert all(server.command("DBSIZE") > 5 for server in servers)
            lost = servers[2].command("DBSIZE")
            servers[2].kill()
            for server in servers[:2]:
                server.command("CONFIG", "SET", "cluster-require-full-coverage", "no")
        shared = redis_cache(url, clock, old, redis_cluster=True)
        async with in_front_of(shared, clock) as cached:
            await assert_calls_stay_quick(cached, clock)
        hits = 0
        async with opened(url, clock, old, redis_cluster=True) as cache:
            for number in range(60):
                try:
                    hits += bool(await cache.get(of(number), person(number)))
                except CacheFailed:
                    continue
        assert hits == 59 - lost


async def test_a_cluster_with_tls_is_trusted_as_one_server_is(tmp_path, clock):
    certificate = Certificate(tmp_path / "certificate")
    with cluster(tmp_path, tls=certificate) as servers:
        url = servers[0].url
        async with opened(
            url, clock, redis_cluster=True, ca_bundle=certificate.certificate
        ) as cache:
            await works(cache, clock, 60)
        async with opened(url, clock, redis_cluster=True) as cache:
            with pytest.raises(CacheFailed):
                await cache.get(a_key(), ASSERTION)


# --- rotation --------------------------------------------------------------------------------


@pytest.mark.promise("P-23")
async def test_while_keys_are_rotated_nobody_loses_an_entry(server, clock):
    """A new key may come first or last; replicas of both generations run at the same time."""
    old, new = new_ring_key(), new_ring_key()
    generations = [[old], [old, new], [new, old], [new]]
    async with opened(server.url, clock, old) as cache:
        await filled(cache, clock, 20)
    for before, after in itertools.pairwise(generations):
        async with (
            opened(server.url, clock, *before) as earlier,
            opened(server.url, clock, *after) as later,
        ):
            if after == [new]:  # every entry that the old key sealed has ended by now
                clock.advance(3600)
                await filled(earlier, clock, 20)
            assert await found(earlier, 20) == await found(later, 20) == 20
            if new in before or after[0] == old:
                await filled(later, clock, 20)
                assert await found(earlier, 20) == 20
    async with opened(server.url, clock, old) as retired:
        await filled(retired, clock, 1)
    names = {bytes(name) for name in server.command("KEYS", "*")}
    assert an_envelope(new).names(of(0))[0] in names


async def test_a_discarded_entry_is_gone_under_the_names_of_all_keys(server, clock):
    old, new = new_ring_key(), new_ring_key()
    async with (
        opened(server.url, clock, old) as earlier,
        opened(server.url, clock, new, old) as later,
    ):
        await filled(earlier, clock, 1)
        await filled(later, clock, 1)
        assert server.command("DBSIZE") == 2
        await later.discard(of(0))
        assert server.command("DBSIZE") == 0
