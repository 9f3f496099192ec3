"""The key ring: one key for each use, the newest seals, and nothing shows."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obo_mcp.cache.keyring import KeyRing
from obo_mcp.errors import ConfigurationError
from obo_mcp.secret import Secret
from support.cached import RING_KEY, new_ring_key

OCTETS = bytes(range(32))


def spelled(octets: bytes, *, url_safe=False, padded=True) -> Secret:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    text = encode(octets).decode()
    return Secret(text if padded else text.rstrip("="))


def test_the_first_key_is_the_newest_and_all_keep_their_order():
    keys = [new_ring_key() for _ in range(3)]
    ring = KeyRing(keys)
    ids = [key.id for key in ring]
    assert ids == [KeyRing([key]).newest.id for key in keys]
    assert ring.newest.id == ids[0]


def test_a_key_is_found_by_its_id_and_a_stranger_is_not():
    ring = KeyRing([new_ring_key(), RING_KEY])
    assert all(ring.with_id(key.id) is key for key in ring)
    assert ring.with_id(KeyRing([new_ring_key()]).newest.id) is None
    assert ring.with_id(b"") is None


def test_the_id_is_derived_so_that_every_replica_agrees():
    assert KeyRing([RING_KEY]).newest.id == KeyRing([RING_KEY]).newest.id
    assert len(KeyRing([RING_KEY]).newest.id) == 8


def test_the_same_key_counts_once_however_it_is_spelled():
    octets = b"\xff\xfe" * 16  # full of + and /, or - and _
    spellings = [
        spelled(octets, url_safe=safe, padded=padded)
        for safe in (True, False)
        for padded in (True, False)
    ]
    assert len({spelling.reveal() for spelling in spellings}) == 4
    assert len(list(KeyRing(spellings))) == 1


@pytest.mark.parametrize(
    "text",
    ["", "short", "A" * 42, "A" * 44 + "AAAA", "!" * 43, "é" * 43, spelled(OCTETS[:31]).reveal()],
    ids=["empty", "short", "31 octets", "35 octets", "not base64", "not ASCII", "31 bytes"],
)
def test_a_key_that_is_not_32_octets_is_refused_without_being_shown(text):
    with pytest.raises(ConfigurationError, match=r"^OBO_MCP_CACHE_KEYS must hold keys of 32") as no:
        KeyRing([RING_KEY, Secret(text)])
    assert not text or text not in str(no.value)


def test_an_empty_ring_is_refused():
    with pytest.raises(ConfigurationError, match="OBO_MCP_CACHE_KEYS"):
        KeyRing([])


def test_no_two_uses_of_one_key_share_their_octets():
    key = KeyRing([RING_KEY]).newest
    uses = {
        OCTETS,
        key.name(b""),
        key.name(b"x"),
        key.derived(""),
        key.derived("cursor"),
        key.derived("request state"),
        key.seal_key(b"", b""),
        key.seal_key(b"s", b"a"),
        key.seal_key(b"s", b"b"),
        key.seal_key(b"t", b"a"),
    }
    assert len(uses) == 10
    assert not any(octets.startswith(key.id) for octets in uses)


@given(st.text(max_size=20), st.text(max_size=20))
def test_each_purpose_has_octets_of_its_own_from_every_key(one, other):
    ring = KeyRing([RING_KEY, Secret(base64.b64encode(b"k" * 32).decode())])
    derived = ring.derived(one)
    assert [len(octets) for octets in derived] == [32, 32]
    assert len(set(derived)) == 2
    assert (derived == ring.derived(other)) is (one == other)


def test_octets_for_a_purpose_come_newest_first_and_stay_the_same():
    old, new = new_ring_key(), new_ring_key()
    before, after = KeyRing([old]).derived("cursor"), KeyRing([new, old]).derived("cursor")
    assert after[1:] == before


def test_neither_ring_nor_key_shows_its_octets():
    ring = KeyRing([RING_KEY])
    shown = f"{ring!r} {ring!s} {ring.newest!r} {ring.newest!s}"
    for hidden in (RING_KEY.reveal(), OCTETS.hex(), repr(OCTETS)[2:-1]):
        assert hidden not in shown


def test_what_is_derived_does_not_change_between_releases():
    """Replicas of two releases share one Redis while a deployment rolls."""
    key = KeyRing([RING_KEY]).newest
    assert key.id.hex() == "e17fc185287e9692"
    assert (
        key.name(b"message").hex()
        == "a3409938cf9b8ee01263d1e97c00fd4b4fa0e135ae378a4514904a0fc20aa9c1"
    )
    assert (
        key.derived("cursor").hex()
        == "3832ea07b1a908281487e7ad56687cfeed74d6abb1ccada8f737b7117a6d358d"
    )
    assert (
        key.seal_key(b"s" * 16, b"d" * 32).hex()
        == "32f81ef33613286330f8383319b9542c7c58e32771bc3a44b22a2418f5478771"
    )
