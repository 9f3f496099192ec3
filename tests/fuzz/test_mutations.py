"""A spoilt token is refused, however it was spoilt, and with an error of ours."""

import asyncio
from collections import Counter
from random import Random

import pytest

from fuzz.effort import NIGHTLY, SEED, SEED_IN_WORDS, say
from fuzz.mutations import SIMPLE, spoil
from fuzz.shapes import HEADER, json_bytes, signed_text
from obo_mcp.errors import (
    InsufficientScope,
    OboError,
    SignatureInvalid,
    SigningKeyUnknown,
    TokenMalformed,
    TokenRejected,
    WrongAudience,
)
from obo_mcp.secret import Secret
from support.clock import ManualClock
from support.tokens import KID, NOW, claims_v1, claims_v2, published, sign, verifier

MUTATIONS = 1_000_000 if NIGHTLY else 20_000
OTHER = "key-two"
VALID = [
    sign(claims_v2()).reveal(),
    sign(claims_v1()).reveal(),
    sign(claims_v2(scp="other mcp.access"), kid=OTHER, nonce="AQAB").reveal(),
    sign(claims_v2(oid="0f5c1d6e-3b0a-4a7e-9a43-5d8f21c7e602", sub="pairwise-alex")).reveal(),
    signed_text(HEADER, json_bytes(claims_v1())),
]
SIGNED_BUT_REFUSED = [
    sign(claims_v2(exp=NOW - 3600)).reveal(),
    sign(claims_v2(aud="api://another")).reveal(),
    sign(claims_v2(scp="other")).reveal(),
    sign(claims_v2(scp=None, idtyp="app", roles=["Everything"])).reveal(),
    sign(claims_v2(), with_key="forger").reveal(),
    sign(claims_v2(), kid="unheard-of").reveal(),
    signed_text(HEADER, b"[]"),
]
DONORS = [*VALID, *SIGNED_BUT_REFUSED]


async def outcome(verify, text):
    try:
        await verify(Secret(text))
    except OboError as refusal:
        return type(refusal)
    return "accepted"


async def outcomes_of(count):
    """How often which refusal was met; a text that fares as it should not ends it at once.

    What a mutation left as it was, or made into another good token, is let in and not counted.
    """
    chance, met = Random(SEED), Counter()
    verify = verifier(ManualClock(), publication=published(KID, OTHER)).verify
    while met.total() - met["accepted"] < count:
        text, names = spoil(chance, chance.choice(VALID), DONORS)
        where = f"mutation {met.total()} of {SEED_IN_WORDS}: {names}"
        try:
            found = await outcome(verify, text)
        except Exception as error:
            error.add_note(where)
            raise
        rightly = text in VALID if found == "accepted" else is_a_refusal(found)
        assert rightly, f"{where} met {found}"
        met[found] += 1
    return met


def counted(met):
    names = {kind if kind == "accepted" else kind.__name__: count for kind, count in met.items()}
    return dict(sorted(names.items()))


def is_a_refusal(kind):
    return issubclass(kind, TokenRejected | InsufficientScope)


@pytest.mark.promise("P-01")
def test_no_spoilt_token_is_let_in_and_none_ends_in_an_error_that_is_not_ours():
    met = asyncio.run(outcomes_of(MUTATIONS))
    say(f"{MUTATIONS} mutations: {counted(met)}")
    assert met.total() - met["accepted"] == MUTATIONS
    for refusal in (TokenMalformed, SignatureInvalid, WrongAudience, SigningKeyUnknown):
        assert met[refusal] > MUTATIONS // 500, f"{refusal.__name__} is hardly reached: {met}"


async def test_the_tokens_that_are_spoilt_were_good_and_those_they_borrow_from_were_not():
    verify = verifier(ManualClock(), publication=published(KID, OTHER)).verify
    assert {await outcome(verify, text) for text in VALID} == {"accepted"}
    assert "accepted" not in {await outcome(verify, text) for text in SIGNED_BUT_REFUSED}


@pytest.mark.parametrize("mutation", SIMPLE, ids=lambda mutation: mutation.__name__)
def test_every_mutation_does_change_tokens_and_bears_any_text(mutation):
    chance = Random(SEED)
    spoilt = {mutation(chance, chance.choice(VALID), DONORS) for _ in range(50)}
    assert len(spoilt - set(VALID)) > 10
    for text in ("", ".", "a", "..", "\ud800", "\0.\uff21.", "=" * 9):
        assert isinstance(mutation(chance, text, DONORS), str)
