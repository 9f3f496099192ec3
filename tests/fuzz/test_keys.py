"""What an authority publishes may be any JSON at all: keys come out of it, or one known refusal."""

from collections import ChainMap, Counter

from hypothesis import strategies as st

from fuzz.effort import tried
from fuzz.rules import SECRETS, number_of, usable_kids
from fuzz.shapes import ANY_TEXT, JSON, b64, json_bytes
from obo_mcp.inbound.encoding import json_object
from obo_mcp.inbound.jwk import verification_keys
from support.tokens import key

NUMBERS = key("key-one").public_key().public_numbers()
MODULUS = b64(NUMBERS.n.to_bytes(256))
GOOD = {"kty": "RSA", "use": "sig", "kid": "good", "n": MODULUS, "e": "AQAB"}
BASE64 = st.binary(max_size=300).map(b64) | st.text("AQgw-_+/= ", max_size=8) | JSON
BITS = st.sampled_from([1, 512, 1024, 2047, 2048, 2049, 3072, 8192, 8193, 16_384])
MODULI = st.builds(lambda bits, odd: (1 << bits - 1) + 2 * odd + odd % 2, BITS, st.integers(0, 99))
MEMBERS = {
    "kty": st.sampled_from(["RSA", "EC", "oct", "OKP", "rsa"]) | JSON,
    "use": st.sampled_from(["sig", "enc", "SIG"]) | JSON,
    "alg": st.sampled_from(["RS256", "RS384", "none", "HS256"]) | JSON,
    "key_ops": st.lists(st.sampled_from(["verify", "sign", "encrypt"])) | JSON,
    "kid": st.sampled_from(["good", "other", ""]) | JSON,
    "n": st.just(MODULUS) | MODULI.map(lambda n: b64(b"\0" + n.to_bytes(2048))) | BASE64
    | MODULI.map(lambda n: b64(n.to_bytes((n.bit_length() + 7) // 8))),
    "e": st.sampled_from(["AQAB", "Aw", "AQ", "Ag", "BA", "", "AAEAAQ", MODULUS, MODULUS * 2])
    | BASE64,
    "issuer": st.sampled_from(["https://login.example/{tenantid}/v2.0", "https://["]) | JSON,
    "d": JSON,
    "k": JSON,
    "x5c": JSON,
}  # fmt: skip
ONE_MEMBER = st.sampled_from(sorted(MEMBERS)).flatmap(
    lambda name: MEMBERS[name].map(lambda value: {name: value})
)
NEARLY_GOOD = st.builds(lambda change: GOOD | change, ONE_MEMBER)
STRANGE = st.lists(ONE_MEMBER, max_size=4).map(lambda found: dict(ChainMap(*found)))
SECOND = st.just(GOOD | {"kid": "second", "issuer": "https://login.example/{tenantid}/v2.0"})
ENTRIES = st.one_of(NEARLY_GOOD, NEARLY_GOOD, SECOND, STRANGE, JSON)
SETS = st.lists(ENTRIES, min_size=1, max_size=3).map(lambda entries: {"keys": entries})
DOCUMENTS = st.one_of(SETS, SETS, SETS, st.dictionaries(st.just("keys") | ANY_TEXT, JSON))


def test_any_document_gives_the_keys_that_the_rule_names_or_a_value_error():
    outcomes = Counter()

    @tried(600, document=DOCUMENTS)
    def holds(document):
        try:
            keys = verification_keys(document)
        except ValueError:
            keys = {}
        outcomes["keys" if keys else "none"] += 1
        assert sorted(keys) == sorted(usable_kids(document))
        for kid, found in keys.items():
            (entry,) = (entry for entry in document["keys"] if is_named(kid, entry))
            assert found.issuer == entry.get("issuer")
            assert found.key.public_numbers().n == number_of(entry["n"])
            assert found.key.public_numbers().e == number_of(entry["e"])

    holds()
    assert min(outcomes.values()) > 60, outcomes


def is_named(kid, entry):
    return isinstance(entry, dict) and entry.get("kid") == kid


def test_a_good_key_is_found_whatever_stands_beside_it():
    def named(number, entry):
        return entry | {"kid": f"{number}"} if isinstance(entry, dict) else entry

    def is_harmless(entry):
        return not isinstance(entry, dict) or SECRETS.isdisjoint(entry)

    harmless = st.lists(ENTRIES.filter(is_harmless), max_size=3)

    @tried(300, strangers=harmless, place=st.integers(0, 3))
    def holds(strangers, place):
        entries = [named(number, entry) for number, entry in enumerate(strangers)]
        entries.insert(place, GOOD)
        assert verification_keys({"keys": entries})["good"].key.public_numbers() == NUMBERS

    holds()


def test_any_octets_are_a_json_object_or_a_value_error():
    outcomes = set()

    @tried(1_000, raw=st.binary(max_size=60) | JSON.map(json_bytes))
    def holds(raw):
        try:
            found = json_object(raw)
        except ValueError:
            outcomes.add("ValueError")
            return
        outcomes.add("object")
        assert type(found) is dict
        assert json_object(json_bytes(found)) == found

    holds()
    assert outcomes == {"object", "ValueError"}
