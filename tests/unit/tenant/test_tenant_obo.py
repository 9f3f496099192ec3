import base64
import json

import jwt
import pytest

DEFAULT = "https://graph.microsoft.com/.default"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OTHER = "11111111-2222-3333-4444-555555555555"


def test_the_downstream_token_is_the_persons_and_names_the_middle_tier(world):
    body = world.obo(scope=f"{DEFAULT} openid profile offline_access", client_info="1").json()
    claims = world.claims(body["access_token"])
    assert claims["aud"] == "https://graph.microsoft.com"
    assert claims["oid"] == world.people["adele"]["oid"]
    assert claims["appid"] == world.apps["mcp-server"]["client_id"]
    assert (claims["ver"], claims["idtyp"], claims["tid"]) == ("1.0", "user", world.tenant_id)
    assert claims["iss"] == f"https://sts.windows.net/{world.tenant_id}/"
    assert {"Mail.Read", "User.Read", "openid"} <= set(claims["scp"].split())
    assert claims["exp"] - claims["iat"] == body["expires_in"] == body["ext_expires_in"]
    assert DEFAULT in body["scope"].split()
    assert "https://graph.microsoft.com/Mail.Read" in body["scope"].split()
    assert body["token_type"] == "Bearer"
    info = json.loads(base64.urlsafe_b64decode(body["client_info"] + "=="))
    assert info == {"uid": world.people["adele"]["oid"], "utid": world.tenant_id}
    assert {"id_token", "refresh_token"} <= body.keys()


def test_extras_come_only_when_asked_for(world):
    assert world.obo().json().keys() == {
        "token_type",
        "scope",
        "expires_in",
        "ext_expires_in",
        "access_token",
    }


def test_a_named_scope_is_granted_alone_and_in_its_own_spelling(world):
    body = world.obo(scope="https://graph.microsoft.com/mail.read").json()
    assert body["scope"] == "https://graph.microsoft.com/Mail.Read"
    assert world.claims(body["access_token"])["scp"] == "Mail.Read"


def test_another_resource_than_graph_gets_its_own_kind_of_token(world):
    body = world.obo(scope="api://expenses/.default").json()
    claims = world.claims(body["access_token"])
    assert claims["aud"] == world.apps["expenses-api"]["client_id"]
    assert (claims["ver"], claims["scp"], claims["azpacr"]) == ("2.0", "Expenses.Read", "1")
    assert claims["iss"] == world.info["issuer"]


def test_a_downstream_token_does_not_count_at_its_own_middle_tier(world, check_refused):
    inner = world.obo(scope="api://expenses/.default").json()["access_token"]
    check_refused(world.obo(inner), 500131, "invalid_grant")


def test_a_graph_token_is_no_assertion_and_no_stranger_can_verify_it(world, check_refused):
    token = world.obo().json()["access_token"]
    assert "nonce" in jwt.get_unverified_header(token)
    keys = world.http.get(f"/{world.tenant_id}/discovery/v2.0/keys").json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(jwt.PyJWK(each) for each in keys if each["kid"] == kid)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, key.key, ["RS256"], options={"verify_aud": False})
    assert world.local.tenant.check_graph_token(token)["oid"] == world.people["adele"]["oid"]
    check_refused(world.obo(token), 50013, "invalid_grant")


ASSERTIONS = {
    "signed by a stranger under our key id": ({"foreign_key": True}, 50013, "invalid_grant"),
    "from another issuer": (
        {"claims": {"iss": "https://login.example/v2.0"}},
        50013,
        "invalid_grant",
    ),
    "expired": ({"lifetime_seconds": -10}, 500133, "invalid_grant"),
    "not valid yet": ({"claims": {"nbf": 4_000_000_000}}, 500133, "invalid_grant"),
    "without an expiry": ({"claims": {"exp": None}}, 500133, "invalid_grant"),
    "an ID token": ({"id_token": True}, 240002, "invalid_grant"),
    "for another audience": ({"resource": "expenses-api"}, 500131, "invalid_grant"),
    "app-only": ({"app_only": True}, 7000114, "unauthorized_client"),
    "app-only of an agent": (
        {"app_only": True, "client": "agent-identity"},
        7000114,
        "unauthorized_client",
    ),
    "without a scope": ({"claims": {"scp": None}}, 7000114, "unauthorized_client"),
    "of nobody": ({"claims": {"oid": OTHER}}, 50034, "invalid_grant"),
}


@pytest.mark.parametrize(("order", "code", "error"), ASSERTIONS.values(), ids=ASSERTIONS)
def test_an_assertion_is_refused(world, check_refused, order, code, error):
    check_refused(world.obo(world.mint(**order)), code, error)


@pytest.mark.parametrize("text", ["nonsense", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30."])
def test_an_assertion_that_is_no_token_is_refused(world, text):
    answer = world.obo(text)
    assert answer.status_code == 400
    assert answer.json()["error_codes"][0] in {50013, 50027}


def test_an_unsigned_assertion_under_our_key_id_is_refused(world, check_refused):
    claims = world.claims(world.mint())
    kid = jwt.get_unverified_header(world.mint())["kid"]
    unsigned = jwt.encode(claims, None, "none", headers={"kid": kid})
    check_refused(world.obo(unsigned), 50013, "invalid_grant")


def test_a_v1_assertion_by_identifier_uri_counts(world):
    token = world.mint(version=1)
    assert world.claims(token)["aud"] == world.apps["mcp-server"]["identifier_uri"]
    assert world.obo(token).status_code == 200


CLIENTS = {
    "unknown client": ({"client_id": OTHER}, (700016, "unauthorized_client")),
    "no client id": ({"client_id": None}, (900144, "invalid_request")),
    "wrong secret": ({"client_secret": "guess"}, (7000215, "invalid_client", 401)),
    "no secret": ({"client_secret": None}, (7000218, "invalid_client", 401)),
    "a client assertion that is no token": (
        {"client_secret": None, "client_assertion": "a.b.c", "client_assertion_type": JWT_BEARER},
        (50027, "invalid_request"),
    ),
    "a public client": ({"app": "user-app"}, (7000218, "invalid_client", 401)),
    "a public client with a secret": (
        {"app": "user-app", "client_secret": "x"},
        (700025, "invalid_client", 401),
    ),
}


@pytest.mark.parametrize(("form", "refusal"), CLIENTS.values(), ids=CLIENTS)
def test_a_client_is_refused_before_its_assertion_is_read(world, check_refused, form, refusal):
    check_refused(world.obo("not even a token", **form), *refusal)


SCOPES = {
    "unknown resource": ("api://nowhere/.default", 500011, "invalid_resource"),
    "unknown scope": ("api://expenses/Expenses.Write", 650053, "invalid_scope"),
    "unqualified, so Graph's": ("mcp.access", 650053, "invalid_scope"),
    "default beside a name": (f"{DEFAULT} Mail.Read", 70011, "invalid_scope"),
    "characters no scope has": ('Mail.Read"', 70011, "invalid_scope"),
    "no resource at all": ("openid profile", 28002, "invalid_scope"),
    "two resources": (f"{DEFAULT} api://expenses/.default", 700022, "invalid_scope"),
    "blank": (" ", 900144, "invalid_request"),
}


@pytest.mark.parametrize(("scope", "code", "error"), SCOPES.values(), ids=SCOPES)
def test_a_scope_is_refused(world, check_refused, scope, code, error):
    check_refused(world.obo(scope=scope), code, error)


def test_an_unqualified_scope_is_said_to_be_missing_on_graph(world):
    words = world.obo(scope="mcp.access").json()["error_description"]
    assert "00000003-0000-0000-c000-000000000000" in words


def test_the_resource_parameter_must_be_the_scopes_own(world, check_refused):
    assert world.obo(scope="api://expenses/.default", resource="api://expenses").status_code == 200
    for resource in ("api://expenses/", "https://graph.microsoft.com", "https://mcp.example/mcp"):
        answer = world.obo(scope="api://expenses/.default", resource=resource)
        check_refused(answer, 9010010, "invalid_target")


def test_a_person_who_did_not_consent_is_named_as_such(world, check_refused):
    body = check_refused(world.obo(world.mint(person="diego")), 65001, "invalid_grant")
    assert body["suberror"] == "consent_required"


def test_consent_can_be_given_and_taken_back(own_world, check_refused):
    consent = {
        "client": "mcp-server",
        "person": "diego",
        "resource": "graph",
        "scopes": ["Mail.Read", "User.Read"],
    }
    token = own_world.mint(person="diego")
    own_world.switch("PUT", "/consents", consent)
    granted = own_world.claims(own_world.obo(token).json()["access_token"])
    assert granted["scp"] == "Mail.Read User.Read"
    wider = own_world.obo(token, scope="https://graph.microsoft.com/Mail.Send")
    check_refused(wider, 65001, "invalid_grant")
    own_world.switch("DELETE", "/consents", consent | {"scopes": []})
    check_refused(own_world.obo(token), 65001, "invalid_grant")


def test_an_administrators_consent_counts_for_everybody(own_world, check_refused):
    consent = {
        "client": "mcp-server",
        "person": None,
        "resource": "graph",
        "scopes": ["User.Read"],
    }
    token = own_world.mint(person="diego")
    own_world.switch("PUT", "/consents", consent)
    assert own_world.obo(token).status_code == 200
    own_world.switch("DELETE", "/consents", consent | {"scopes": []})
    check_refused(own_world.obo(token), 65001, "invalid_grant")
    check_refused(own_world.obo(), 65001, "invalid_grant")


def test_a_disabled_person_is_refused_until_enabled_again(own_world, check_refused):
    token = own_world.mint(person="alex")
    own_world.switch("PATCH", "/people/alex", {"enabled": False})
    check_refused(own_world.obo(token), 50057, "invalid_grant")
    own_world.switch("PATCH", "/people/alex", {"enabled": True})
    assert own_world.obo(token).status_code == 200


def test_revoked_sessions_end_earlier_tokens_but_not_later_ones(own_world, check_refused):
    earlier = own_world.mint(person="alex")
    own_world.switch("PATCH", "/people/alex", {"sessions_revoked": True})
    later = own_world.mint(person="alex")
    check_refused(own_world.obo(earlier), 50173, "invalid_grant")
    assert own_world.obo(later).status_code == 200
    own_world.switch("PATCH", "/people/alex", {"sessions_revoked": False})
    assert own_world.obo(earlier).status_code == 200


def test_checks_come_in_entras_order(own_world):
    """Each request has every later fault too; the first check that fails must answer."""
    world = own_world
    world.switch("PATCH", "/people/diego", {"enabled": False})
    bad = {"scope": "api://nowhere/x"}
    wrong_audience = {"aud": "x", "scp": None}
    steps = [
        (world.obo("x", **bad, client_secret="guess"), 7000215),
        (
            world.obo(world.mint(person="diego", foreign_key=True, lifetime_seconds=-1), **bad),
            50013,
        ),
        (
            world.obo(
                world.mint(person="diego", lifetime_seconds=-1, claims=wrong_audience), **bad
            ),
            500133,
        ),
        (world.obo(world.mint("expenses-api", person="diego", id_token=True), **bad), 240002),
        (world.obo(world.mint(person="diego", claims=wrong_audience), **bad), 500131),
        (world.obo(world.mint(person="diego", claims={"scp": None}), **bad), 7000114),
        (world.obo(world.mint(person="diego"), **bad), 50057),
    ]
    world.switch("PATCH", "/people/diego", {"enabled": True})
    token = world.mint(person="diego")
    steps += [
        (world.obo(token, scope="api://nowhere/x Nonsense"), 500011),
        (world.obo(token, scope="Nonsense"), 650053),
        (world.obo(token), 65001),
    ]
    assert [answer.json()["error_codes"][0] for answer, _ in steps] == [code for _, code in steps]


def test_missing_and_wrong_parameters_are_named(world, check_refused):
    for name in ("assertion", "scope", "requested_token_use", "grant_type"):
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"} | {
            "assertion": world.mint(),
            "scope": DEFAULT,
            "requested_token_use": "on_behalf_of",
        }
        body = check_refused(world.post_token(**form | {name: None}), 900144, "invalid_request")
        assert name in body["error_description"]
    check_refused(world.obo(requested_token_use="other"), 90023, "invalid_request")
    check_refused(world.post_token(grant_type="password"), 70003, "unsupported_grant_type")


def test_a_v1_assertion_counts_in_the_spelling_the_tenant_gave_it(
    own_world, check_landed, check_refused
):
    world, browser = own_world, own_world.browser()
    world.switch("PATCH", "/apps/mcp-server", {"requested_access_token_version": 1})
    uri = f"{world.apps['mcp-server']['identifier_uri']}/"
    page = browser.sign_in(browser.authorize(scope=f"{uri}/mcp.access"))
    form = {"grant_type": "authorization_code", "code": check_landed(browser.decide(page))["code"]}
    body = world.post_token("user-app", redirect_uri="http://localhost:8400", **form).json()
    assert world.claims(body["access_token"])["aud"] == uri
    assert world.obo(body["access_token"]).status_code == 200
    twice = world.mint(version=1, claims={"aud": f"{uri}/"})
    check_refused(world.obo(twice), 500131, "invalid_grant")


def test_a_scope_named_twice_in_two_cases_is_granted_once(world):
    body = world.obo(
        scope="https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/mail.read"
    ).json()
    assert body["scope"] == "https://graph.microsoft.com/Mail.Read"
    assert world.claims(body["access_token"])["scp"] == "Mail.Read"
