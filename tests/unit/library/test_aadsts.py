"""Every AADSTS number of Entra's list that can meet an exchange, and what it means for us.

The rows are written out here from Entra's own pages ("Microsoft Entra authentication and
authorization error codes"), not taken from the table under test.
"""

import re

import pytest

from obo_mcp.errors import (
    AssertionRejected,
    ClientMisconfigured,
    ConsentRequired,
    InteractionRequired,
    OboError,
    PersonNotAdmitted,
    PersonRequired,
    TokenEndpointThrottled,
    TokenEndpointUnavailable,
    Unavailable,
)
from obo_mcp.exchange.aadsts import MEANINGS, groups, known
from obo_mcp.exchange.cause import Refusal, cause_of
from obo_mcp.exchange.refusal import is_passing, refusal

ASSERTION = [
    (50013, "invalid_grant", "", AssertionRejected),
    (500131, "invalid_grant", "", AssertionRejected),
    (500133, "invalid_grant", "", AssertionRejected),
    (5002730, "invalid_grant", "", AssertionRejected),
    (50027, "invalid_grant", "", AssertionRejected),
    (240002, "invalid_grant", "", AssertionRejected),
    (7000114, "unauthorized_client", "", PersonRequired),
    (90083, "invalid_request", "", PersonRequired),
    (50020, "invalid_grant", "", PersonNotAdmitted),
    (50034, "invalid_grant", "", PersonNotAdmitted),
    (51004, "invalid_grant", "", PersonNotAdmitted),
    (50014, "invalid_grant", "", PersonNotAdmitted),
    (50057, "invalid_grant", "", AssertionRejected),
    (50173, "invalid_grant", "bad_token", AssertionRejected),
    (50132, "invalid_grant", "", AssertionRejected),
    (50133, "invalid_grant", "", AssertionRejected),
    (50089, "invalid_grant", "", AssertionRejected),
    (70043, "invalid_grant", "bad_token", AssertionRejected),
    (700082, "invalid_grant", "token_expired", AssertionRejected),
    (70008, "invalid_grant", "", AssertionRejected),
    (70000, "invalid_grant", "", AssertionRejected),
    (700084, "invalid_grant", "", AssertionRejected),
]
CONSENT = [
    (65001, "invalid_grant", "consent_required", ConsentRequired),
    (65001, "invalid_grant", "", ConsentRequired),
    (65002, "invalid_client", "", ClientMisconfigured),
    (65004, "access_denied", "", ConsentRequired),
    (90094, "invalid_grant", "", ConsentRequired),
    (650052, "invalid_client", "", ClientMisconfigured),
    (650053, "invalid_client", "", ClientMisconfigured),
    (650056, "invalid_client", "", ClientMisconfigured),
    (650057, "invalid_resource", "", ClientMisconfigured),
    (500011, "invalid_resource", "", ClientMisconfigured),
    (70011, "invalid_scope", "", ClientMisconfigured),
    (28002, "invalid_scope", "", ClientMisconfigured),
    (28003, "invalid_scope", "", ClientMisconfigured),
    (700022, "invalid_scope", "", ClientMisconfigured),
    (700023, "invalid_scope", "", ClientMisconfigured),
    (9010010, "invalid_target", "", ClientMisconfigured),
    (50105, "invalid_grant", "", PersonNotAdmitted),
    (90008, "invalid_request", "", ClientMisconfigured),
    (90009, "invalid_request", "", ClientMisconfigured),
]
INTERACTION = [
    (50076, "interaction_required", "basic_action", InteractionRequired),
    (50076, "invalid_grant", "basic_action", InteractionRequired),
    (50079, "interaction_required", "", InteractionRequired),
    (50079, "invalid_grant", "basic_action", InteractionRequired),
    (50072, "interaction_required", "", InteractionRequired),
    (50072, "invalid_grant", "basic_action", InteractionRequired),
    (50074, "interaction_required", "", InteractionRequired),
    (50074, "invalid_grant", "basic_action", InteractionRequired),
    (50078, "interaction_required", "", InteractionRequired),
    (50078, "invalid_grant", "", InteractionRequired),
    (50097, "interaction_required", "", InteractionRequired),
    (50097, "invalid_grant", "device_authentication_failed", InteractionRequired),
    (53000, "interaction_required", "", InteractionRequired),
    (53000, "invalid_grant", "message_only", InteractionRequired),
    (53001, "interaction_required", "", InteractionRequired),
    (53001, "invalid_grant", "", InteractionRequired),
    (53002, "interaction_required", "", InteractionRequired),
    (53002, "invalid_grant", "protection_policy_required", InteractionRequired),
    (53003, "interaction_required", "", InteractionRequired),
    (53003, "invalid_grant", "message_only", InteractionRequired),
    (53004, "interaction_required", "", InteractionRequired),
    (53004, "invalid_grant", "additional_action", InteractionRequired),
    (530032, "interaction_required", "", InteractionRequired),
    (530032, "invalid_grant", "", InteractionRequired),
    (530034, "interaction_required", "", InteractionRequired),
    (530034, "invalid_grant", "", InteractionRequired),
    (530035, "interaction_required", "", InteractionRequired),
    (530035, "invalid_grant", "", InteractionRequired),
    (50058, "interaction_required", "", InteractionRequired),
    (50058, "invalid_grant", "", InteractionRequired),
    (50126, "invalid_grant", "", InteractionRequired),
]
OUR_APPLICATION = [
    (700016, "unauthorized_client", "", ClientMisconfigured),
    (700011, "unauthorized_client", "", ClientMisconfigured),
    (7000112, "unauthorized_client", "", ClientMisconfigured),
    (7000215, "invalid_client", "", ClientMisconfigured),
    (70002, "invalid_client", "", ClientMisconfigured),
    (7000222, "invalid_client", "", ClientMisconfigured),
    (7000218, "invalid_client", "", ClientMisconfigured),
    (700025, "invalid_client", "", ClientMisconfigured),
    (700027, "invalid_client", "", ClientMisconfigured),
    (700024, "invalid_client", "", ClientMisconfigured),
    (700021, "invalid_client", "", ClientMisconfigured),
    (700030, "invalid_client", "", ClientMisconfigured),
    (5002723, "invalid_client", "", ClientMisconfigured),
    (5002738, "invalid_client", "", ClientMisconfigured),
    (50166, "invalid_request", "", ClientMisconfigured),
    (7002138, "invalid_client", "", ClientMisconfigured),
    (50012, "invalid_client", "", ClientMisconfigured),
    (70021, "invalid_client", "", ClientMisconfigured),
    (70021, "invalid_request", "", ClientMisconfigured),
    (700211, "invalid_client", "", ClientMisconfigured),
    (700212, "invalid_client", "", ClientMisconfigured),
    (700213, "invalid_client", "", ClientMisconfigured),
    (7002131, "invalid_request", "", ClientMisconfigured),
    (700229, "invalid_client", "", ClientMisconfigured),
    (90002, "invalid_request", "", ClientMisconfigured),
    (90038, "invalid_request", "", ClientMisconfigured),
    (900382, "invalid_request", "", ClientMisconfigured),
    (900432, "invalid_request", "", ClientMisconfigured),
    (50194, "invalid_request", "", ClientMisconfigured),
    (9001023, "invalid_request", "", ClientMisconfigured),
    (90027, "invalid_request", "", ClientMisconfigured),
    (90130, "invalid_request", "", ClientMisconfigured),
    (9002313, "invalid_request", "", ClientMisconfigured),
    (900144, "invalid_request", "", ClientMisconfigured),
    (90014, "invalid_request", "", ClientMisconfigured),
    (50196, "invalid_grant", "", TokenEndpointThrottled),
]
AGENTS = [
    (82001, "invalid_grant", "", ClientMisconfigured),
    (82002, "invalid_grant", "", ClientMisconfigured),
    (82007, "invalid_grant", "", ClientMisconfigured),
    (82014, "invalid_grant", "", ClientMisconfigured),
]
PASSING = [
    (50033, "temporarily_unavailable", "", TokenEndpointUnavailable),
    (50087, "temporarily_unavailable", "", TokenEndpointUnavailable),
    (90006, "server_error", "", TokenEndpointUnavailable),
    (90012, "invalid_request", "", TokenEndpointUnavailable),
    (90024, "temporarily_unavailable", "", TokenEndpointUnavailable),
    (90033, "temporarily_unavailable", "", TokenEndpointUnavailable),
    (90055, "temporarily_unavailable", "", TokenEndpointThrottled),
    (90090, "server_error", "", TokenEndpointUnavailable),
    (80005, "server_error", "", TokenEndpointUnavailable),
]
ROWS = ASSERTION + CONSENT + INTERACTION + OUR_APPLICATION + AGENTS + PASSING
UNKNOWN = 999_999


def body(code, error, suberror="", **more):
    return {
        "error": error,
        "suberror": suberror,
        "error_codes": [code],
        "error_description": (
            f"AADSTS{code}: Private words about adele@contoso.example. Trace ID: 0-0 "
            "Correlation ID: 1-1 Timestamp: 2026-11-02 10:00:00Z"
        ),
        "trace_id": "0-0",
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
        **more,
    }


@pytest.mark.promise("P-21")
@pytest.mark.parametrize(("code", "error", "suberror", "leaf"), ROWS)
def test_each_number_becomes_one_leaf_with_public_words_and_a_cure(code, error, suberror, leaf):
    failure = refusal(body(code, error, suberror))
    assert type(failure) is leaf
    assert not re.search(r"AADSTS|Trace|Private|contoso|[0-9]{5}|microsoftonline", str(failure))
    assert len(str(failure)) > 40
    assert str(failure)[-1] == "."
    cause = failure.__cause__
    assert isinstance(cause, Refusal)
    assert cause.codes == (code,)
    assert str(code) in str(cause)
    assert not re.search(r"Trace|Private|contoso", f"{cause}{cause.cure}")
    assert len(cause.cure) > 20


@pytest.mark.parametrize(("code", "error", "suberror", "leaf"), ROWS)
def test_only_what_passes_by_itself_is_worth_another_try(code, error, suberror, leaf):
    assert is_passing(body(code, error, suberror)) == issubclass(leaf, Unavailable)
    failure = refusal(body(code, error, suberror), retry_after_seconds=17)
    assert failure.retry_after_seconds == (17 if issubclass(leaf, Unavailable) else None)


@pytest.mark.promise("P-21")
def test_the_rows_and_the_table_know_the_same_numbers():
    assert {row[0] for row in ROWS} == set(MEANINGS)


def test_no_number_stands_twice_in_the_table():
    numbers = [code for codes, _ in groups() for code in codes]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    "code", [row[0] for row in ASSERTION if row[3] is AssertionRejected and row[0] != 50057]
)
@pytest.mark.parametrize(
    "sign",
    [
        {"error": "interaction_required"},
        {"claims": '{"access_token":{}}'},
        {"suberror": "basic_action"},
        {"suberror": "additional_action"},
    ],
)
def test_an_assertion_that_a_sign_in_would_mend_asks_for_the_person(code, sign):
    assert type(refusal(body(code, "invalid_grant") | sign)) is InteractionRequired


UNKNOWN_ROWS = [
    ("invalid_grant", AssertionRejected),
    ("interaction_required", InteractionRequired),
    ("temporarily_unavailable", TokenEndpointUnavailable),
    ("invalid_client", ClientMisconfigured),
    ("unauthorized_client", ClientMisconfigured),
    ("invalid_request", ClientMisconfigured),
    ("invalid_scope", ClientMisconfigured),
    ("invalid_resource", ClientMisconfigured),
    ("invalid_target", ClientMisconfigured),
    ("unsupported_grant_type", ClientMisconfigured),
    ("something_new", ClientMisconfigured),
    ("", ClientMisconfigured),
]


@pytest.mark.promise("P-21")
@pytest.mark.parametrize(("error", "leaf"), UNKNOWN_ROWS)
def test_an_unknown_number_changes_nothing_of_what_error_says(error, leaf):
    for result in (body(UNKNOWN, error), {"error": error}):
        failure = refusal(result)
        assert type(failure) is leaf
        assert "look the AADSTS number up" in cause_of(failure).cure


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_request", "something_new"])
def test_of_an_unknown_number_suberror_and_claims_are_believed(error):
    assert type(refusal(body(UNKNOWN, error, "consent_required"))) is ConsentRequired
    assert type(refusal(body(UNKNOWN, error, claims='{"a":1}'))) is InteractionRequired
    for suberror in ("basic_action", "additional_action"):
        assert type(refusal(body(UNKNOWN, error, suberror))) is InteractionRequired
    for suberror in ("message_only", "bad_token", "something_new"):
        assert type(refusal(body(UNKNOWN, error, suberror))) is dict(UNKNOWN_ROWS)[error]


@pytest.mark.parametrize("code", [50013, 50076, 7000215, UNKNOWN])
def test_consent_that_is_missing_outweighs_the_number(code):
    assert type(refusal(body(code, "invalid_grant", "consent_required"))) is ConsentRequired


def test_of_several_numbers_the_first_that_we_know_counts():
    result = body(UNKNOWN, "invalid_grant") | {"error_codes": [UNKNOWN, 65001, 50013]}
    assert type(refusal(result)) is ConsentRequired
    assert known([UNKNOWN]) is None
    assert known([]) is None


def test_a_disabled_account_and_a_blocked_sign_in_do_not_promise_that_signing_in_helps():
    for code in (50057, 53003, 530032):
        words = str(refusal(body(code, "invalid_grant")))
        assert "administrator" in words
        assert words not in {AssertionRejected.public, InteractionRequired.public}


def test_the_whole_tenant_is_concerned_by_what_is_said_of_our_application_and_nothing_else():
    people = {row[0] for row in ASSERTION + CONSENT + INTERACTION + AGENTS + PASSING}
    assert not [code for code in people if MEANINGS[code].concerns_all]
    credential = {row[0] for row in OUR_APPLICATION if row[1] == "invalid_client"}
    assert [code for code in credential if not MEANINGS[code].concerns_all] == []


def test_every_leaf_of_the_table_speaks_to_people_and_its_cure_to_operators():
    for _, meaning in groups():
        assert issubclass(meaning.leaf, OboError)
        assert meaning.cure[-1] in ".)"
        assert meaning.public is None or "OBO_MCP" not in meaning.public
