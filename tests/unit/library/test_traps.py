"""The known traps: each refusal names what came and what to do instead."""

import re

import pytest

from obo_mcp.inbound import traps
from obo_mcp.inbound.principal import Actor
from support.tokens import claims_v1, claims_v2

SCOPE = "api://server/mcp.access"
GRAPH = "00000003-0000-0000-c000-000000000000"

AUDIENCES = [
    (GRAPH, "meant for Microsoft Graph"),
    ("https://graph.microsoft.com", "meant for Microsoft Graph"),
    ("https://graph.microsoft.com/", "meant for Microsoft Graph"),
    ("https://GRAPH.microsoft.us", "meant for Microsoft Graph"),
    ("https://dod-graph.microsoft.us", "meant for Microsoft Graph"),
    ("https://microsoftgraph.chinacloudapi.cn", "meant for Microsoft Graph"),
    ("00000002-0000-0000-c000-000000000000", "meant for Azure AD Graph"),
    ("https://graph.windows.net", "meant for Azure AD Graph"),
    ("https://ai.azure.com", "meant for the Foundry service itself"),
    ("https://ai.azure.com/", "authType OAuth2"),
    ("https://ml.azure.com", "meant for the Foundry service itself"),
    ("18a66f5f-dbdf-4c17-9dd7-1634712a9cbe", "meant for the Foundry service itself"),
    ("https://cognitiveservices.azure.com", "meant for the Foundry service itself"),
    ("7d312290-28c8-473c-a0ed-8e53749b6d6d", "meant for the Foundry service itself"),
    ("https://management.azure.com/", "meant for Azure Resource Manager"),
    ("https://management.core.windows.net/", "meant for Azure Resource Manager"),
    ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "meant for Azure Resource Manager"),
    ("api://AzureADTokenExchange", "credential for Entra's token endpoint"),
    ("api://AzureADTokenExchangeUSGov", "credential for Entra's token endpoint"),
    ("fb60f99c-7a34-4190-8149-302f77469936", "credential for Entra's token endpoint"),
    ("11111111-0000-4000-8000-000000000000", "meant for another application"),
    ("api://somebody", "meant for another application"),
    (["x"], "meant for another application"),
    (None, "meant for another application"),
]


@pytest.mark.parametrize(("audience", "words"), AUDIENCES, ids=[str(a)[:24] for a, _ in AUDIENCES])
def test_a_foreign_audience_is_named_where_it_is_known_and_the_right_scope_always(audience, words):
    text = traps.foreign_audience(claims_v2(aud=audience), SCOPE)
    assert re.search(rf"{words}\b", text)
    assert SCOPE in text
    assert audience is None or str(audience).rstrip("/") not in text


def test_a_graph_token_is_told_of_the_short_scope_name():
    assert "written out in full" in traps.foreign_audience(claims_v2(aud=GRAPH), SCOPE)


@pytest.mark.parametrize("audience", ["api://forgotten", "https://mcp.example/mcp"])
def test_a_v1_audience_in_uri_form_brings_both_cures(audience):
    text = traps.foreign_audience(claims_v1(aud=audience), SCOPE)
    assert "OBO_MCP_IDENTIFIER_URI" in text
    assert "requestedAccessTokenVersion to 2" in text
    assert audience not in text


def test_a_v1_audience_that_is_another_app_id_is_just_another_application():
    text = traps.foreign_audience(claims_v1(aud="11111111-0000-4000-8000-000000000000"), SCOPE)
    assert "another application" in text


@pytest.mark.parametrize("audience", [["https://mcp.example/mcp"], {"://": 1}], ids=str)
def test_a_v1_audience_that_is_no_text_is_just_another_application(audience):
    assert "another application" in traps.foreign_audience(claims_v1(aud=audience), SCOPE)


CLOUDS = {
    "https://login.microsoftonline.us/t/v2.0": "in the US Government cloud",
    "https://login.partner.microsoftonline.cn/t/v2.0": "in the China cloud",
    "https://sts.chinacloudapi.cn/t/": "in the China cloud",
    "https://login.sovcloud-identity.fr/t/v2.0": "in the French sovereign cloud",
    "https://login.sovcloud-identity.de/t/v2.0": "in the German sovereign cloud",
    "https://login.sovcloud-identity.sg/t/v2.0": "in the Singaporean sovereign cloud",
    "https://sts.windows.net/t/": "in the public cloud",
    "https://fabrikam.ciamlogin.com/t/v2.0": "in External ID",
    "https://fabrikam.b2clogin.com/t/v2.0/": "in Azure AD B2C",
}


@pytest.mark.parametrize(("issuer", "words"), CLOUDS.items(), ids=CLOUDS.values())
def test_a_foreign_issuer_or_tenant_is_placed_in_its_cloud(issuer, words):
    claims = claims_v2(iss=issuer)
    assert words in traps.foreign_issuer(claims)
    assert "OBO_MCP_AUTHORITY_HOST" in traps.foreign_issuer(claims)
    assert words in traps.foreign_tenant(claims)
    assert "OBO_MCP_ALLOWED_TENANTS" in traps.foreign_tenant(claims)


@pytest.mark.parametrize("issuer", ["https://evil.example/t", "https://[bad/", "", None, 7, []])
def test_an_issuer_that_nobody_knows_is_not_repeated(issuer):
    text = traps.foreign_issuer(claims_v2(iss=issuer))
    assert "another authority." in text
    assert "evil" not in text


def test_a_personal_account_is_told_to_use_an_organisations():
    claims = claims_v2(tid="9188040d-6c67-4c5b-b112-36a304b66dad")
    assert "personal Microsoft account" in traps.foreign_tenant(claims)


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        (Actor(), "project managed identity (ProjectManagedIdentity)"),
        (Actor(facets=frozenset({13})), "project managed identity (ProjectManagedIdentity)"),
        (Actor(facets=frozenset({11})), "agent identity (AgenticIdentityToken)"),
        (Actor(blueprint="b"), "agent identity (AgenticIdentityToken)"),
    ],
)
def test_an_application_is_told_which_connection_sent_it_and_which_to_use(actor, kind):
    text = traps.application(actor)
    assert kind in text
    assert "authType OAuth2, your own app) and this server's scope." in text


PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
ELSEWHERE = "https://login.microsoftonline.us/t/v2.0"
TEXTS = {
    "for Graph": lambda: traps.foreign_audience(claims_v2(aud=GRAPH), SCOPE),
    "for Foundry": lambda: traps.foreign_audience(claims_v2(aud="https://ai.azure.com"), SCOPE),
    "for the token endpoint": lambda: traps.foreign_audience(
        claims_v2(aud="api://AzureADTokenExchange"), SCOPE
    ),
    "for an unknown uri": lambda: traps.foreign_audience(claims_v1(aud="api://forgotten"), SCOPE),
    "for somebody": lambda: traps.foreign_audience(claims_v2(aud="x"), SCOPE),
    "of a personal account": lambda: traps.foreign_tenant(claims_v2(tid=PERSONAL)),
    "of another tenant": lambda: traps.foreign_tenant(claims_v2(iss="x")),
    "of another tenant elsewhere": lambda: traps.foreign_tenant(claims_v2(iss=ELSEWHERE)),
    "of another authority": lambda: traps.foreign_issuer(claims_v2(iss="x")),
    "of another authority elsewhere": lambda: traps.foreign_issuer(claims_v2(iss=ELSEWHERE)),
    "of version one": traps.old_version,
    "of an application": lambda: traps.application(Actor()),
    "of an agent": lambda: traps.application(Actor(blueprint="b")),
    "without a permission": lambda: traps.without_scope(SCOPE),
    "without the scope": lambda: traps.missing_scope("mcp.access", SCOPE),
}
NAMES = {
    *(SCOPE, "mcp.access", "Application ID URI", "Azure AD", "authType OAuth2", "OAuth"),
    *("OBO_MCP_IDENTIFIER_URI", "OBO_MCP_ALLOWED_TENANTS", "OBO_MCP_AUTHORITY_HOST"),
    *("api.requestedAccessTokenVersion to 2", "AgenticIdentityToken", "ProjectManagedIdentity"),
    *("US Government", "v1", "v2", "'scp'"),
}
LONGEST_FIRST = sorted(NAMES, key=len, reverse=True)
NAME = re.compile("|".join(map(re.escape, LONGEST_FIRST)))


@pytest.mark.parametrize("told", TEXTS.values(), ids=TEXTS)
def test_what_a_person_is_told_reads_as_plain_sentences(told):
    """Parts that were joined badly, and shouting, do not; product names are taken as they are."""
    plain = NAME.sub("It", told())
    for sentence in re.split(r"(?<=[.]) ", plain):
        assert re.fullmatch(r"[A-Z][^.]+[.]", sentence), sentence
    for word in plain.split(" "):
        assert re.fullmatch(r"[(']?(A|[A-Z]?[a-z]+)('s)?'?[)]?[,.:;]?", word), word


def test_a_token_of_nobody_in_particular_is_told_which_scope_to_ask_for():
    assert f"Ask for the scope {SCOPE}" in traps.without_scope(SCOPE)
