"""Which keys of a set may check a signature."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from obo_mcp.inbound.jwk import verification_keys
from support.tokens import key

NONE = "^no usable or no unambiguous key in the JWK set$"
SECRET = "^the JWK set publishes a secret key$"


def jwk(name="key-one", **changes):
    entry = RSAAlgorithm.to_jwk(key(name).public_key(), as_dict=True)
    whole = {k: v for k, v in entry.items() if k != "key_ops"} | {"kid": name, "use": "sig"}
    return {k: v for k, v in (whole | changes).items() if v is not None}


def number(value):
    raw = value.to_bytes((value.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_set_is_read_by_kid_with_the_issuer_where_there_is_one():
    keys = verification_keys({"keys": [jwk(), jwk("key-two", issuer="https://i/")]})
    assert set(keys) == {"key-one", "key-two"}
    assert keys["key-one"].issuer is None
    assert keys["key-two"].issuer == "https://i/"
    assert keys["key-two"].key.public_numbers() == key("key-two").public_key().public_numbers()


@pytest.mark.parametrize(
    "members",
    [
        {"alg": "RS256"},
        {"use": None},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign", "verify"]},
        {"x5t": "t", "x5c": ["c"]},
    ],
    ids=str,
)
def test_members_that_agree_with_checking_an_rs256_signature_are_fine(members):
    assert set(verification_keys({"keys": [jwk(**members)]})) == {"key-one"}


UNUSABLE = {
    "encryption": jwk("other", use="enc"),
    "an unknown use": jwk("other", use="both"),
    "other operations": jwk("other", key_ops=["encrypt"]),
    "operations in one text": jwk("other", key_ops="verify"),
    "another algorithm": jwk("other", alg="RS512"),
    "pss": jwk("other", alg="PS256"),
    "another type": jwk("other", kty="EC"),
    "no type": jwk("other", kty=None),
    "no kid": jwk("other", kid=None),
    "an empty kid": jwk("other", kid=""),
    "a kid that is a number": jwk("other", kid=7),
    "an issuer that is a list": jwk("other", issuer=["https://i/"]),
    "no modulus": jwk("other", n=None),
    "a modulus that is a number": jwk("other", n=7),
    "a padded modulus": jwk("other", n=jwk("other")["n"] + "="),
    "an even modulus": jwk("other", n=number(1 << 2047)),
    "a modulus beyond all size": jwk("other", n=number((1 << 8192) + 1)),
    "an exponent of one": jwk("other", e="AQ"),
    "an exponent of two": jwk("other", e="Ag"),
    "an even exponent": jwk("other", e="BA"),
    "no exponent": jwk("other", e=None),
    "text": "key",
    "nothing": None,
}


@pytest.mark.parametrize("entry", UNUSABLE.values(), ids=UNUSABLE)
def test_a_key_of_another_kind_is_passed_over(entry):
    assert set(verification_keys({"keys": [entry, jwk()]})) == {"key-one"}
    with pytest.raises(ValueError, match=NONE):
        verification_keys({"keys": [entry]})


@pytest.mark.parametrize(("bits", "is_taken"), [(1024, False), (2047, False), (2048, True)])
def test_a_key_is_at_least_2048_bits_long(bits, is_taken):
    private = generate_private_key(public_exponent=65537, key_size=bits)
    entry = jwk("sized", n=number(private.public_key().public_numbers().n))
    assert ("sized" in verification_keys({"keys": [jwk(), entry]})) is is_taken


def test_three_is_an_exponent_and_8192_bits_a_size():
    largest = jwk("largest", n=number((1 << 8191) + 1))
    assert set(verification_keys({"keys": [jwk("three", e="Aw"), largest]})) == {"three", "largest"}


@pytest.mark.parametrize(
    "other",
    [jwk("key-two", kid="key-one"), jwk(), jwk("key-one", use="enc"), {"kid": "key-one"}],
    ids=["another key", "the same key", "another use", "no key"],
)
def test_a_kid_that_occurs_twice_spoils_the_set(other):
    with pytest.raises(ValueError, match=NONE):
        verification_keys({"keys": [jwk(), other, jwk("key-three")]})


def test_a_kid_that_only_unusable_keys_share_does_no_harm():
    both = [jwk("other", use="enc"), jwk("other", use="enc")]
    assert set(verification_keys({"keys": [*both, jwk()]})) == {"key-one"}


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_set_that_publishes_a_secret_is_not_believed_at_all(member):
    with pytest.raises(ValueError, match=SECRET):
        verification_keys({"keys": [jwk(), {"kty": "oct", member: "AA"}]})


@pytest.mark.parametrize(
    "document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"keys": []}]
)
def test_what_is_no_set_is_refused(document):
    with pytest.raises(ValueError, match=NONE):
        verification_keys(document)
