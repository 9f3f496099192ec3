"""Refresh tokens, as the connection of an agent uses them."""

SCOPE = "https://ai.azure.com/user_impersonation openid offline_access"


def tokens(world, landed, key="adele"):
    browser = world.browser()
    code = landed(browser.sign_in(browser.authorize(scope=SCOPE), key))["code"]
    form = {"grant_type": "authorization_code", "code": code}
    return world.post_token("user-app", redirect_uri="http://localhost:8400", **form).json()


def refresh(world, token, app="user-app", **form):
    return world.post_token(app, grant_type="refresh_token", refresh_token=token, **form)


def test_a_refresh_token_rolls_and_the_old_one_stays_valid(world, check_landed):
    first = tokens(world, check_landed)["refresh_token"]
    second = refresh(world, first).json()
    assert second["refresh_token"] != first
    assert second["scope"] == "https://ai.azure.com/user_impersonation openid"
    assert refresh(world, first).status_code == 200
    assert refresh(world, second["refresh_token"]).status_code == 200


def test_a_refresh_token_is_not_bound_to_a_resource(own_world, check_landed, check_refused):
    world = own_world
    token = tokens(world, check_landed)["refresh_token"]
    scope = f"{world.apps['mcp-server']['identifier_uri']}/mcp.access"
    body = check_refused(refresh(world, token, scope=scope), 65001, "invalid_grant")
    assert body["suberror"] == "consent_required"
    consent = {"client": "user-app", "person": "adele", "resource": "mcp-server"}
    world.switch("PUT", "/consents", consent | {"scopes": ["mcp.access"]})
    answer = refresh(world, token, scope=scope).json()
    assert world.claims(answer["access_token"])["scp"] == "mcp.access"


def test_a_refresh_token_belongs_to_its_client(world, check_landed, check_refused):
    token = tokens(world, check_landed)["refresh_token"]
    check_refused(refresh(world, token, "connection"), 70000, "invalid_grant")
    check_refused(refresh(world, "guess"), 70000, "invalid_grant")


def test_a_refresh_token_lives_90_days(timed_world, clock, check_landed, check_refused):
    token = tokens(timed_world, check_landed)["refresh_token"]
    clock.advance(90 * 24 * 3600 - 1)
    assert refresh(timed_world, token).status_code == 200
    clock.advance(2)
    check_refused(refresh(timed_world, token), 700082, "invalid_grant")


def test_revoking_sessions_ends_refresh_tokens(own_world, check_landed, check_refused):
    token = tokens(own_world, check_landed, "lynne")["refresh_token"]
    own_world.switch("PATCH", "/people/lynne", {"sessions_revoked": True})
    check_refused(refresh(own_world, token), 50173, "invalid_grant")
    later = tokens(own_world, check_landed, "lynne")["refresh_token"]
    assert refresh(own_world, later).status_code == 200


def test_disabling_a_person_ends_refresh_tokens(own_world, check_landed, check_refused):
    token = tokens(own_world, check_landed, "lynne")["refresh_token"]
    own_world.switch("PATCH", "/people/lynne", {"enabled": False})
    check_refused(refresh(own_world, token), 50057, "invalid_grant")


def test_a_renewed_id_token_repeats_no_nonce(world, check_landed):
    browser = world.browser()
    landing = browser.sign_in(browser.authorize(scope=SCOPE, nonce="n-1"))
    form = {"grant_type": "authorization_code", "code": check_landed(landing)["code"]}
    first = world.post_token("user-app", redirect_uri="http://localhost:8400", **form).json()
    assert world.claims(first["id_token"])["nonce"] == "n-1"
    second = refresh(world, first["refresh_token"]).json()
    assert "nonce" not in world.claims(second["id_token"])
