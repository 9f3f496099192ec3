"""Conditional Access at the token endpoint and on the pages, with real MSAL where MSAL talks."""

import json

import msal
import pytest

GRAPH = "https://graph.microsoft.com"
DEFAULT = f"{GRAPH}/.default"
DEMANDS = {"mfa": 50076, "enrolment": 50079, "device": 53000, "blocked": 53003}
SUBERRORS = {50076: "basic_action", 50079: "basic_action"} | {
    53000: "message_only",
    53003: "message_only",
}


def demand(world, kind="mfa", person="adele", **options):
    return world.switch("PUT", f"/people/{person}/policy", {"policy": kind} | options)["claims"]


def exchange(world, assertion, claims=None):
    """A fresh MSAL each time: it would answer a refusal from its own memory."""
    app = world.msal_confidential()
    return app.acquire_token_on_behalf_of(assertion, [DEFAULT], claims_challenge=claims)


def server_scope(world):
    return f"{world.apps['mcp-server']['identifier_uri']}/mcp.access"


def signed_in(world, check_landed, **query):
    """A person of the desktop app, their browser, and their tokens for the MCP server."""
    browser = world.browser()
    scope = f"{server_scope(world)} offline_access"
    page = browser.sign_in(browser.authorize(scope=scope, **query))
    body = redeem(world, check_landed(browser.decide(page))["code"])
    return browser, body


def redeem(world, code):
    form = {"grant_type": "authorization_code", "redirect_uri": "http://localhost:8400"}
    return world.post_token("user-app", code=code, **form).json()


def refresh(world, body, **form):
    fields = {"refresh_token": body["refresh_token"], "scope": server_scope(world)} | form
    return world.post_token("user-app", grant_type="refresh_token", **fields)


@pytest.mark.parametrize(("kind", "code"), DEMANDS.items())
def test_a_policy_refuses_the_exchange_with_a_challenge(own_world, check_refused, kind, code):
    challenge = demand(own_world, kind)
    body = check_refused(own_world.obo(), code, "interaction_required")
    assert (body["suberror"], body["claims"]) == (SUBERRORS[code], challenge)
    wanted = json.loads(challenge)["access_token"]["capolids"]
    assert (wanted["essential"], len(wanted["values"][0])) == (True, 36)


def test_msal_reports_the_challenge_as_a_string_of_json(own_world):
    challenge = demand(own_world)
    result = exchange(own_world, own_world.mint())
    assert (result["error"], result["suberror"]) == ("interaction_required", "basic_action")
    assert result["claims"] == challenge


def test_a_policy_can_be_refused_as_invalid_grant_too(own_world, check_refused):
    challenge = demand(own_world, error="invalid_grant")
    body = check_refused(own_world.obo(), 50076, "invalid_grant")
    assert (body["suberror"], body["claims"]) == ("basic_action", challenge)


def test_a_policy_is_for_one_person_and_one_resource(own_world, check_refused):
    demand(own_world, resource="expenses-api")
    expenses = "api://expenses/.default"
    check_refused(own_world.obo(scope=expenses), 50076, "interaction_required")
    assert own_world.obo().status_code == 200
    other = own_world.mint(person="megan")
    assert own_world.obo(other, scope=expenses).status_code == 200


def test_a_policy_can_be_taken_back(own_world):
    demand(own_world)
    own_world.switch("DELETE", "/people/adele/policy", {"resource": "graph"})
    assert own_world.obo().status_code == 200
    demand(own_world)
    own_world.switch("DELETE", "/policies")
    assert own_world.obo().status_code == 200


def test_missing_consent_is_said_before_a_policy(own_world, check_refused):
    demand(own_world, person="diego")
    check_refused(own_world.obo(own_world.mint(person="diego")), 65001, "invalid_grant")


def test_the_middle_tier_cannot_meet_a_policy_by_repeating_the_challenge(own_world, check_refused):
    earlier = own_world.obo(scope=f"{DEFAULT} offline_access").json()
    challenge = demand(own_world)
    check_refused(own_world.obo(claims=challenge), 50076, "interaction_required")
    again = {"refresh_token": earlier["refresh_token"], "scope": DEFAULT, "claims": challenge}
    refreshed = own_world.post_token(grant_type="refresh_token", **again)
    check_refused(refreshed, 50076, "interaction_required")


def test_a_minted_token_can_satisfy_a_challenge(own_world, check_refused):
    challenge = demand(own_world)
    assertion = own_world.mint(satisfies=challenge)
    assert exchange(own_world, assertion)["access_token"]
    demand(own_world)  # a new policy has a new id
    check_refused(own_world.obo(assertion), 50076, "interaction_required")


# --- the client's side ---------------------------------------------------------------------------


def test_a_refresh_with_the_challenge_meets_the_policy(own_world, check_landed, check_refused):
    _, body = signed_in(own_world, check_landed)
    challenge = demand(own_world)
    check_refused(own_world.obo(body["access_token"]), 50076, "interaction_required")
    plain = refresh(own_world, body).json()["access_token"]
    check_refused(own_world.obo(plain), 50076, "interaction_required")
    stepped_up = refresh(own_world, body, claims=challenge).json()
    assert exchange(own_world, stepped_up["access_token"])["access_token"]


def test_what_a_refresh_proved_its_new_refresh_token_keeps(own_world, check_landed):
    _, body = signed_in(own_world, check_landed)
    scope = f"{server_scope(own_world)} offline_access"
    stepped_up = refresh(own_world, body, scope=scope, claims=demand(own_world)).json()
    later = refresh(own_world, stepped_up).json()["access_token"]
    assert own_world.obo(later).status_code == 200


@pytest.mark.parametrize(
    ("options", "code"),
    [({"kind": "mfa", "silent": False}, 50076), ({"kind": "blocked"}, 53003)],
)
def test_a_refresh_does_not_meet_what_takes_a_page(
    own_world, check_landed, check_refused, options, code
):
    _, body = signed_in(own_world, check_landed)
    challenge = demand(own_world, **options)
    answer = check_refused(refresh(own_world, body, claims=challenge), code, "interaction_required")
    assert answer["claims"] == challenge
    assert refresh(own_world, body).status_code == 200


@pytest.mark.parametrize("kind", ["mfa", "enrolment", "device"])
def test_the_page_asks_for_more_proof_and_the_new_tokens_carry_it(own_world, check_landed, kind):
    world = own_world
    browser, _ = signed_in(world, check_landed)
    challenge = demand(world, kind, silent=False)
    page = browser.authorize(scope=f"{server_scope(world)} offline_access", claims=challenge)
    assert "Your organization" in page.text or "Approve" in page.text
    body = redeem(world, check_landed(browser.fill_in(page, "/proof", decision="accept"))["code"])
    assert world.obo(body["access_token"]).status_code == 200
    assert world.obo(refresh(world, body).json()["access_token"]).status_code == 200
    again = browser.authorize(scope=server_scope(world), claims=challenge)
    assert world.obo(redeem(world, check_landed(again)["code"])["access_token"]).status_code == 200


def test_msal_steps_up_from_the_challenge_to_the_exchange(own_world, hidden_fields):
    """The whole way: refused exchange, claims to the client, page, new token, exchange."""
    world, browser = own_world, own_world.browser()
    demand(world, silent=False)
    refusal = exchange(world, world.mint())
    client = world.msal_public()
    flow = client.initiate_auth_code_flow(
        [server_scope(world)],
        redirect_uri="http://localhost:8400",
        response_mode="form_post",
        claims_challenge=refusal["claims"],
    )
    page = browser.sign_in(browser.http.get(flow["auth_uri"]))
    page = browser.decide(browser.fill_in(page, "/proof", decision="accept"))
    result = client.acquire_token_by_auth_code_flow(flow, hidden_fields(page))
    assert exchange(world, result["access_token"])["access_token"]


def test_msal_refreshes_with_the_challenge(own_world, hidden_fields):
    world, browser = own_world, own_world.browser()
    client = world.msal_public()
    flow = client.initiate_auth_code_flow(
        [server_scope(world)], redirect_uri="http://localhost:8400", response_mode="form_post"
    )
    page = browser.decide(browser.sign_in(browser.http.get(flow["auth_uri"])))
    first = client.acquire_token_by_auth_code_flow(flow, hidden_fields(page))
    demand(world)
    refusal = exchange(world, first["access_token"])
    second = client.acquire_token_silent(
        [server_scope(world)], client.get_accounts()[0], claims_challenge=refusal["claims"]
    )
    assert exchange(world, second["access_token"])["access_token"]


def test_a_block_ends_on_the_page(own_world, check_landed):
    browser, _ = signed_in(own_world, check_landed)
    page = browser.authorize(scope=server_scope(own_world), claims=demand(own_world, "blocked"))
    assert (page.status_code, "AADSTS53003" in page.text) == (403, True)
    assert "location" not in page.headers


def test_a_silent_request_is_told_that_a_page_is_needed(own_world, check_landed):
    browser, _ = signed_in(own_world, check_landed)
    challenge = demand(own_world)
    query = {"scope": server_scope(own_world), "prompt": "none", "claims": challenge}
    answer = check_landed(browser.authorize(**query))
    assert (answer["error"], answer["claims"]) == ("interaction_required", challenge)


def test_consent_cannot_be_given_before_the_policy_is_met(own_world):
    world, browser = own_world, own_world.browser()
    query = {"scope": server_scope(world), "claims": demand(world, silent=False)}
    page = browser.sign_in(browser.authorize(**query))
    answer = browser.decide(page)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_proof_counts_only_with_the_pages_own_form(own_world):
    world, browser = own_world, own_world.browser()
    query = {"scope": server_scope(world), "claims": demand(world, silent=False)}
    page = browser.sign_in(browser.authorize(**query))
    assert browser.fill_in(page, "/proof", decision="accept", csrf="x").status_code == 400
    assert world.browser().fill_in(page, "/proof", decision="accept").status_code == 400


# --- the parameter -------------------------------------------------------------------------------


@pytest.mark.parametrize("claims", ["{", "[]", '"x"', "null", "bm90IGpzb24=", '{"access_token":1}'])
def test_malformed_claims_are_refused_and_use_up_nothing(
    own_world, check_landed, check_refused, claims
):
    check_refused(own_world.obo(claims=claims), 9002313, "invalid_request")
    browser = own_world.browser()
    code = check_landed(browser.sign_in(browser.authorize()))["code"]
    form = {"grant_type": "authorization_code", "redirect_uri": "http://localhost:8400"}
    wrong = own_world.post_token("user-app", code=code, claims=claims, **form)
    check_refused(wrong, 9002313, "invalid_request")
    assert own_world.post_token("user-app", code=code, **form).status_code == 200
    answer = check_landed(own_world.browser().authorize(claims=claims))
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        (None, None),
        ('{"access_token":{"xms_cc":{"values":["CP1"]}}}', "cp1"),
        ('{"access_token":{"nbf":{"essential":true,"value":"1"}}}', "challenge"),
        ('{"access_token":{"nbf":{"value":"1"},"xms_cc":{"values":["cp1"]}}}', "challenge cp1"),
        ('{"id_token":{"auth_time":{"essential":true}}}', "other"),
        ("{", "malformed"),
    ],
)
def test_the_log_tells_the_kind_of_the_claims_and_no_more(own_world, claims, kind):
    own_world.obo(claims=claims)
    assert own_world.log()[-1]["claims"] == kind


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("PUT", "/people/adele/policy", {}, "policy"),
        ("PUT", "/people/adele/policy", {"policy": "magic"}, "policy"),
        ("PUT", "/people/adele/policy", {"policy": "mfa", "resource": "moon"}, "moon"),
        ("PUT", "/people/adele/policy", {"policy": "mfa", "error": "x"}, "error"),
        ("PUT", "/people/adele/policy", {"policy": "mfa", "silent": "no"}, "silent"),
        ("PUT", "/people/adele/policy", {"policy": "mfa", "more": 1}, "more"),
        ("PUT", "/people/bob/policy", {"policy": "mfa"}, "bob"),
        ("DELETE", "/people/adele/policy", {"resource": "moon"}, "moon"),
        ("POST", "/tokens", {"resource": "mcp-server", "satisfies": "{"}, "satisfies"),
    ],
)
def test_a_wrong_order_is_refused_and_changes_nothing(own_world, method, path, body, word):
    answer = own_world.http.request(method, f"/_tenant{path}", json=body)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True)
    assert own_world.obo().status_code == 200


def test_the_capabilities_of_msal_are_seen_beside_a_challenge(own_world):
    app = msal.ConfidentialClientApplication(
        own_world.apps["mcp-server"]["client_id"],
        client_credential=own_world.apps["mcp-server"]["client_secret"],
        authority=own_world.authority,
        instance_discovery=False,
        http_client=own_world.session,
        client_capabilities=["CP1"],
    )
    challenge = demand(own_world)
    assertion = own_world.mint(satisfies=challenge)
    assert app.acquire_token_on_behalf_of(assertion, [DEFAULT], challenge)["access_token"]
    assert own_world.log()[-1]["claims"] == "challenge cp1"
