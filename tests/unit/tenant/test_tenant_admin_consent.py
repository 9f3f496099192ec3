"""Consent for the middle tier: by the person, by an administrator, or by nobody."""

import pytest

GRAPH = "https://graph.microsoft.com"
MAIL = f"{GRAPH}/Mail.Read {GRAPH}/User.Read"
CALLBACK = "http://localhost:5500/consented"


@pytest.fixture
def consenting(own_world):
    """A tenant whose MCP server can send its people to a page and get them back."""
    own_world.switch("PATCH", "/apps/mcp-server", {"redirect_uris": ["http://localhost/consented"]})
    return own_world


def server_page(world, browser, **changes):
    """What the MCP server links to when consent is missing."""
    query = {
        "client_id": world.apps["mcp-server"]["client_id"],
        "redirect_uri": CALLBACK,
        "scope": MAIL,
        "prompt": "consent",
    }
    return browser.authorize(**query | changes)


def admin_page(world, browser, endpoint="/v2.0/adminconsent", **changes):
    query = {
        "client_id": world.apps["mcp-server"]["client_id"],
        "redirect_uri": CALLBACK,
        "scope": MAIL,
        "state": "s-1",
    } | changes
    query = {name: value for name, value in query.items() if value is not None}
    return browser.http.get(f"/{world.tenant_id}{endpoint}", params=query)


def graph_scopes(world, person="diego"):
    body = world.obo(world.mint(person=person)).json()
    return world.claims(body["access_token"])["scp"] if "access_token" in body else body["error"]


# --- the person ----------------------------------------------------------------------------------


def test_a_person_consents_for_the_middle_tier_and_the_exchange_works_at_once(
    consenting, check_landed
):
    world, browser = consenting, consenting.browser()
    assert graph_scopes(world) == "invalid_grant"
    page = browser.sign_in(server_page(world, browser), "diego")
    assert "MCP server, at Microsoft Graph" in page.text
    assert "Read your mail" in page.text
    landing = browser.decide(page)
    assert landing.headers["location"].startswith(f"{CALLBACK}?code=")
    assert check_landed(landing)["state"] == "s-1"
    assert graph_scopes(world) == "Mail.Read User.Read"


def test_a_person_who_declines_is_sent_back_with_the_reason(consenting, check_landed):
    world, browser = consenting, consenting.browser()
    page = browser.sign_in(server_page(world, browser), "diego")
    answer = check_landed(browser.decide(page, "cancel"))
    assert (answer["error"], answer["error_subcode"]) == ("access_denied", "cancel")
    assert answer["error_description"].startswith("AADSTS65004")
    assert graph_scopes(world) == "invalid_grant"


def test_a_redirect_uri_must_be_registered_first(own_world):
    page = server_page(own_world, own_world.browser())
    assert (page.status_code, "AADSTS50011" in page.text) == (400, True)


def test_entra_has_no_response_type_none(consenting, check_landed):
    answer = check_landed(server_page(consenting, consenting.browser(), response_type="none"))
    assert answer["error"] == "unsupported_response_type"


@pytest.mark.parametrize(
    ("registered", "sent", "matches"),
    [
        ("http://localhost/x", "http://localhost:1234/x", True),
        ("http://127.0.0.1/x", "http://127.0.0.1:1234/x", True),
        ("http://localhost/x", "http://127.0.0.1:1234/x", False),
        ("http://localhost/x", "http://localhost:1234/y", False),
        ("https://server.example/x", "https://server.example/x", True),
        ("https://server.example/x", "https://server.example:444/x", False),
    ],
)
def test_only_the_port_of_a_loopback_address_does_not_count(own_world, registered, sent, matches):
    own_world.switch("PATCH", "/apps/mcp-server", {"redirect_uris": [registered]})
    page = server_page(own_world, own_world.browser(), redirect_uri=sent)
    assert (page.status_code == 200) == matches


@pytest.mark.parametrize(
    "uri",
    [
        "http://server.example/x",
        "http://[::1]/x",
        "https://*.example/x",
        "https://server.example/#x",
        "javascript:alert(1)",
        "https:///x",
        "https://server.example/" + "x" * 256,
        "",
    ],
)
def test_what_entra_does_not_register_is_refused(world, uri):
    before = world.http.get("/_tenant/").json()["apps"]["mcp-server"]["redirect_uris"]
    body = {"redirect_uris": ["https://fine.example/x", uri]}
    answer = world.http.patch("/_tenant/apps/mcp-server", json=body)
    assert (answer.status_code, "redirect_uris" in answer.json()["error"]) == (400, True)
    info = world.http.get("/_tenant/").json()
    assert info["apps"]["mcp-server"]["redirect_uris"] == before


# --- what only an administrator may allow --------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "scope", "allowed"),
    [
        ("all", f"{GRAPH}/Files.Read.All", True),
        ("all", f"{GRAPH}/User.Read.All", False),
        ("recommended", f"{GRAPH}/User.Read", True),
        ("recommended", f"{GRAPH}/Mail.Read", False),
        ("recommended", f"{GRAPH}/User.Read {GRAPH}/Sites.Read.All", False),
        ("recommended", "api://expenses/Expenses.Read", True),
        ("none", f"{GRAPH}/User.Read", False),
        ("none", "api://expenses/Expenses.Read", False),
    ],
)
def test_some_consents_take_an_administrator(consenting, check_landed, setting, scope, allowed):
    world, browser = consenting, consenting.browser()
    world.switch("PUT", "/user-consent", {"setting": setting})
    page = browser.sign_in(server_page(world, browser, scope=scope), "diego")
    assert ("AADSTS90094" in page.text) != allowed
    assert page.status_code == (200 if allowed else 403)
    answer = check_landed(browser.decide(page))  # also where the page has no such button
    assert ("code" in answer) == allowed
    if not allowed:
        assert answer["error"] == "access_denied"
        assert answer["error_description"].startswith("AADSTS90094: MCP server needs permission")


def test_what_a_person_may_not_allow_is_not_kept(consenting):
    world, browser = consenting, consenting.browser()
    world.switch("PUT", "/user-consent", {"setting": "none"})
    browser.decide(browser.sign_in(server_page(world, browser), "diego"))
    assert graph_scopes(world) == "invalid_grant"


def test_an_administrator_can_be_fetched_to_the_same_page(consenting, check_landed):
    world, browser = consenting, consenting.browser()
    world.switch("PUT", "/user-consent", {"setting": "none"})
    page = browser.sign_in(server_page(world, browser), "diego")
    page = browser.sign_in(browser.decide(page, "other"), "megan")
    assert "Consent on behalf of your organization" in page.text
    landing = browser.fill_in(page, "/consent", decision="accept", everybody="yes")
    assert check_landed(landing)["code"]
    assert graph_scopes(world) == "Mail.Read User.Read"


def test_an_administrators_consent_is_their_own_unless_they_say_so(consenting, check_landed):
    world, browser = consenting, consenting.browser()
    page = browser.sign_in(server_page(world, browser), "megan")
    assert check_landed(browser.decide(page))["code"]
    assert graph_scopes(world) == "invalid_grant"


def test_nobody_else_speaks_for_everybody_by_adding_a_field(consenting, check_landed):
    world, browser = consenting, consenting.browser()
    page = browser.sign_in(server_page(world, browser), "adele")
    assert "on behalf of your organization" not in page.text
    landing = browser.fill_in(page, "/consent", decision="accept", everybody="yes")
    assert check_landed(landing)["code"]
    assert graph_scopes(world) == "invalid_grant"


# --- the endpoint for administrators -------------------------------------------------------------


def test_an_administrator_consents_for_everybody(consenting, check_landed):
    world, browser = consenting, consenting.browser()
    page = browser.sign_in(admin_page(world, browser), "megan")
    assert "review for your organization" in page.text
    landing = browser.decide(page)
    assert check_landed(landing) == {
        "admin_consent": "True",
        "tenant": world.tenant_id,
        "scope": MAIL,
        "state": "s-1",
    }
    assert graph_scopes(world) == "Mail.Read User.Read"


def test_an_administrator_who_declines_is_told_apart(consenting, check_landed):
    world, browser = consenting, consenting.browser()
    page = browser.sign_in(admin_page(world, browser), "megan")
    answer = check_landed(browser.decide(page, "cancel"))
    assert (answer["admin_consent"], answer["error"]) == ("True", "consent_required")
    assert answer["error_description"].startswith("AADSTS65004")
    assert answer["state"] == "s-1"
    assert graph_scopes(world) == "invalid_grant"


@pytest.mark.parametrize("decision", ["cancel", "accept"])
def test_only_an_administrator_gets_through(consenting, check_landed, decision):
    world, browser = consenting, consenting.browser()
    page = browser.sign_in(admin_page(world, browser), "adele")
    assert (page.status_code, "Need admin approval" in page.text) == (403, True)
    answer = check_landed(browser.decide(page, decision))
    assert (answer["admin_consent"], answer["error"]) == ("True", "access_denied")
    assert answer["error_description"].startswith("AADSTS90094")
    assert graph_scopes(world) == "invalid_grant"


def test_the_role_can_be_given_and_taken(consenting):
    world = consenting
    world.switch("PATCH", "/people/adele", {"administrator": True})
    world.switch("PATCH", "/people/megan", {"administrator": False})
    titles = [
        browser.sign_in(admin_page(world, browser), key).status_code
        for key in ("adele", "megan")
        for browser in [world.browser()]
    ]
    assert titles == [200, 403]


def test_default_means_all_that_is_registered_on_that_resource(consenting, check_landed):
    world, browser = consenting, consenting.browser()
    page = admin_page(world, browser, scope="api://expenses/.default")
    answer = check_landed(browser.decide(browser.sign_in(page, "megan")))
    assert answer["scope"] == "api://expenses/Expenses.Read"


def test_the_older_endpoint_asks_for_everything_that_is_registered(consenting, check_landed):
    world, browser = consenting, consenting.browser()
    page = admin_page(world, browser, "/adminconsent", scope=None)
    answer = check_landed(browser.decide(browser.sign_in(page, "megan")))
    assert {f"{GRAPH}/Mail.Send", "api://expenses/Expenses.Read"} <= set(answer["scope"].split())
    assert "Mail.Send" in graph_scopes(world)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"scope": None}, "invalid_request"),
        ({"scope": "api://nowhere/x"}, "invalid_resource"),
        ({"scope": "made.up"}, "invalid_scope"),
    ],
)
def test_errors_go_to_the_client_as_those_of_an_admin_consent(
    consenting, check_landed, query, error
):
    answer = check_landed(admin_page(consenting, consenting.browser(), **query))
    assert (answer["admin_consent"], answer["error"]) == ("True", error)
    assert answer["state"] == "s-1"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"redirect_uri": "https://evil.example/"}, "AADSTS50011"),
        ({"redirect_uri": None}, "AADSTS900144"),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, "AADSTS700016"),
        ({"client_id": None}, "AADSTS900144"),
    ],
)
def test_until_the_redirect_uri_is_known_errors_stay_on_a_page(consenting, query, code):
    page = admin_page(consenting, consenting.browser(), **query)
    assert (page.status_code, code in page.text) == (400, True)
    assert "location" not in page.headers


def test_the_log_names_the_administrator_and_the_refusal(consenting):
    world, browser = consenting, consenting.browser()
    browser.sign_in(admin_page(world, browser), "adele")
    entry = world.log()[-1]
    assert (entry["person"], entry["client_name"]) == ("adele", "mcp-server")
    assert entry["error"] == "access_denied AADSTS90094"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "setting"),
        ({"setting": "some"}, "setting"),
        ({"setting": "none", "tenant": "moon"}, "moon"),
        ({"setting": "none", "more": 1}, "more"),
    ],
)
def test_a_wrong_order_is_refused_and_changes_nothing(own_world, body, word):
    answer = own_world.http.put("/_tenant/user-consent", json=body)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True)
    assert own_world.local.tenant.directory.user_consent == "all"
