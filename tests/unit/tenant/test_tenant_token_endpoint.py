import base64
import random

import pytest

from obo_tenant.keys import KeyRing
from obo_tenant.mint import Mint

DEFAULT = "https://graph.microsoft.com/.default"


def test_a_callers_request_id_comes_back_as_correlation_id(world):
    sent = "3d2a1b00-1111-4222-8333-444455556666"
    answer = world.post_token(headers={"client-request-id": sent}, grant_type="password")
    assert answer.json()["correlation_id"] == answer.headers["client-request-id"] == sent
    other = world.post_token(headers={"client-request-id": "not a guid"}, grant_type="password")
    assert other.json()["correlation_id"] not in {sent, "not a guid"}


def test_answers_are_never_stored(world):
    for answer in (world.obo(), world.obo("nonsense")):
        assert "no-store" in answer.headers["cache-control"]


def test_basic_authentication_is_accepted_and_checked(world, check_refused):
    known = world.apps["connection"]
    form = {"grant_type": "client_credentials", "scope": DEFAULT, "client_secret": None}

    def basic(secret):
        pair = base64.b64encode(f"{known['client_id']}:{secret}".encode()).decode()
        headers = {"authorization": f"Basic {pair}"}
        return world.post_token("connection", headers=headers, **form, client_id=None)

    assert basic(known["client_secret"]).status_code == 200
    check_refused(basic("guess"), 7000215, "invalid_client", 401)


def test_basic_for_another_client_than_the_forms_is_refused(world, check_refused):
    pair = base64.b64encode(b"11111111-2222-3333-4444-555555555555:x").decode()
    answer = world.post_token(
        headers={"authorization": f"Basic {pair}"}, grant_type="client_credentials"
    )
    check_refused(answer, 9002313, "invalid_request")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"{}", "application/json"),
        (b"a=1&a=2", "application/x-www-form-urlencoded"),
        (b"a=%ff", "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 300_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(100)), "application/x-www-form-urlencoded"),
    ],
    ids=["JSON", "twice the same field", "no UTF-8", "too large", "too many fields"],
)
def test_a_malformed_body_is_refused(world, check_refused, content, media_type):
    path = f"/{world.tenant_id}/oauth2/v2.0/token"
    answer = world.http.post(path, content=content, headers={"content-type": media_type})
    check_refused(answer, 9002313, "invalid_request")


@pytest.mark.parametrize(
    ("tenant", "app", "code"),
    [
        ("nobody.example", "mcp-server", 90002),
        ("common", "agent-identity", 50194),
        ("organizations", "agent-identity", 50194),
        ("common", "mcp-server", 50059),
    ],
)
def test_only_the_tenants_own_endpoint_gives_tokens(world, check_refused, tenant, app, code):
    form = world.credentials(app) | {"grant_type": "client_credentials", "scope": DEFAULT}
    answer = world.http.post(f"/{tenant}/oauth2/v2.0/token", data=form)
    check_refused(answer, code, "invalid_request")


def test_the_domain_names_the_tenant_too(world):
    form = world.credentials("mcp-server") | {"grant_type": "client_credentials", "scope": DEFAULT}
    answer = world.http.post("/contoso.example/oauth2/v2.0/token", data=form)
    assert answer.status_code == 200


def test_an_apps_own_token_has_no_person_and_no_scope(world):
    body = world.post_token(
        "connection",
        grant_type="client_credentials",
        scope=f"{world.apps['mcp-server']['identifier_uri']}/.default",
    ).json()
    claims = world.claims(body["access_token"])
    assert claims["oid"] == claims["sub"]
    assert (claims["idtyp"], claims["azp"]) == ("app", world.apps["connection"]["client_id"])
    assert not {"scp", "name", "preferred_username", "xms_act_fct"} & claims.keys()
    assert not {"refresh_token", "id_token", "client_info", "scope"} & body.keys()


def test_an_agents_own_token_says_that_it_is_an_agents(world):
    scope = f"{world.apps['mcp-server']['client_id']}/.default"
    claims = world.claims(world.app_token("agent-identity", scope=scope))
    assert (claims["xms_act_fct"], claims["xms_sub_fct"], claims["idtyp"]) == ("11", "11", "app")
    assert claims["xms_par_app_azp"]


@pytest.mark.parametrize(
    "scope", ["https://graph.microsoft.com/Mail.Read", f"{DEFAULT} offline_access", "openid"]
)
def test_an_app_may_ask_for_nothing_but_default(world, check_refused, scope):
    answer = world.post_token(grant_type="client_credentials", scope=scope)
    check_refused(answer, 1002012, "invalid_scope")


def test_lifetimes_are_60_to_90_minutes_and_never_constant(world):
    lifetimes = {world.obo().json()["expires_in"] for _ in range(12)}
    assert len(lifetimes) > 6
    assert all(3600 <= seconds <= 5400 for seconds in lifetimes)


def test_the_same_seed_gives_the_same_lifetimes():
    keys, seed = KeyRing(0.0), random.Random().randrange(1000)
    first, second = (Mint(keys, "https://localhost", lambda: 0.0, seed) for _ in range(2))
    assert [first.lifetime() for _ in range(5)] == [second.lifetime() for _ in range(5)]


def test_the_resource_decides_the_version_of_its_tokens(own_world):
    scope = f"{own_world.apps['mcp-server']['identifier_uri']}/.default"
    form = {"app": "connection", "grant_type": "client_credentials", "scope": scope}
    own_world.switch("PATCH", "/apps/mcp-server", {"requested_access_token_version": 1})
    claims = own_world.claims(own_world.post_token(**form).json()["access_token"])
    assert (claims["ver"], claims["aud"]) == ("1.0", scope.removesuffix("/.default"))
    own_world.switch("PATCH", "/apps/mcp-server", {"requested_access_token_version": 2})
    claims = own_world.claims(own_world.post_token(**form).json()["access_token"])
    assert (claims["ver"], claims["aud"]) == ("2.0", own_world.apps["mcp-server"]["client_id"])


def test_subjects_are_pairwise_and_object_ids_are_not(world):
    for_server = world.claims(world.mint("mcp-server"))
    for_expenses = world.claims(world.mint("expenses-api"))
    assert for_server["oid"] == for_expenses["oid"]
    assert for_server["sub"] != for_expenses["sub"]


def test_userinfo_answers_the_holder_of_a_graph_token(world):
    body = world.obo(scope=f"{DEFAULT} openid").json()

    def ask(token):
        return world.http.get("/oidc/userinfo", headers={"authorization": f"Bearer {token}"})

    answer = ask(body["access_token"]).json()
    assert answer["sub"] == world.claims(body["id_token"])["sub"]
    assert answer["name"] == "Adele Vance"
    for token in (world.mint(), "nonsense", world.obo().json()["access_token"]):
        assert ask(token).status_code == 401


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"resource": "mcp-server"}, "Invalid audience"),
        ({"resource": "graph", "lifetime_seconds": -5}, "expired"),
        ({"resource": "graph", "foreign_key": True}, "Invalid signature"),
        ({"resource": "graph", "claims": {"iss": "https://x.example/"}}, "Invalid signature"),
    ],
)
def test_graph_refuses_a_token_in_its_own_words(world, order, words):
    with pytest.raises(PermissionError, match=words):
        world.local.tenant.check_graph_token(world.mint(**order))


@pytest.mark.parametrize("text", ["", "nonsense", "a.b.c", "e30.e30.e30"])
def test_graph_refuses_what_is_no_token(world, text):
    with pytest.raises(PermissionError):
        world.local.tenant.check_graph_token(text)


def test_the_agent_platform_takes_its_own_tokens_only(world):
    token = world.mint("agent-platform", client="user-app")
    assert world.local.tenant.check_agent_token(token)["aud"] == "https://ai.azure.com"
    with pytest.raises(PermissionError):
        world.local.tenant.check_agent_token(world.mint())
