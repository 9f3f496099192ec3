import pytest

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "https://ai.azure.com/user_impersonation openid offline_access"


def start(world, **form):
    fields = {"client_id": world.apps["user-app"]["client_id"], "scope": SCOPE} | form
    sent = {name: value for name, value in fields.items() if value is not None}
    return world.http.post(f"/{world.tenant_id}/oauth2/v2.0/devicecode", data=sent)


def poll(world, codes, **form):
    fields = {"device_code": codes["device_code"], "code": codes["device_code"]} | form
    return world.post_token("user-app", grant_type=GRANT, **fields)


def test_a_device_gets_its_codes_and_a_message_for_its_person(world):
    codes = start(world).json()
    assert codes.keys() == {
        *("user_code", "device_code", "verification_uri", "expires_in", "interval", "message")
    }
    assert (codes["expires_in"], codes["interval"]) == (900, 5)
    assert codes["user_code"] in codes["message"]


def test_a_device_waits_for_its_person_and_is_let_in(world, check_refused):
    codes = start(world).json()
    check_refused(poll(world, codes), 70016, "authorization_pending")
    browser = world.browser()
    typed = f" {codes['user_code'][:4].lower()}-{codes['user_code'][4:]}"
    page = browser.sign_in(browser.enter_code(typed), "megan")
    assert "Is this you" in page.text
    assert "All set" in browser.decide(page).text
    body = poll(world, codes).json()
    assert body["scope"] == "https://ai.azure.com/user_impersonation openid"
    claims = world.claims(body["access_token"])
    assert claims["oid"] == world.people["megan"]["oid"]
    assert (claims["aud"], claims["appidacr"]) == ("https://ai.azure.com", "0")
    assert body["refresh_token"]


def test_a_device_code_is_good_for_one_sign_in(world, check_refused):
    codes, browser = start(world).json(), world.browser()
    browser.decide(browser.sign_in(browser.enter_code(codes["user_code"])))
    assert poll(world, codes).status_code == 200
    check_refused(poll(world, codes), 70019, "expired_token")
    assert "wrong or has expired" in browser.enter_code(codes["user_code"]).text


def test_a_signed_in_person_must_approve_a_device_all_the_same(world, check_refused):
    browser = world.browser()
    browser.sign_in(browser.authorize())
    codes = start(world).json()
    page = browser.enter_code(codes["user_code"])
    assert "Is this you" in page.text
    check_refused(poll(world, codes), 70016, "authorization_pending")


def test_a_declined_device_is_told_so(world, check_refused):
    codes, browser = start(world).json(), world.browser()
    page = browser.sign_in(browser.enter_code(codes["user_code"]))
    assert "Cancelled" in browser.decide(page, "cancel").text
    check_refused(poll(world, codes), 700162, "authorization_declined")


def test_a_device_that_polls_too_fast_is_slowed_down(timed_world, clock, check_refused):
    codes = start(timed_world).json()
    check_refused(poll(timed_world, codes), 70016, "authorization_pending")
    clock.advance(2)
    check_refused(poll(timed_world, codes), 700161, "slow_down")
    clock.advance(6)
    check_refused(poll(timed_world, codes), 700161, "slow_down")
    clock.advance(15)
    check_refused(poll(timed_world, codes), 70016, "authorization_pending")


def test_a_device_code_lives_15_minutes(timed_world, clock, check_refused):
    codes = start(timed_world).json()
    clock.advance(901)
    check_refused(poll(timed_world, codes), 70019, "expired_token")
    browser = timed_world.browser()
    assert "wrong or has expired" in browser.enter_code(codes["user_code"]).text


def test_a_device_code_belongs_to_its_client(world, check_refused):
    codes = start(world).json()
    check_refused(poll(world, {"device_code": "guess"}), 70018, "bad_verification_code")
    other = world.post_token("connection", grant_type=GRANT, device_code=codes["device_code"])
    check_refused(other, 70018, "bad_verification_code")


@pytest.mark.parametrize(
    ("form", "code", "error"),
    [
        ({"client_id": None}, 900144, "invalid_request"),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, 700016, "unauthorized_client"),
        ({"scope": None}, 900144, "invalid_request"),
        ({"scope": "made.up"}, 650053, "invalid_scope"),
        ({"scope": "openid", "resource": "https://mcp.example"}, 9010010, "invalid_target"),
    ],
)
def test_a_device_request_is_refused(world, check_refused, form, code, error):
    check_refused(start(world, **form), code, error)


def test_an_agent_identity_cannot_sign_people_in(world, check_refused):
    answer = start(world, client_id=world.apps["agent-identity"]["client_id"])
    check_refused(answer, 82014, "unauthorized_client")


def test_a_code_typed_into_another_browsers_form_counts_for_nothing(world):
    page = world.browser().http.get("/devicelogin")
    other = world.browser()
    other.http.get("/devicelogin")
    answer = other.fill_in(page, "/devicelogin", user_code=start(world).json()["user_code"])
    assert (answer.status_code, "no longer valid" in answer.text) == (400, True)


def entered(world, codes, key):
    """A browser that stands before the last button."""
    browser = world.browser()
    return browser, browser.sign_in(browser.enter_code(codes["user_code"]), key)


@pytest.mark.parametrize("second", ["accept", "cancel"])
def test_the_first_person_at_a_code_is_the_one_who_counts(world, second):
    codes = start(world).json()
    (one, first_page), (other, second_page) = (entered(world, codes, k) for k in ("adele", "megan"))
    assert "All set" in one.decide(first_page).text
    late = other.decide(second_page, second)
    assert (late.status_code, "used or expired" in late.text) == (400, True)
    claims = world.claims(poll(world, codes).json()["access_token"])
    assert claims["oid"] == world.people["adele"]["oid"]


def test_a_declined_code_cannot_be_approved_afterwards(world, check_refused):
    codes = start(world).json()
    (one, first_page), (other, second_page) = (entered(world, codes, k) for k in ("adele", "megan"))
    one.decide(first_page, "cancel")
    assert "used or expired" in other.decide(second_page).text
    check_refused(poll(world, codes), 700162, "authorization_declined")


def test_a_code_that_ran_out_while_its_page_was_open_changes_nothing(timed_world, clock):
    scope = f"{timed_world.apps['mcp-server']['identifier_uri']}/mcp.access"
    codes = start(timed_world, scope=scope).json()
    browser, page = entered(timed_world, codes, "adele")
    clock.advance(901)
    assert "used or expired" in browser.decide(page).text
    again = browser.authorize(scope=scope)
    assert "Use the MCP server as you" in again.text  # nothing was consented to
