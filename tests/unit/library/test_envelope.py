"""The envelope: opens where it was put, until it ends, for who holds the assertion; else never."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obo_mcp.cache.entry import MARGIN_SECONDS, CachedToken
from obo_mcp.cache.envelope import NAME_PREFIX, Unopened
from obo_mcp.secret import Secret
from support.cached import ASSERTION, a_key, an_entry, an_envelope, new_ring_key
from support.clock import ManualClock

CLOCK = ManualClock()
NOW = CLOCK.now()
HEADER_BYTES = 1 + 8 + 8 + 16 + 12
EXPIRY = slice(9, 17)
TAMPERED = 100_000


def opens(envelope, name, octets, *, assertion=ASSERTION, now=NOW) -> bool:
    try:
        return bool(envelope.open(name, octets, assertion, now))
    except Unopened:
        return False


def entries():
    moments = st.floats(NOW + 61, NOW + 1e6)
    return st.builds(
        CachedToken,
        token=st.text(max_size=3000).map(Secret),
        scopes=st.lists(st.text(max_size=40), max_size=5).map(tuple),
        expires_at=moments,
        assertion_expires_at=moments,
    )


# --- what it keeps ---------------------------------------------------------------------------


@given(entries(), st.text(max_size=200).map(Secret))
def test_what_was_sealed_opens_to_exactly_the_same(entry, assertion):
    envelope = an_envelope()
    name, octets = envelope.seal(a_key(), entry, assertion)
    if entry.usable_until > NOW + 0.001:
        assert envelope.open(name, octets, assertion, NOW) == entry


def test_texts_that_are_no_unicode_are_named_sealed_and_opened_all_the_same():
    odd = "\ud800"
    envelope, key = an_envelope(), a_key(resource=odd, scopes=(odd,), claims=odd)
    entry = replace(an_entry(CLOCK, text=odd), scopes=(odd,))
    name, octets = envelope.seal(key, entry, Secret(odd))
    assert envelope.names(key) == [name]
    assert envelope.open(name, octets, Secret(odd), NOW) == entry


def test_an_envelope_of_an_earlier_release_opens():
    """Replicas of two releases share one Redis while a deployment rolls."""
    name = b"obo-mcp:70f331d4f5494c02edfc8ab90bad72731d462a68a5eac40e93ce40d1db21fefe"
    octets = bytes.fromhex(
        "01e17fc185287e9692000001a0c4867020fa78845b3f645fb38a9c0adfcb42bfe1110d21f6cdce169c38"
        "7b93c7e4260755d50ffee393ab094f42f0dd6e4a14f3d15d8a4f4ff3f5b0a5cb1a29e93f7c3af44fe3ee"
        "065e02c7efe7280cdfa5d3b2a53702300a34fc408d9d4753d3ac030cc7e0679424fc2ae590e2fbe46abe"
        "976bd70c174e17a59b9a3279f518a7a0b721dd5e75f6193111c13bba53364c10442651d904d585b3b404"
        "dc5756a17cbf2a26f3f0849ac5d9ba9b61e73279542ae789e44756ff779df91f1de06ec9950c1f6ee88e"
        "9e2ff19f578753f6c70fc3ec1ccc1d4f7b9d2c9325eed1abdbb64f81e279d1fc146aaf5161961973d303"
        "a724b8e6deb5b2efc0d4eb7f5aecd920eff61a896383204cad2376ebf7ceb7be7c6aaadc908865d588cf"
        "296314ad8bf4e780eeaa1a4679e66a439d621ebf35334a"
    )
    envelope = an_envelope()
    assert envelope.names(a_key(claims="{}")) == [name]
    assert envelope.open(name, octets, ASSERTION, NOW) == an_entry(CLOCK)


def test_the_same_entry_never_looks_the_same_twice():
    envelope = an_envelope()
    sealed = [envelope.seal(a_key(), an_entry(CLOCK), ASSERTION)[1] for _ in range(1000)]
    salts_and_nonces = {octets[17:HEADER_BYTES] for octets in sealed}
    assert len(salts_and_nonces) == len({octets[HEADER_BYTES:] for octets in sealed}) == 1000


def test_tokens_of_nearly_the_same_length_are_sealed_in_exactly_the_same():
    envelope = an_envelope()
    lengths = {
        len(envelope.seal(a_key(), an_entry(CLOCK, text="x" * size), ASSERTION)[1])
        for size in range(1600, 1700)
    }
    assert len(lengths) <= 2


# --- when it ends ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lives", "assertion_lives", "until"),
    [(3600, 5000, 3600 - MARGIN_SECONDS), (5000, 1200, 1200)],
    ids=["the token ends first", "the assertion ends first"],
)
def test_it_opens_until_the_entry_is_no_longer_usable(lives, assertion_lives, until):
    envelope = an_envelope()
    entry = an_entry(CLOCK, lives=lives, assertion_lives=assertion_lives)
    name, octets = envelope.seal(a_key(), entry, ASSERTION)
    assert opens(envelope, name, octets, now=NOW + until - 0.001)
    assert not opens(envelope, name, octets, now=NOW + until)
    assert not opens(envelope, name, octets, now=NOW + 1e9)


def test_an_entry_that_ended_long_ago_is_sealed_and_does_not_open():
    envelope = an_envelope()
    entry = CachedToken(token=Secret("x"), scopes=(), expires_at=0.0, assertion_expires_at=0.0)
    name, octets = envelope.seal(a_key(), entry, ASSERTION)
    assert not opens(envelope, name, octets, now=0.0)


# --- names -----------------------------------------------------------------------------------


KEYS = st.builds(
    a_key,
    assertion_digest=st.binary(max_size=4),
    tenant_id=st.text("ab", max_size=3),
    client_id=st.text("ab", max_size=3),
    resource=st.text("ab", max_size=3),
    scopes=st.lists(st.text("ab", max_size=3), max_size=3).map(tuple),
    claims=st.text("ab", max_size=3),
)


@given(KEYS, KEYS)
def test_two_keys_have_one_name_only_if_they_are_the_same_but_for_the_order_of_scopes(one, other):
    envelope = an_envelope()
    same = replace(one, scopes=()) == replace(other, scopes=())
    same = same and sorted(one.scopes) == sorted(other.scopes)
    assert (envelope.names(one) == envelope.names(other)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"tenant_id": "ab", "client_id": "c"}, {"tenant_id": "a", "client_id": "bc"}),
        ({"resource": "r", "claims": "s"}, {"resource": "rs", "claims": ""}),
        ({"claims": "s", "scopes": ()}, {"claims": "", "scopes": ("s",)}),
        ({"scopes": ("a", "b")}, {"scopes": ("ab",)}),
        ({"scopes": ("a", "")}, {"scopes": ("a",)}),
        ({"scopes": ("a b",)}, {"scopes": ("a", "b")}),
    ],
)
def test_fields_do_not_run_into_each_other(one, other):
    envelope = an_envelope()
    assert envelope.names(a_key(**one)) != envelope.names(a_key(**other))


def test_a_name_says_nothing_and_differs_from_ring_to_ring():
    names = {an_envelope(new_ring_key()).names(a_key(resource="r" * 40))[0] for _ in range(20)}
    assert len(names) == 20
    for name in names:
        assert name.startswith(NAME_PREFIX)
        assert len(name) == len(NAME_PREFIX) + 64
        assert b"r" not in name.removeprefix(NAME_PREFIX)
        assert a_key().assertion_digest.hex().encode() not in name


# --- who may open it -------------------------------------------------------------------------


@pytest.mark.promise("P-16")
@pytest.mark.parametrize("other", ["", "user assertion of adele ", "user assertion of bianca"])
def test_without_the_very_assertion_nothing_opens(other):
    envelope = an_envelope()
    name, octets = envelope.seal(a_key(), an_entry(CLOCK), ASSERTION)
    assert not opens(envelope, name, octets, assertion=Secret(other))
    assert not opens(envelope, name, octets, assertion=Secret(ASSERTION.digest().hex()))


def test_without_the_ring_key_the_assertion_opens_nothing():
    name, octets = an_envelope().seal(a_key(), an_entry(CLOCK), ASSERTION)
    assert not opens(an_envelope(new_ring_key()), name, octets)


@pytest.mark.promise("P-23")
def test_a_new_key_seals_the_old_one_still_opens_and_retired_it_opens_nothing():
    old, new = new_ring_key(), new_ring_key()
    before, during, after = an_envelope(old), an_envelope(new, old), an_envelope(new)
    old_name, old_octets = before.seal(a_key(), an_entry(CLOCK), ASSERTION)
    new_name, new_octets = during.seal(a_key(), an_entry(CLOCK), ASSERTION)
    assert during.names(a_key()) == [new_name, old_name]
    assert opens(during, old_name, old_octets)
    assert opens(during, new_name, new_octets)
    assert opens(after, new_name, new_octets)
    assert not opens(after, old_name, old_octets)
    assert not opens(before, new_name, new_octets)


def test_a_replica_that_does_not_seal_with_the_new_key_yet_opens_with_it_already():
    old, new = new_ring_key(), new_ring_key()
    name, octets = an_envelope(new, old).seal(a_key(), an_entry(CLOCK), ASSERTION)
    assert opens(an_envelope(old, new), name, octets)


# --- what somebody did to it -----------------------------------------------------------------


def a_store(chance):
    """Twenty entries of four people, as a thief or a vandal finds them."""
    old, new = new_ring_key(), new_ring_key()
    envelopes = [an_envelope(old), an_envelope(new, old)]
    people = [Secret(f"assertion of person {number}") for number in range(4)]
    store = []
    for number in range(20):
        owner = people[number % 4]
        key = a_key(assertion_digest=owner.digest(), resource=f"resource {number}")
        entry = an_entry(CLOCK, lives=3600 + number, text=f"token {number} " + "t" * 200)
        name, octets = envelopes[number % 2].seal(key, entry, owner)
        store.append((name, octets, owner))
    return envelopes[1], store


def flipped(chance, name, octets, owner, _store):
    place = chance.randrange(len(octets) * 8)
    changed = bytearray(octets)
    changed[place // 8] ^= 1 << place % 8
    return name, bytes(changed), owner


def cut(chance, name, octets, owner, _store):
    return name, octets[: chance.randrange(len(octets))], owner


def lengthened(chance, name, octets, owner, _store):
    return name, octets + chance.randbytes(chance.randint(1, 300)), owner


def beheaded(chance, name, octets, owner, _store):
    return name, octets[chance.randint(1, len(octets)) :], owner


def under_another_name(chance, name, octets, owner, store):
    return chance.choice([other for other, _, _ in store if other != name]), octets, owner


def for_another_person(chance, name, octets, owner, store):
    return name, octets, chance.choice([other for _, _, other in store if other != owner])


def moved_to_another_person(chance, name, octets, owner, store):
    place, _, person = chance.choice([each for each in store if each[2] != owner])
    return place, octets, person


def extended(chance, name, octets, owner, _store):
    expiry = int.from_bytes(octets[EXPIRY]) + chance.choice([-1, 1]) * chance.randint(1, 10**9)
    return name, octets[:9] + max(expiry, 0).to_bytes(8) + octets[17:], owner


def relabelled(chance, name, octets, owner, store):
    """The version, or the id of a key that is in the ring as well."""
    if chance.random() < 0.5:
        return name, bytes([chance.choice([0, 2, 255])]) + octets[1:], owner
    ids = {other[1:9] for _, other, _ in store} - {octets[1:9]}
    return name, octets[:1] + ids.pop() + octets[9:], owner


def spliced(chance, name, octets, owner, store):
    """The beginning of one, the rest of another, cut anywhere or after the header."""
    _, other, _ = chance.choice([each for each in store if each[1] != octets])
    place = chance.choice([HEADER_BYTES, chance.randrange(1, len(octets) - 16)])
    return name, octets[:place] + other[place:], owner


def noise(chance, name, octets, owner, _store):
    return name, chance.randbytes(chance.randint(0, 2 * len(octets))), owner


def half_right_noise(chance, name, octets, owner, _store):
    return name, octets[:HEADER_BYTES] + chance.randbytes(len(octets) - HEADER_BYTES), owner


VANDALS = (
    flipped, cut, lengthened, beheaded, under_another_name, for_another_person,
    moved_to_another_person, extended, relabelled, spliced, noise, half_right_noise,
)  # fmt: skip


@pytest.mark.promise("P-16")
@pytest.mark.parametrize("vandal", VANDALS, ids=lambda vandal: vandal.__name__)
def test_of_a_hundred_thousand_entries_that_were_tampered_with_none_opens(vandal):
    """Together they are a hundred thousand; whatever else than `Unopened` is raised fails."""
    chance = random.Random(vandal.__name__)
    envelope, store = a_store(chance)
    assert all(opens(envelope, *each[:2], assertion=each[2]) for each in store)
    opened = 0
    for _ in range(-(-TAMPERED // len(VANDALS))):
        name, octets, owner = vandal(chance, *chance.choice(store), store)
        opened += opens(envelope, name, octets, assertion=owner)
    assert opened == 0


def test_every_single_bit_of_an_envelope_counts():
    envelope = an_envelope()
    name, octets = envelope.seal(a_key(), an_entry(CLOCK), ASSERTION)
    for place in range(len(octets) * 8):
        changed = bytearray(octets)
        changed[place // 8] ^= 1 << place % 8
        assert not opens(envelope, name, bytes(changed)), f"bit {place}"


@given(st.binary(max_size=600), st.binary(max_size=80))
def test_octets_from_anywhere_are_unopened_and_nothing_worse(octets, name):
    assert not opens(an_envelope(), name, octets)


@given(st.binary(max_size=600))
def test_octets_that_begin_like_an_envelope_are_unopened_and_nothing_worse(rest):
    envelope = an_envelope()
    name, octets = envelope.seal(a_key(), an_entry(CLOCK), ASSERTION)
    assert not opens(envelope, name, octets[:17] + rest)


def test_a_failure_to_open_holds_nothing_of_what_was_sealed():
    envelope = an_envelope()
    name, octets = envelope.seal(a_key(), an_entry(CLOCK), ASSERTION)
    with pytest.raises(Unopened) as failure:
        envelope.open(name, octets + b"x", ASSERTION, NOW)
    assert failure.value.args == ()
    assert failure.value.__context__ is failure.value.__cause__ is None
