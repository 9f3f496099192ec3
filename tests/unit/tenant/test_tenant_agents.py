"""Agents as callers, and applications with and without a role (Entra, "agent token claims")."""

import pytest

BLUEPRINT = "a3e5e6ec-a1dc-4057-9e9d-ddcd096a295e"
FACETS = {"xms_act_fct", "xms_sub_fct", "xms_par_app_azp", "xms_idrel"}


def own_token(world, app):
    return world.claims(world.app_token(app))


@pytest.mark.parametrize(("version", "client"), [(2, "azp"), (1, "appid")])
def test_an_agent_identity_that_acts_for_a_person_says_so(world, version, client):
    claims = world.claims(world.mint(client="agent-identity", person="megan", version=version))
    assert (claims["idtyp"], claims["oid"]) == ("user", world.people["megan"]["oid"])
    assert (claims["scp"], claims["name"]) == ("mcp.access", "Megan Bowen")
    assert claims[client] == world.apps["agent-identity"]["client_id"]
    assert (claims["xms_act_fct"], claims["xms_par_app_azp"]) == ("11", BLUEPRINT)
    assert not {"roles", "xms_sub_fct"} & claims.keys()


def test_an_agent_user_is_an_agent_as_subject_too(world):
    claims = world.claims(world.mint(client="agent-identity", claims={"xms_sub_fct": "13"}))
    assert (claims["idtyp"], claims["xms_act_fct"], claims["xms_sub_fct"]) == ("user", "11", "13")


def test_nobody_else_says_that_it_is_an_agent(world):
    for token in (world.mint(), world.mint(app_only=True), world.obo().json()["access_token"]):
        assert not FACETS & world.claims(token).keys()


def test_an_autonomous_agent_is_actor_and_subject(world):
    for claims in (
        own_token(world, "agent-identity"),
        world.claims(world.mint(client="agent-identity", app_only=True)),
    ):
        assert (claims["idtyp"], claims["xms_act_fct"], claims["xms_sub_fct"]) == (
            "app",
            "11",
            "11",
        )
        assert (claims["oid"], claims["xms_idrel"]) == (claims["sub"], "7")


def test_an_agents_assertion_for_a_person_can_be_exchanged(world):
    body = world.obo(world.mint(client="agent-identity", person="megan")).json()
    claims = world.claims(body["access_token"])
    assert claims["oid"] == world.people["megan"]["oid"]
    assert claims["appid"] == world.apps["mcp-server"]["client_id"]
    assert not FACETS & claims.keys()


def test_an_application_that_was_granted_a_role_has_it_in_its_own_token(world):
    assert world.apps["mcp-server"]["app_roles"] == ["mcp.read"]
    for claims in (
        own_token(world, "agent-identity"),
        world.claims(world.mint(client="agent-identity", app_only=True)),
    ):
        assert claims["roles"] == ["mcp.read"]
        assert "scp" not in claims


def test_an_application_without_a_role_gets_a_token_all_the_same(world):
    for claims in (own_token(world, "connection"), world.claims(world.mint(app_only=True))):
        assert (claims["idtyp"], claims["aud"]) == ("app", world.apps["mcp-server"]["client_id"])
        assert not {"roles", "scp"} & claims.keys()


def test_a_role_on_one_resource_is_none_on_another(world):
    order = {"client": "agent-identity", "app_only": True}
    assert "roles" not in world.claims(world.mint("expenses-api", **order))
