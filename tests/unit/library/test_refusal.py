"""Error bodies of the token endpoint: their order of precedence, and what goes no further."""

import json

import pytest

from obo_mcp.errors import (
    AssertionRejected,
    ClientMisconfigured,
    ConsentRequired,
    InteractionRequired,
    PersonNotAdmitted,
    TokenEndpointThrottled,
    TokenEndpointUnavailable,
)
from obo_mcp.exchange.refusal import codes_in, is_passing, refusal

CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


def body(error, code=None, **more):
    codes = [code] if code else []
    text = f"AADSTS{code}: private text. Trace ID: x"
    return {"error": error, "error_codes": codes, "error_description": text, **more}


CASES = [
    (body("invalid_grant", 65001, suberror="consent_required"), ConsentRequired),
    (body("invalid_grant", 65001), ConsentRequired),
    (body("invalid_grant", None, suberror="consent_required"), ConsentRequired),
    (body("interaction_required", 50076, claims=CLAIMS), InteractionRequired),
    (body("invalid_grant", 50079, suberror="basic_action"), InteractionRequired),
    (body("invalid_grant", 53003, claims=CLAIMS), InteractionRequired),
    (body("interaction_required"), InteractionRequired),
    (body("invalid_grant", 50013), AssertionRejected),
    (body("invalid_grant", 500133), AssertionRejected),
    (body("invalid_grant", 50173), AssertionRejected),
    (body("invalid_client", 7000215), ClientMisconfigured),
    (body("unauthorized_client", 700016), ClientMisconfigured),
    (body("invalid_scope", 70011), ClientMisconfigured),
    (body("invalid_grant", 50105), PersonNotAdmitted),
    (body("invalid_resource", 500011), ClientMisconfigured),
    (body("temporarily_unavailable"), TokenEndpointUnavailable),
    (body("server_error", 90033), TokenEndpointUnavailable),
    (body("invalid_request", 90055), TokenEndpointThrottled),
    (body("something_new", 999999), ClientMisconfigured),
    ({}, ClientMisconfigured),
    ({"error": 7, "error_codes": "x", "claims": 7}, InteractionRequired),
    ({"error": ["invalid_grant"], "error_codes": [True, "50013", 5.5]}, ClientMisconfigured),
]


@pytest.mark.parametrize(("result", "leaf"), CASES)
def test_each_body_becomes_one_leaf(result, leaf):
    assert type(refusal(result)) is leaf


def test_the_claims_of_a_step_up_are_kept_word_for_word():
    assert refusal(body("interaction_required", 50076, claims=CLAIMS)).claims == CLAIMS


LONGEST = json.dumps({"a": "x" * (8192 - 8)}, separators=(",", ":"))
NO_CLAIMS = {
    "no text": {"a": 1},
    "words": "sign in again",
    "list": "[1]",
    "empty object": "{}",
    "cut": '{"a":',
    "a number that JSON lacks": '{"a":NaN}',
    "a lone surrogate": '{"a":"\ud800"}',
    "more than 8 KiB": LONGEST.replace("x", "xx", 1),
    "more than 8 KiB in ASCII": '{"a":"' + "é" * 4000 + '"}',
    "200 KB": "x" * 200_000,
    "deep": '{"a":' * 1300,
    "deep and whole": '{"a":' * 1300 + "1" + "}" * 1300,
}


@pytest.mark.parametrize("claims", NO_CLAIMS.values(), ids=NO_CLAIMS)
def test_claims_that_are_no_json_object_of_a_bearable_length_are_left_out(claims):
    assert refusal(body("interaction_required", 50076, claims=claims)).claims == ""


@pytest.mark.parametrize(
    ("claims", "kept"),
    [
        ('{ "b": 1,\n "a": "é\ud83d\ude00" }', '{"a":"\\u00e9\\ud83d\\ude00","b":1}'),
        ('{"a":"\\ud800"}', '{"a":"\\ud800"}'),
        (LONGEST, LONGEST),
    ],
    ids=["blanks and umlauts", "an escaped surrogate", "8 KiB"],
)
def test_claims_go_on_in_ascii_without_blanks(claims, kept):
    claims = claims.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert refusal(body("interaction_required", 50076, claims=claims)).claims == kept


def test_the_public_words_hold_nothing_of_the_authoritys_text():
    error = refusal(body("invalid_grant", 50013))
    assert "private text" not in str(error)
    assert str(error.__cause__) == "invalid_grant  AADSTS[50013]"


def test_the_cause_takes_over_no_text_that_is_not_a_plain_code():
    result = body("invalid grant with adele@contoso.example", 50013, suberror="megan@contoso")
    assert "contoso" not in str(refusal(result).__cause__)


def test_what_passes_says_when_to_come_back_and_what_does_not_pass_says_nothing():
    assert refusal(body("x", 90033)).retry_after_seconds == 5
    assert refusal(body("x", 90033), retry_after_seconds=40).retry_after_seconds == 40
    assert refusal(body("x", 90033), retry_after_seconds=40).__cause__.asked_seconds == 40
    assert refusal(body("invalid_grant", 50013), retry_after_seconds=40).retry_after_seconds is None


def test_a_refused_body_is_no_blip_it_was_an_answer():
    assert not refusal(body("x", 90033)).__cause__.is_blip


def test_only_whole_numbers_are_codes():
    assert codes_in({"error_codes": [65001, True, "50013", None, 5.5, 7]}) == (65001, 7)
    assert codes_in({"error_codes": {"65001": 1}}) == ()


def test_passing_is_decided_by_what_the_body_becomes():
    assert is_passing(body("temporarily_unavailable"))
    assert not is_passing(body("temporarily_unavailable", 65001))
    assert not is_passing({})
