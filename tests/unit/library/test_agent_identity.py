"""An agent identity: its blueprint gets T1, and T1 proves the agent."""

import logging

import msal
import pytest
import requests

from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable
from obo_mcp.exchange.agent import AgentIdentity
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.cause import cause_of
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from support.clock import ManualClock
from support.linked import held, linked
from support.tokens import CLIENT, TENANT
from support.wire import AUTHORITY, Wire

AGENT = "eeeeeeee-1111-4222-8333-444444444444"
OTHER_TENANT = "22222222-2222-4333-8444-555555555555"
T1 = 200, {"access_token": "t1", "expires_in": 3600, "token_type": "Bearer"}
DOWNSTREAM = 200, {"access_token": "adele's", "expires_in": 3600, "token_type": "Bearer"}


class Blueprint:
    """A credential of which tests know what it was told."""

    value: object = "of the blueprint"
    told = ()

    def current(self, tenant_id):
        return self.value

    def refused(self):
        self.told += ("refused",)

    def close(self):
        self.told += ("close",)


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    return lambda: [fields_of(line) for line in caplog.records if fields_of(line)]


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def blueprint():
    return Blueprint()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def agent(wire, blueprint, clock):
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    agent = AgentIdentity(
        AGENT,
        CLIENT,
        blueprint,
        authority_host=AUTHORITY,
        transport=wire.at(transport),
        clock=clock,
    )
    agent.exchanging = Applications(
        AGENT,
        agent.current,
        authority_host=AUTHORITY,
        transport=transport,
        token_cache=msal.TokenCache,
    )
    return agent


def exchange(agent, tenant=TENANT):
    return agent.exchanging.of(tenant).acquire_token_on_behalf_of("adele", ["api://x/.default"])


def test_the_blueprint_gets_t1_for_the_agent_and_the_agent_exchanges_with_it(agent, wire):
    wire.answers = [T1, DOWNSTREAM]
    assert exchange(agent)["access_token"] == "adele's"
    first, second = wire.forms
    assert first["grant_type"] == "client_credentials"
    assert (first["client_id"], first["fmi_path"]) == (CLIENT, AGENT)
    assert first["client_secret"] == "of the blueprint"
    assert first["scope"] == "api://AzureADTokenExchange/.default"
    assert second["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert (second["client_id"], second["client_assertion"]) == (AGENT, "t1")
    assert second["assertion"] == "adele"
    assert "client_secret" not in second
    assert "fmi_path" not in second


def test_t1_is_kept_for_its_tenant_and_no_other(agent, wire):
    for tenant in (TENANT, TENANT, OTHER_TENANT, TENANT):
        exchange(agent, tenant)
    asked = [form["grant_type"] for form in wire.forms]
    assert asked.count("client_credentials") == 2
    addresses = [each.url for each in wire.requests if each.body and b"fmi_path" in _octets(each)]
    assert [TENANT in url for url in addresses] == [True, False]
    assert agent.current(TENANT) is agent.current(TENANT)
    assert agent.current(TENANT) is not agent.current(OTHER_TENANT)


def _octets(request):
    return request.body if isinstance(request.body, bytes) else request.body.encode()


def test_after_a_refusal_t1_is_asked_for_anew_but_once_a_minute(agent, wire, blueprint, clock):
    def asked():
        exchange(agent)
        return [form["grant_type"] for form in wire.forms].count("client_credentials")

    assert asked() == 1
    agent.refused()
    assert asked() == 2
    agent.refused()
    clock.advance(59)
    agent.refused()
    assert asked() == 2
    clock.advance(1)
    agent.refused()
    assert asked() == 3
    assert blueprint.told == ("refused",) * 4


def test_closing_closes_what_the_blueprint_uses(agent, blueprint):
    agent.close()
    assert blueprint.told == ("close",)


def test_another_credential_of_the_blueprint_asks_for_t1_anew(agent, wire, blueprint):
    exchange(agent)
    blueprint.value = "of the blueprint, renewed"
    exchange(agent)
    secrets = [form["client_secret"] for form in wire.forms if "fmi_path" in form]
    assert secrets == ["of the blueprint", "of the blueprint, renewed"]


def test_a_refused_t1_is_told_with_entras_codes_through_msal(agent, wire, events):
    said = {"error": "invalid_client", "error_codes": [700213], "error_description": "of contoso"}
    wire.answers = [(401, said)]
    with pytest.raises(ClientMisconfigured) as caught:
        exchange(agent)
    cause = cause_of(caught.value)
    assert cause.codes == (700213,)
    assert "subject" in cause.cure
    (told,) = events()
    assert (told["event"], told["outcome"]) == ("credential", "refused")
    assert told["setting"] == "OBO_MCP_AGENT_IDENTITY_ID"
    assert "700213" in told["cause"]
    assert "contoso" not in str(told)
    assert len(wire.forms) == 1, "nothing is exchanged without T1"


@pytest.mark.parametrize(
    "answer", [(429, {"error": "slow"}), (503, {}), requests.ConnectionError()]
)
def test_an_outage_while_asking_for_t1_is_one_and_holds_back_nobody(agent, wire, events, answer):
    wire.answers = [answer]
    with pytest.raises(TokenEndpointUnavailable) as caught:
        exchange(agent)
    cause = cause_of(caught.value)
    assert "OBO_MCP_AGENT_IDENTITY_ID" in str(cause)
    assert cause.asked_seconds is None
    assert exchange(agent)["access_token"] == "granted"


def test_t1_is_not_asked_for_before_its_retry_after_is_over_whoever_comes(agent, wire, clock):
    wire.answers = [(429, {}, {"Retry-After": "60"})]
    for _ in range(60):
        with pytest.raises(TokenEndpointUnavailable) as caught:
            exchange(agent)
        clock.advance(1)
        assert cause_of(caught.value).asked_seconds is None, "it would hold back one person"
    assert caught.value.retry_after_seconds == 1
    assert len(wire.forms) == 1
    assert exchange(agent)["access_token"] == "granted"


PERSONAL = {
    "a policy": {"error": "invalid_grant", "error_codes": [53003], "claims": '{"a":1}'},
    "consent": {"error": "invalid_grant", "suberror": "consent_required", "error_codes": [65001]},
    "a revoked session": {"error": "invalid_grant", "error_codes": [50173]},
    "no person": {"error": "unauthorized_client", "error_codes": [7000114]},
}


@pytest.mark.parametrize("refusal", PERSONAL)
def test_a_refused_t1_is_never_the_persons_own_failure(agent, wire, refusal):
    wire.answers = [(400, PERSONAL[refusal])]
    with pytest.raises(ClientMisconfigured) as caught:
        exchange(agent)
    assert (str(caught.value), caught.value.claims) == (ClientMisconfigured.public, "")
    assert cause_of(caught.value).codes == tuple(PERSONAL[refusal]["error_codes"])
    assert cause_of(caught.value).concerns_all


@pytest.mark.parametrize("answer", [(401, PERSONAL["consent"]), (503, {}), requests.Timeout()])
def test_nothing_that_hangs_on_a_failed_t1_holds_the_blueprints_secret(agent, wire, answer):
    wire.answers = [answer]
    with pytest.raises((ClientMisconfigured, TokenEndpointUnavailable)) as caught:
        exchange(agent)
    assert [each.__context__ for each in linked(caught.value)] == [None] * 2
    assert "of the blueprint" not in held(caught.value.with_traceback(None))


def test_a_t1_that_is_still_good_serves_while_its_early_renewal_meets_an_outage(agent, wire):
    wire.answers = [(200, T1[1] | {"refresh_in": 0}), DOWNSTREAM, (503, {}), DOWNSTREAM]
    exchange(agent)
    assert exchange(agent)["access_token"] == "adele's"


def test_an_answer_without_a_token_is_no_t1(agent, wire):
    wire.answers = [(200, {"access_token": 7, "expires_in": 3600})]
    with pytest.raises(ClientMisconfigured):
        exchange(agent)


def test_a_tenant_that_the_authority_does_not_know_is_the_operators_to_mend(agent, wire):
    wire.tenants_found = False
    with pytest.raises(ClientMisconfigured):
        exchange(agent)
