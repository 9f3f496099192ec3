"""MSAL's applications: one per tenant and credential, and nothing remembered of an answer."""

import re
import threading

import msal
import pytest
import requests

from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.cause import cause_of
from obo_mcp.exchange.transport import TokenEndpointTransport
from support.tokens import CLIENT, TENANT
from support.turns import waits_its_turn
from support.wire import AUTHORITY, Wire

OTHER_TENANT = "22222222-2222-4333-8444-555555555555"


class Given:
    value: object = "of ours"

    def __call__(self, tenant_id):
        return self.value


class Slow(Wire):
    """Discovery of our tenant waits until it may `go`."""

    def __init__(self):
        super().__init__()
        self.arrived, self.go = threading.Event(), threading.Event()

    def send(self, request, **options):
        if TENANT in request.url:
            self.arrived.set()
            assert self.go.wait(10)
        return super().send(request, **options)


class Down(Wire):
    """Nobody answers until it is `up`."""

    up = False

    def send(self, request, **options):
        if not self.up:
            raise requests.ConnectionError
        return super().send(request, **options)


@pytest.fixture
def given():
    return Given()


def applications(wire, given=lambda tenant_id: "of ours"):
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    return Applications(
        CLIENT,
        given,
        authority_host=AUTHORITY,
        transport=wire.at(transport),
        token_cache=msal.TokenCache,
    )


def test_each_tenant_has_its_own_and_keeps_it():
    wire = Wire()
    made = applications(wire)
    ours, theirs = made.of(TENANT), made.of(OTHER_TENANT)
    assert ours is not theirs
    assert made.of(TENANT) is ours
    assert made.of(OTHER_TENANT) is theirs
    assert len(wire.discoveries) == 2


def test_another_credential_makes_another_application(given):
    made = applications(Wire(), given)
    before = made.of(TENANT)
    given.value = "of ours, renewed"
    after = made.of(TENANT)
    assert after is not before
    assert made.of(TENANT) is after


def test_forgotten_ones_are_made_anew():
    made = applications(Wire())
    before = made.of(TENANT)
    made.forget()
    assert made.of(TENANT) is not before


def test_no_answer_is_given_twice():
    wire = Wire()
    wire.answers = [(400, {"error": "invalid_grant", "error_codes": [65001]})]
    application = applications(wire).of(TENANT)
    asked = [
        application.acquire_token_on_behalf_of("adele", ["api://x/.default"]) for _ in range(2)
    ]
    assert ["access_token" in answer for answer in asked] == [False, True]


def test_a_tenant_that_does_not_exist_is_the_operators_to_mend():
    wire = Wire()
    wire.tenants_found = False
    made = applications(wire)
    with pytest.raises(ClientMisconfigured) as caught:
        made.of(TENANT)
    assert cause_of(caught.value).codes == (90002,)
    assert "OBO_MCP_AUTHORITY_HOST" in cause_of(caught.value).cure
    assert "login" not in str(cause_of(caught.value))
    (turn,) = made._turns.values()
    assert turn._last.__traceback__ is None, "frames hold what must not be kept"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((302, {"said": "by a proxy"}), "RuntimeError"),
        ((404, {"said": "by a proxy"}), "ValueError"),
        ((200, {}), "KeyError|ValueError"),
    ],
)
def test_what_msal_makes_of_odd_metadata_is_told_by_its_kind_alone(answer, kind):
    wire = Wire()
    wire._discovery = lambda url: answer
    with pytest.raises(ClientMisconfigured) as caught:
        applications(wire).of(TENANT)
    words = str(cause_of(caught.value))
    assert re.fullmatch(rf"the authority's answer was not understood \(({kind})\)", words)
    assert cause_of(caught.value).concerns_all
    assert caught.value.__context__ is None


def test_those_who_wait_with_a_newer_credential_are_spared_the_failure_of_the_former(given):
    wire, came = Slow(), []
    wire.tenants_found = False
    made = applications(wire, given)

    def make():
        try:
            came.append(made.of(TENANT))
        except ClientMisconfigured as error:
            came.append(error)

    first = started(make, 1)
    assert wire.arrived.wait(10)
    given.value = "of ours, renewed"
    others = started(make, 1)
    while not all(waits_its_turn(thread) for thread in others):
        pass
    wire.go.set()
    for thread in first + others:
        thread.join(10)
    assert len(wire.discoveries) == 2, "the one who waited asked for itself"


def started(call, count):
    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_many_first_exchanges_make_one_application():
    wire, got = Slow(), []
    made = applications(wire)
    first = started(lambda: got.append(made.of(TENANT)), 1)
    assert wire.arrived.wait(10)
    others = started(lambda: got.append(made.of(TENANT)), 5)
    while not all(waits_its_turn(thread) for thread in others):
        pass
    wire.go.set()
    for thread in first + others:
        thread.join(10)
    assert len(got) == 6
    assert len(set(map(id, got))) == 1
    assert len(wire.discoveries) == 1


def test_a_slow_tenant_keeps_no_other_waiting():
    wire = Slow()
    made = applications(wire)
    (thread,) = started(lambda: made.of(TENANT), 1)
    assert wire.arrived.wait(10)
    assert made.of(OTHER_TENANT)
    wire.go.set()
    thread.join(10)


def test_an_authority_that_did_not_answer_is_asked_again_by_the_next():
    wire = Down()
    made = applications(wire)
    with pytest.raises(TokenEndpointUnavailable):
        made.of(TENANT)
    wire.up = True
    assert made.of(TENANT)
