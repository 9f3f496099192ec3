"""The key vault: a challenge first, then secrets, and certificates in their secret form."""

import base64
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from support.key_pairs import key_pair

PFX, PEM = "application/x-pkcs12", "application/x-pem-file"


@pytest.fixture(scope="module")
def pair():
    return key_pair()


@pytest.fixture
def bearer(own_world):
    """The managed identity's token for the vault, as a workload gets it."""
    query = {"api-version": "2018-02-01", "resource": "https://vault.azure.net"}
    answer = own_world.http.get(
        "/metadata/identity/oauth2/token", params=query, headers={"Metadata": "true"}
    )
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def put(world, name, value, **more):
    return world.switch("PUT", f"/vault/{name}", {"value": value, **more})["version"]


def get(world, path, headers=None, **query):
    return world.http.get(path, params={"api-version": "7.4"} | query, headers=headers)


def test_who_comes_without_a_token_is_told_where_to_get_one(own_world):
    put(own_world, "secret", "x")
    answer = get(own_world, "/secrets/secret")
    assert answer.status_code == 401
    said = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["www-authenticate"]))
    assert said == {"authorization": own_world.authority, "resource": "https://vault.azure.net"}
    assert answer.json()["error"]["code"] == "Unauthorized"


def test_a_secret_is_given_with_its_version(own_world, bearer):
    old = put(own_world, "practice", "first")
    new = put(own_world, "practice", "second", content_type="text/plain")
    for path in ("/secrets/practice", "/secrets/practice/", f"/secrets/PRACTICE/{new}"):
        body = get(own_world, path, bearer).json()
        assert (body["value"], body["contentType"]) == ("second", "text/plain")
        assert body["id"] == f"{own_world.url}/secrets/practice/{new}"
        assert body["attributes"]["enabled"] is True
    assert get(own_world, f"/secrets/practice/{old}", bearer).json()["value"] == "first"


def test_a_certificates_secret_is_its_pfx(own_world, bearer, pair):
    value = base64.b64encode(pair.pfx()).decode()
    put(own_world, "client", value, content_type=PFX)
    body = get(own_world, "/secrets/client", bearer).json()
    assert (body["contentType"], body["managed"]) == (PFX, True)
    key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(body["value"]), None)
    assert certificate == pair.certificate
    assert key.private_numbers() == pair.key.private_numbers()


def test_a_certificate_itself_shows_no_key(own_world, bearer, pair):
    pem = pair.key_pem + pair.certificate_pem
    version = put(own_world, "client", pem, content_type=PEM)
    assert get(own_world, "/secrets/client", bearer).json()["value"] == pem
    answer = get(own_world, "/certificates/client", bearer)
    body = answer.json()
    assert x509.load_der_x509_certificate(base64.b64decode(body["cer"])) == pair.certificate
    assert (body["x5t"], body["policy"]["secret_props"]["contentType"]) == (pair.x5t, PEM)
    assert body["sid"] == f"{own_world.url}/secrets/client/{version}"
    assert "PRIVATE KEY" not in answer.text


def test_the_vaults_certificate_makes_msal_a_client(own_world, bearer, pair):
    put(own_world, "client", pair.key_pem + pair.certificate_pem, content_type=PEM)
    pem = get(own_world, "/secrets/client", bearer).json()["value"]
    own_world.switch("PUT", "/apps/mcp-server/certificates", {"certificate": pair.certificate_pem})
    app = own_world.msal_confidential(
        credential={"private_key": pem, "thumbprint": pair.thumbprint}
    )
    result = app.acquire_token_on_behalf_of(own_world.mint(), ["api://expenses/.default"])
    assert "error" not in result, result.get("error_description")


TOKENS = {
    "for another resource": {"resource": "mcp-server", "app_only": True},
    "expired": {"resource": "key-vault", "app_only": True, "lifetime_seconds": -5},
    "of a stranger": {"resource": "key-vault", "app_only": True, "foreign_key": True},
}


@pytest.mark.parametrize("order", TOKENS.values(), ids=TOKENS)
def test_a_wrong_token_is_challenged_again(own_world, order):
    put(own_world, "secret", "x")
    token = own_world.mint(**order)
    for authorization in (f"Bearer {token}", "Bearer nonsense", "Bearer", f"Basic {token}"):
        answer = get(own_world, "/secrets/secret", {"authorization": authorization})
        assert answer.status_code == 401
        assert "resource=" in answer.headers["www-authenticate"]
        assert "value" not in answer.json()


def test_a_secret_may_be_for_some_only(own_world, bearer):
    put(own_world, "secret", "x", readers=["connection"])
    answer = get(own_world, "/secrets/secret", bearer)
    assert (answer.status_code, answer.json()["error"]["innererror"]["code"]) == (
        403,
        "ForbiddenByRbac",
    )
    put(own_world, "secret", "x", readers=["connection", "managed-identity"])
    assert get(own_world, "/secrets/secret", bearer).status_code == 200


def test_what_is_not_there_and_what_is_disabled_is_not_given(own_world, bearer):
    for kind, code in (("secrets", "SecretNotFound"), ("certificates", "CertificateNotFound")):
        answer = get(own_world, f"/{kind}/nothing", bearer)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
    put(own_world, "plain", "x")
    assert get(own_world, "/certificates/plain", bearer).status_code == 404
    put(own_world, "plain", "x", enabled=False)
    assert get(own_world, "/secrets/plain", bearer).status_code == 403
    own_world.switch("DELETE", "/vault/plain")
    assert get(own_world, "/secrets/plain", bearer).status_code == 404


def test_the_api_version_must_be_said(own_world, bearer):
    put(own_world, "plain", "x")
    answer = own_world.http.get("/secrets/plain", headers=bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadParameter")


def test_the_log_says_who_asked_and_not_for_what_value(own_world, bearer):
    put(own_world, "plain", "a very private value")
    get(own_world, "/secrets/plain", bearer)
    entry = next(each for each in own_world.log() if each["where"] == "vault")
    assert (entry["client_name"], entry["status"]) == ("managed-identity", 200)
    assert "very private" not in str(own_world.log())


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "value"),
        ({"value": 1}, "type"),
        ({"value": "x", "content_type": PFX}, "certificate"),
        ({"value": "eHg=", "content_type": PFX}, "certificate"),
        ({"value": "x", "content_type": PEM}, "certificate"),
        ({"value": "x", "readers": ["nobody"]}, "nobody"),
        ({"value": "x", "reader": "x"}, "reader"),
    ],
)
def test_a_wrong_order_is_refused_and_changes_nothing(own_world, bearer, body, word):
    put(own_world, "kept", "as it was")
    answer = own_world.http.put("/_tenant/vault/kept", json=body)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True)
    assert get(own_world, "/secrets/kept", bearer).json()["value"] == "as it was"


def test_a_certificate_needs_its_key(own_world, pair):
    for value in (pair.certificate_pem, pair.key_pem):
        body = {"value": value, "content_type": PEM}
        assert own_world.http.put("/_tenant/vault/client", json=body).status_code == 400
    keyless = (None, pair.certificate, None, NoEncryption())
    alone = pkcs12.serialize_key_and_certificates(b"x", *keyless)
    for octets in (alone, pair.pfx("a password")):
        body = {"value": base64.b64encode(octets).decode(), "content_type": PFX}
        assert own_world.http.put("/_tenant/vault/client", json=body).status_code == 400
