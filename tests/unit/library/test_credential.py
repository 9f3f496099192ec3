"""Which credential the settings name, and what is refused before the server starts."""

import importlib.abc
import sys

import pytest

from obo_mcp.errors import ClientMisconfigured, ConfigurationError, TokenEndpointUnavailable
from obo_mcp.exchange.agent import AgentIdentity
from obo_mcp.exchange.cause import cause_of
from obo_mcp.exchange.certificate import CertificateFile
from obo_mcp.exchange.credential import ClientSecret, credential_of, exchanging_client
from obo_mcp.exchange.federated import Asserted
from obo_mcp.exchange.key_vault import KeyVaultItem
from obo_mcp.exchange.transport import TokenEndpointTransport
from obo_mcp.settings import Settings
from support.certificates import certificate, pem
from support.clock import ManualClock
from support.tokens import CLIENT, NOW, TENANT, key
from support.wire import AUTHORITY, Wire, unsigned

AGENT = "eeeeeeee-1111-4222-8333-444444444444"
IDENTITY = "dddddddd-1111-4222-8333-444444444444"
VAULT = "https://mcp.vault.azure.net/certificates/mcp"


def settings(**options):
    return Settings(
        tenant_id=TENANT,
        client_id=CLIENT,
        resource_url="https://mcp.example/mcp",
        required_scope="mcp.access",
        **options,
    )


def chosen(function=None, **options):
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    return credential_of(settings(**options), ManualClock(float(NOW)), transport, function)


@pytest.fixture
def files(tmp_path):
    ours = key("certificate")
    (tmp_path / "mcp.pem").write_bytes(pem(certificate(ours), of=ours))
    (tmp_path / "token").write_text(unsigned(exp=NOW + 3600))
    return {
        "client_secret": "of-ours",
        "client_certificate_path": tmp_path / "mcp.pem",
        "key_vault_item": VAULT,
        "managed_identity_client_id": IDENTITY,
        "federated_token_file": tmp_path / "token",
    }


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["client_secret"], ClientSecret),
        (["client_certificate_path"], CertificateFile),
        (["key_vault_item"], KeyVaultItem),
        (["key_vault_item", "managed_identity_client_id"], KeyVaultItem),
        (["key_vault_item", "federated_token_file"], KeyVaultItem),
        (["managed_identity_client_id"], Asserted),
        (["federated_token_file"], Asserted),
    ],
)
def test_each_setting_names_its_credential_and_nothing_is_asked_over_the_network(
    files, names, kind
):
    credential = chosen(**{name: files[name] for name in names})
    assert type(credential) is kind
    credential.close()


def test_the_machines_identity_is_not_asked_before_its_retry_after_is_over(files, monkeypatch):
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    credential, wire = chosen(managed_identity_client_id=IDENTITY), Wire()
    wire.at(credential._close.__self__._transport._transport, "http://")
    wire.answers = [(429, {}, {"Retry-After": "60"})]
    for _ in range(3):
        with pytest.raises(TokenEndpointUnavailable):
            credential.current(TENANT)["client_assertion"]({})
    assert len(wire.requests) == 1
    credential.close()


REFUSED_FOR_THE_VAULT = {
    "a policy": ({"error": "invalid_grant", "error_codes": [53003], "claims": "{}"}, (53003,)),
    "consent": ({"error": "x", "suberror": "consent_required", "error_codes": [65001]}, (65001,)),
    "a revoked session": ({"error": "invalid_grant", "error_codes": [50173]}, (50173,)),
}


@pytest.mark.parametrize("refusal", REFUSED_FOR_THE_VAULT)
def test_a_refused_token_for_the_vault_is_never_the_persons_own_failure(files, refusal):
    body, codes = REFUSED_FOR_THE_VAULT[refusal]
    vault, wire = reader_of_a_vault(files)
    wire.answers = [(400, body)]
    with pytest.raises(ClientMisconfigured) as caught:
        vault.get_token("https://vault.azure.net/.default")
    assert (caught.value.claims, cause_of(caught.value).codes) == ("", codes)
    assert cause_of(caught.value).concerns_all


def test_the_authority_is_not_asked_for_the_vaults_token_before_its_retry_after_is_over(files):
    vault, wire = reader_of_a_vault(files)
    wire.answers = [(429, {}, {"Retry-After": "60"})]
    for _ in range(3):
        with pytest.raises(TokenEndpointUnavailable) as caught:
            vault.get_token("https://vault.azure.net/.default")
        assert cause_of(caught.value).asked_seconds is None, "it would hold back one person"
    assert len(wire.forms) == 1


def reader_of_a_vault(files):
    """What reads the vault as the holder of the federated token, and the wire to the authority."""
    wire = Wire()
    transport = TokenEndpointTransport(ca_bundle=None, timeout_seconds=1, connections=1)
    ours = settings(
        key_vault_item=VAULT,
        federated_token_file=files["federated_token_file"],
        authority_host=AUTHORITY,
    )
    credential = credential_of(ours, ManualClock(float(NOW)), wire.at(transport))
    return credential._read.__self__, wire


def test_a_function_is_a_credential():
    credential = chosen(lambda: "assertion")
    assert credential.current(TENANT)["client_assertion"]({}) == "assertion"


def test_a_client_secret_is_the_same_object_each_time():
    secret = chosen(client_secret="of-ours")
    assert secret.current(TENANT) == "of-ours"
    assert secret.current(TENANT) is secret.current("another tenant")
    secret.refused()
    secret.close()


def test_no_credential_at_all_names_every_setting_that_would_do():
    with pytest.raises(ConfigurationError) as caught:
        chosen()
    text = str(caught.value)
    assert text.startswith("OBO_MCP_CLIENT_SECRET: is not set, nor another credential: ")
    for name in Settings.CREDENTIALS:
        assert f"OBO_MCP_{name.upper()}" in text
    assert "\n" not in text


def test_a_function_and_a_setting_are_one_too_many(files):
    for name in files:
        with pytest.raises(ConfigurationError, match=f"OBO_MCP_{name.upper()} is set: choose one"):
            chosen(lambda: "assertion", **{name: files[name]})


def test_an_agent_identity_takes_any_credential_of_its_blueprint(files):
    for name in files:
        agent = chosen(agent_identity_id=AGENT, **{name: files[name]})
        assert type(agent) is AgentIdentity
        agent.close()


def test_the_agent_identity_makes_the_exchanges_where_there_is_one():
    assert exchanging_client(settings()) == CLIENT
    assert exchanging_client(settings(agent_identity_id=AGENT)) == AGENT


def test_an_agent_identity_is_not_its_blueprint():
    with pytest.raises(ConfigurationError, match="OBO_MCP_AGENT_IDENTITY_ID: is the same as"):
        chosen(client_secret="of-ours", agent_identity_id=CLIENT)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("client_secret", "50b657df-1e45-4644-a8e1-412cad13af6d", "CLIENT_SECRET: looks like"),
        ("client_certificate_path", "noise", "CLIENT_CERTIFICATE_PATH: is neither PEM"),
        ("federated_token_file", "noise", "FEDERATED_TOKEN_FILE: does not hold a JWT"),
        ("key_vault_item", "https://mcp.example/secrets/mcp", "KEY_VAULT_ITEM: must begin"),
    ],
)
def test_a_credential_that_cannot_work_stops_the_start_in_one_line(tmp_path, name, value, words):
    if not name.startswith(("client_secret", "key")):
        (tmp_path / "file").write_text(value)
        value = tmp_path / "file"
    with pytest.raises(ConfigurationError, match=words) as caught:
        chosen(**{name: value})
    assert "\n" not in str(caught.value)
    assert "noise" not in str(caught.value)


class WithoutAzure(importlib.abc.MetaPathFinder):
    """An installation without the extra `azure`."""

    def find_spec(self, name, path=None, target=None):
        if name.startswith("azure.keyvault"):
            raise ModuleNotFoundError(name)


def test_a_vault_needs_its_extra_and_says_so(monkeypatch):
    for name in [n for n in sys.modules if n.startswith("azure.keyvault")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "obo_mcp.exchange.vault", raising=False)
    monkeypatch.setattr(sys, "meta_path", [WithoutAzure(), *sys.meta_path])
    with pytest.raises(ConfigurationError, match=r"pip install 'obo-mcp\[azure\]'"):
        chosen(key_vault_item=VAULT)
