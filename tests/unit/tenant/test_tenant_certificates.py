"""Secrets and certificates of a confidential client (Entra, "certificate credentials")."""

import json
from uuid import uuid4

import jwt
import pytest

from obo_tenant.clock import SYSTEM_CLOCK
from support.key_pairs import key_pair

DEFAULT = "https://graph.microsoft.com/.default"
OTHER = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def pair():
    return key_pair()


@pytest.fixture(scope="module")
def stranger():
    return key_pair()


@pytest.fixture(scope="module")
def registered(world, pair):
    """The tenant of the session, whose `connection` has a certificate beside its secret."""
    world.switch("PUT", "/apps/connection/certificates", {"certificate": pair.certificate_pem})
    yield world
    world.switch("DELETE", "/apps/connection/certificates", {})


def assertion(world, pair, *, algorithm="RS256", header=None, key=None, **changes):
    """A client assertion of `connection`; a change to None leaves the member out."""
    client_id = world.apps["connection"]["client_id"]
    now = SYSTEM_CLOCK()
    claims = {
        "aud": f"{world.authority}/oauth2/v2.0/token",
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid4()),
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    } | changes
    told = {name: value for name, value in claims.items() if value is not None}
    header = {"x5t": pair.x5t} if header is None else header
    signed = pair.key if key is None else key
    return jwt.encode(told, signed, algorithm, headers=header)


def ask(world, text, **form):
    fields = {"grant_type": "client_credentials", "scope": DEFAULT, **world.asserted(text), **form}
    return world.post_token("connection", **fields)


# --- MSAL ----------------------------------------------------------------------------------------


def forms(pair, folder):
    path = folder / "client.pfx"
    path.write_bytes(pair.pfx("a password"))
    pfx = {"private_key_pfx_path": str(path), "passphrase": "a password"}
    pem = {"private_key": pair.key_pem}
    return {
        "thumbprint": pem | {"thumbprint": pair.thumbprint},
        "thumbprint and x5c": pem
        | {"thumbprint": pair.thumbprint, "public_certificate": pair.certificate_pem},
        "PEM alone": pem | {"public_certificate": pair.certificate_pem},
        "PFX": pfx,
        "PFX and x5c": pfx | {"public_certificate": True},
    }


@pytest.mark.parametrize(
    "form", ["thumbprint", "thumbprint and x5c", "PEM alone", "PFX", "PFX and x5c"]
)
def test_msal_proves_itself_by_a_certificate_in_any_form(own_world, pair, tmp_path, form):
    own_world.switch("PUT", "/apps/mcp-server/certificates", {"certificate": pair.certificate_pem})
    app = own_world.msal_confidential(credential=forms(pair, tmp_path)[form])
    result = app.acquire_token_on_behalf_of(own_world.mint(), ["api://expenses/.default"])
    assert "error" not in result, result.get("error_description")
    claims = own_world.claims(result["access_token"])
    assert (claims["oid"], claims["azpacr"]) == (own_world.people["adele"]["oid"], "2")
    again = app.acquire_token_on_behalf_of(own_world.mint(), [DEFAULT])
    assert own_world.claims(again["access_token"])["appidacr"] == "2"


@pytest.mark.parametrize("form", ["thumbprint", "PEM alone"])
def test_msal_is_told_of_a_certificate_that_nobody_registered(world, stranger, tmp_path, form):
    """A certificate in `x5c` does not register itself."""
    app = world.msal_confidential(credential=forms(stranger, tmp_path)[form])
    result = app.acquire_token_on_behalf_of(world.mint(), [DEFAULT])
    assert (result["error"], result["error_codes"]) == ("invalid_client", [700027])
    assert "not registered" in result["error_description"]


def test_an_expired_certificate_is_refused_as_such(own_world, check_refused):
    old = key_pair(begins_in_days=-40, ends_in_days=-10)
    own_world.switch("PUT", "/apps/connection/certificates", {"certificate": old.certificate_pem})
    body = check_refused(ask(own_world, assertion(own_world, old)), 700027, "invalid_client", 401)
    assert "expired on application" in body["error_description"]


def test_a_certificate_that_is_not_valid_yet_is_refused(own_world, check_refused):
    new = key_pair(begins_in_days=1)
    own_world.switch("PUT", "/apps/connection/certificates", {"certificate": new.certificate_pem})
    check_refused(ask(own_world, assertion(own_world, new)), 700027, "invalid_client", 401)


def test_old_and_new_certificate_count_until_one_is_removed(
    own_world, pair, stranger, check_refused
):
    path = "/apps/connection/certificates"
    for each in (pair, stranger):
        own_world.switch("PUT", path, {"certificate": each.certificate_pem})
    for each in (pair, stranger):
        assert ask(own_world, assertion(own_world, each)).status_code == 200
    own_world.switch("DELETE", path, {"x5t#S256": pair.x5t_s256})
    check_refused(ask(own_world, assertion(own_world, pair)), 700027, "invalid_client", 401)
    assert ask(own_world, assertion(own_world, stranger)).status_code == 200


def test_a_certificate_is_good_at_every_tenant_the_application_is_in(own_world, pair):
    own_world.switch("PUT", "/apps/mcp-server/certificates", {"certificate": pair.certificate_pem})
    credential = {"private_key": pair.key_pem, "thumbprint": pair.thumbprint}
    neighbour = own_world.info["neighbour"]["authority"]
    app = own_world.msal_confidential(authority=neighbour, credential=credential)
    result = app.acquire_token_on_behalf_of(own_world.mint(person="nora"), [DEFAULT])
    assert "error" not in result, result.get("error_description")


# --- the assertion itself ------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
@pytest.mark.parametrize(
    "names",
    [
        lambda pair: {"x5t": pair.x5t},
        lambda pair: {"x5t": pair.x5t + "="},
        lambda pair: {"x5t#S256": pair.x5t_s256},
        lambda pair: {"x5t#S256": pair.x5t_s256 + "=", "x5c": ["MIIB\nAgMB\n"]},
        lambda pair: {"kid": pair.x5t},
    ],
    ids=["x5t", "x5t padded", "x5t#S256", "padded, with x5c", "kid"],
)
def test_a_certificate_is_named_in_several_ways(registered, pair, algorithm, names):
    text = assertion(registered, pair, algorithm=algorithm, header=names(pair))
    answer = ask(registered, text)
    assert answer.status_code == 200, answer.text
    assert registered.claims(answer.json()["access_token"])["appidacr"] == "2"


@pytest.mark.parametrize(
    "audience",
    [
        "{authority}/oauth2/v2.0/token",
        "{authority}/oauth2/token",
        "{authority}/v2.0",
        "{authority}/",
        "{url}/contoso.example/oauth2/v2.0/token",
        "https://sts.windows.net/{tenant_id}/",
    ],
)
def test_the_tenant_may_be_meant_by_any_of_its_names(registered, pair, audience):
    told = audience.format(
        authority=registered.authority, url=registered.url, tenant_id=registered.tenant_id
    )
    for each in (told, [told]):
        assert ask(registered, assertion(registered, pair, aud=each)).status_code == 200


def test_an_assertion_needs_no_beginning_and_no_number(registered, pair):
    text = assertion(registered, pair, nbf=None, iat=None, jti=None)
    assert [ask(registered, text).status_code for _ in range(2)] == [200, 200]


WRONG = {
    "of another issuer": ({"iss": OTHER}, 700021),
    "about another subject": ({"sub": OTHER}, 700021),
    "of another application": ({"iss": OTHER, "sub": OTHER}, 700021),
    "for another tenant": ({"aud": "https://localhost/elsewhere/oauth2/v2.0/token"}, 700023),
    "for a resource": ({"aud": "api://AzureADTokenExchange"}, 700023),
    "expired": ({"exp": SYSTEM_CLOCK() - 1}, 700024),
    "without an end": ({"exp": None}, 700024),
    "with an end that is no time": ({"exp": 1e300}, 700024),
    "not yet valid": ({"nbf": SYSTEM_CLOCK() + 3600}, 700024),
}


@pytest.mark.parametrize(("changes", "code"), WRONG.values(), ids=WRONG)
def test_a_true_signature_under_wrong_claims_is_refused(
    registered, pair, check_refused, changes, code
):
    text = assertion(registered, pair, **changes)
    check_refused(ask(registered, text), code, "invalid_client", 401)


@pytest.mark.parametrize("name", ["iss", "sub", "aud"])
def test_a_missing_claim_is_named(registered, pair, check_refused, name):
    text = assertion(registered, pair, **{name: None})
    body = check_refused(ask(registered, text), 90014, "invalid_request")
    assert f"'{name}'" in body["error_description"]


def test_a_strangers_signature_under_our_thumbprint_is_refused(
    registered, pair, stranger, check_refused
):
    text = assertion(registered, pair, key=stranger.key)
    body = check_refused(ask(registered, text), 700027, "invalid_client", 401)
    assert "use of the key to verify the signature failed" in body["error_description"]


def test_a_thumbprint_that_nobody_registered_is_refused(registered, stranger, check_refused):
    body = check_refused(
        ask(registered, assertion(registered, stranger)), 700027, "invalid_client", 401
    )
    assert "The key was not found" in body["error_description"]


def test_a_certificate_of_another_application_is_refused(registered, pair, check_refused):
    text = assertion(registered, pair)
    answer = registered.obo(**registered.asserted(text))  # as the MCP server
    check_refused(answer, 700027, "invalid_client", 401)


def test_a_header_without_a_thumbprint_is_refused(registered, pair, check_refused):
    text = assertion(registered, pair, header={"x5c": ["MIIB"]})
    check_refused(ask(registered, text), 5002723, "invalid_client", 401)


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS512"])
def test_another_algorithm_is_refused(registered, pair, check_refused, algorithm):
    key = {"HS256": "a secret of thirty-two characters", "none": ""}.get(algorithm, pair.key)
    text = assertion(registered, pair, algorithm=algorithm, key=key)
    body = check_refused(ask(registered, text), 5002738, "invalid_client", 401)
    assert algorithm in body["error_description"]


@pytest.mark.parametrize("text", ["nonsense", "a.b.c", "..", "e30.e30.e30", "e30.WzFd.e30"])
def test_what_is_no_token_is_refused(world, check_refused, text):
    check_refused(ask(world, text), 50027, "invalid_request")


def test_the_type_of_the_assertion_must_be_said(registered, pair, check_refused):
    text = assertion(registered, pair)
    body = check_refused(
        ask(registered, text, client_assertion_type=None), 900144, "invalid_request"
    )
    assert "client_assertion_type" in body["error_description"]
    answer = ask(
        registered,
        text,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
    )
    check_refused(answer, 90023, "invalid_request")


def test_a_public_client_may_present_none(registered, pair, check_refused):
    answer = registered.post_token(
        "user-app", grant_type="x", **registered.asserted(assertion(registered, pair))
    )
    check_refused(answer, 700025, "invalid_client", 401)


# --- secrets -------------------------------------------------------------------------------------


def test_old_and_new_secret_count_until_the_old_one_expires(timed_world, clock, check_refused):
    world, path = timed_world, "/apps/mcp-server/secrets"
    old = world.apps["mcp-server"]["client_secret"]
    new = world.switch("PUT", path, {})["secret"]
    world.switch("PUT", path, {"secret": old, "expires_in_seconds": 60})
    assert [world.obo(client_secret=each).status_code for each in (old, new)] == [200, 200]
    clock.advance(61)
    check_refused(world.obo(world.mint(), client_secret=old), 7000222, "invalid_client", 401)
    assert world.obo(world.mint(), client_secret=new).status_code == 200
    assert world.switch("GET", "/")["apps"]["mcp-server"]["client_secret"] == new


def test_msal_is_told_that_its_secret_expired(own_world):
    app = own_world.msal_confidential()
    secret = own_world.apps["mcp-server"]["client_secret"]
    order = {"secret": secret, "expires_in_seconds": -1}
    own_world.switch("PUT", "/apps/mcp-server/secrets", order)
    result = app.acquire_token_on_behalf_of(own_world.mint(), [DEFAULT])
    assert (result["error"], result["error_codes"]) == ("invalid_client", [7000222])


def test_a_secret_can_be_removed_and_comes_back(own_world, check_refused):
    path, secret = "/apps/mcp-server/secrets", own_world.apps["mcp-server"]["client_secret"]
    own_world.switch("DELETE", path, {"secret": secret})
    check_refused(own_world.obo(), 7000215, "invalid_client", 401)
    assert "client_secret" not in own_world.switch("GET", "/")["apps"]["mcp-server"]
    own_world.switch("PUT", path, {"secret": secret})
    assert own_world.obo().status_code == 200
    own_world.switch("DELETE", path, {})
    check_refused(own_world.obo(), 7000215, "invalid_client", 401)


# --- the switches --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("PUT", "/apps/nothing/certificates", {"certificate": "x"}, "nothing"),
        ("PUT", "/apps/mcp-server/certificates", {}, "certificate"),
        ("PUT", "/apps/mcp-server/certificates", {"certificate": "x"}, "PEM"),
        ("PUT", "/apps/mcp-server/certificates", {"certificate": 1}, "type"),
        ("DELETE", "/apps/mcp-server/certificates", {"x5t#S256": "x"}, "no such certificate"),
        ("PUT", "/apps/mcp-server/secrets", {"secret": "x", "expires": 1}, "expires"),
        ("PUT", "/apps/mcp-server/secrets", {"expires_in_seconds": "1"}, "type"),
        ("DELETE", "/apps/mcp-server/secrets", {"secret": "x"}, "no such secret"),
        ("PUT", "/apps/agent-identity/secrets", {}, "blueprint"),
        ("PUT", "/apps/agent-identity/certificates", {"certificate": "x"}, "blueprint"),
        ("PUT", "/apps/user-app/secrets", {}, "user-app"),
        ("PUT", "/apps/managed-identity/secrets", {}, "managed-identity"),
        ("PUT", "/apps/graph/secrets", {}, "graph"),
    ],
)
def test_a_wrong_order_is_refused_in_words_and_changes_nothing(world, method, path, body, word):
    answer = world.http.request(method, f"/_tenant{path}", json=body)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True), answer.text
    assert world.obo().status_code == 200


def test_a_short_key_is_not_registered(world):
    body = {"certificate": key_pair(bits=1024).certificate_pem}
    answer = world.http.put("/_tenant/apps/mcp-server/certificates", json=body)
    assert (answer.status_code, "2048" in answer.json()["error"]) == (400, True)


def test_the_log_holds_no_secret_and_no_assertion(own_world, pair):
    world = own_world
    added = world.switch("PUT", "/apps/connection/secrets", {})["secret"]
    world.switch("PUT", "/apps/connection/certificates", {"certificate": pair.certificate_pem})
    text = assertion(world, pair)
    token = ask(world, text).json()["access_token"]
    world.post_token("connection", grant_type="client_credentials", client_secret=added)
    log = json.dumps(world.log())
    assert not [each for each in (added, text, token) if each in log]
