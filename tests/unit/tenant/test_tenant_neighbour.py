"""The second tenant at the same origin: its own people, keys, issuers and consents."""

import base64
import json

import jwt
import pytest

OBO = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEFAULT = "https://graph.microsoft.com/.default"


@pytest.fixture
def neighbour(world):
    return world.info["neighbour"]


def obo_at(world, tenant, assertion, app="mcp-server"):
    form = world.credentials(app) | {
        "grant_type": OBO,
        "requested_token_use": "on_behalf_of",
        "assertion": assertion,
        "scope": DEFAULT,
        "client_info": "1",
    }
    return world.http.post(f"/{tenant}/oauth2/v2.0/token", data=form)


def keys_at(world, tenant, infix="/v2.0"):
    return world.http.get(f"/{tenant}/discovery{infix}/keys").json()["keys"]


def me(world, token, path=""):
    headers = {"authorization": f"Bearer {token}"}
    return world.http.get(f"/v1.0/me{path}", headers=headers)


def authorize_at(world, browser, tenant, **changes):
    query = {
        "client_id": world.apps["connection"]["client_id"],
        "response_type": "code",
        "redirect_uri": world.apps["connection"]["redirect_uris"][0],
        "scope": f"{world.apps['mcp-server']['identifier_uri']}/mcp.access offline_access",
    } | changes
    return browser.http.get(f"/{tenant}/oauth2/v2.0/authorize", params=query)


def sign_in(browser, page, person):
    name, password = person["user_principal_name"], person["password"]
    return browser.fill_in(page, "/signin", name=name, password=password)


def test_the_overview_lists_the_neighbour(world, neighbour):
    assert neighbour["domain"] == "fabrikam.example"
    assert neighbour["authority"] == f"{world.url}/{neighbour['tenant_id']}"
    assert neighbour["tenant_id"] != world.tenant_id
    assert set(neighbour["people"]) == {"nora", "imran"}
    assert neighbour["apps"] == ["connection", "mcp-server", "blueprint", "other-blueprint"]


@pytest.mark.parametrize(("infix", "issuer"), [("/v2.0", "{}/v2.0"), ("", None)])
def test_each_tenant_has_issuers_and_keys_of_its_own(world, neighbour, infix, issuer):
    for name in (neighbour["tenant_id"], neighbour["domain"]):
        path = f"/{name}{infix}/.well-known/openid-configuration"
        document = world.http.get(path).json()
        v1 = f"https://sts.windows.net/{neighbour['tenant_id']}/"
        assert document["issuer"] == (issuer.format(neighbour["authority"]) if issuer else v1)
        assert document["token_endpoint"] == f"{neighbour['authority']}/oauth2/v2.0/token"
        keys = world.http.get(document["jwks_uri"]).json()["keys"]
        assert {key["issuer"] for key in keys} == {document["issuer"]}
    ours = {key["kid"] for key in keys_at(world, world.tenant_id, infix)}
    theirs = {key["kid"] for key in keys_at(world, neighbour["tenant_id"], infix)}
    assert len(ours | theirs) == 4


def test_a_person_decides_which_tenant_issues_a_token(world, neighbour):
    for version, issuer in (
        (2, neighbour["issuer"]),
        (1, f"https://sts.windows.net/{neighbour['tenant_id']}/"),
    ):
        token = world.mint(person="nora", version=version)
        claims = world.claims(token)
        assert (claims["iss"], claims["tid"]) == (issuer, neighbour["tenant_id"])
        assert claims["oid"] == neighbour["people"]["nora"]["oid"]
        kid = jwt.get_unverified_header(token)["kid"]
        assert kid in {key["kid"] for key in keys_at(world, neighbour["tenant_id"])}
        assert kid not in {key["kid"] for key in keys_at(world, world.tenant_id)}


def test_an_order_can_name_the_tenant_alone(world, neighbour):
    claims = world.claims(world.mint(tenant="neighbour"))
    assert claims["oid"] == neighbour["people"]["nora"]["oid"]
    app_only = world.claims(world.mint(tenant="neighbour", app_only=True))
    at_home = world.claims(world.mint(app_only=True))
    assert app_only["tid"] == neighbour["tenant_id"]
    assert app_only["azp"] == at_home["azp"]
    assert app_only["oid"] != at_home["oid"]  # one application, a principal in each tenant


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("POST", "/tokens", {"resource": "mcp-server", "tenant": "x"}, "'x'"),
        ("POST", "/tokens", {"resource": "mcp-server", "tenant": "home", "person": "nora"}, "nora"),
        ("POST", "/tokens", {"resource": "expenses-api", "person": "nora"}, "expenses-api"),
        (
            "POST",
            "/tokens",
            {"resource": "mcp-server", "person": "nora", "client": "agent-identity"},
            "agent-identity",
        ),
        ("PUT", "/faults", {"where": "graph", "tenant": "neighbour"}, "Graph"),
        ("PUT", "/faults", {"where": "keys", "tenant": "moon"}, "moon"),
    ],
)
def test_a_wrong_order_at_the_neighbours_is_refused_in_words(world, method, path, body, word):
    answer = world.http.request(method, f"/_tenant{path}", json=body)
    assert (answer.status_code, word in answer.json()["error"]) == (400, True)


def test_the_neighbours_people_are_exchanged_at_their_own_tenant(world, neighbour):
    body = obo_at(world, neighbour["tenant_id"], world.mint(person="nora")).json()
    claims = world.claims(body["access_token"])
    assert (claims["tid"], claims["aud"]) == (neighbour["tenant_id"], "https://graph.microsoft.com")
    assert claims["iss"] == f"https://sts.windows.net/{neighbour['tenant_id']}/"
    info = json.loads(base64.urlsafe_b64decode(body["client_info"] + "=="))
    assert info == {"uid": claims["oid"], "utid": neighbour["tenant_id"]}
    person = me(world, body["access_token"], "?$select=id,displayName,companyName,mail").json()
    assert (person["id"], person["displayName"]) == (claims["oid"], "Nora Eide")
    assert (person["companyName"], person["mail"]) == ("Fabrikam", "nora@fabrikam.example")


def test_msal_exchanges_at_either_tenant(world, neighbour):
    app = world.msal_confidential(authority=neighbour["authority"])
    result = app.acquire_token_on_behalf_of(world.mint(person="nora"), [DEFAULT])
    assert world.claims(result["access_token"])["tid"] == neighbour["tenant_id"]
    assert result["id_token_claims"]["iss"] == neighbour["issuer"]


@pytest.mark.parametrize(("person", "place"), [("nora", "home"), ("adele", "neighbour")])
def test_an_assertion_of_the_other_tenant_is_refused(
    world, neighbour, check_refused, person, place
):
    tenant = world.tenant_id if place == "home" else neighbour["tenant_id"]
    body = check_refused(obo_at(world, tenant, world.mint(person=person)), 50020, "invalid_grant")
    assert "@" not in body["error_description"]


def test_an_assertion_with_the_other_tenants_claims_is_a_forgery(world, neighbour, check_refused):
    theirs = {"iss": neighbour["issuer"], "tid": neighbour["tenant_id"]}
    forged = world.mint(claims=theirs | {"oid": neighbour["people"]["nora"]["oid"]})
    for tenant in (world.tenant_id, neighbour["tenant_id"]):
        check_refused(obo_at(world, tenant, forged), 50013, "invalid_grant")


def test_graph_knows_nobody_across_the_fence(world, neighbour):
    token = obo_at(world, neighbour["tenant_id"], world.mint(person="nora")).json()["access_token"]
    ours = world.obo().json()["access_token"]
    for bearer, other in ((token, world.people["adele"]), (ours, neighbour["people"]["imran"])):
        headers = {"authorization": f"Bearer {bearer}"}
        for name in (other["oid"], other["user_principal_name"]):
            answer = world.http.get(f"/v1.0/users/{name}", headers=headers)
            assert answer.status_code == 404
    forged = world.mint("graph", claims={"tid": neighbour["tenant_id"], "iss": "https://x.example"})
    assert me(world, forged).status_code == 401


@pytest.mark.parametrize("app", ["agent-identity", "expenses-api"])
def test_an_application_of_one_tenant_is_unknown_at_the_other(world, neighbour, check_refused, app):
    form = {"client_id": world.apps[app]["client_id"], "client_secret": "x", "scope": DEFAULT}
    path = f"/{neighbour['tenant_id']}/oauth2/v2.0/token"
    answer = world.http.post(path, data=form | {"grant_type": "client_credentials"})
    check_refused(answer, 700016, "unauthorized_client")


def test_consent_is_per_tenant(own_world, check_refused):
    tenant = own_world.info["neighbour"]["tenant_id"]
    consent = {"client": "mcp-server", "resource": "graph", "scopes": ["User.Read"]}
    imran = own_world.mint(person="imran")
    check_refused(obo_at(own_world, tenant, imran), 65001, "invalid_grant")
    own_world.switch("PUT", "/consents", consent)  # the administrator's at home
    assert own_world.obo(own_world.mint(person="diego")).status_code == 200
    check_refused(obo_at(own_world, tenant, imran), 65001, "invalid_grant")
    own_world.switch("PUT", "/consents", consent | {"tenant": "neighbour"})
    assert obo_at(own_world, tenant, imran).status_code == 200
    own_world.switch("DELETE", "/consents", consent | {"tenant": "neighbour"})
    check_refused(obo_at(own_world, tenant, imran), 65001, "invalid_grant")
    assert own_world.obo(own_world.mint(person="diego")).status_code == 200


def test_a_fault_can_strike_one_tenant_alone(own_world):
    tenants = (own_world.tenant_id, own_world.info["neighbour"]["tenant_id"])
    fault = {"where": "keys", "status": 503, "tenant": "neighbour", "count": 2}
    own_world.switch("PUT", "/faults", fault)

    def statuses():
        paths = [f"/{tenant}/discovery/v2.0/keys" for tenant in tenants]
        return [own_world.http.get(path).status_code for path in paths]

    assert [statuses(), statuses(), statuses()] == [[200, 503], [200, 503], [200, 200]]
    own_world.switch("PUT", "/faults", {"where": "keys", "status": 500, "count": 2})
    own_world.switch("PUT", "/faults", fault | {"count": 1})  # the more particular one comes first
    assert [statuses(), statuses()] == [[500, 503], [500, 200]]


def test_a_token_fault_at_the_neighbours_leaves_home_alone(own_world):
    own_world.switch("PUT", "/faults", {"where": "token", "status": 503, "tenant": "neighbour"})
    tenant = own_world.info["neighbour"]["tenant_id"]
    assert own_world.obo().status_code == 200
    assert obo_at(own_world, tenant, own_world.mint(person="nora")).status_code == 503
    entries = [entry for entry in own_world.log() if entry["where"] == "token"]
    assert [(entry["person"], entry["error"]) for entry in entries] == [
        ("adele", None),
        ("nora", "fault"),
    ]
    assert tenant in entries[1]["path"]


def test_the_neighbours_people_sign_in_at_their_own_tenant_only(world, neighbour, check_landed):
    browser, nora = world.browser(), neighbour["people"]["nora"]
    page = sign_in(browser, authorize_at(world, browser, world.tenant_id), nora)
    assert "password is wrong" in page.text
    page = authorize_at(world, browser, neighbour["tenant_id"])
    assert nora["password"] in page.text
    assert world.people["adele"]["password"] not in page.text
    allow = sign_in(browser, page, nora)
    code = check_landed(browser.decide(allow))["code"]
    form = world.credentials("connection") | {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": world.apps["connection"]["redirect_uris"][0],
    }
    path = "/{}/oauth2/v2.0/token"
    at_home = world.http.post(path.format(world.tenant_id), data=form)
    assert at_home.json()["error_codes"] == [70000]
    body = world.http.post(path.format(neighbour["tenant_id"]), data=form).json()
    assert world.claims(body["access_token"])["tid"] == neighbour["tenant_id"]
    assert obo_at(world, neighbour["tenant_id"], body["access_token"]).status_code == 200


def test_a_sign_in_at_one_tenant_is_none_at_the_other(world, neighbour, check_landed):
    browser = world.browser()
    browser.sign_in(authorize_at(world, browser, world.tenant_id))
    page = authorize_at(world, browser, neighbour["tenant_id"])
    assert neighbour["people"]["nora"]["password"] in page.text
    silent = authorize_at(world, browser, neighbour["tenant_id"], prompt="none")
    assert check_landed(silent)["error"] == "login_required"


def test_a_device_code_of_the_neighbours_is_for_its_people(world, neighbour):
    scope = f"{world.apps['mcp-server']['identifier_uri']}/mcp.access"
    client = world.credentials("connection")
    path = f"/{neighbour['tenant_id']}/oauth2/v2.0"
    codes = world.http.post(f"{path}/devicecode", data=client | {"scope": scope}).json()
    browser = world.browser()
    page = browser.enter_code(codes["user_code"])
    assert "password is wrong" in browser.sign_in(page, "adele").text
    page = browser.enter_code(codes["user_code"])
    assert "All set" in browser.decide(sign_in(browser, page, neighbour["people"]["imran"])).text
    form = client | {"grant_type": "device_code", "device_code": codes["device_code"]}
    claims = world.claims(world.http.post(f"{path}/token", data=form).json()["access_token"])
    assert claims["oid"] == neighbour["people"]["imran"]["oid"]


def test_one_registration_decides_the_token_version_in_both_tenants(own_world):
    own_world.switch("PATCH", "/apps/mcp-server", {"requested_access_token_version": 1})
    for person in ("adele", "nora"):
        assert own_world.claims(own_world.mint(person=person))["ver"] == "1.0"


def test_an_account_of_the_neighbours_can_be_disabled(own_world, check_refused):
    tenant = own_world.info["neighbour"]["tenant_id"]
    own_world.switch("PATCH", "/people/nora", {"enabled": False})
    check_refused(obo_at(own_world, tenant, own_world.mint(person="nora")), 50057, "invalid_grant")
