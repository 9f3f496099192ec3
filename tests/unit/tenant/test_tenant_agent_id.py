"""Blueprints and their agents (Entra, "Agent OAuth flows: on-behalf-of flow")."""

import base64
from uuid import UUID

import pytest

BLUEPRINT = "a3e5e6ec-a1dc-4057-9e9d-ddcd096a295e"
EXCHANGE_ID = "fb60f99c-7a34-4190-8149-302f77469936"
EXCHANGE = "api://AzureADTokenExchange/.default"
DEFAULT = "https://graph.microsoft.com/.default"
EXPENSES = "api://expenses/.default"
AUDIENCE = "api://AzureADTokenExchange"


def in_subject(guid):
    return base64.urlsafe_b64encode(UUID(guid).bytes_le).rstrip(b"=").decode()


def for_blueprint(world, **order):
    """What a client app gets of a person for the blueprint: Tc."""
    return world.mint("blueprint", **order)


def as_agent(world, assertion=None, *, proof=None, agent="agent-identity", **form):
    proof = proof or world.exchange_token(agent)
    assertion = assertion or for_blueprint(world)
    return world.obo(assertion, app=agent, **world.asserted(proof), **form)


# --- MSAL ----------------------------------------------------------------------------------------


def chain(world, credential=None, authority=None):
    """Blueprint and agent as MSAL applications; the agent's assertion is the blueprint's token."""
    blueprint = world.msal_confidential("blueprint", credential=credential, authority=authority)

    def exchange(context):
        result = blueprint.acquire_token_for_client([EXCHANGE], fmi_path=context["client_id"])
        assert "error" not in result, result.get("error_description")
        return result["access_token"]

    return world.msal_confidential(
        "agent-identity", credential={"client_assertion": exchange}, authority=authority
    )


@pytest.mark.parametrize(("scope", "client"), [(DEFAULT, "appid"), (EXPENSES, "azp")])
def test_msal_acts_for_a_person_as_an_agent(world, scope, client):
    result = chain(world).acquire_token_on_behalf_of(for_blueprint(world, person="megan"), [scope])
    assert "error" not in result, result.get("error_description")
    claims = world.claims(result["access_token"])
    assert claims["oid"] == world.people["megan"]["oid"]
    assert claims[client] == world.apps["agent-identity"]["client_id"]
    assert claims[f"{client}acr"] == "2"
    assert (claims["xms_act_fct"], claims["xms_par_app_azp"]) == ("11", BLUEPRINT)
    assert (claims["idtyp"], "xms_sub_fct" in claims) == ("user", False)


def test_msal_gets_an_agents_own_token(world):
    scope = f"{world.apps['mcp-server']['identifier_uri']}/.default"
    result = chain(world).acquire_token_for_client([scope])
    claims = world.claims(result["access_token"])
    assert (claims["idtyp"], claims["roles"]) == ("app", ["mcp.read"])
    assert claims["oid"] == world.apps["agent-identity"]["principal_id"]
    assert (claims["xms_act_fct"], claims["xms_sub_fct"]) == ("11", "11")


def test_the_blueprint_may_prove_itself_by_a_managed_identity(own_world, monkeypatch):
    """No secret anywhere: identity, blueprint, agent, person."""
    world = own_world
    body = {
        "issuer": world.info["issuer"],
        "subject": world.apps["managed-identity"]["principal_id"],
    }
    world.switch("PUT", "/apps/blueprint/federated", body)
    world.switch("DELETE", "/apps/blueprint/secrets", {})

    def identity():
        query = {"api-version": "2018-02-01", "resource": AUDIENCE}
        answer = world.http.get(
            "/metadata/identity/oauth2/token", params=query, headers={"Metadata": "true"}
        )
        return answer.json()["access_token"]

    app = chain(world, credential={"client_assertion": identity})
    result = app.acquire_token_on_behalf_of(for_blueprint(world), [DEFAULT])
    assert "error" not in result, result.get("error_description")


# --- the exchange token --------------------------------------------------------------------------


def test_the_exchange_token_says_who_speaks_for_whom(world):
    agent = world.apps["agent-identity"]["client_id"]
    claims = world.claims(world.exchange_token())
    assert (claims["aud"], claims["iss"]) == (EXCHANGE_ID, world.info["issuer"])
    assert (claims["azp"], claims["idtyp"]) == (BLUEPRINT, "app")
    assert claims["oid"] == world.apps["blueprint"]["principal_id"]
    path = f"{in_subject(world.tenant_id)}/a/{in_subject(BLUEPRINT)}/{agent}"
    assert claims["sub"] == f"/eid1/c/pub/t/{path}"
    assert "xms_act_fct" not in claims


def test_a_guid_in_a_subject_is_little_endian():
    """As in a subject of the service that was published (microsoft/Agents#202)."""
    assert in_subject("72f988bf-86f1-41af-91ab-2d7cd011db47") == "v4j5cvGGr0GRqy180BHbRw"


@pytest.mark.parametrize(
    ("app", "form"),
    [
        ("mcp-server", {"scope": EXCHANGE}),
        ("blueprint", {"scope": DEFAULT}),
        ("blueprint", {"scope": EXCHANGE, "fmi_path": "x" * 201}),
    ],
    ids=["no blueprint", "another resource", "too long"],
)
def test_a_path_that_means_nothing_is_refused(world, check_refused, app, form):
    fields = {"grant_type": "client_credentials", "fmi_path": "x"} | form
    check_refused(world.post_token(app, **fields), 90023, "invalid_request")


PROOFS = {
    "another blueprint's": (
        lambda world: world.exchange_token(blueprint="other-blueprint"),
        700213,
    ),
    "for another agent": (lambda world: world.exchange_token("other-agent"), 700213),
    "for the agent in another case": (
        lambda world: world.exchange_token(world.apps["agent-identity"]["client_id"].upper()),
        7002138,
    ),
    "for no agent": (
        lambda world: world.exchange_token(fmi_path=None),
        700213,
    ),
    "an application's token for another resource": (
        lambda world: world.mint(client="blueprint", app_only=True),
        700212,
    ),
    "a person's token": (lambda world: world.mint("blueprint"), 700229),
    "of the cluster": (lambda world: world.switch("POST", "/cluster/tokens", {})["token"], 700211),
    "forged": (
        lambda world: world.mint(
            "token-exchange",
            client="blueprint",
            app_only=True,
            foreign_key=True,
            claims={"sub": world.claims(world.exchange_token())["sub"]},
        ),
        700027,
    ),
}


@pytest.mark.parametrize(("proof", "code"), PROOFS.values(), ids=PROOFS)
def test_an_agent_is_refused_by_a_wrong_proof(world, check_refused, proof, code):
    check_refused(as_agent(world, proof=proof(world)), code, "invalid_client", 401)


def test_an_expired_exchange_token_is_refused(timed_world, clock, check_refused):
    proof = timed_world.exchange_token()
    assert as_agent(timed_world, proof=proof).status_code == 200
    clock.advance(2 * 3600)
    check_refused(as_agent(timed_world, proof=proof), 700024, "invalid_client", 401)


def test_an_exchange_token_of_another_tenant_is_refused(world, check_refused):
    """Step one must be asked where the agent is at home."""
    form = world.credentials("blueprint") | {
        "grant_type": "client_credentials",
        "scope": EXCHANGE,
        "fmi_path": world.apps["agent-identity"]["client_id"],
    }
    path = f"/{world.info['neighbour']['tenant_id']}/oauth2/v2.0/token"
    proof = world.http.post(path, data=form).json()["access_token"]
    check_refused(as_agent(world, proof=proof), 700211, "invalid_client", 401)


def test_an_agent_has_no_secret(world, check_refused):
    for secret in ("practice-secret-of-the-agent-identity", "guess"):
        answer = world.obo(for_blueprint(world), app="agent-identity", client_secret=secret)
        check_refused(answer, 7000215, "invalid_client", 401)
    answer = world.obo(for_blueprint(world), app="agent-identity", client_secret=None)
    check_refused(answer, 7000218, "invalid_client", 401)


# --- what a blueprint may not --------------------------------------------------------------------


def test_a_blueprint_may_not_act_for_a_person_itself(world, check_refused):
    answer = world.obo(for_blueprint(world), app="blueprint")
    check_refused(answer, 82002, "unauthorized_client")


@pytest.mark.parametrize("scope", [EXPENSES, "https://vault.azure.net/.default"])
def test_a_blueprint_gets_no_token_of_its_own_for_a_resource(world, check_refused, scope):
    answer = world.post_token("blueprint", grant_type="client_credentials", scope=scope)
    check_refused(answer, 82001, "unauthorized_client")


def test_a_blueprint_makes_its_agents_in_graph(world):
    answer = world.post_token("blueprint", grant_type="client_credentials", scope=DEFAULT)
    claims = world.claims(answer.json()["access_token"])
    assert (claims["appid"], claims["idtyp"]) == (BLUEPRINT, "app")
    assert "xms_act_fct" not in claims


# --- the person's token --------------------------------------------------------------------------


def test_a_token_for_the_blueprint_has_its_scope(world):
    claims = world.claims(for_blueprint(world))
    assert (claims["aud"], claims["scp"]) == (BLUEPRINT, "access_agent")


def test_a_signed_in_client_gets_a_token_for_the_blueprint(world, check_landed):
    browser = world.browser()
    scope = f"openid api://{BLUEPRINT}/access_agent"
    page = browser.authorize(scope=scope)
    form = {"grant_type": "authorization_code", "redirect_uri": "http://localhost:8400"}
    code = check_landed(browser.sign_in(page))["code"]  # nobody has to consent to it
    body = world.post_token("user-app", code=code, **form).json()
    assert as_agent(world, body["access_token"]).status_code == 200


ASSERTIONS = {
    "for the agent itself": ({"resource": "agent-identity"}, 500131, "invalid_grant"),
    "for another blueprint": ({"resource": "other-blueprint"}, 500131, "invalid_grant"),
    "for the MCP server": ({"resource": "mcp-server"}, 500131, "invalid_grant"),
    "app-only": ({"resource": "blueprint", "app_only": True}, 7000114, "unauthorized_client"),
    "expired": ({"resource": "blueprint", "lifetime_seconds": -5}, 500133, "invalid_grant"),
}


@pytest.mark.parametrize(("order", "code", "error"), ASSERTIONS.values(), ids=ASSERTIONS)
def test_an_agent_trades_its_blueprints_tokens_only(world, check_refused, order, code, error):
    check_refused(as_agent(world, world.mint(**order)), code, error)


def test_the_audience_that_was_expected_is_the_blueprints(world):
    words = as_agent(world, world.mint()).json()["error_description"]
    assert BLUEPRINT in words


# --- consent -------------------------------------------------------------------------------------


def consent(world, client, **more):
    body = {"client": client, "resource": "graph", "scopes": ["User.Read"], "person": "diego"}
    world.switch("PUT", "/consents", body | more)


def test_an_agent_without_any_consent_is_named(world, check_refused):
    body = check_refused(
        as_agent(world, for_blueprint(world, person="diego")), 65001, "invalid_grant"
    )
    assert world.apps["agent-identity"]["client_id"] in body["error_description"]


@pytest.mark.parametrize("person", ["diego", None])
def test_an_agent_inherits_what_its_blueprint_was_allowed(own_world, check_refused, person):
    token = for_blueprint(own_world, person="diego")
    consent(own_world, "other-blueprint", person=person)
    check_refused(as_agent(own_world, token), 65001, "invalid_grant")
    consent(own_world, "blueprint", person=person)
    granted = own_world.claims(as_agent(own_world, token).json()["access_token"])
    assert granted["scp"] == "User.Read"
    check_refused(own_world.obo(own_world.mint(person="diego")), 65001, "invalid_grant")


def test_an_agents_own_consent_is_its_own(own_world):
    consent(own_world, "agent-identity")
    consent(own_world, "blueprint", scopes=["Mail.Read"])
    token = for_blueprint(own_world, person="diego")
    granted = own_world.claims(as_agent(own_world, token).json()["access_token"])
    assert granted["scp"] == "Mail.Read User.Read"


def test_what_is_not_inheritable_is_not_inherited(own_world, check_refused):
    scopes = {"resource": "mcp-server", "scopes": ["mcp.access"]}
    consent(own_world, "blueprint", **scopes)
    scope = f"{own_world.apps['mcp-server']['identifier_uri']}/mcp.access"
    token = for_blueprint(own_world, person="diego")
    check_refused(as_agent(own_world, token, scope=scope), 65001, "invalid_grant")
    consent(own_world, "agent-identity", **scopes)
    assert as_agent(own_world, token, scope=scope).status_code == 200


# --- the chain goes on ---------------------------------------------------------------------------


def test_an_agent_refreshes_with_its_blueprints_word(world, check_refused):
    first = as_agent(world, scope=f"{DEFAULT} offline_access").json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    proof = world.asserted(world.exchange_token())
    body = world.post_token("agent-identity", **form, **proof).json()
    assert world.claims(body["access_token"])["xms_act_fct"] == "11"
    check_refused(
        world.post_token("agent-identity", client_secret=None, **form),
        7000218,
        "invalid_client",
        401,
    )


def test_an_agents_token_for_our_server_can_be_traded_on(own_world):
    consent(own_world, "agent-identity", resource="mcp-server", scopes=["mcp.access"], person=None)
    scope = f"{own_world.apps['mcp-server']['identifier_uri']}/mcp.access"
    inner = as_agent(own_world, scope=scope).json()["access_token"]
    claims = own_world.claims(own_world.obo(inner).json()["access_token"])
    assert claims["appid"] == own_world.apps["mcp-server"]["client_id"]
    entry = own_world.log()[-1]
    assert (entry["client_name"], entry["actor"]) == ("mcp-server", "agent-identity")
