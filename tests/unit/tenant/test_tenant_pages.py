import base64
import hashlib
import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
SERVER_SCOPE = "mcp.access"


def redeem(world, code, app="user-app", redirect_uri="http://localhost:8400", **form):
    return world.post_token(
        app, grant_type="authorization_code", code=code, redirect_uri=redirect_uri, **form
    )


def a_code(world, landed, key="adele", **query):
    browser = world.browser()
    return landed(browser.sign_in(browser.authorize(**query), key))["code"]


def server_scope(world, name=SERVER_SCOPE):
    return f"{world.apps['mcp-server']['identifier_uri']}/{name}"


# --- the request ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback",
        "http://localhost.evil.example/",
        "http://localhost:80@evil.example/",
        "http://localhost\\@evil.example/",
        "http://localhost:8400/other",
        "http://localhost:8400/#fragment",
        "http://localhost:8400/?extra=1",
        "https://localhost:8400",
        "http://[::1]:8400",
        "javascript:alert(1)",
        "http://localhost:port",
        None,
    ],
)
def test_a_redirect_uri_that_is_not_registered_gets_a_page_and_no_redirect(world, uri):
    answer = world.browser().authorize(redirect_uri=uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert re.search(r"AADSTS(50011|900144)", answer.text)


@pytest.mark.parametrize(
    "uri", ["http://localhost", "http://localhost:1/", "http://localhost:65535/callback"]
)
def test_the_port_of_a_localhost_redirect_uri_does_not_count(world, uri):
    browser = world.browser()
    answer = browser.sign_in(browser.authorize(redirect_uri=uri))
    assert answer.headers["location"].startswith(f"{uri}?code=")


def test_an_unknown_client_gets_a_page(world):
    answer = world.browser().authorize(client_id="11111111-2222-3333-4444-555555555555")
    assert (answer.status_code, "AADSTS700016" in answer.text) == (400, True)


def test_a_shared_endpoint_gets_a_page(world):
    query = {"client_id": world.apps["user-app"]["client_id"]}
    answer = world.browser().http.get("/common/oauth2/v2.0/authorize", params=query)
    assert (answer.status_code, "AADSTS50194" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": None}, "invalid_request"),
        ({"scope": "api://nowhere/x"}, "invalid_resource"),
        ({"scope": "made.up"}, "invalid_scope"),
        ({"response_mode": "carrier-pigeon"}, "invalid_request"),
        ({"prompt": "sometimes"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S1"}, "invalid_request"),
        ({"resource": "https://mcp.example/mcp"}, "invalid_target"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_other_errors_go_to_the_client_with_its_state(world, check_landed, query, error):
    answer = check_landed(world.browser().authorize(**query))
    assert (answer["error"], answer["state"]) == (error, "s-1")
    assert answer["error_description"].startswith("AADSTS")


# --- the answer ----------------------------------------------------------------------------------


def test_a_fragment_carries_the_answer_when_asked(world):
    browser = world.browser()
    answer = browser.sign_in(browser.authorize(response_mode="fragment"))
    target = urlsplit(answer.headers["location"])
    assert not target.query
    assert dict(parse_qsl(target.fragment)).keys() == {"code", "state", "session_state"}


def test_a_form_carries_the_answer_when_asked_with_a_button_for_the_scriptless(
    world, hidden_fields
):
    browser = world.browser()
    state = '"><script>alert(1)</script>'
    page = browser.sign_in(browser.authorize(response_mode="form_post", state=state))
    fields = hidden_fields(page)
    assert fields["state"] == state
    assert redeem(world, fields["code"]).status_code == 200
    assert 'action="http://localhost:8400"' in page.text
    assert "<noscript>" in page.text
    assert page.text.count("<script") == 1
    nonce = re.search(r'<script nonce="([^"]+)"', page.text)[1]
    assert f"script-src 'nonce-{nonce}'" in page.headers["content-security-policy"]


def test_the_id_token_echoes_the_nonce(world, check_landed):
    code = a_code(world, check_landed, nonce="n-0S6_WzA2Mj")
    claims = world.claims(redeem(world, code).json()["id_token"])
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert claims["aud"] == world.apps["user-app"]["client_id"]
    assert claims["preferred_username"] == world.people["adele"]["user_principal_name"]
    assert claims["iss"] == world.info["issuer"]


# --- the code ------------------------------------------------------------------------------------


def test_a_code_is_good_for_one_use(world, check_landed, check_refused):
    code = a_code(world, check_landed)
    assert redeem(world, code).status_code == 200
    check_refused(redeem(world, code), 54005, "invalid_grant")


def test_a_code_lives_ten_minutes(timed_world, clock, check_landed, check_refused):
    in_time, late = (a_code(timed_world, check_landed) for _ in range(2))
    clock.advance(599)
    assert redeem(timed_world, in_time).status_code == 200
    clock.advance(2)
    check_refused(redeem(timed_world, late), 70008, "invalid_grant")


def test_a_code_belongs_to_its_client_and_its_redirect_uri(world, check_landed, check_refused):
    code = a_code(world, check_landed)
    check_refused(redeem(world, code, app="connection"), 70000, "invalid_grant")
    other = redeem(world, code, redirect_uri="http://localhost:8401")
    check_refused(other, 500112, "invalid_grant")
    check_refused(redeem(world, "1.code.guess"), 70000, "invalid_grant")
    assert redeem(world, code).status_code == 200


@pytest.mark.parametrize(
    ("method", "challenge"), [("S256", CHALLENGE), ("plain", VERIFIER), (None, VERIFIER)]
)
def test_a_challenged_code_needs_its_verifier(
    world, check_landed, check_refused, method, challenge
):
    query = {"code_challenge": challenge, "code_challenge_method": method}
    code = a_code(world, check_landed, **query)
    for wrong in (None, "w" * 64, challenge if method == "S256" else "x"):
        check_refused(redeem(world, code, code_verifier=wrong), 501481, "invalid_grant")
    assert redeem(world, code, code_verifier=VERIFIER).status_code == 200


def test_a_confidential_client_needs_its_secret_for_a_code(own_world, check_landed, check_refused):
    world, browser = own_world, own_world.browser()
    redirect_uri = f"{world.url}/agent/redirect"
    page = browser.authorize(
        client_id=world.apps["connection"]["client_id"],
        redirect_uri=redirect_uri,
        scope=f"{server_scope(world)} offline_access",
    )
    code = check_landed(browser.decide(browser.sign_in(page)))["code"]
    missing = redeem(world, code, "connection", redirect_uri, client_secret=None)
    check_refused(missing, 7000218, "invalid_client", 401)
    body = redeem(world, code, "connection", redirect_uri).json()
    claims = world.claims(body["access_token"])
    assert (claims["scp"], claims["azpacr"]) == ("mcp.access", "1")
    assert claims["azp"] == world.apps["connection"]["client_id"]
    assert "refresh_token" in body


# --- the person ----------------------------------------------------------------------------------


def test_a_wrong_password_is_said_on_the_page_and_asked_again(world, check_landed):
    browser = world.browser()
    page = browser.sign_in(browser.authorize(), password="guess")
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert check_landed(browser.sign_in(page))["code"]


def test_a_name_that_is_no_name_is_said_the_same_way(world):
    browser = world.browser()
    known = browser.sign_in(browser.authorize(), password="guess")
    page = browser.fill_in(browser.authorize(), "/signin", name="nobody@x", password="guess")
    alert = re.compile(r'role="alert">([^<]+)')
    assert alert.search(page.text)[1] == alert.search(known.text)[1]


def test_a_disabled_person_cannot_sign_in(own_world):
    own_world.switch("PATCH", "/people/alex", {"enabled": False})
    browser = own_world.browser()
    page = browser.sign_in(browser.authorize(), "alex")
    assert (page.status_code, "disabled" in page.text) == (400, True)


@pytest.mark.parametrize("text", ['"><script>alert(1)</script>', "<b>&amp;'"])
def test_what_people_type_is_escaped(world, text):
    browser = world.browser()
    for page in (
        browser.authorize(login_hint=text),
        browser.fill_in(browser.authorize(), "/signin", name=text, password="x"),
        browser.authorize(client_id=text),
        browser.authorize(redirect_uri=text),
        browser.enter_code(text),
    ):
        assert text not in page.text
        assert "<script" not in page.text
    assert f'value="{html.escape(text)}"' in browser.authorize(login_hint=text).text


def test_pages_cannot_be_framed_or_stored_and_run_no_foreign_scripts(world):
    headers = world.browser().authorize().headers
    assert headers["x-frame-options"] == "DENY"
    assert "no-store" in headers["cache-control"]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_pages_work_for_a_screen_reader(world):
    text = world.browser().authorize().text
    assert '<html lang="en">' in text
    assert text.count("<h1>") == text.count("<main>") == 1
    for field in re.findall(r'<input id="([^"]+)"', text):
        assert f'<label for="{field}">' in text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_origins(world):
    cookie = world.browser().authorize().headers["set-cookie"]
    assert cookie.startswith("__Host-")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert part in cookie


# --- single sign-on ------------------------------------------------------------------------------


def signed_in(world, key="adele"):
    browser = world.browser()
    browser.sign_in(browser.authorize(), key)
    return browser


def test_a_signed_in_browser_is_not_asked_again(world, check_landed):
    browser = signed_in(world)
    for query in ({}, {"prompt": "none"}, {"login_hint": "Adele@Contoso.Example"}):
        assert check_landed(browser.authorize(**query))["code"]


def test_the_person_is_asked_when_the_client_wants_that(world):
    browser = signed_in(world)
    for query in ({"prompt": "login"}, {"prompt": "select_account"}, {"login_hint": "megan@x"}):
        assert "Password" in browser.authorize(**query).text


def test_signing_out_ends_single_sign_on(world, check_landed):
    browser = signed_in(world)
    assert browser.http.get(f"/{world.tenant_id}/oauth2/v2.0/logout").status_code == 200
    assert check_landed(browser.authorize(prompt="none"))["error"] == "login_required"


def test_revoked_sessions_end_single_sign_on(own_world, check_landed):
    browser = signed_in(own_world)
    own_world.switch("PATCH", "/people/adele", {"sessions_revoked": True})
    assert check_landed(browser.authorize(prompt="none"))["error"] == "login_required"


def test_the_cookie_changes_with_the_sign_in(world):
    browser = world.browser()
    page = browser.authorize()
    before = dict(browser.http.cookies)
    browser.sign_in(page)
    assert dict(browser.http.cookies).keys() == before.keys()
    assert dict(browser.http.cookies) != before


# --- consent -------------------------------------------------------------------------------------


def test_consent_is_asked_once_and_remembered(own_world, check_landed):
    world, browser = own_world, own_world.browser()
    page = browser.sign_in(browser.authorize(scope=server_scope(world)))
    assert "Use the MCP server as you" in page.text
    code = check_landed(browser.decide(page))["code"]
    assert redeem(world, code).json()["scope"] == server_scope(world)
    assert check_landed(browser.authorize(scope=server_scope(world)))["code"]
    assert "Administer" in browser.authorize(scope=server_scope(world, "mcp.admin")).text
    again = browser.authorize(scope=server_scope(world), prompt="consent")
    assert "Use the MCP server as you" in again.text


def test_declining_tells_the_client_and_remembers_nothing(own_world, check_landed):
    world, browser = own_world, own_world.browser()
    page = browser.sign_in(browser.authorize(scope=server_scope(world)))
    answer = check_landed(browser.decide(page, "cancel"))
    assert (answer["error"], answer["state"]) == ("access_denied", "s-1")
    assert "65004" in answer["error_description"]
    silent = check_landed(browser.authorize(scope=server_scope(world), prompt="none"))
    assert silent["error"] == "interaction_required"


def test_another_account_can_be_used_instead(own_world, check_landed):
    world, browser = own_world, own_world.browser()
    page = browser.sign_in(browser.authorize(scope=server_scope(world)))
    page = browser.sign_in(browser.decide(page, "other"), "megan")
    code = check_landed(browser.decide(page))["code"]
    claims = world.claims(redeem(world, code).json()["access_token"])
    assert claims["oid"] == world.people["megan"]["oid"]


def test_default_of_the_server_asks_for_its_graph_permissions_too(own_world, check_landed):
    world, browser = own_world, own_world.browser()
    page = browser.sign_in(browser.authorize(scope=server_scope(world, ".default")), "diego")
    assert "MCP server, at Microsoft Graph" in page.text
    code = check_landed(browser.decide(page))["code"]
    token = redeem(world, code).json()["access_token"]
    assert world.obo(token).status_code == 200


# --- forgery -------------------------------------------------------------------------------------


def test_a_form_counts_only_in_the_browser_that_got_it(world):
    page = world.browser().authorize()
    stolen = world.browser()
    stolen.authorize()
    answer = stolen.sign_in(page)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("changes", [{"csrf": "guess"}, {"csrf": ""}, {"flow": "guess"}])
def test_a_form_without_its_token_counts_for_nothing(world, changes):
    browser = world.browser()
    person = world.people["adele"]
    fields = {"name": person["user_principal_name"], "password": person["password"]}
    answer = browser.fill_in(browser.authorize(), "/signin", **fields | changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_consent_cannot_be_forged(own_world):
    browser = own_world.browser()
    page = browser.sign_in(browser.authorize(scope=server_scope(own_world)))
    assert browser.fill_in(page, "/consent", decision="accept", csrf="x").status_code == 400
    assert own_world.browser().fill_in(page, "/consent", decision="accept").status_code == 400
    assert "Use the MCP server" in browser.authorize(scope=server_scope(own_world)).text


def test_consent_before_signing_in_counts_for_nothing(world):
    browser = world.browser()
    answer = browser.decide(browser.authorize(scope=server_scope(world)))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_a_finished_form_cannot_be_posted_again(own_world, check_landed):
    browser = own_world.browser()
    page = browser.sign_in(browser.authorize(scope=server_scope(own_world)))
    assert check_landed(browser.decide(page))["code"]
    assert browser.decide(page).status_code == 400


def test_a_page_left_open_for_half_an_hour_is_stale(timed_world, clock):
    browser = timed_world.browser()
    page = browser.authorize()
    clock.advance(1801)
    assert browser.sign_in(page).status_code == 400


# --- several tabs, and the age of a sign-in ------------------------------------------------------


def test_signing_in_on_one_tab_leaves_the_other_tabs_form_good(world, check_landed):
    browser = world.browser()
    first, second = browser.authorize(state="s-1"), browser.authorize(state="s-2")
    assert check_landed(browser.sign_in(first))["state"] == "s-1"
    assert check_landed(browser.sign_in(second))["state"] == "s-2"


def test_signing_out_closes_every_page_that_is_open(own_world):
    world, browser = own_world, own_world.browser()
    page = browser.sign_in(browser.authorize(scope=server_scope(world)))
    other = world.browser()
    kept = other.authorize()
    assert browser.http.get(f"/{world.tenant_id}/oauth2/v2.0/logout").status_code == 200
    answer = browser.decide(page)
    assert (answer.status_code, "no longer valid" in answer.text) == (400, True)
    assert "location" in other.sign_in(kept).headers


def test_a_client_can_limit_the_age_of_a_sign_in_and_learns_it(timed_world, clock, check_landed):
    world, browser = timed_world, timed_world.browser()

    def auth_time(landing):
        body = redeem(world, check_landed(landing)["code"]).json()
        return world.claims(body["id_token"]).get("auth_time")

    began = int(clock.now())
    assert auth_time(browser.sign_in(browser.authorize())) is None
    clock.advance(60)
    assert auth_time(browser.authorize(max_age="60")) == began
    clock.advance(1)
    silent = check_landed(browser.authorize(max_age="60", prompt="none"))
    assert silent["error"] == "login_required"
    page = browser.authorize(max_age="60")
    assert "Password" in page.text
    assert auth_time(browser.sign_in(page)) == began + 61
    assert "Password" in browser.authorize(max_age="0").text


@pytest.mark.parametrize("age", ["-1", "x", "", "1.5", "9999999999"])
def test_an_age_that_is_none_is_refused(world, check_landed, age):
    answer = check_landed(world.browser().authorize(max_age=age))
    assert answer["error"] == "invalid_request"
