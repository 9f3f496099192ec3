"""The managed identity as federated credential: what is asked, kept, and told."""

import logging
import threading

import msal
import pytest
import requests

from obo_mcp.errors import ClientMisconfigured, TokenEndpointUnavailable
from obo_mcp.exchange.applications import Applications
from obo_mcp.exchange.cause import cause_of
from obo_mcp.exchange.federated import exchange_audience, of_managed_identity
from obo_mcp.exchange.managed_identity import ManagedIdentity, PlatformTransport
from obo_mcp.exchange.patience import Patient
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from support.clock import ManualClock
from support.linked import linked
from support.tokens import CLIENT, TENANT
from support.turns import waits_its_turn
from support.wire import AUTHORITY, Wire

IDENTITY = "dddddddd-1111-4222-8333-444444444444"
IMDS = "http://169.254.169.254"
APP_SERVICE = "http://127.0.0.1:41999/msi/token"
SETTING = "managed_identity_client_id"
AUDIENCE = "api://AzureADTokenExchange"
DAY = 86_400


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT", "MSI_ENDPOINT",
                 "IDENTITY_SERVER_THUMBPRINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    return lambda: [fields_of(line) for line in caplog.records if fields_of(line)]


@pytest.fixture
def platform():
    wire = Wire()
    wire.default = 200, {"access_token": "of-the-machine", "expires_in": "3600"}
    return wire


def identity(platform, client_id=IDENTITY):
    transport = PlatformTransport(ca_bundle=None, timeout_seconds=1)
    return ManagedIdentity(client_id, platform.at(transport, "http://"), setting=SETTING)


def test_imds_is_asked_for_the_identity_by_its_client_id(platform):
    answer = identity(platform).token(AUDIENCE)
    assert (answer["access_token"], answer["expires_in"]) == ("of-the-machine", 3600)
    (request,) = platform.requests
    assert request.url.startswith(f"{IMDS}/metadata/identity/oauth2/token?")
    assert request.headers["Metadata"] == "true"
    (query,) = platform.queries
    assert query == {"api-version": "2018-02-01", "resource": AUDIENCE, "client_id": IDENTITY}


def test_without_an_id_the_machines_own_identity_is_asked_for(platform):
    identity(platform, None).token(AUDIENCE)
    assert "client_id" not in platform.queries[0]


def test_app_service_is_asked_with_the_header_that_it_gave(platform, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", APP_SERVICE)
    monkeypatch.setenv("IDENTITY_HEADER", "given")
    platform.default = 200, {"access_token": "of-the-app", "expires_on": str(10**10)}
    assert identity(platform).token(AUDIENCE)["access_token"] == "of-the-app"
    (request,) = platform.requests
    assert request.url.startswith(f"{APP_SERVICE}?")
    assert request.headers["X-IDENTITY-HEADER"] == "given"
    assert platform.queries[0]["client_id"] == IDENTITY


def test_a_token_is_kept_and_asked_for_once_by_many_threads(platform):
    used = identity(platform)
    threads = [threading.Thread(target=used.token, args=[AUDIENCE]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(platform.requests) == 1


def test_no_proxy_gets_the_identitys_tokens(platform, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    seen = []
    send = platform.send
    platform.send = lambda request, **options: seen.append(options) or send(request, **options)
    identity(platform).token(AUDIENCE)
    assert not seen[0]["proxies"]
    assert seen[0]["timeout"].total == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (requests.ConnectTimeout("no route"), "ConnectTimeout"),
        (requests.ConnectionError("refused"), "ConnectionError"),
        ((429, {"error": "slow"}), "HTTP 429"),
        ((500, {"error": "unknown"}), "HTTP 500"),
        ((404, {"error": "updating"}), "HTTP 404"),
        ((410, {"error": "gone"}), "HTTP 410"),
        ((200, ["no object"]), "without a JSON object"),
    ],
)
def test_a_platform_that_does_not_answer_is_unavailable_and_holds_back_nobody_in_particular(
    platform, events, answer, words
):
    used = identity(platform)
    platform.answers = [answer]
    with pytest.raises(TokenEndpointUnavailable) as caught:
        used.token(AUDIENCE)
    cause = cause_of(caught.value)
    assert "OBO_MCP_MANAGED_IDENTITY_CLIENT_ID" in str(cause)
    assert words in str(cause)
    assert cause.asked_seconds is None
    assert "set another credential" in cause.cure
    (told,) = events()
    assert (told["event"], told["outcome"]) == ("credential", "unavailable")
    assert used.token(AUDIENCE)["access_token"] == "of-the-machine", "an error was repeated"


def test_the_pause_that_the_platform_asks_for_goes_to_the_caller(platform):
    platform.answers = [(429, {}, {"Retry-After": "17"})]
    with pytest.raises(TokenEndpointUnavailable) as caught:
        identity(platform).token(AUDIENCE)
    assert caught.value.retry_after_seconds == 17


def test_the_platform_is_not_asked_before_that_is_over(platform):
    clock = ManualClock()
    transport = PlatformTransport(ca_bundle=None, timeout_seconds=1)
    patient = Patient(platform.at(transport, "http://"), clock)
    used = ManagedIdentity(IDENTITY, patient, setting=SETTING)
    platform.answers = [(429, {}, {"Retry-After": "17"})]
    for _ in range(17):
        with pytest.raises(TokenEndpointUnavailable):
            used.token(AUDIENCE)
        clock.advance(1)
    assert len(platform.requests) == 1
    assert used.token(AUDIENCE)["access_token"] == "of-the-machine"
    used.close()


@pytest.mark.parametrize(
    "answer",
    [
        requests.ConnectTimeout("no route"),
        (429, {}, {"Retry-After": "17"}),
        (400, {"error": "invalid_request"}),
        (200, {"access_token": "x", "expires_in": "soon"}),
    ],
)
def test_nothing_hangs_on_a_failure_that_msal_has_had_in_hand(platform, answer):
    platform.answers = [answer]
    with pytest.raises((ClientMisconfigured, TokenEndpointUnavailable)) as caught:
        identity(platform).token(AUDIENCE)
    assert [each.__context__ for each in linked(caught.value)] == [None] * 2
    assert all(each.__traceback__ is None for each in linked(caught.value)[1:])


def test_a_refusal_with_an_aadsts_list_stays_the_platforms(platform):
    platform.answers = [(400, {"error": "invalid_resource", "error_codes": [500011]})]
    with pytest.raises(ClientMisconfigured) as caught:
        identity(platform).token(AUDIENCE)
    assert str(cause_of(caught.value)).endswith("the platform answered invalid_resource")


REFUSALS = [
    ({"error": "invalid_request", "error_description": "Identity not found"}, "invalid_request"),
    (
        {"error": "invalid_resource", "error_description": "AADSTS500011: not in tenant contoso"},
        "invalid_resource AADSTS500011",
    ),
    ({"error": "<b>not a word</b>"}, "no token"),
    ({"error": ["a", "list"]}, "no token"),
    ({}, "no token"),
    ({"access_token": "x", "expires_in": "soon"}, "ValueError"),
    ({"access_token": 7, "expires_in": "1"}, "no token"),
]


@pytest.mark.parametrize(("body", "words"), REFUSALS)
def test_an_identity_that_is_not_assigned_is_the_operators_to_mend(platform, events, body, words):
    platform.answers = [(400, body)]
    used = identity(platform)
    with pytest.raises(ClientMisconfigured) as caught:
        used.token(AUDIENCE)
    cause = cause_of(caught.value)
    assert str(cause).endswith(words)
    assert "contoso" not in str(cause)
    assert "Assign the user-assigned identity" in cause.cure
    (told,) = events()
    assert told["outcome"] == "unusable"
    assert told["setting"] == "OBO_MCP_MANAGED_IDENTITY_CLIENT_ID"
    assert used.token(AUDIENCE)["access_token"] == "of-the-machine", "an error was repeated"


def test_those_who_wait_for_a_platform_that_does_not_answer_share_its_failure(platform):
    used, arrived, go = identity(platform), threading.Event(), threading.Event()

    def slow(request, **options):
        platform.requests.append(request)
        arrived.set()
        go.wait(10)
        raise requests.ConnectTimeout

    platform.send = slow
    failures = []

    def ask():
        try:
            used.token(AUDIENCE)
        except TokenEndpointUnavailable as error:
            failures.append(error)

    first = threading.Thread(target=ask)
    first.start()
    assert arrived.wait(10)
    others = [threading.Thread(target=ask) for _ in range(5)]
    for thread in others:
        thread.start()
    while not all(waits_its_turn(thread) for thread in others):
        pass
    go.set()
    for thread in [first, *others]:
        thread.join(10)
    assert len(failures) == 6
    assert len({id(failure) for failure in failures}) == 6
    assert len({id(cause_of(failure)) for failure in failures}) == 1
    assert len(platform.requests) == 1


@pytest.mark.parametrize(
    ("host", "audience"),
    [
        ("https://login.microsoftonline.com", "api://AzureADTokenExchange"),
        ("https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
        ("https://login.partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
        ("https://login.chinacloudapi.cn", "api://AzureADTokenExchangeChina"),
        ("https://localhost:8443", "api://AzureADTokenExchange"),
    ],
)
def test_each_cloud_has_its_own_audience_for_the_exchange(host, audience):
    assert exchange_audience(host) == audience


def test_the_identitys_token_is_our_client_assertion(platform):
    credential = of_managed_identity(identity(platform), AUTHORITY)
    assert credential.current(TENANT) is credential.current("another tenant")
    wire = Wire()
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    application = Applications(
        CLIENT,
        credential.current,
        authority_host=AUTHORITY,
        transport=wire.at(transport),
        token_cache=msal.TokenCache,
    ).of(TENANT)
    application.acquire_token_on_behalf_of("of adele", ["api://x/.default"])
    (form,) = wire.forms
    assert form["client_assertion"] == "of-the-machine"
    assert form["client_assertion_type"].endswith("jwt-bearer")
    assert platform.queries[0]["resource"] == AUDIENCE
    platform.answers = [(400, {"error": "invalid_request"})]
    credential.refused()
    application.acquire_token_on_behalf_of("of adele", ["api://x/.default"])
    assert len(platform.requests) == 1, "the identity's token is kept"
    credential.close()


def test_a_failure_of_the_platform_comes_through_msal_as_it_is(platform):
    platform.answers = [requests.ConnectTimeout()]
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    application = Applications(
        CLIENT,
        of_managed_identity(identity(platform), AUTHORITY).current,
        authority_host=AUTHORITY,
        transport=Wire().at(transport),
        token_cache=msal.TokenCache,
    ).of(TENANT)
    with pytest.raises(TokenEndpointUnavailable) as caught:
        application.acquire_token_on_behalf_of("of adele", ["api://x/.default"])
    assert "MANAGED_IDENTITY" in str(cause_of(caught.value))
