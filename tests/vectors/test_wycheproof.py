"""Every JWS and JWK vector of Project Wycheproof, read by our own code.

The vectors stay where they are made: WYCHEPROOF names a checkout of C2SP/wycheproof, see
README.md beside this file. Without it the tests that need them are skipped, and say so.
"""

import base64
import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from obo_mcp.errors import SignatureInvalid, TokenMalformed
from obo_mcp.inbound.compact import read
from obo_mcp.inbound.jwk import verification_keys
from obo_mcp.secret import Secret

HERE = Path(__file__).parent / "wycheproof"
SIGNATURES = "testvectors_v1/json_web_signature_test.json"
KEYS = "testvectors_v1/json_web_key_test.json"

# Invalid vectors that we accept, with the reason. Only one is allowed, and a stale one fails.
WAIVED = {
    (KEYS, 7): "a ROCA key: its maker's generator was weak. Only the authority itself could "
    "publish such a key, and no token can bring one along",
}

# Groups with an RS256 key that must not be used, and vectors whose key is for something else.
UNFIT_KEYS = {"keysize_too_small", "exponentOne"}
WRONG_PURPOSE = {(SIGNATURES, 353), (SIGNATURES, 355), (KEYS, 6)}


@dataclass(frozen=True, slots=True)
class Vector:
    file: str
    number: int
    comment: str
    is_valid: bool
    flags: frozenset[str]
    group: str
    jwks: dict[str, Any]
    jws: str

    @property
    def name(self) -> tuple[str, int]:
        return self.file, self.number


def pinned() -> dict[str, str]:
    lines = (HERE / "SHA256SUMS").read_text("utf-8").splitlines()
    return {path: digest for digest, path in (line.split(maxsplit=1) for line in lines)}


def checkout() -> Path:
    if not (place := os.environ.get("WYCHEPROOF")):
        pytest.skip("WYCHEPROOF names no checkout of C2SP/wycheproof (tests/vectors/README.md)")
    return Path(place)


def public_set(group: dict[str, Any]) -> dict[str, Any]:
    """What an authority would publish; a group of symmetric keys has nothing but its secrets."""
    keys = group.get("public") or group["private"]
    return keys if "keys" in keys else {"keys": [keys]}


def vectors_of(file: str) -> list[Vector]:
    document = json.loads((checkout() / file).read_bytes())
    return [
        Vector(
            file=file,
            number=test["tcId"],
            comment=test["comment"],
            is_valid=test["result"] == "valid",
            flags=frozenset(test["flags"]),
            group=group["comment"],
            jwks=public_set(group),
            jws=test["jws"],
        )
        for group in document["testGroups"]
        for test in group["tests"]
    ]


@pytest.fixture(scope="module")
def vectors() -> list[Vector]:
    return [*vectors_of(SIGNATURES), *vectors_of(KEYS)]


def refusal(vector: Vector) -> str:
    """What refuses it: the "set" of keys, the "token", its "kid", its "signature", or "" nothing.

    Any exception but the documented ones is let through, and fails the test.
    """
    try:
        keys = verification_keys(vector.jwks)
    except ValueError:
        return "set"
    try:
        message = read(Secret(vector.jws))
    except TokenMalformed:
        return "token"
    found = keys.get(message.header.get("kid", ""))
    if found is None:
        return "kid"
    try:
        message.check_signature(found.key)
    except SignatureInvalid:
        return "signature"
    return ""


def algorithm(vector: Vector) -> object:
    """What the token's header says, told without our own code; None if it has no header."""
    part = vector.jws.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return header.get("alg") if isinstance(header, dict) else None


def has_rs256_key(vector: Vector) -> bool:
    return [(key["kty"], key.get("alg")) for key in vector.jwks["keys"]] == [("RSA", "RS256")]


@pytest.mark.parametrize("file", [SIGNATURES, KEYS])
def test_the_vectors_are_the_pinned_bytes(file):
    assert hashlib.sha256((checkout() / file).read_bytes()).hexdigest() == pinned()[file]


def test_every_vector_is_there(vectors):
    counts = Counter((vector.file, vector.is_valid) for vector in vectors)
    assert counts == {
        (SIGNATURES, False): 355,
        (SIGNATURES, True): 46,
        (KEYS, False): 21,
        (KEYS, True): 5,
    }


@pytest.mark.promise("P-01")
def test_no_invalid_vector_is_accepted_but_the_waived_one(vectors):
    invalid = [vector for vector in vectors if not vector.is_valid]
    assert len(invalid) == 376
    accepted = {vector.name for vector in invalid if not refusal(vector)}
    assert accepted == WAIVED.keys()


def test_there_is_at_most_one_waiver_and_it_has_a_reason():
    assert len(WAIVED) <= 1
    assert all(len(reason.split()) > 5 for reason in WAIVED.values())


def test_every_valid_vector_of_our_algorithm_is_accepted(vectors):
    ours = [v for v in vectors if v.is_valid and algorithm(v) == "RS256" and has_rs256_key(v)]
    assert [vector.name for vector in ours if refusal(vector)] == []
    assert len(ours) == 9


def test_every_valid_vector_of_another_algorithm_is_refused_cleanly(vectors):
    others = [v for v in vectors if v.is_valid and algorithm(v) != "RS256"]
    assert [vector.name for vector in others if not refusal(vector)] == []
    assert len(others) == 42


def test_a_token_of_another_algorithm_is_refused_whatever_the_key_set_holds(vectors):
    others = [vector for vector in vectors if algorithm(vector) not in {"RS256", None}]
    for vector in others:
        with pytest.raises(TokenMalformed):
            read(Secret(vector.jws))
    assert len(others) == 175


def test_an_invalid_token_beside_a_good_rs256_key_is_refused_for_its_own_sake(vectors):
    reasons = Counter(
        refusal(vector)
        for vector in vectors
        if not vector.is_valid
        and has_rs256_key(vector)
        and vector.group not in UNFIT_KEYS
        and vector.name not in WAIVED
    )
    assert reasons == {"signature": 216, "token": 8, "kid": 1}


def test_a_bad_padding_is_found_by_the_signature_check_and_nothing_else(vectors):
    padded = [v for v in vectors if "ModifiedPadding" in v.flags and has_rs256_key(v)]
    assert {refusal(vector) for vector in padded} == {"signature"}
    assert len(padded) == 213


def test_an_invalid_token_stays_refused_when_its_kid_is_not_looked_at(vectors):
    strangers = [vector for vector in vectors if refusal(vector) == "kid"]
    assert strangers
    for vector in strangers:
        (only,) = verification_keys(vector.jwks).values()
        with pytest.raises(SignatureInvalid):
            read(Secret(vector.jws)).check_signature(only.key)


def test_a_short_key_and_a_key_with_exponent_one_spoil_their_set(vectors):
    unfit = [vector for vector in vectors if vector.group in UNFIT_KEYS]
    assert [refusal(vector) for vector in unfit] == ["set"] * 2


def test_it_is_the_purpose_of_the_key_that_refuses_a_good_signature(vectors):
    misused = [vector for vector in vectors if vector.name in WRONG_PURPOSE]
    assert [refusal(vector) for vector in misused] == ["set"] * 3
    for vector in misused:
        (entry,) = vector.jwks["keys"]
        fit = {name: entry[name] for name in ("kty", "n", "e", "kid")}
        assert refusal(replace(vector, jwks={"keys": [fit]})) == ""


def test_a_good_key_that_comes_twice_or_with_its_private_half_spoils_its_set():
    groups = json.loads((checkout() / SIGNATURES).read_bytes())["testGroups"]
    pairs = [
        (group["public"], group["private"])
        for group in groups
        if (group.get("public") or {}).get("alg") == "RS256"
    ]
    assert len(pairs) == 4
    for public, private in pairs:
        assert verification_keys({"keys": [public]})
        for keys in ([public, public], [private], [public, {**private, "kid": "another"}]):
            with pytest.raises(ValueError, match="JWK set"):
                verification_keys({"keys": keys})
