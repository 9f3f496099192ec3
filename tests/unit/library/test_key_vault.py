"""An item of a Key Vault: when it is read, what becomes of it, what trouble does."""

import base64
import logging
from datetime import UTC, datetime, timedelta

import pytest
import requests
from azure.core.pipeline.transport import RequestsTransport

from obo_mcp.errors import ClientMisconfigured, ConfigurationError, TokenEndpointUnavailable
from obo_mcp.exchange.cause import TransportFailure, cause_of
from obo_mcp.exchange.credential_fault import misconfigured, source_of, unavailable
from obo_mcp.exchange.key_vault import Item, KeyVaultItem
from obo_mcp.exchange.vault import Vault
from obo_mcp.observe import AUDIT_LOGGER, fields_of
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings
from support.certificates import certificate, pem, pfx
from support.clock import ManualClock
from support.linked import held, linked
from support.tokens import CLIENT, NOW, TENANT, key
from support.wire import Wire

OURS = key("certificate")
LEAF = certificate(OURS)
PFX, PEM = "application/x-pkcs12", "application/x-pem-file"
HOUR = 3600


class Reading:
    """What the vault holds, and how often it was read."""

    def __init__(self, text="of the vault", content_type=""):
        self.put(text, content_type)
        self.reads = 0
        self.trouble = None

    def put(self, text, content_type=""):
        self.item = Item(Secret(text), content_type)

    def __call__(self):
        self.reads += 1
        if self.trouble:
            raise self.trouble
        return self.item


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    return lambda: [fields_of(line) for line in caplog.records if fields_of(line)]


@pytest.fixture
def clock():
    return ManualClock(float(NOW))


def item(reading, clock, *, is_certificate=False, send_chain=False, **more):
    return KeyVaultItem(
        reading, is_certificate=is_certificate, send_chain=send_chain, clock=clock, **more
    )


def test_a_secret_is_read_with_the_first_exchange_and_again_each_hour(clock):
    reading = Reading()
    used = item(reading, clock)
    assert reading.reads == 0
    assert used.current(TENANT) == "of the vault"
    clock.advance(HOUR - 1)
    used.current("another tenant")
    assert reading.reads == 1
    clock.advance(1)
    used.current(TENANT)
    assert reading.reads == 2


def test_the_same_object_comes_until_the_vault_holds_another_version(clock, events):
    reading = Reading(pem(LEAF, of=OURS).decode(), PEM)
    used = item(reading, clock, is_certificate=True)
    first = used.current(TENANT)
    clock.advance(HOUR)
    assert used.current(TENANT) is first
    reading.put(pem(certificate(OURS), of=OURS).decode(), PEM)
    clock.advance(HOUR)
    assert used.current(TENANT) is not first
    assert [told["outcome"] for told in events()] == ["renewed"]


def test_after_a_refusal_it_is_read_again_but_once_a_minute(clock):
    reading = Reading()
    used = item(reading, clock)
    used.current(TENANT)
    for _ in range(5):
        used.refused()
        used.current(TENANT)
    assert reading.reads == 1
    clock.advance(60)
    used.current(TENANT)
    assert reading.reads == 2
    used.refused()
    used.refused()
    reading.put("another")
    clock.advance(59)
    assert used.current(TENANT) == "of the vault"
    clock.advance(1)
    assert used.current(TENANT) == "another"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (base64.b64encode(pfx(LEAF, of=OURS)).decode(), PFX),
        (pem(LEAF, of=OURS).decode(), PEM),
    ],
)
@pytest.mark.parametrize("is_certificate", [True, False])
def test_a_certificate_is_one_by_its_address_or_by_its_content_type(
    clock, text, kind, is_certificate
):
    used = item(Reading(text, kind), clock, is_certificate=is_certificate, send_chain=True)
    value = used.current(TENANT)
    assert value["private_key"].public_key() == OURS.public_key()
    assert value["public_certificate"].startswith("-----BEGIN CERTIFICATE-----MII")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("of the vault", "no certificate in it"),
        ("e30=", "neither PEM nor a PFX"),
        (pem(LEAF).decode(), "no private key in it"),
        (
            pem(certificate(OURS, ends=datetime(2026, 9, 1, tzinfo=UTC),
                            begins=datetime(2026, 1, 1, tzinfo=UTC)), of=OURS).decode(),
            "expired on 2026-09-01",
        ),
    ],
)  # fmt: skip
def test_a_certificate_that_cannot_be_used_is_told_with_the_first_exchange(
    clock, events, text, words
):
    used = item(Reading(text), clock, is_certificate=True)
    with pytest.raises(ClientMisconfigured) as caught:
        used.current(TENANT)
    assert words in str(cause_of(caught.value))
    assert str(cause_of(caught.value)).startswith("OBO_MCP_KEY_VAULT_ITEM: ")
    assert [told["outcome"] for told in events()] == ["unusable"]
    assert linked(caught.value) == [caught.value, caught.value.__cause__]
    assert "PRIVATE KEY" not in held(caught.value)


def test_a_vault_that_never_answered_is_asked_by_each_exchange(clock):
    reading = Reading()
    reading.trouble = TokenEndpointUnavailable()
    used = item(reading, clock)
    for _ in range(2):
        with pytest.raises(TokenEndpointUnavailable):
            used.current(TENANT)
    reading.trouble = None
    assert used.current(TENANT) == "of the vault"
    assert reading.reads == 3


def test_a_vault_that_refuses_is_asked_once_a_minute_while_there_is_no_value(clock, events):
    reading = Reading()
    reading.trouble = misconfigured("key_vault_item", "the vault answered 403", "Give the role.")
    used, failures = item(reading, clock), []
    for _ in range(60):
        with pytest.raises(ClientMisconfigured) as caught:
            used.current(TENANT)
        failures.append(caught.value)
        clock.advance(0.999)
        used.refused()  # so does the exchange that met it
    assert reading.reads == 1
    assert len(set(map(id, failures))) == 60, "each would lengthen the traceback of one"
    assert {cause_of(failure).cure for failure in failures} == {"Give the role."}
    assert all(cause_of(failure).concerns_all for failure in failures)
    assert all(linked(failure) == [failure, failure.__cause__] for failure in failures)
    reading.trouble = None
    clock.advance(0.06)
    assert used.current(TENANT) == "of the vault"
    assert used.current(TENANT) == "of the vault"
    assert reading.reads == 2


def patience(seconds):
    met = TokenEndpointUnavailable(retry_after_seconds=seconds)
    met.__cause__ = TransportFailure("HTTP 429", asked_seconds=seconds)
    return unavailable("key_vault_item", met, "Wait.")


@pytest.mark.parametrize("seconds", [7, 300])
def test_a_vault_that_asks_for_patience_gets_it_to_the_second(clock, seconds):
    reading = Reading()
    reading.trouble = patience(seconds)
    used = item(reading, clock)
    for left in range(seconds, 0, -1):
        with pytest.raises(TokenEndpointUnavailable) as caught:
            used.current(TENANT)
        assert caught.value.retry_after_seconds == left
        assert cause_of(caught.value).asked_seconds is None, "it would hold back one person"
        used.refused()
        clock.advance(1)
    assert reading.reads == 1
    reading.trouble = None
    assert used.current(TENANT) == "of the vault"


def test_a_vault_that_asks_for_more_than_a_minute_gets_it_while_the_former_value_serves(clock):
    reading = Reading()
    used = item(reading, clock)
    used.current(TENANT)
    reading.trouble = patience(300)
    clock.advance(HOUR)
    for _ in range(300):
        assert used.current(TENANT) == "of the vault"
        used.refused()
        clock.advance(1)
    assert reading.reads == 2
    used.current(TENANT)
    assert reading.reads == 3


def test_while_it_is_read_again_nobody_waits(clock):
    reading = Reading()
    used = item(reading, clock)
    first = used.current(TENANT)
    clock.advance(HOUR)
    during = []
    read = reading.__call__
    used._read = lambda: during.append(used.current(TENANT)) or read()
    used.current(TENANT)
    assert during == [first]


@pytest.mark.parametrize("trouble", [TokenEndpointUnavailable(), ClientMisconfigured()])
def test_later_trouble_leaves_the_former_value_for_a_minute_and_is_told(clock, events, trouble):
    reading = Reading()
    used = item(reading, clock)
    used.current(TENANT)
    reading.trouble = trouble
    clock.advance(HOUR)
    for _ in range(3):
        assert used.current(TENANT) == "of the vault"
    assert reading.reads == 2
    assert [told["outcome"] for told in events()] == ["kept"]
    clock.advance(60)
    used.current(TENANT)
    assert reading.reads == 3


def test_the_last_days_of_a_certificate_are_told(clock, events):
    soon = certificate(OURS, ends=datetime.fromtimestamp(NOW, UTC) + timedelta(days=3))
    used = item(Reading(pem(soon, of=OURS).decode(), PEM), clock, is_certificate=True)
    used.current(TENANT)
    used.current(TENANT)
    (told,) = events()
    assert (told["outcome"], told["setting"]) == ("expiring", "OBO_MCP_KEY_VAULT_ITEM")


def test_closing_closes_what_it_reads_through(clock):
    closed = []
    item(Reading(), clock, close=lambda: closed.append(True)).close()
    assert closed == [True]


def test_no_secret_shows_in_a_repr(clock):
    used = item(Reading("hunter2"), clock)
    used.current(TENANT)
    assert "hunter2" not in repr(used)
    assert "hunter2" not in repr(Reading("hunter2").item)


# --- which vaults ---------------------------------------------------------------------------------


def settings(address):
    return Settings(
        tenant_id=TENANT,
        client_id=CLIENT,
        resource_url="https://mcp.example/mcp",
        required_scope="mcp.access",
        key_vault_item=address,
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://mcp.vault.azure.net/secrets/mcp",
        "https://MCP.vault.azure.net/certificates/mcp/",
        "https://mcp.vault.usgovcloudapi.net/secrets/mcp",
        "https://mcp.vault.azure.cn/secrets/mcp",
        "https://localhost:8443/secrets/mcp",
        "https://127.0.0.1:8443/secrets/mcp",
    ],
)
def test_a_vault_of_azures_or_of_this_machine_is_taken(address, clock):
    assert Vault(settings(address), lambda resource: {}, clock)


@pytest.mark.parametrize(
    "address",
    [
        "https://mcp.example/secrets/mcp",
        "https://vault.azure.net/secrets/mcp",
        "https://mcp.vault.azure.net.example/secrets/mcp",
        "https://mcpvault.azure.net/secrets/mcp",
        "http://localhost:8443/secrets/mcp",
    ],
)
def test_our_token_for_the_vault_goes_nowhere_else(address, clock):
    with pytest.raises(ConfigurationError, match="OBO_MCP_KEY_VAULT_ITEM") as caught:
        Vault(settings(address), lambda resource: {}, clock)
    assert "example" not in str(caught.value)


def test_azures_client_asks_for_a_token_of_the_resource_and_gets_it_with_its_end(clock):
    asked = []

    def granted(resource):
        asked.append(resource)
        return {"access_token": "t", "expires_in": 60}

    vault = Vault(settings("https://mcp.vault.azure.net/secrets/mcp"), granted, clock)
    token = vault.get_token("https://vault.azure.net/.default", tenant_id="theirs", enable_cae=True)
    assert asked == ["https://vault.azure.net"]
    assert (token.token, token.expires_on) == ("t", NOW + 60)


# --- what the vault says --------------------------------------------------------------------------

ADDRESS = "https://mcp.vault.azure.net"
CHALLENGE = {
    "WWW-Authenticate": 'Bearer authorization="https://login.example/t", '
    'resource="https://vault.azure.net"'
}
HELLO = 401, {}, CHALLENGE


def granted(resource):
    return {"access_token": "hunter2-of-the-vault", "expires_in": 3600}


def vault_that_answers(clock, *answers, granted=granted):
    wire, session = Wire(), requests.Session()
    wire.answers = [HELLO, *answers]
    session.mount("https://", wire)
    vault = Vault(settings(f"{ADDRESS}/secrets/mcp"), granted, clock)
    vault._options["transport"] = RequestsTransport(session=session, session_owner=False)
    return vault


def test_what_it_holds_is_read(clock):
    vault = vault_that_answers(
        clock, (200, {"value": "of the vault", "id": f"{ADDRESS}/secrets/mcp/1"})
    )
    assert vault.read() == Item(Secret("of the vault"), "")


ANSWERS = {
    "a refusal": (
        (403, {"error": {"code": "Forbidden"}}),
        ClientMisconfigured,
        "answered 403",
        None,
    ),
    "an outage": ((503, {}), TokenEndpointUnavailable, "answered 503", None),
    "patience": ((429, {}, {"Retry-After": "300"}), TokenEndpointUnavailable, "answered 429", 300),
    "no answer": (requests.ConnectionError("of azure"), TokenEndpointUnavailable, "Error", None),
    "nonsense": ((200, ["no", "secret"]), TokenEndpointUnavailable, "Error", None),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_its_answers_become_failures_of_ours_on_which_nothing_of_azures_hangs(clock, answer):
    said, kind, words, seconds = ANSWERS[answer]
    with pytest.raises(kind) as caught:
        vault_that_answers(clock, said).read()
    assert words in str(cause_of(caught.value))
    assert source_of(caught.value) == seconds
    assert linked(caught.value) == [caught.value, caught.value.__cause__]
    assert "hunter2-of-the-vault" not in held(caught.value)


def test_who_gives_no_token_for_the_vault_fails_with_a_failure_of_its_own(clock):
    def granted(resource):
        raise misconfigured("key_vault_item", "no such identity", "Assign it.")

    with pytest.raises(ClientMisconfigured) as caught:
        vault_that_answers(clock, granted=granted).read()
    assert cause_of(caught.value).cure == "Assign it."
    assert linked(caught.value) == [caught.value, caught.value.__cause__]
