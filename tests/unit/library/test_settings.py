"""Settings: what is refused, and in which words."""

import pytest

from obo_mcp.errors import ConfigurationError
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings

GUID = "6b2f3a54-90c1-4c1d-8f0e-2d7c5a9e4b10"
GOOD = {
    "tenant_id": GUID,
    "client_id": GUID,
    "client_secret": "hunter2-hunter2",
    "resource_url": "https://mcp.example/mcp",
    "required_scope": "mcp.access",
}


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in GOOD.items():
        monkeypatch.setenv(f"OBO_MCP_{name.upper()}", value)
    return monkeypatch


def test_five_settings_are_enough_and_talk_to_the_public_cloud(environment):
    settings = Settings.from_env()
    assert settings.authority_host == "https://login.microsoftonline.com"
    assert settings.qualified_scope == f"api://{GUID}/mcp.access"
    assert settings.scope_name == "mcp.access"


def test_a_settings_value_made_by_hand_reads_no_environment(environment):
    environment.setenv("OBO_MCP_EXCHANGE_THREADS", "3")
    assert Settings(**GOOD).exchange_threads == 16
    assert Settings.from_env().exchange_threads == 3


def test_azures_own_names_are_read_where_ours_are_absent(environment):
    environment.delenv("OBO_MCP_TENANT_ID")
    environment.setenv("AZURE_TENANT_ID", GUID.upper())
    environment.setenv("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000000")
    assert Settings.from_env().tenant_id == GUID
    assert Settings.from_env().client_id == GUID


def test_our_own_name_in_the_file_wins_over_azures_in_the_environment(environment, tmp_path):
    environment.delenv("OBO_MCP_CLIENT_ID")
    environment.setenv("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000000")
    (tmp_path / ".env").write_text(f"OBO_MCP_CLIENT_ID={GUID}\n")
    assert Settings.from_env().client_id == GUID


def test_an_empty_variable_counts_as_absent(environment):
    environment.setenv("OBO_MCP_CA_BUNDLE", "")
    environment.setenv("OBO_MCP_REQUIRED_SCOPE", "")
    with pytest.raises(ConfigurationError, match=r"^OBO_MCP_REQUIRED_SCOPE: is not set$"):
        Settings.from_env()


def test_a_secret_from_a_file_may_end_in_a_line_break():
    assert Settings(**(GOOD | {"client_secret": "abc\n"})).client_secret == Secret("abc")


def test_a_dotenv_file_that_is_no_text_is_named(environment, tmp_path):
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read as UTF-8"):
        Settings.from_env()


def test_a_dotenv_file_fills_what_the_environment_leaves_open(environment, tmp_path):
    environment.delenv("OBO_MCP_REQUIRED_SCOPE")
    (tmp_path / ".env").write_text("OBO_MCP_REQUIRED_SCOPE=from.file\nUNRELATED=1\n")
    assert Settings.from_env().required_scope == "from.file"


WRONG = [
    ("tenant_id", "contoso"),
    ("tenant_id", ""),
    ("client_id", "not-a-guid"),
    ("client_secret", ""),
    ("client_secret", "01234567-89ab-cdef-0123-456789abcdef"),
    ("resource_url", "mcp.example/mcp"),
    ("resource_url", "http://mcp.example/mcp"),
    ("resource_url", "https://mcp.example/mcp?x=1"),
    ("resource_url", "https://mcp.example/mcp#x"),
    ("resource_url", "https://user:pass@mcp.example/mcp"),
    ("resource_url", "ftp://mcp.example/mcp"),
    ("required_scope", ""),
    ("required_scope", "two scopes"),
    ("required_scope", 'quo"te'),
    ("required_scope", "api://x/"),
    ("client_secret", "   "),
    ("client_secret", 7),
    ("resource_url", "https://h/m→cp"),
    ("resource_url", 'https://h/a"b'),
    ("resource_url", "https://h/a b"),
    ("resource_url", "https://[bad/mcp"),
    ("resource_url", "https://h:port/mcp"),
    ("required_scope", ".default"),
    ("required_scope", "api://x/.default"),
    ("required_scope", "openid"),
    ("required_scope", "foo/bar"),
    ("authority_host", "login.example "),
    ("authority_host", "login.ex→ample"),
    ("ca_bundle", "/tmp"),
    ("authority_host", "http://login.example"),
    ("authority_host", "https://login.example/tenant"),
    ("required_scope", "mcp.äccess"),
    ("identifier_uri", "expenses"),
    ("identifier_uri", "api://x/"),
    ("identifier_uri", 'api://x"'),
    ("ca_bundle", "/no/such/file.pem"),
    ("leeway_seconds", "61"),
    ("leeway_seconds", "-1"),
    ("exchange_threads", "0"),
    ("cache_entries", "many"),
    ("token_endpoint_timeout_seconds", "0"),
    ("allowed_tenants", "contoso.example"),
    ("allowed_tenants", f"{GUID}, common"),
    ("allowed_tenants", "9188040d-6c67-4c5b-b112-36a304b66dad"),
    ("allowed_clients", "my-client"),
    ("agent_callers", "maybe"),
    ("required_app_role", "two roles"),
    ("token_versions", "2"),
    ("token_versions", "3.0"),
    ("token_versions", ()),
    ("allowed_hosts", "https://proxy.example"),
    ("allowed_hosts", "proxy.example/path"),
    ("allowed_hosts", "*.example"),
    ("allowed_origins", "*"),
    ("allowed_origins", "app.example"),
    ("allowed_origins", "https://app.example/path"),
    ("max_body_bytes", "100"),
    ("allowed_clients", ","),
    ("allowed_tenants", " , "),
    ("authority_host", "https://contoso.b2clogin.com"),
    ("client_certificate_path", "/no/such/file.pem"),
    ("federated_token_file", "/no/such/token"),
    ("key_vault_item", "https://v.vault.azure.net/keys/name"),
    ("key_vault_item", "http://v.vault.azure.net/secrets/name"),
    ("managed_identity_client_id", "system"),
    ("agent_identity_id", "my-agent"),
    ("redis_url", "http://:hunter2@cache.example"),
    ("redis_url", "redis://a, cache.example:6379"),
    ("redis_timeout_seconds", "0"),
    ("redis_timeout_seconds", "2"),
    ("cache_keys", "c2hvcnQ="),
    ("cache_keys", "no base64 at all !!"),
    ("step_up", "maybe"),
    ("consent_redirect_url", "http://mcp.example/back"),
]


@pytest.mark.promise("P-08")
@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{n}={v}"[:32] for n, v in WRONG])
def test_a_wrong_value_is_refused_in_one_line_that_names_the_setting(name, value):
    with pytest.raises(ConfigurationError) as caught:
        Settings(**(GOOD | {name: value}))
    text = str(caught.value)
    assert text.startswith(f"OBO_MCP_{name.upper()}: ")
    assert "\n" not in text
    assert not isinstance(value, str) or len(value) < 5 or value not in text


@pytest.mark.parametrize("name", [name for name in GOOD if name != "client_secret"])
def test_a_missing_value_is_named(name):
    with pytest.raises(ConfigurationError, match=f"^OBO_MCP_{name.upper()}: is not set$"):
        Settings(**{key: value for key, value in GOOD.items() if key != name})


RING = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OTHER = "6b2f3a54-0000-4c1d-8f0e-2d7c5a9e4b10"
TOGETHER = [
    ({"managed_identity_client_id": OTHER}, "CLIENT_SECRET and OBO_MCP_MANAGED_IDENTITY_CLIENT_ID"),
    ({"key_vault_item": "https://v.vault.azure.net/secrets/s"}, "choose one credential"),
    ({"redis_url": "redis://:hunter2@h"}, "OBO_MCP_REDIS_URL is set without OBO_MCP_CACHE_KEYS"),
    (
        {"redis_cluster": True, "redis_sentinel_service": "m"},
        "OBO_MCP_REDIS_CLUSTER and OBO_MCP_REDIS_SENTINEL_SERVICE",
    ),
    ({"redis_cluster": True}, "OBO_MCP_REDIS_CLUSTER is set without OBO_MCP_REDIS_URL"),
    ({"redis_sentinel_service": "m"}, "SENTINEL_SERVICE is set without OBO_MCP_REDIS_URL"),
]


@pytest.mark.promise("P-08")
@pytest.mark.parametrize(("values", "words"), TOGETHER, ids=[words for _, words in TOGETHER])
def test_settings_that_do_not_go_together_are_refused_in_one_line(values, words):
    with pytest.raises(ConfigurationError) as caught:
        Settings(**GOOD, **values)
    text = str(caught.value)
    assert words in text
    assert text.startswith("OBO_MCP_")
    assert "\n" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize("way", [{"managed_identity_client_id": OTHER}, {}])
def test_a_vault_item_may_say_who_reads_it(way):
    values = {name: value for name, value in GOOD.items() if name != "client_secret"}
    item = "https://v.vault.azure.net/certificates/ours/"
    assert Settings(**values, **way, key_vault_item=item).key_vault_item == item[:-1]


def test_a_ring_of_two_keys_is_read_in_its_order():
    other = RING.replace("M", "N", 1).replace("=", "")
    settings = Settings(**GOOD, cache_keys=f"{RING}, {other}")
    assert settings.cache_keys == (Secret(RING), Secret(other))
    assert RING not in repr(settings)


def test_azures_federated_file_gives_way_to_a_credential_of_ours(environment, tmp_path):
    (tmp_path / "token").write_text("x")
    environment.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    assert Settings.from_env().federated_token_file is None
    environment.delenv("OBO_MCP_CLIENT_SECRET")
    assert Settings.from_env().federated_token_file == tmp_path / "token"
    environment.setenv("AZURE_CLIENT_SECRET", "theirs")
    assert Settings.from_env().federated_token_file is None
    assert Settings.from_env().client_secret == Secret("theirs")


def test_azures_federated_file_is_the_way_into_a_vault_of_ours(environment, tmp_path):
    (tmp_path / "token").write_text("x")
    environment.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    environment.setenv("AZURE_CLIENT_SECRET", "theirs")
    environment.delenv("OBO_MCP_CLIENT_SECRET")
    environment.setenv("OBO_MCP_KEY_VAULT_ITEM", "https://v.vault.azure.net/certificates/ours")
    settings = Settings.from_env()
    assert settings.federated_token_file == tmp_path / "token"
    assert settings.client_secret is None
    environment.setenv("OBO_MCP_MANAGED_IDENTITY_CLIENT_ID", OTHER)
    assert Settings.from_env().federated_token_file is None


def test_a_password_without_its_certificate_is_a_mistake_unless_it_is_azures(environment):
    with pytest.raises(ConfigurationError, match=r"PASSWORD is set without .*CERTIFICATE_PATH"):
        Settings(**GOOD, client_certificate_password="hunter2-hunter2")
    environment.setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", "theirs")
    assert Settings.from_env().client_certificate_password is None


def test_a_keyword_that_is_no_setting_is_refused():
    with pytest.raises(ConfigurationError, match="OBO_MCP_TENNANT_ID"):
        Settings(**GOOD, tennant_id=GUID)


def test_no_secret_is_printed():
    settings = Settings(**GOOD)
    assert "hunter2" not in repr(settings) + str(settings)
    assert settings.client_secret == Secret("hunter2-hunter2")


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Settings(**GOOD).tenant_id = GUID


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://MCP.example/mcp/", "https://mcp.example/mcp"),
        ("https://mcp.example/", "https://mcp.example"),
        ("https://mcp.example:443/mcp", "https://mcp.example/mcp"),
        ("https://mcp.example:/mcp", "https://mcp.example/mcp"),
        ("https://mcp.example:80/mcp", "https://mcp.example:80/mcp"),
        ("http://127.0.0.1:80/mcp", "http://127.0.0.1/mcp"),
        ("http://127.0.0.1:8000/mcp", "http://127.0.0.1:8000/mcp"),
    ],
)
def test_the_resource_url_is_kept_in_its_canonical_form(given, kept):
    assert Settings(**(GOOD | {"resource_url": given})).resource_url == kept


def test_an_authority_host_may_be_a_bare_name():
    settings = Settings(**GOOD, authority_host="login.microsoftonline.us")
    assert settings.authority_host == "https://login.microsoftonline.us"


def test_a_scope_that_is_already_qualified_stays_as_it_is():
    settings = Settings(**(GOOD | {"required_scope": "https://mcp.example/mcp/mcp.access"}))
    assert settings.qualified_scope == "https://mcp.example/mcp/mcp.access"
    assert settings.scope_name == "mcp.access"


def test_lists_are_words_between_commas_or_blanks(environment):
    other = "00000000-0000-4000-8000-000000000000"
    environment.setenv("OBO_MCP_ALLOWED_TENANTS", f"{GUID.upper()}, {other} {GUID}")
    environment.setenv("OBO_MCP_ALLOWED_CLIENTS", other)
    environment.setenv("OBO_MCP_ALLOWED_HOSTS", "Proxy.internal:8080,[::1]:9")
    environment.setenv("OBO_MCP_ALLOWED_ORIGINS", "https://App.example")
    environment.setenv("OBO_MCP_TOKEN_VERSIONS", "2.0")
    settings = Settings.from_env()
    assert settings.tenants == (GUID, other)
    assert settings.allowed_clients == (other,)
    assert settings.allowed_hosts == ("proxy.internal:8080", "[::1]:9")
    assert settings.allowed_origins == ("https://app.example",)
    assert settings.token_versions == ("2.0",)


def test_without_a_list_our_own_tenant_is_admitted_alone():
    assert Settings(**GOOD).tenants == (GUID,)
    assert Settings(**GOOD).token_versions == ("1.0", "2.0")


@pytest.mark.parametrize(
    ("url", "is_local"),
    [("https://mcp.example/mcp", False), ("http://localhost:1/mcp", True), ("http://[::1]/", True)],
)
def test_a_resource_on_this_machine_is_local(url, is_local):
    assert Settings(**(GOOD | {"resource_url": url})).is_local is is_local


def test_our_own_tenant_comes_first_wherever_it_is_listed():
    others = ("00000000-0000-4000-8000-000000000000", "f0000000-0000-4000-8000-000000000000")
    assert Settings(**GOOD, allowed_tenants=(*others, GUID)).tenants == (GUID, *others)
    assert Settings(**GOOD, allowed_tenants=others).tenants == others


def test_the_schemes_own_port_is_left_out_as_clients_do():
    settings = Settings(
        **GOOD,
        authority_host="https://login.microsoftonline.com:443",
        allowed_origins=("https://chat.example:443", "https://chat.example:444"),
    )
    assert settings.authority_host == "https://login.microsoftonline.com"
    assert settings.allowed_origins == ("https://chat.example", "https://chat.example:444")


def test_every_uri_of_ours_is_an_audience_of_v1_tokens():
    scope = "api://contoso.example/mcp/mcp.access"
    settings = Settings(**(GOOD | {"required_scope": scope, "identifier_uri": "https://mcp.ex/a"}))
    uris = {"api://contoso.example/mcp", "https://mcp.ex/a", f"api://{GUID}"}
    assert settings.audience_uris == uris | {f"{uri}/" for uri in uris}
