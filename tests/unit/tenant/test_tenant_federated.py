"""Trust in somebody else's tokens (Entra, "Workload identity federation")."""

import jwt
import pytest

AUDIENCE = "api://AzureADTokenExchange"
DEFAULT = "https://graph.microsoft.com/.default"
SUBJECT = "system:serviceaccount:tools:mcp-server"
ORDER = {"namespace": "tools", "service_account": "mcp-server"}


def trust(world, issuer, subject, app="mcp-server", audience=AUDIENCE):
    body = {"issuer": issuer, "subject": subject, "audience": audience}
    world.switch("PUT", f"/apps/{app}/federated", body)


def service_account(world, **order):
    return world.switch("POST", "/cluster/tokens", ORDER | order)["token"]


@pytest.fixture(scope="module")
def trusting(world):
    """The tenant of the session, whose MCP server trusts the cluster."""
    trust(world, world.info["cluster_issuer"], SUBJECT)
    yield world
    world.switch("DELETE", "/apps/mcp-server/federated", {})


def ask(world, text, app="mcp-server"):
    form = {"grant_type": "client_credentials", "scope": DEFAULT, **world.asserted(text)}
    return world.post_token(app, **form)


def test_msal_exchanges_with_a_service_accounts_token(trusting):
    credential = {"client_assertion": lambda: service_account(trusting)}
    app = trusting.msal_confidential(credential=credential)
    result = app.acquire_token_on_behalf_of(trusting.mint(), ["api://expenses/.default"])
    assert "error" not in result, result.get("error_description")
    claims = trusting.claims(result["access_token"])
    assert (claims["oid"], claims["azpacr"]) == (trusting.people["adele"]["oid"], "2")


def test_anybody_can_check_the_clusters_tokens(world):
    issuer = world.info["cluster_issuer"]
    about = world.http.get(f"{issuer}/.well-known/openid-configuration").json()
    assert about["issuer"] == issuer
    token = service_account(world)
    kid = jwt.get_unverified_header(token)["kid"]
    keys = world.http.get(about["jwks_uri"]).json()["keys"]
    key = next(jwt.PyJWK(each) for each in keys if each["kid"] == kid)
    claims = jwt.decode(token, key, ["RS256"], audience=AUDIENCE, issuer=issuer)
    assert claims["sub"] == SUBJECT


WRONG = {
    "of another issuer": ({"claims": {"iss": "https://elsewhere.example"}}, 700211),
    "of the same issuer with a slash": ({"claims": {"iss": "{issuer}/"}}, 700211),
    "for another audience": ({"audience": "https://kubernetes.default.svc"}, 700212),
    "for the audience in another case": ({"audience": AUDIENCE.lower()}, 700212),
    "about another account": ({"service_account": "default"}, 700213),
    "about another namespace": ({"namespace": "default"}, 700213),
    "about the account in another case": ({"service_account": "MCP-server"}, 7002138),
    "signed by a stranger": ({"foreign_key": True}, 700027),
    "expired": ({"lifetime_seconds": -5}, 700024),
    "not yet valid": ({"claims": {"nbf": 4_000_000_000, "exp": 4_000_000_001}}, 700024),
}


@pytest.mark.parametrize(("order", "code"), WRONG.values(), ids=WRONG)
def test_a_service_accounts_token_is_refused(trusting, check_refused, order, code):
    if "claims" in order:
        issuer = trusting.info["cluster_issuer"]
        told = {name: value for name, value in order["claims"].items() if name != "iss"}
        if "iss" in order["claims"]:
            told["iss"] = order["claims"]["iss"].replace("{issuer}", issuer)
        order = order | {"claims": told}
    answer = ask(trusting, service_account(trusting, **order))
    check_refused(answer, code, "invalid_client", 401)


def test_an_application_that_trusts_nobody_says_what_it_was_shown(world, check_refused):
    answer = ask(world, service_account(world), "connection")
    body = check_refused(answer, 70021, "invalid_client", 401)
    for part in (world.info["cluster_issuer"], SUBJECT, AUDIENCE):
        assert f"'{part}'" in body["error_description"]


def test_an_issuer_out_of_reach_is_said_to_be(own_world, check_refused):
    trust(own_world, "https://oidc.elsewhere.example", SUBJECT)
    token = service_account(own_world, claims={"iss": "https://oidc.elsewhere.example"})
    check_refused(ask(own_world, token), 50166, "invalid_request")


def test_trust_can_be_taken_back(own_world, check_refused):
    issuer = own_world.info["cluster_issuer"]
    trust(own_world, issuer, SUBJECT)
    trust(own_world, issuer, "system:serviceaccount:tools:other")
    token = service_account(own_world)
    assert ask(own_world, token).status_code == 200
    own_world.switch("DELETE", "/apps/mcp-server/federated", {"subject": SUBJECT})
    check_refused(ask(own_world, token), 700213, "invalid_client", 401)
    own_world.switch("DELETE", "/apps/mcp-server/federated", {})
    check_refused(ask(own_world, token), 70021, "invalid_client", 401)


def test_a_token_expires_while_it_lies_there(timed_world, clock, check_refused):
    trust(timed_world, timed_world.info["cluster_issuer"], SUBJECT)
    token = service_account(timed_world, lifetime_seconds=60)
    assert ask(timed_world, token).status_code == 200
    clock.advance(61)
    check_refused(ask(timed_world, token), 700024, "invalid_client", 401)


# --- Entra itself as the issuer ------------------------------------------------------------------


def test_a_persons_token_is_no_credential(own_world, check_refused):
    trust(own_world, own_world.info["issuer"], own_world.claims(own_world.mint())["sub"])
    check_refused(ask(own_world, own_world.mint()), 700229, "invalid_client", 401)


def test_an_applications_token_for_another_audience_is_no_credential(own_world, check_refused):
    identity = own_world.apps["managed-identity"]["principal_id"]
    trust(own_world, own_world.info["issuer"], identity)
    token = own_world.mint(client="managed-identity", app_only=True)
    check_refused(ask(own_world, token), 700212, "invalid_client", 401)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "issuer"),
        ({"issuer": "https://x.example"}, "subject"),
        ({"issuer": 1, "subject": "x"}, "type"),
        ({"issuer": "https://x.example", "subject": "x", "audiences": []}, "audiences"),
    ],
)
def test_a_wrong_order_is_refused_in_words(world, body, word):
    answer = world.http.put("/_tenant/apps/connection/federated", json=body)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True)


def test_an_application_has_at_most_twenty(own_world):
    for number in range(20):
        trust(own_world, "https://x.example", str(number))
    trust(own_world, "https://x.example", "19")  # it is there already
    body = {"issuer": "https://x.example", "subject": "20"}
    answer = own_world.http.put("/_tenant/apps/mcp-server/federated", json=body)
    assert (answer.status_code, "20" in answer.json()["error"]) == (400, True)


def test_a_token_that_is_not_there_to_be_removed_is_said_not_to_be(world):
    for body in ({"issuer": "x"}, {"subject": "x"}):
        path = "/_tenant/apps/connection/federated"
        assert world.http.request("DELETE", path, json=body).status_code == 400


@pytest.mark.parametrize(
    "body", [{"lifetime": 1}, {"lifetime_seconds": 10**9}, {"namespace": 1}, {"claims": []}]
)
def test_a_wrong_order_for_a_token_is_refused(world, body):
    assert world.http.post("/_tenant/cluster/tokens", json=body).status_code == 400
