"""Who is calling: what a principal says of itself, and what it keeps to itself."""

from dataclasses import FrozenInstanceError

import pytest

from obo_mcp.inbound.principal import Actor, Caller, Principal
from obo_mcp.secret import Secret


def principal(**changes):
    members = {
        "tid": "tenant",
        "oid": "object",
        "sub": "subject",
        "azp": "client",
        "issuer": "https://issuer.example/",
        "scopes": frozenset({"mcp.access"}),
        "expires_at": 1,
        "token_digest": b"fingerprint",
    }
    return Principal(**(members | changes))


def facets(*numbers):
    return frozenset(numbers)


@pytest.mark.parametrize(
    "actor",
    [
        Actor(facets=facets(11)),
        Actor(facets=facets(13)),
        Actor(subject_facets=facets(11)),
        Actor(subject_facets=facets(13)),
        Actor(facets=facets(1, 13), subject_facets=facets(7)),
        Actor(blueprint="blueprint"),
    ],
    ids=str,
)
def test_an_agent_is_told_by_either_facet_or_its_blueprint(actor):
    assert actor.is_agent is True


@pytest.mark.parametrize(
    "actor", [Actor(), Actor(facets=facets(1, 12, 24), subject_facets=facets(10, 14))], ids=str
)
def test_nobody_else_is_an_agent(actor):
    assert actor.is_agent is False


def test_who_says_nothing_of_an_actor_or_roles_has_none():
    someone = principal()
    assert (someone.actor, someone.roles) == (Actor(), frozenset())


def test_a_principal_without_scopes_is_an_application_whatever_its_roles():
    assert not principal(roles=frozenset({"reader"})).is_application
    assert principal(scopes=frozenset()).is_application
    assert principal(scopes=frozenset(), roles=frozenset({"reader"})).is_application


def test_neither_the_token_nor_its_fingerprint_is_printed():
    caller = Caller(principal(), Secret("assertion-of-adele"), "correlation")
    assert "fingerprint" not in repr(caller)
    assert "assertion-of-adele" not in repr(caller)
    assert "object" in repr(caller)


@pytest.mark.parametrize("name", ["tid", "oid", "scopes", "roles", "actor"])
def test_nobody_becomes_somebody_else(name):
    with pytest.raises(FrozenInstanceError):
        setattr(principal(), name, None)


def test_an_actor_and_a_caller_stay_what_they_are():
    with pytest.raises(FrozenInstanceError):
        Actor().blueprint = ""
    with pytest.raises(FrozenInstanceError):
        Caller(principal(), Secret("t"), "c").principal = principal()
