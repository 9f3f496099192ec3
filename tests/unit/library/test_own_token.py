"""Tokens for our application itself: their failures are never a person's."""

import logging

import msal
import pytest
import requests

from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.cause import cause_of
from obo_mcp.exchange.credential_fault import source_of
from obo_mcp.exchange.own_token import own_token
from obo_mcp.exchange.patience import Patient
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from support.clock import ManualClock
from support.linked import held, linked
from support.tokens import CLIENT, TENANT
from support.wire import AUTHORITY, Wire

CLAIMS = '{"access_token":{"acrs":{"value":"c1"}}}'
OTHER_TENANT = "22222222-2222-4333-8444-555555555555"
OUR_SECRET = "hunter2-hunter2"


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    return lambda: [fields_of(line) for line in caplog.records if fields_of(line)]


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def ask(wire, clock):
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    applications = Applications(
        CLIENT,
        lambda tenant: OUR_SECRET,
        authority_host=AUTHORITY,
        transport=Patient(wire.at(transport), clock),
        token_cache=msal.TokenCache,
    )
    return lambda tenant=TENANT: own_token(
        applications, tenant, "https://vault.azure.net", setting="key_vault_item"
    )


def test_it_is_asked_for_with_our_credential_and_kept(ask, wire):
    assert ask()["access_token"] == ask()["access_token"] == "granted"
    (form,) = wire.forms
    assert form["grant_type"] == "client_credentials"
    assert form["scope"] == "https://vault.azure.net/.default"
    assert "fmi_path" not in form


REFUSALS = {
    "a policy": ({"error": "invalid_grant", "error_codes": [53003], "claims": CLAIMS}, (53003,)),
    "consent": (
        {"error": "invalid_grant", "suberror": "consent_required", "error_codes": [65001]},
        (65001,),
    ),
    "a revoked session": ({"error": "invalid_grant", "error_codes": [50173]}, (50173,)),
    "no person": ({"error": "unauthorized_client", "error_codes": [7000114]}, (7000114,)),
    "not assigned": ({"error": "invalid_grant", "error_codes": [50105]}, (50105,)),
    "our secret": ({"error": "invalid_client", "error_codes": [7000215]}, (7000215,)),
    "no code": ({"error": "interaction_required", "claims": CLAIMS}, ()),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_whatever_the_authority_refuses_it_for_the_failure_is_ours(ask, wire, events, refusal):
    body, codes = REFUSALS[refusal]
    wire.answers = [(400, body)]
    with pytest.raises(ClientMisconfigured) as caught:
        ask()
    failure, cause = caught.value, cause_of(caught.value)
    assert str(failure) == ClientMisconfigured.public
    assert failure.claims == ""
    assert cause.codes == codes
    assert cause.cure
    assert cause.concerns_all
    (told,) = events()
    assert (told["outcome"], told["setting"]) == ("refused", "OBO_MCP_KEY_VAULT_ITEM")


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"error": "invalid_grant", "error_codes": [90033]}, {"Retry-After": "60"}),
        (429, {}, {"Retry-After": "60"}),
        (503, {}, {"Retry-After": "60"}),
    ],
)
def test_a_retry_after_is_kept_to_to_the_second_and_is_nobodys_in_particular(
    ask, wire, clock, answer
):
    wire.answers = [answer]
    for passed in (0.0, 0.1, 29.9, 29.999):
        clock.advance(passed)
        with pytest.raises(TokenEndpointUnavailable) as caught:
            ask()
        assert cause_of(caught.value).asked_seconds is None
    assert caught.value.retry_after_seconds == 1
    assert len(wire.forms) == 1
    clock.advance(0.001)
    assert ask()["access_token"] == "granted"


def test_another_tenants_endpoint_has_not_asked_for_patience(ask, wire):
    wire.answers = [(429, {}, {"Retry-After": "60"})]
    with pytest.raises(TokenEndpointUnavailable):
        ask()
    assert ask(OTHER_TENANT)["access_token"] == "granted"


def test_a_metadata_page_that_asks_for_patience_gets_it(ask, wire, clock):
    discovery = wire._discovery
    wire._discovery = lambda url: (503, {}, {"Retry-After": "60"})
    for _ in range(3):
        with pytest.raises(TokenEndpointUnavailable):
            ask()
    assert len(wire.discoveries) == 1
    wire._discovery = discovery
    clock.advance(60)
    assert ask()["access_token"] == "granted"


def test_an_early_renewal_waits_too_and_the_token_that_is_still_good_serves(ask, wire, clock):
    early = {"access_token": "first", "expires_in": 3600, "refresh_in": 0, "token_type": "Bearer"}
    wire.answers = [(200, early), (429, {}, {"Retry-After": "60"}), (200, early)]
    assert [ask()["access_token"] for _ in range(4)] == ["first"] * 4
    assert len(wire.forms) == 2
    clock.advance(60)
    ask()
    assert len(wire.forms) == 3


def test_the_seconds_are_there_for_who_asks_next(ask, wire):
    wire.answers = [(429, {}, {"Retry-After": "60"})]
    with pytest.raises(TokenEndpointUnavailable) as caught:
        ask()
    assert source_of(caught.value) == 60
    assert source_of(TokenEndpointUnavailable()) is None


STRANGE = {
    "no number of seconds": {"access_token": "t", "expires_in": float("inf")},
    "seconds in words": {"access_token": "t", "expires_in": "soon"},
}


@pytest.mark.parametrize("answer", STRANGE)
def test_an_answer_that_nobody_understands_is_an_outage(ask, wire, answer):
    wire.answers = [(200, STRANGE[answer] | {"token_type": "Bearer"})]
    with pytest.raises(TokenEndpointUnavailable) as caught:
        ask()
    assert "OBO_MCP_KEY_VAULT_ITEM: the authority's answer was not" in str(cause_of(caught.value))


BAD = {
    "refused": (401, {"error": "invalid_client", "error_codes": [7000215]}),
    "throttled": (429, {}, {"Retry-After": "60"}),
    "cut": requests.ConnectionError("of the wire"),
    "nonsense": (200, {"access_token": "t", "expires_in": float("inf")}),
}


@pytest.mark.parametrize("answer", BAD)
def test_nothing_that_hangs_on_a_failure_holds_our_secret(ask, wire, answer):
    wire.answers = [BAD[answer]]
    with pytest.raises((ClientMisconfigured, TokenEndpointUnavailable)) as caught:
        ask()
    assert len(wire.forms) == 1
    assert [each.__context__ for each in linked(caught.value)] == [None] * 2
    assert OUR_SECRET not in held(caught.value)
