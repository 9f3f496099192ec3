"""The real MSAL against the tenant, over TLS."""

import msal
import pytest

GRAPH_DEFAULT = "https://graph.microsoft.com/.default"
AGENT = ["https://ai.azure.com/user_impersonation"]


def test_msal_signs_a_person_in_with_code_and_pkce(world, hidden_fields):
    app, browser = world.msal_public(), world.browser()
    flow = app.initiate_auth_code_flow(
        AGENT, redirect_uri="http://localhost:8400", response_mode="form_post"
    )
    page = browser.sign_in(browser.http.get(flow["auth_uri"]))
    result = app.acquire_token_by_auth_code_flow(flow, hidden_fields(page))
    assert "error" not in result, result.get("error_description")
    assert result["id_token_claims"]["oid"] == world.people["adele"]["oid"]
    account = app.get_accounts()[0]
    assert account["username"] == world.people["adele"]["user_principal_name"]
    assert account["home_account_id"] == f"{world.people['adele']['oid']}.{world.tenant_id}"
    silent = app.acquire_token_silent(AGENT, account)
    assert silent["access_token"] == result["access_token"]
    fresh = app.acquire_token_silent(AGENT, account, force_refresh=True)
    assert fresh["access_token"] != result["access_token"]


def test_msal_reports_a_declined_consent(world, hidden_fields):
    app, browser = world.msal_public(), world.browser()
    scope = f"{world.apps['mcp-server']['identifier_uri']}/mcp.admin"
    flow = app.initiate_auth_code_flow(
        [scope], redirect_uri="http://localhost:8400", response_mode="form_post"
    )
    page = browser.sign_in(browser.http.get(flow["auth_uri"]), "megan")
    result = app.acquire_token_by_auth_code_flow(
        flow, hidden_fields(browser.decide(page, "cancel"))
    )
    assert result["error"] == "access_denied"


def test_msal_signs_a_person_in_with_a_device_code(world):
    app, browser = world.msal_public(), world.browser()
    flow = app.initiate_device_flow(AGENT)
    pending = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert pending["error"] == "authorization_pending"
    browser.decide(browser.sign_in(browser.enter_code(flow["user_code"])))
    flow["latest_attempt_at"] = 0  # as if the interval had passed
    result = app.acquire_token_by_device_flow(flow)
    assert result["scope"].split()[0] == AGENT[0]
    assert app.acquire_token_silent(AGENT, app.get_accounts()[0])


def test_msal_exchanges_a_user_assertion(world):
    app = world.msal_confidential()
    result = app.acquire_token_on_behalf_of(world.mint(), [GRAPH_DEFAULT])
    assert world.claims(result["access_token"])["oid"] == world.people["adele"]["oid"]
    assert GRAPH_DEFAULT in result["scope"].split()
    account = app.get_accounts()[0]
    assert (
        app.acquire_token_silent([GRAPH_DEFAULT], account)["access_token"]
        == (result["access_token"])
    )


def test_msal_reports_a_missing_consent(world):
    app = world.msal_confidential()
    result = app.acquire_token_on_behalf_of(world.mint(person="diego"), [GRAPH_DEFAULT])
    assert (result["error"], result["suberror"]) == ("invalid_grant", "consent_required")
    assert result["error_codes"] == [65001]


def test_msal_gets_an_apps_own_token(world):
    app = world.msal_confidential("connection")
    scope = f"{world.apps['mcp-server']['identifier_uri']}/.default"
    result = app.acquire_token_for_client([scope])
    assert world.claims(result["access_token"])["idtyp"] == "app"
    assert app.acquire_token_for_client([scope])["access_token"] == result["access_token"]


def test_msal_reports_a_wrong_secret(world):
    app = msal.ConfidentialClientApplication(
        world.apps["mcp-server"]["client_id"],
        client_credential="guess",
        authority=world.authority,
        instance_discovery=False,
        http_client=world.session,
    )
    result = app.acquire_token_on_behalf_of(world.mint(), [GRAPH_DEFAULT])
    assert (result["error"], result["error_codes"]) == ("invalid_client", [7000215])


@pytest.mark.parametrize(
    "options",
    [
        {"authority": "{authority}/", "instance_discovery": False},
        {"authority": "{authority}", "validate_authority": False},
        {"authority": "{authority}", "instance_discovery": "{url}/common/discovery/instance"},
        {"oidc_authority": "{authority}/v2.0"},
    ],
    ids=["trailing slash", "no validation", "own instance discovery", "OIDC authority"],
)
def test_msal_finds_the_tenant_however_it_is_told(world, options):
    told = {
        name: value.format(authority=world.authority, url=world.url)
        if isinstance(value, str)
        else value
        for name, value in options.items()
    }
    app = msal.ConfidentialClientApplication(
        world.apps["mcp-server"]["client_id"],
        client_credential=world.apps["mcp-server"]["client_secret"],
        http_client=world.session,
        **told,
    )
    assert app.acquire_token_on_behalf_of(world.mint(), [GRAPH_DEFAULT])["access_token"]
