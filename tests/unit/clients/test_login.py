import io
import json
import stat
import threading
from contextlib import redirect_stderr, redirect_stdout

import certifi
import pytest

from obo_cli import login
from obo_cli.credentials import CredentialStore, Login
from unit.clients.browser import Browser


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def words(entra, store):
    """The options of `obo-mcp login` for the tenant's desktop app."""
    scope = f"{entra.apps['mcp-server']['identifier_uri']}/mcp.access"
    return [
        "login", "--tenant", entra.facts["tenant_id"],
        "--client-id", entra.apps["user-app"]["client_id"], "--scope", scope,
        "--authority-host", entra.url, "--ca-bundle", entra.ca_path, "--store", store,
    ]  # fmt: skip


@pytest.fixture
def sign_in(entra, store):
    """One person signing in, with the browser in the test's hands; gives (result, said)."""

    def run(person, way, scopes=("mcp.access",)):
        server, said, threads = entra.apps["mcp-server"], [], []
        target = Login(
            authority=entra.facts["authority"],
            client_id=entra.apps["user-app"]["client_id"],
            scopes=tuple(f"{server['identifier_uri']}/{scope}" for scope in scopes),
            account="",
            ca_bundle=str(entra.ca_path),
        )

        def announce(text):
            said.append(text)
            enter_code(entra, person, text)

        def open_browser(address):
            threads.append(threading.Thread(target=visit, args=(entra, person, address)))
            threads[-1].start()

        credentials = CredentialStore(store)
        one = login.SignIn(
            store=credentials, target=target, announce=announce, open_browser=open_browser
        )
        result = one.with_browser() if way == "browser" else one.with_device_code()
        for thread in threads:
            thread.join(10)
        return login.finish(credentials, target, result), result, said

    return run


def visit(entra, person, address):
    with Browser(entra.ca_path, entra.people[person]) as browser:
        browser.sign_in(address)


def enter_code(entra, person, text):
    address = next(word for word in text.split() if word.startswith("https://"))
    code = text.rpartition("code ")[2].split()[0]
    with Browser(entra.ca_path, entra.people[person]) as browser:
        browser.sign_in(address, user_code=code)


@pytest.mark.parametrize("way", ["browser", "device-code"])
def test_a_person_signs_in_and_the_sign_in_is_kept(entra, store, sign_in, way):
    login, result, said = sign_in("adele", way)
    assert result["id_token_claims"]["oid"] == entra.people["adele"]["oid"]
    assert CredentialStore(store).last() == login
    assert login.account == entra.people["adele"]["oid"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in store.iterdir())
    assert len(said) == (way == "device-code")


def test_a_sign_in_serves_later_calls_without_the_person(entra, obo, sign_in, store, delegated_url):
    sign_in("megan", "device-code")
    result = obo("call", delegated_url, "whoami", "--json", "--store", store)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"oid": entra.people["megan"]["oid"]}


def test_an_expired_token_is_renewed_silently(entra, obo, sign_in, store, delegated_url):
    sign_in("megan", "device-code")
    age_access_tokens(store)
    before = entra.grants("refresh_token")
    assert obo("call", delegated_url, "whoami", "--store", store).exit_code == 0
    assert entra.grants("refresh_token") == before + 1


def test_a_revoked_sign_in_ends_with_3_and_entras_words(entra, obo, sign_in, store, delegated_url):
    sign_in("lynne", "device-code")
    age_access_tokens(store)
    entra.revoke_sign_ins("lynne")
    result = obo("call", delegated_url, "whoami", "--store", store)
    assert result.exit_code == 3
    assert "AADSTS" in result.stderr
    assert "obo-mcp login" in result.stderr
    assert "@" not in result.stderr


def age_access_tokens(store):
    """Rewrite the kept token as one that has run out, as waiting an hour would."""
    (file,) = store.glob("tokens-*.json")
    cache = json.loads(file.read_text())
    for token in cache["AccessToken"].values():
        token["expires_on"] = token["extended_expires_on"] = "1"
    file.write_text(json.dumps(cache))


def test_the_last_to_sign_in_is_the_default(entra, obo, sign_in, store, delegated_url):
    sign_in("adele", "device-code")
    sign_in("megan", "device-code")
    result = obo("call", delegated_url, "whoami", "--json", "--store", store)
    assert json.loads(result.stdout) == {"oid": entra.people["megan"]["oid"]}


class EnteringStderr(io.StringIO):
    """A terminal whose reader types the device code as soon as it is shown."""

    def __init__(self, entra, person):
        super().__init__()
        self.entra, self.person = entra, person

    def write(self, text):
        if "https://" in text:
            enter_code(self.entra, self.person, text)
        return super().write(text)


def test_the_verb_signs_in_and_reports_no_address(entra, obo_app, words, store):
    stdout, stderr = io.StringIO(), EnteringStderr(entra, "adele")
    with redirect_stdout(stdout), redirect_stderr(stderr):
        obo_app([*map(str, words), "--device-code", "--json"], standalone_mode=False)
    report = json.loads(stdout.getvalue())
    assert report["oid"] == entra.people["adele"]["oid"]
    assert report["tenant_id"] == entra.facts["tenant_id"]
    assert any(scope.endswith("mcp.access") for scope in report["scopes"])
    assert 0 < report["expires_in_seconds"] <= 7200
    assert report["stored_in"].startswith(str(store))
    assert f"Signed in as Adele Vance, tenant {report['tenant_id']}." in stderr.getvalue()
    assert "@" not in stdout.getvalue() + stderr.getvalue()


def test_signing_out_leaves_nothing_behind(obo, sign_in, store):
    sign_in("adele", "device-code")
    assert obo("login", "--logout", "--store", store).exit_code == 0
    assert list(store.iterdir()) == []
    again = obo("login", "--logout", "--store", store)
    assert (again.exit_code, again.stderr) == (0, "Nobody was signed in.\n")


@pytest.mark.parametrize("kept", ["{ half", '{"scopes": 3}'])
def test_signing_out_works_when_the_memory_of_the_sign_in_is_damaged(obo, sign_in, store, kept):
    sign_in("adele", "device-code")
    (store / "last-login.json").write_text(kept)
    again = obo("login", "--store", store)
    assert (again.exit_code, "obo-mcp login --logout" in again.stderr) == (2, True)
    assert obo("login", "--logout", "--store", store).exit_code == 0
    assert list(store.iterdir()) == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [("--tenant", "Name --tenant"), ("--client-id", "Name --tenant"), ("--scope", "Name --tenant")],
)
def test_a_first_sign_in_needs_to_know_where_and_for_what(obo, words, missing, said):
    at = words.index(missing)
    result = obo(*words[:at], *words[at + 2 :])
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_authority_without_tls_is_refused(obo, words, entra):
    result = obo(*words, "--authority-host", entra.url.replace("https:", "http:"))
    assert result.exit_code == 2
    assert "must be an https address" in result.stderr


def test_an_unknown_tenant_ends_with_2(obo, words):
    result = obo(*words, "--tenant", "nobody.example", "--device-code")
    assert result.exit_code == 2
    assert "check the tenant" in result.stderr


def test_an_unknown_client_ends_with_3_and_entras_words(obo, words):
    result = obo(*words, "--client-id", "7f3ad9b0-0000-4000-8000-000000000000", "--device-code")
    assert result.exit_code == 3
    assert "AADSTS700016" in result.stderr
    assert "Trace ID" not in result.stderr


def test_an_authority_that_is_down_ends_with_4(obo, words):
    result = obo(*words, "--authority-host", "https://localhost:9", "--device-code")
    assert result.exit_code == 4
    assert "cannot be reached" in result.stderr


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_named_ca_bundle_wins_over_the_environment(obo, words, variable):
    """An unknown client gets as far as the token endpoint: the certificate was accepted."""
    client = ["--client-id", "7f3ad9b0-0000-4000-8000-000000000000"]
    result = obo(*words, *client, "--device-code", env={variable: certifi.where()})
    assert "AADSTS700016" in result.stderr


def test_without_the_ca_bundle_the_certificate_is_not_trusted(obo, words):
    at = words.index("--ca-bundle")
    result = obo(
        *words[:at], *words[at + 2 :], "--device-code",
        env={"SSL_CERT_FILE": certifi.where(), "REQUESTS_CA_BUNDLE": certifi.where()},
    )  # fmt: skip
    assert result.exit_code == 4
    assert "not trusted here (see --ca-bundle)" in result.stderr


def test_a_missing_ca_bundle_ends_with_2(obo, words, tmp_path):
    result = obo(*words, "--ca-bundle", tmp_path / "nothing.pem", "--device-code")
    assert result.exit_code == 2
    assert "nothing.pem cannot be read" in result.stderr
