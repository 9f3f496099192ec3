"""What claims must say: who may call, as whom, and through which client."""

from dataclasses import replace

import pytest

from obo_mcp.errors import (
    AgentNotAllowed,
    AppRoleMissing,
    ClientNotAllowed,
    IdTokenPresented,
    InsufficientScope,
    NotDelegated,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
    WrongAudience,
    WrongIssuer,
    WrongTenant,
    WrongVersion,
)
from obo_mcp.inbound.claims import Origin
from obo_mcp.inbound.principal import Actor
from support.tokens import (
    CLIENT,
    ISSUER_V1,
    ISSUER_V2,
    NOW,
    POLICY,
    TENANT,
    claims_v1,
    claims_v2,
)

OTHER = "22222222-2222-4333-8444-555555555555"
AZP = "aaaaaaaa-1111-4222-8333-444444444444"
OID = claims_v2()["oid"]
AGENT = {"xms_act_fct": "11 99 x", "xms_par_app_azp": OTHER}


def judged(claims, policy=POLICY, *, now=NOW, issuer=None):
    issuer = issuer or (ISSUER_V1 if claims.get("ver") == "1.0" else ISSUER_V2)
    principal = policy.principal(claims, issuer=issuer, now=now, token_digest=b"digest")
    policy.check_client(principal)
    return principal


def test_everything_a_person_is_known_by_is_in_the_principal():
    principal = judged(claims_v2(scp="mcp.access other", roles=["reader"], **AGENT))
    assert (principal.tid, principal.oid, principal.sub) == (TENANT, OID, "pairwise-adele")
    assert (principal.azp, principal.issuer) == (AZP, ISSUER_V2)
    assert (principal.scopes, principal.roles) == ({"mcp.access", "other"}, {"reader"})
    assert (principal.expires_at, principal.token_digest) == (NOW + 3600, b"digest")
    assert principal.actor == Actor(facets=frozenset({11, 99}), blueprint=OTHER)
    assert not principal.is_application
    assert "digest" not in repr(principal)


@pytest.mark.parametrize("claims", [claims_v1(), claims_v2()], ids=["v1", "v2"])
def test_a_token_says_where_it_comes_from(claims):
    assert POLICY.origin(claims) == Origin(TENANT, claims["ver"])


@pytest.mark.parametrize("audience", [f"api://{CLIENT}", f"api://{CLIENT}/"])
def test_the_uri_is_the_audience_of_v1_tokens_only(audience):
    assert judged(claims_v1(aud=audience)).oid == OID
    with pytest.raises(WrongAudience):
        judged(claims_v2(aud=audience))


def test_several_tenants_are_admitted_by_name_and_each_by_its_own_issuer():
    policy = replace(POLICY, tenants=frozenset({TENANT, OTHER}))
    issuer = ISSUER_V2.replace(TENANT, OTHER)
    claims = claims_v2(tid=OTHER, iss=issuer)
    assert judged(claims, policy, issuer=issuer).tid == OTHER
    with pytest.raises(WrongIssuer):
        judged(claims, policy, issuer=ISSUER_V2)
    with pytest.raises(WrongTenant):
        judged(claims, POLICY, issuer=issuer)


ELSEWHERE = {"iss": f"https://login.microsoftonline.us/{TENANT}/v2.0"}
GRAPH = {"aud": "https://graph.microsoft.com"}


@pytest.mark.parametrize(
    ("changes", "refusal", "words"),
    [
        (GRAPH, WrongAudience, f"meant for Microsoft Graph.* api://{CLIENT}/mcp.access"),
        (ELSEWHERE, WrongIssuer, "in the US Government cloud"),
        (ELSEWHERE | {"tid": OTHER}, WrongTenant, "in the US Government cloud"),
    ],
    ids=["audience", "issuer", "tenant"],
)
def test_a_stranger_hears_where_its_token_belongs(changes, refusal, words):
    with pytest.raises(refusal, match=words):
        judged(claims_v2(**changes))


def test_a_version_that_is_not_wanted_is_refused_with_the_cure():
    with pytest.raises(WrongVersion, match="requestedAccessTokenVersion to 2"):
        judged(claims_v1(), replace(POLICY, versions=frozenset({"2.0"})))
    with pytest.raises(WrongVersion, match="v2 access token"):
        judged(claims_v2(), replace(POLICY, versions=frozenset({"1.0"})))


@pytest.mark.parametrize("leeway", [0, 60])
def test_a_token_lives_from_its_beginning_to_its_end_and_a_leeway_on_either_side(leeway):
    policy = replace(POLICY, leeway_seconds=leeway)
    claims = claims_v2(nbf=NOW, exp=NOW + 100, iat=None)
    judged(claims, policy, now=NOW - leeway)
    judged(claims, policy, now=NOW + 100 + leeway - 0.001)
    with pytest.raises(TokenNotYetValid):
        judged(claims, policy, now=NOW - leeway - 0.001)
    with pytest.raises(TokenExpired):
        judged(claims, policy, now=NOW + 100 + leeway)


def test_a_token_from_the_future_is_not_valid_yet():
    judged(claims_v2(iat=NOW + 60))
    with pytest.raises(TokenNotYetValid):
        judged(claims_v2(iat=NOW + 61))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1", 1.0, True, -1, 1 << 33, [], {}], ids=repr)
def test_times_are_whole_seconds_of_this_era(name, value):
    with pytest.raises(TokenMalformed, match=f"'{name}'"):
        judged(claims_v2(**{name: value}))


def test_the_latest_time_there_is_can_be_an_end():
    assert judged(claims_v2(exp=(1 << 33) - 1)).expires_at == (1 << 33) - 1
    judged(claims_v2(nbf=0, iat=0))


ODD_PEOPLE = {
    "an oid in capitals": {"oid": OID.upper()},
    "an oid with something behind": {"oid": f"{OID}\n"},
    "an oid of another shape": {"oid": "adele"},
    "a client that is no guid": {"azp": "https://client.example/"},
    "no client": {"azp": None, "azpacr": None},
    "a v1 client in a v2 token": {"azp": None, "appid": AZP},
    "an empty sub": {"sub": ""},
    "a sub with a line break": {"sub": "a\nb"},
    "a sub beyond all length": {"sub": "s" * 257},
    "a sub with a lone surrogate": {"sub": "\ud800"},
    "roles in one text": {"roles": "reader"},
    "roles that are numbers": {"roles": [7]},
    "scopes in a list": {"scp": ["mcp.access"]},
    "scopes with a tab": {"scp": "mcp.access\tx"},
    "a scope with a lone surrogate": {"scp": "mcp.access \ud800"},
}


@pytest.mark.parametrize("changes", ODD_PEOPLE.values(), ids=ODD_PEOPLE)
def test_claims_of_another_shape_than_entras_are_refused(changes):
    name = next(iter(changes))
    with pytest.raises(TokenMalformed, match=f"has no usable '{name}' claim"):
        judged(claims_v2(**changes))


@pytest.mark.parametrize(
    "name",
    [
        *("oid", "sub", "azp", "scp", "roles", "exp", "nbf", "iat", "ver"),
    ],
)
def test_a_claim_without_use_is_named(name):
    with pytest.raises(TokenMalformed) as caught:
        judged(claims_v2(**{name: 7.5}), issuer=ISSUER_V2)
    assert str(caught.value) == f"The access token has no usable '{name}' claim."


def test_the_client_of_a_v1_token_is_named_as_it_is_there():
    with pytest.raises(TokenMalformed, match="'appid'"):
        judged(claims_v1(appid="x"))


@pytest.mark.parametrize("sub", ["s", "s" * 256, "!~"])
def test_a_sub_of_any_printable_text_is_taken(sub):
    assert judged(claims_v2(sub=sub)).sub == sub


@pytest.mark.parametrize("scp", ["mcp.accessories", "mcp", "MCP.ACCESS", " ", ""])
def test_a_scope_is_one_whole_word(scp):
    with pytest.raises(InsufficientScope, match=f"Ask for api://{CLIENT}/mcp.access") as caught:
        judged(claims_v2(scp=scp))
    assert type(caught.value) is InsufficientScope


def test_the_missing_scope_is_named_as_the_token_would_carry_it():
    with pytest.raises(InsufficientScope, match=r"lacks the scope 'mcp\.access'"):
        judged(claims_v2(scp="other"))


def test_blanks_around_scopes_are_no_scopes():
    assert judged(claims_v2(scp=" mcp.access  other ")).scopes == {"mcp.access", "other"}


def test_any_client_may_call_until_there_is_a_list():
    judged(claims_v2(azp=OTHER))
    policy = replace(POLICY, clients=frozenset({AZP}))
    judged(claims_v2(), policy)
    judged(claims_v1(), policy)
    for claims in (claims_v2(azp=OTHER), claims_v1(appid=OTHER)):
        with pytest.raises(ClientNotAllowed, match="OBO_MCP_ALLOWED_CLIENTS"):
            judged(claims, policy)


def test_facets_are_numbers_of_nine_digits_at_most():
    actor = judged(claims_v2(xms_act_fct="0 7 999999999 1000000000")).actor
    assert actor.facets == {0, 7, 999_999_999}


AGENTS = {
    "an agent identity": {"xms_act_fct": "11"},
    "an agent user": {"xms_act_fct": "13"},
    "an agent among other facets": {"xms_act_fct": "2 13 7"},
    "an agent user as the subject": {"xms_sub_fct": "13"},
    "a blueprint alone": {"xms_par_app_azp": OTHER},
}


@pytest.mark.parametrize("facts", AGENTS.values(), ids=AGENTS)
def test_an_agent_is_admitted_unless_agents_are_denied(facts):
    for agents in ("log", "allow"):
        assert judged(claims_v2(**facts), replace(POLICY, agents=agents)).actor.is_agent
    with pytest.raises(AgentNotAllowed, match="OBO_MCP_AGENT_CALLERS"):
        judged(claims_v2(**facts), replace(POLICY, agents="deny"))


UNREADABLE = [
    {"xms_act_fct": ["11"]},
    {"xms_act_fct": 11},
    {"xms_sub_fct": ["13"]},
    {"xms_par_app_azp": "x"},
    {"xms_par_app_azp": ""},
]


@pytest.mark.parametrize("facts", UNREADABLE, ids=str)
def test_unreadable_facts_about_an_agent_keep_nobody_out_unless_agents_are_denied(facts):
    for agents in ("log", "allow"):
        assert judged(claims_v2(**facts), replace(POLICY, agents=agents)).actor == Actor()
    with pytest.raises(TokenMalformed, match=f"'{next(iter(facts))}'"):
        judged(claims_v2(**facts), replace(POLICY, agents="deny"))


def test_names_of_groups_among_the_roles_are_passed_over():
    groups = ["All Employees", "Vertrieb München", "CONTOSO\\Users", "r" * 257, "reader"]
    assert judged(claims_v2(roles=groups)).roles == {"CONTOSO\\Users", "reader"}


@pytest.mark.parametrize("facts", [{}, {"xms_act_fct": "1 113 -11 11x 7\t11"}, {"xms_sub_fct": ""}])
def test_who_is_no_agent_passes_where_agents_are_denied(facts):
    assert not judged(claims_v2(**facts), replace(POLICY, agents="deny")).actor.is_agent


APPLICATIONS = {
    "said by idtyp": claims_v2(scp=None, idtyp="app"),
    "said by its own subject": claims_v2(scp=None, sub=OID),
    "said by its own subject, v1": claims_v1(scp=None, sub=OID),
    "an agent identity by itself": claims_v2(scp=None, idtyp="app", **AGENT),
}
ROLE = replace(POLICY, app_role="mcp.read")


@pytest.mark.parametrize("claims", APPLICATIONS.values(), ids=APPLICATIONS)
def test_an_application_is_refused_unless_a_role_admits_it(claims):
    with pytest.raises(NotDelegated, match="OAuth identity passthrough"):
        judged(claims | {"roles": ["mcp.read"]})
    with pytest.raises(AppRoleMissing):
        judged(claims | {"roles": ["mcp.readonly"]}, ROLE)
    with pytest.raises(AppRoleMissing):
        judged(claims, ROLE)
    principal = judged(claims | {"roles": ["mcp.read"]}, ROLE)
    assert principal.is_application
    assert (principal.scopes, principal.roles) == (frozenset(), {"mcp.read"})


@pytest.mark.parametrize(
    ("facts", "connection"), [(AGENT, "AgenticIdentityToken"), ({}, "ProjectManagedIdentity")]
)
def test_an_application_that_is_refused_hears_which_connection_sent_it(facts, connection):
    with pytest.raises(NotDelegated, match=connection):
        judged(claims_v2(scp=None, idtyp="app", **facts))


def test_who_may_be_anybody_hears_which_scope_to_ask_for():
    with pytest.raises(NotDelegated, match=f"Ask for the scope api://{CLIENT}/mcp.access"):
        judged(claims_v2(scp=None))


NOBODY = {
    "a person without a scope": claims_v2(scp=None),
    "a person without a scope, v1": claims_v1(scp=None),
    "a user by name, without a scope": claims_v2(scp=None, idtyp="user", sub=OID),
    "a device": claims_v2(idtyp="device"),
    "a device without a scope": claims_v2(scp=None, idtyp="device", sub=OID),
    "an idtyp that is a list": claims_v2(idtyp=["user"]),
    "an application with a scope": claims_v2(idtyp="app"),
}


@pytest.mark.parametrize("policy", [POLICY, ROLE], ids=["no role", "a role"])
@pytest.mark.parametrize("claims", NOBODY.values(), ids=NOBODY)
def test_who_is_neither_a_person_nor_plainly_an_application_gets_in_by_no_role(claims, policy):
    with pytest.raises(NotDelegated):
        judged(claims | {"roles": ["mcp.read"]}, policy)


def test_a_role_does_not_stand_in_for_a_persons_scope():
    with pytest.raises(InsufficientScope, match="lacks the scope"):
        judged(claims_v2(scp="other", roles=["mcp.read"]), ROLE)


def test_a_person_may_be_named_a_user():
    assert not judged(claims_v2(idtyp="user")).is_application


def test_an_id_token_is_told_by_its_missing_client_or_its_own_claims():
    without = claims_v2(scp=None, azp=None, azpacr=None, roles=["mcp.read"])
    marked = [claims_v2(scp=None, sub=OID, **{m: "x"}) for m in ("nonce", "at_hash", "c_hash")]
    for id_token in (without, *marked):
        for policy in (POLICY, ROLE):
            with pytest.raises(IdTokenPresented):
                judged(id_token, policy)
