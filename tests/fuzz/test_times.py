"""Dates: in time is what the rule says, to the second and to the last bit of a float."""

import itertools
import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import strategies as st

from fuzz.effort import SEED_IN_WORDS, say, tried
from fuzz.rules import END_OF_DATES, is_date, is_in_time
from fuzz.shapes import JSON
from obo_mcp.errors import TokenExpired, TokenMalformed, TokenNotYetValid
from support.tokens import ISSUER_V2, NOW, POLICY, claims_v2

TRIPLES = 100_000
LONGEST_LEEWAY = 60
POLICIES = [replace(POLICY, leeway_seconds=seconds) for seconds in range(LONGEST_LEEWAY + 1)]
DATES = (
    st.integers(0, END_OF_DATES - 1)
    | st.integers(NOW - 100_000, NOW + 100_000)
    | st.integers(0, 200)
    | st.integers(END_OF_DATES - 200, END_OF_DATES - 1)
)
LIVES = st.tuples(DATES, DATES) | st.builds(
    lambda start, length: (start, min(max(0, start + length), END_OF_DATES - 1)),
    DATES,
    st.integers(-3, 3) | st.integers(-130, 130) | st.integers(0, 90_000),
)
AROUND = (-2, -1, -0.5, -1e-6, 0, 1e-6, 0.5, 1, 2)


def outcome(claims, now, leeway):
    try:
        POLICIES[leeway].principal(claims, issuer=ISSUER_V2, now=now, token_digest=b"")
    except (TokenExpired, TokenNotYetValid, TokenMalformed) as refusal:
        return type(refusal)
    return "accepted"


def readings(nbf, exp, leeway):
    """What a clock may show next to each of the four dates that matter, and half-way."""
    edges = (nbf - leeway, exp + leeway, nbf, exp)
    for edge, offset in itertools.product(edges, AROUND):
        yield edge + offset
    for edge in edges[:2]:
        yield math.nextafter(edge, -math.inf)
        yield math.nextafter(edge, math.inf)
        yield float(edge)
    yield (nbf + exp) / 2


def rightful(nbf, exp, now, leeway):
    if is_in_time(nbf, exp, now, leeway):
        return {"accepted"}
    late = {TokenExpired} if now >= exp + leeway else set()
    early = {TokenNotYetValid} if now < nbf - leeway else set()
    return late | early


def test_a_token_is_in_time_exactly_from_nbf_to_exp_with_the_leeway_at_both_ends():
    tried_triples, outcomes = set(), Counter()

    @tried(6_000, life=LIVES, leeway=st.integers(0, LONGEST_LEEWAY), sometime=DATES)
    def holds(life, leeway, sometime):
        nbf, exp = life
        claims = claims_v2(nbf=nbf, exp=exp, iat=None)
        for now in (*readings(nbf, exp, leeway), sometime):
            found = outcome(claims, now, leeway)
            assert found in rightful(nbf, exp, now, leeway), (nbf, exp, now, leeway)
            tried_triples.add((nbf, exp, now, leeway))
            outcomes[found] += 1

    holds()
    assert len(tried_triples) >= TRIPLES, SEED_IN_WORDS
    assert set(outcomes) == {"accepted", TokenExpired, TokenNotYetValid}
    assert min(outcomes.values()) > TRIPLES // 20, outcomes
    say(f"{len(tried_triples)} different (nbf, exp, now, leeway): {list(outcomes.values())}")


@pytest.mark.parametrize("claim", ["nbf", "exp", "iat"])
def test_what_is_no_date_is_refused_as_malformed(claim):
    @tried(300, value=JSON.filter(lambda value: not is_date(value)))
    def holds(value):
        claims = claims_v2() | {claim: value}
        assert outcome(claims, NOW, 0) is TokenMalformed

    holds()


@pytest.mark.parametrize("claim", ["nbf", "exp", "iat"])
@pytest.mark.parametrize(
    "value",
    [
        -1,
        END_OF_DATES,
        10**30,
        NOW + 0.0,
        1e30,
        math.nan,
        math.inf,
        -math.inf,
        True,
        False,
        None,
        str(NOW),
        "",
        [],
        [NOW],
        {},
    ],
)
def test_an_absurd_date_is_refused_as_malformed(claim, value):
    assert outcome(claims_v2() | {claim: value}, NOW, 60) is TokenMalformed


@pytest.mark.parametrize("claim", ["nbf", "exp"])
def test_a_missing_date_is_refused_as_malformed(claim):
    assert outcome(claims_v2(**{claim: None}), NOW, 60) is TokenMalformed


def test_a_token_from_the_future_is_refused_up_to_the_leeway_exactly():
    @tried(300, iat=DATES, leeway=st.integers(0, LONGEST_LEEWAY))
    def holds(iat, leeway):
        claims = claims_v2(nbf=0, exp=END_OF_DATES - 1, iat=iat)
        for offset in AROUND:
            now = iat - leeway + offset
            if 0 <= now < END_OF_DATES - 1:
                may_come = Fraction(now) >= iat - leeway
                assert (outcome(claims, now, leeway) == "accepted") is may_come, (iat, now)

    holds()
