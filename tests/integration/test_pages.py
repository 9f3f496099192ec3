"""The tenant's pages in a real browser: sign in, consent, come back with a token."""

import os
import threading
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from obo_cli.credentials import CredentialStore, Login
from obo_cli.login import SignIn
from support.chromium import MISSING, chromium

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(
        bool(MISSING) and not os.environ.get("CI"), reason=f"not on this machine: {MISSING}"
    ),
]


@pytest.fixture
def page():
    with chromium() as page:
        yield page


@pytest.fixture
def sign_in(world, tmp_path):
    """Sign somebody in with a browser of the caller's choosing."""

    def start(scope, open_browser, announce=lambda _: None):
        target = Login(
            authority=world.about["authority"],
            client_id=world.about["apps"]["user-app"]["client_id"],
            scopes=(scope,),
            account="",
            ca_bundle=world.ca_path,
        )
        store = CredentialStore(tmp_path / "login")
        return SignIn(store=store, target=target, announce=announce, open_browser=open_browser)

    return start


def fill_in(page, person):
    page.type("#name", person["user_principal_name"])
    page.type("#password", person["password"])
    page.press("button.first")


def test_a_person_signs_in_and_the_program_gets_their_token(world, page, sign_in):
    adele = world.person("adele")
    seen = {}

    def in_the_browser(address):
        page.open(address)
        seen["title"], seen["page"] = page.title(), page.text()
        seen["unstyled"] = page.run("return getComputedStyle(document.body).display") != "grid"
        seen["labels"] = page.run("return document.querySelectorAll('label[for]').length")
        page.type("#name", adele["user_principal_name"])
        page.type("#password", "not the password")
        page.press("button.first")
        seen["alert"] = page.text("[role=alert]")
        page.run("document.querySelector('#name').value = ''")
        fill_in(page, adele)

    def open_browser(address):
        thread = threading.Thread(target=in_the_browser, args=(address,))
        thread.start()
        seen["thread"] = thread

    result = sign_in("https://ai.azure.com/user_impersonation", open_browser).with_browser()
    seen["thread"].join(30)
    assert result["id_token_claims"]["oid"] == adele["oid"]
    assert seen["title"] == "Sign in"
    assert "not Microsoft" in seen["page"]
    assert not seen["unstyled"]
    assert seen["labels"] == 2
    assert seen["alert"]


def test_a_person_approves_a_device_by_its_code(world, page, sign_in):
    megan = world.person("megan")

    def announce(message):
        code = message.partition(" code ")[2].split()[0]
        page.open(next(word for word in message.split() if word.startswith("https://")))
        page.type("input[name=user_code]", code)
        page.press("button.first")
        fill_in(page, megan)
        page.press("button.first")

    flow = sign_in("https://ai.azure.com/user_impersonation", lambda _: None, announce)
    assert flow.with_device_code()["id_token_claims"]["oid"] == megan["oid"]


def test_a_redirect_that_is_not_registered_is_told_on_a_page_and_leads_nowhere(world, page):
    app = world.about["apps"]["user-app"]["client_id"]
    query = f"client_id={app}&response_type=code&scope=openid&redirect_uri=https://evil.example/"
    page.open(f"{world.about['authority']}/oauth2/v2.0/authorize?{query}")
    assert page.address().startswith(world.url)
    assert "50011" in page.text()


def test_what_a_stranger_writes_into_the_address_is_shown_as_text(world, page):
    app = world.about["apps"]["user-app"]["client_id"]
    query = (
        f"client_id={app}&response_type=code&scope=openid&redirect_uri=http://localhost/"
        "&prompt=login&login_hint=%22%3E%3Cimg%20src=x%20onerror=%22document.title='owned'%22%3E"
    )
    page.open(f"{world.about['authority']}/oauth2/v2.0/authorize?{query}")
    assert page.title() == "Sign in"
    assert page.run("return document.images.length") == 0


@pytest.fixture
def consented_page(world):
    """Where the MCP server gets its people back: nothing listens there, the address is enough."""
    world.redirect_uris("http://localhost/consented")
    yield "http://localhost:9/consented"
    world.redirect_uris()
    world.consent("diego", given=False)


def server_query(world, redirect_uri):
    scope = "https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/User.Read"
    client = world.about["apps"]["mcp-server"]["client_id"]
    return urlencode({"client_id": client, "redirect_uri": redirect_uri, "scope": scope})


def answer_of(page):
    return dict(parse_qsl(urlsplit(page.address()).query))


def test_a_person_consents_for_the_server_in_their_browser(world, page, consented_page):
    query = server_query(world, consented_page)
    extra = "response_type=code&prompt=consent&state=s-1"
    page.open(f"{world.about['authority']}/oauth2/v2.0/authorize?{query}&{extra}")
    fill_in(page, world.person("diego"))
    assert page.title() == "Permissions requested"
    assert "Read your mail" in page.text()
    page.press("button.first")
    assert page.address().startswith(consented_page)
    assert answer_of(page).keys() == {"code", "state", "session_state"}


def test_only_an_administrator_gets_past_the_admin_consent_page(world, page, consented_page):
    query = server_query(world, consented_page)
    page.open(f"{world.about['authority']}/v2.0/adminconsent?{query}&state=s-1")
    fill_in(page, world.person("adele"))
    assert page.title() == "Need admin approval"
    page.press("button.first")
    fill_in(page, world.person("megan"))
    assert "review for your organization" in page.title()
    page.press("button[value=cancel]")
    answer = answer_of(page)
    assert (answer["admin_consent"], answer["error"]) == ("True", "consent_required")


def test_a_person_proves_more_when_the_client_asks_with_the_challenge(world, page):
    lynne, claims = world.person("lynne"), world.policy("lynne", "mfa", silent=False)
    app = world.about["apps"]["user-app"]["client_id"]
    query = {"client_id": app, "response_type": "code", "redirect_uri": "http://localhost:9/"}
    query |= {"scope": "https://ai.azure.com/user_impersonation", "claims": claims}
    page.open(f"{world.about['authority']}/oauth2/v2.0/authorize?{urlencode(query)}")
    fill_in(page, lynne)
    assert page.title() == "Verify your identity"
    page.press("button.first")
    assert "code" in answer_of(page)
