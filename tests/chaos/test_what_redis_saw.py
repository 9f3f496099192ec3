"""What Redis has seen when all is over says nothing, and opens for nobody but its owner.

The file stands last in the folder: what all the other tests have put there is looked at, too.
"""

import re

import pytest

from chaos.effort import PEOPLE, ROUNDS, say
from chaos.monitor import Scan
from obo_mcp.cache.envelope import NAME_PREFIX, Envelope, Unopened
from obo_mcp.cache.keyring import KeyRing
from obo_mcp.clock import SystemClock
from obo_mcp.secret import Secret
from support.fault_proxy import noise
from support.wire import payload_of

CANARY = "canary.of.the.scan@contoso.example"
CLAIMS = ("oid", "sub", "tid", "upn", "preferred_username", "unique_name", "azp", "appid", "scp")
CLAIMS += ("aud", "iss", "uti", "sid", "name")
SHORTEST = 5  # a shorter one comes up by chance in so many random octets


def words_of(tokens):
    """Every token, its parts, and what it says about its person, its client and its resource."""
    words = set()
    for token in tokens:
        words.update([token, *token.split(".")[1:]])
        claims = payload_of(token)
        words.update(str(claims[name]) for name in CLAIMS if name in claims)
        words.update(claims.get("scp", "").split())
    return words


async def a_load_with_trouble_in_it(house, usual):
    calls, crowd = house.calls(usual), house.people(PEOPLE)
    for share, fault in enumerate((None, noise, None)):
        house.proxy.answer_with = fault
        for replica in usual:
            replica.let_rest_end()
        await calls.of(crowd[share::3], ROUNDS)
    assert not calls.failures
    return crowd, calls


@pytest.mark.promise("P-16")
async def test_when_all_is_over_redis_holds_no_word_about_anybody(house, usual):
    with house.redis.monitored() as lines:
        crowd, calls = await a_load_with_trouble_in_it(house, usual)
        house.redis.command("SET", "canary", CANARY)
    places = {
        "dump": house.redis.dump(),
        "log": house.redis.append_only_file(),
        "commands": b"".join(lines),
    }
    house.redis.command("DEL", "canary")
    ours = {"https://graph.microsoft.com", "mcp.access", house.ring}
    words = [word for word in words_of(house.seen) | ours if len(word) >= SHORTEST]
    entry = NAME_PREFIX + rb"\w{64}"
    entries = {place: len(set(re.findall(entry, octets))) for place, octets in places.items()}
    sizes = {place: len(octets) for place, octets in places.items()}
    say(f"{len(words)} words of {len(house.seen)} tokens; octets {sizes}, entries {entries}")
    assert len(calls.downstream) >= len(crowd)
    assert min(entries.values()) >= len(crowd) // 3
    scan = Scan([CANARY, *words])
    found = {place: scan.found_in(octets) for place, octets in places.items()}
    assert found == {place: {0} for place in places}  # the canary, and nothing else


@pytest.mark.promise("P-16")
async def test_ring_and_store_together_open_nothing_without_the_assertion(house, patient):
    calls, crowd = house.calls(patient), house.people(PEOPLE)
    house.redis.command("FLUSHALL")
    await calls.of(crowd)
    store = {name: house.redis.command("GET", name) for name in house.redis.command("KEYS", "*")}
    envelope, now = Envelope(KeyRing([Secret(house.ring)])), SystemClock().now()

    def opened_with(guesses):
        """How many of the guesses open each entry."""
        return [sum(opens(*each, guess) for guess in guesses) for each in store.items()]

    def opens(name, octets, guess):
        try:
            return bool(envelope.open(name, octets, guess, now))
        except Unopened:
            return False

    guesses = ["", house.ring, *calls.downstream, *(person.oid for person in crowd)]
    guesses += [person.token.digest().hex() for person in crowd]
    say(f"{len(store)} entries, {len(guesses)} guesses for each")
    assert opened_with([Secret(guess) for guess in guesses]) == [0] * len(crowd)
    assert opened_with([person.token for person in crowd]) == [1] * len(crowd)
