"""Continuous access evaluation: long tokens for capable clients, and Graph taking them back."""

import base64
import json
import re

import msal
import pytest

DEFAULT = "https://graph.microsoft.com/.default"
CP1 = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'
HOUR = 3600


def with_capability(text, challenge):
    """What a capable client sends: the challenge and its capability in one."""
    wanted = json.loads(challenge)
    wanted["access_token"] |= json.loads(text)["access_token"]
    return json.dumps(wanted)


def graph_token(world, claims=CP1, assertion=None, **form):
    body = world.obo(assertion, claims=claims, **form).json()
    return body["access_token"]


def me(world, token):
    return world.http.get("/v1.0/me", headers={"authorization": f"Bearer {token}"})


def revoke(world, person="adele", **options):
    return world.switch("POST", f"/people/{person}/revoke", options)["claims"]


def challenge_of(answer):
    header = answer.headers["www-authenticate"]
    return base64.b64decode(re.search(r', claims="([^"]+)"', header)[1]).decode()


# --- tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["CP1", "cp1", "Cp1"])
def test_a_capable_client_gets_a_token_for_a_day_from_graph(world, spelling):
    body = world.obo(claims=CP1.replace("CP1", spelling)).json()
    claims = world.claims(body["access_token"])
    assert claims["xms_cc"] == ["cp1"]
    assert 20 * HOUR <= body["expires_in"] <= 28 * HOUR
    assert claims["exp"] - claims["iat"] == body["expires_in"] == body["ext_expires_in"]


def test_long_lifetimes_are_not_all_the_same(world):
    assert len({world.obo(claims=CP1).json()["expires_in"] for _ in range(4)}) > 1


@pytest.mark.parametrize(
    "claims",
    [
        None,
        '{"access_token":{"xms_cc":{"values":["other"]}}}',
        '{"id_token":{"xms_cc":{"values":["CP1"]}}}',
        '{"access_token":{"xms_cc":null}}',
    ],
)
def test_other_clients_get_an_ordinary_token(world, claims):
    body = world.obo(claims=claims).json()
    assert body["expires_in"] <= 1.5 * HOUR
    assert "xms_cc" not in world.claims(body["access_token"])


def test_msal_declares_the_capability(world):
    app = msal.ConfidentialClientApplication(
        world.apps["mcp-server"]["client_id"],
        client_credential=world.apps["mcp-server"]["client_secret"],
        authority=world.authority,
        instance_discovery=False,
        http_client=world.session,
        client_capabilities=["CP1"],
    )
    result = app.acquire_token_on_behalf_of(world.mint(), [DEFAULT])
    assert world.claims(result["access_token"])["xms_cc"] == ["cp1"]
    assert result["expires_in"] >= 20 * HOUR


def test_another_resource_learns_of_the_capability_only_if_it_asked_to(own_world):
    expenses = {"claims": CP1, "scope": "api://expenses/.default"}
    body = own_world.obo(**expenses).json()
    assert "xms_cc" not in own_world.claims(body["access_token"])
    own_world.switch("PATCH", "/apps/expenses-api", {"optional_claims": ["xms_cc"]})
    body = own_world.obo(**expenses).json()
    assert own_world.claims(body["access_token"])["xms_cc"] == ["cp1"]
    assert body["expires_in"] <= 1.5 * HOUR


def test_an_application_can_be_capable_for_itself(world):
    form = {"grant_type": "client_credentials", "scope": DEFAULT, "claims": CP1}
    body = world.post_token(**form).json()
    assert world.claims(body["access_token"])["xms_cc"] == ["cp1"]
    assert body["expires_in"] >= 20 * HOUR


# --- Graph takes them back -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "TokenCreatedWithOutdatedPolicies"),
        ({"reason": "location"}, "LocationConditionEvaluationSatisfied"),
        ({"exchange": "revoked"}, "TokenIssuedBeforeRevocationTimestamp"),
        ({"reason": "policies", "exchange": "revoked"}, "TokenCreatedWithOutdatedPolicies"),
    ],
)
def test_graph_challenges_a_capable_token_in_its_own_words(own_world, options, reason):
    token = graph_token(own_world)
    assert me(own_world, token).status_code == 200
    wanted = revoke(own_world, **options)
    answer = me(own_world, token)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "InvalidAuthenticationToken")
    words = "Continuous access evaluation resulted in challenge with result: InteractionRequired"
    assert error["message"] == f"{words} and code: {reason}"
    header = answer.headers["www-authenticate"]
    assert header.startswith('Bearer realm="", authorization_uri="https://login.microsoftonline')
    assert 'error="insufficient_claims"' in header
    assert challenge_of(answer) == wanted


def test_the_challenge_names_the_first_second_that_counts(timed_world, clock):
    wanted = json.loads(revoke(timed_world))["access_token"]
    now = int(clock.now())
    assert wanted == {"nbf": {"essential": True, "value": str(now + 1)}}
    wanted = json.loads(revoke(timed_world, reason="location"))["access_token"]
    assert wanted["xms_rp_ipaddr"] == {"value": "203.0.113.10"}


def test_an_ordinary_token_counts_until_it_ends(timed_world, clock):
    body = timed_world.obo().json()
    revoke(timed_world)
    clock.advance(body["expires_in"] - 1)
    assert me(timed_world, body["access_token"]).status_code == 200
    clock.advance(1)
    answer = me(timed_world, body["access_token"])
    assert (answer.status_code, "claims=" in answer.headers["www-authenticate"]) == (401, False)


def test_an_exchange_with_the_challenge_gives_a_token_that_counts(own_world):
    assertion = own_world.mint()
    token = graph_token(own_world, assertion=assertion)
    revoke(own_world)
    wanted = with_capability(CP1, challenge_of(me(own_world, token)))
    assert me(own_world, graph_token(own_world, wanted, assertion)).status_code == 200
    assert me(own_world, token).status_code == 401


def test_an_exchange_without_the_challenge_counts_from_the_next_second(timed_world, clock):
    revoke(timed_world)
    assert me(timed_world, graph_token(timed_world)).status_code == 401
    clock.advance(1)
    assert me(timed_world, graph_token(timed_world)).status_code == 200


def test_a_moment_far_ahead_is_not_given(world):
    far = '{"access_token":{"nbf":{"essential":true,"value":"99999999999"}}}'
    claims = world.claims(graph_token(world, far))
    assert claims["nbf"] == claims["iat"]


def test_nobody_elses_tokens_are_taken_back(own_world):
    megans = graph_token(own_world, assertion=own_world.mint(person="megan"))
    revoke(own_world)
    assert me(own_world, megans).status_code == 200


def test_userinfo_takes_no_token_that_was_taken_back(own_world):
    token = graph_token(own_world, scope=f"{DEFAULT} openid")
    headers = {"authorization": f"Bearer {token}"}
    assert own_world.http.get("/oidc/userinfo", headers=headers).status_code == 200
    revoke(own_world)
    assert own_world.http.get("/oidc/userinfo", headers=headers).status_code == 401


def test_a_revocation_can_be_taken_back(own_world):
    token = graph_token(own_world)
    revoke(own_world)
    own_world.switch("PATCH", "/people/adele", {"sessions_revoked": False})
    assert me(own_world, token).status_code == 200
    revoke(own_world)
    own_world.switch("DELETE", "/policies")
    assert me(own_world, token).status_code == 200


# --- the exchange may be refused too -------------------------------------------------------------


def test_a_person_who_is_truly_revoked_cannot_be_exchanged_for(own_world, check_refused):
    assertion = own_world.mint()
    wanted = revoke(own_world, exchange="revoked")
    answer = own_world.obo(assertion, claims=with_capability(CP1, wanted))
    check_refused(answer, 50173, "invalid_grant")
    assert own_world.obo(own_world.mint()).status_code == 200


def test_the_exchange_can_send_the_challenge_on_to_the_client(own_world, check_refused):
    assertion = own_world.mint()
    wanted = revoke(own_world, exchange="interaction")
    for claims in (None, with_capability(CP1, wanted)):
        body = check_refused(own_world.obo(assertion, claims=claims), 50173, "interaction_required")
        assert (body["suberror"], body["claims"]) == ("basic_action", wanted)
    fresh = own_world.mint(satisfies=wanted)
    token = graph_token(own_world, with_capability(CP1, wanted), fresh)
    assert me(own_world, token).status_code == 200


def test_a_refresh_with_that_challenge_makes_the_client_whole_again(own_world, check_landed):
    world, browser = own_world, own_world.browser()
    server = f"{world.apps['mcp-server']['identifier_uri']}/mcp.access"
    page = browser.sign_in(browser.authorize(scope=f"{server} offline_access"))
    form = {"grant_type": "authorization_code", "redirect_uri": "http://localhost:8400"}
    code = check_landed(browser.decide(page))["code"]
    body = world.post_token("user-app", code=code, **form).json()
    wanted = revoke(world, exchange="interaction")
    assert world.obo(body["access_token"]).status_code == 400
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    fresh = world.post_token("user-app", scope=server, claims=wanted, **form).json()
    assert world.obo(fresh["access_token"]).status_code == 200


def test_a_refresh_token_of_the_middle_tier_gets_no_further(own_world, check_refused):
    body = own_world.obo(scope=f"{DEFAULT} offline_access").json()
    wanted = revoke(own_world, exchange="interaction")
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    answer = own_world.post_token(scope=DEFAULT, claims=wanted, **form)
    check_refused(answer, 50173, "interaction_required")


# --- the switches --------------------------------------------------------------------------------


def test_a_capable_token_can_be_ordered(own_world):
    token = own_world.mint("graph", client="mcp-server", scopes=["User.Read"], cae=True)
    assert me(own_world, token).status_code == 200
    wanted = revoke(own_world)
    assert me(own_world, token).status_code == 401
    order = {"client": "mcp-server", "scopes": ["User.Read"], "cae": True, "satisfies": wanted}
    assert me(own_world, own_world.mint("graph", **order)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/people/bob/revoke", {}, "bob"),
        ("/people/adele/revoke", {"reason": "whim"}, "reason"),
        ("/people/adele/revoke", {"exchange": "maybe"}, "exchange"),
        ("/people/adele/revoke", {"more": 1}, "more"),
    ],
)
def test_a_wrong_order_is_refused_and_changes_nothing(own_world, path, body, word):
    token = graph_token(own_world)
    answer = own_world.http.post(f"/_tenant{path}", json=body)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True)
    assert me(own_world, token).status_code == 200


def test_only_claims_that_exist_can_be_optional(world):
    answer = world.http.patch("/_tenant/apps/expenses-api", json={"optional_claims": ["upn"]})
    assert (answer.status_code, "xms_cc" in answer.json()["error"]) == (400, True)
