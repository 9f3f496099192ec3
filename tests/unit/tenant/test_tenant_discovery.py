import base64

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

DOMAIN = "contoso.example"
FIELDS = {
    *("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"),
    *("device_authorization_endpoint", "end_session_endpoint", "response_types_supported"),
    *("token_endpoint_auth_methods_supported", "response_modes_supported", "scopes_supported"),
    *("subject_types_supported", "id_token_signing_alg_values_supported", "kerberos_endpoint"),
    *("request_uri_parameter_supported", "http_logout_supported", "frontchannel_logout_supported"),
    *("tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases", "msgraph_host"),
    *("tenant_region_scope", "cloud_instance_name", "cloud_graph_host_name", "rbac_url"),
}


def configuration(world, tenant, infix="/v2.0"):
    return world.http.get(f"/{tenant}{infix}/.well-known/openid-configuration")


@pytest.mark.parametrize("infix", ["/v2.0", "//v2.0"])
def test_metadata_is_found_by_tenant_id_and_by_domain(world, infix):
    for name in (world.tenant_id, DOMAIN):
        document = configuration(world, name, infix).json()
        assert document["issuer"] == f"{world.url}/{world.tenant_id}/v2.0"
        assert document["token_endpoint"] == f"{world.authority}/oauth2/v2.0/token"
        assert document.keys() >= FIELDS


@pytest.mark.parametrize("name", ["common", "organizations"])
def test_shared_metadata_has_a_template_for_an_issuer(world, name):
    document = configuration(world, name).json()
    assert document["issuer"] == f"{world.url}/{{tenantid}}/v2.0"
    keys = world.http.get(document["jwks_uri"]).json()["keys"]
    issuers = {world.info["issuer"], world.info["neighbour"]["issuer"]}
    assert {key["issuer"] for key in keys} == issuers
    assert len({key["kid"] for key in keys}) == 4


def test_v1_metadata_names_the_v1_issuer_and_the_same_keys(world):
    first, second = (configuration(world, world.tenant_id, infix).json() for infix in ("", "/v2.0"))
    assert first["issuer"] == f"https://sts.windows.net/{world.tenant_id}/"
    kids = [
        {key["kid"] for key in world.http.get(each["jwks_uri"]).json()["keys"]}
        for each in (first, second)
    ]
    assert kids[0] == kids[1]
    assert first["jwks_uri"] != second["jwks_uri"]


@pytest.mark.parametrize("infix", ["", "/v2.0"])
def test_metadata_of_an_unknown_tenant_is_refused(world, infix):
    answer = configuration(world, "nobody.example", infix)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


def test_two_keys_are_published_with_certificates_that_match(world):
    keys = world.http.get(f"/{world.tenant_id}/discovery/v2.0/keys").json()["keys"]
    assert len(keys) == 2
    for key in keys:
        der = base64.b64decode(key["x5c"][0])
        certificate = x509.load_der_x509_certificate(der)
        thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA1())).decode()
        assert key["x5t"] == key["kid"] == thumbprint.rstrip("=")
        assert jwt.PyJWK(key).key.public_numbers() == certificate.public_key().public_numbers()
        assert (key["kty"], key["use"]) == ("RSA", "sig")
        assert key["issuer"] == world.info["issuer"]


def test_rotation_keeps_earlier_tokens_valid_until_their_key_is_dropped(own_world):
    world = own_world
    token = world.mint()

    def published():
        document = world.http.get(f"/{world.tenant_id}/discovery/v2.0/keys").json()
        return {key["kid"]: jwt.PyJWK(key).key for key in document["keys"]}

    kid = jwt.get_unverified_header(token)["kid"]
    audience = world.apps["mcp-server"]["client_id"]
    for _ in range(2):
        assert jwt.decode(token, published()[kid], ["RS256"], audience=audience)["azp"]
        before = set(published())
        new = set(world.switch("POST", "/keys/rotate")["kids"])
        assert new == set(published())
        assert len(new - before) == 1
        if kid not in new:
            break
    assert kid not in published()
    assert jwt.get_unverified_header(world.mint())["kid"] in published()


def test_instance_discovery_knows_itself_and_nobody_else(world):
    path = "/common/discovery/instance"
    ours = {"authorization_endpoint": f"https://localhost/{world.tenant_id}/oauth2/v2.0/authorize"}
    found = world.http.get(path, params=ours | {"api-version": "1.1"}).json()
    assert found["tenant_discovery_endpoint"] == (
        f"{world.authority}/v2.0/.well-known/openid-configuration"
    )
    assert found["metadata"][0]["preferred_network"] == "localhost"
    theirs = {"authorization_endpoint": "https://login.evil.example/x/oauth2/v2.0/authorize"}
    answer = world.http.get(path, params=theirs)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_instance")
