"""Error bodies of the token endpoint, and the leaf of the error tree that each one becomes."""

import pytest

from obo_mcp.errors import (
    AssertionRejected,
    ClientMisconfigured,
    ConsentRequired,
    InteractionRequired,
    TokenEndpointUnavailable,
)
from obo_mcp.exchange.refusal import refusal

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
    (body("invalid_grant", 50105), ClientMisconfigured),
    (body("invalid_resource", 500011), ClientMisconfigured),
    (body("temporarily_unavailable"), TokenEndpointUnavailable),
    (body("server_error", 90033), TokenEndpointUnavailable),
    (body("something_new", 999999), ClientMisconfigured),
    ({}, ClientMisconfigured),
    ({"error": 7, "error_codes": "x", "claims": 7}, InteractionRequired),
]


@pytest.mark.parametrize(("result", "leaf"), CASES)
def test_each_body_becomes_one_leaf(result, leaf):
    assert type(refusal(result)) is leaf


def test_the_claims_of_a_step_up_are_kept_word_for_word():
    assert refusal(body("interaction_required", 50076, claims=CLAIMS)).claims == CLAIMS


def test_the_public_words_hold_nothing_of_the_authoritys_text():
    error = refusal(body("invalid_grant", 50013))
    assert "private text" not in str(error)
    assert str(error.__cause__) == "invalid_grant  AADSTS[50013]"


def test_the_cause_takes_over_no_text_that_is_not_a_plain_code():
    error = refusal(body("invalid grant with adele@contoso.example", 50013))
    assert "contoso" not in str(error.__cause__)
