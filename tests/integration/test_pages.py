"""The tenant's pages in a real browser: sign in, consent, come back with a token."""

import os
import threading

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
