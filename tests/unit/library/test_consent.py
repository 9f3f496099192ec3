"""Where somebody agrees: the links, and who puts them on a refusal."""

from urllib.parse import parse_qs, urlsplit

import pytest

from obo_mcp.adapters.mcp_sdk import tool_error
from obo_mcp.composition import links_for_consent
from obo_mcp.errors import ConsentRequired, InteractionRequired
from obo_mcp.exchange.consent import ConsentLinks, consent_links, linked
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.secret import Secret
from obo_mcp.settings import Settings

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "99999999-2222-4333-8444-555555555555"
AGENT = "77777777-2222-4333-8444-555555555555"
AUTHORITY = Authority("https://login.example", TENANT)
SCOPES = Scopes.parse("https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/User.Read")
PAGE = "https://mcp.example:8443/.well-known/obo-mcp/consent"
CALLER = Caller(
    Principal(
        tid=TENANT,
        oid="person-object-id",
        sub="pairwise",
        azp="client",
        issuer="issuer",
        scopes=frozenset({"mcp.access"}),
        expires_at=0,
        token_digest=b"",
    ),
    Secret("the assertion"),
    "correlation",
)


def query(link):
    parts = urlsplit(link)
    fields = parse_qs(parts.query, strict_parsing=True)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", {k: v[0] for k, v in fields.items()}


def test_the_person_is_sent_to_the_authoritys_own_page_of_their_tenant():
    link, fields = query(consent_links(AUTHORITY, CLIENT, SCOPES.names, PAGE).person)
    assert link == f"https://login.example/{TENANT}/oauth2/v2.0/authorize"
    assert fields == {
        "client_id": CLIENT,
        "redirect_uri": PAGE,
        "scope": "https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/User.Read",
        "response_type": "code",
        "response_mode": "fragment",
        "prompt": "consent",
    }


def test_an_administrator_is_sent_to_the_page_for_everybody():
    link, fields = query(consent_links(AUTHORITY, CLIENT, SCOPES.names, PAGE).administrator)
    assert link == f"https://login.example/{TENANT}/v2.0/adminconsent"
    assert fields == {
        "client_id": CLIENT,
        "redirect_uri": PAGE,
        "scope": "https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/User.Read",
    }


@pytest.mark.parametrize("odd", ["https://a.example/x?y=1&client_id=evil#f", "https://a/ä b+c"])
def test_nothing_that_goes_into_a_link_becomes_a_part_of_it(odd):
    for link in consent_links(AUTHORITY, CLIENT, [f"{odd}/Scope"], odd):
        assert link.isascii()
        assert not set(link) & set(' "<>#+')
        fields = query(link)[1]
        assert (fields["client_id"], fields["redirect_uri"]) == (CLIENT, odd)
        assert fields["scope"] == f"{odd}/Scope"


def settings(**options):
    values = {
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "client_secret": "a-secret-of-the-client",
        "resource_url": "https://mcp.example:8443/some/mcp",
        "required_scope": "mcp.access",
        "authority_host": "https://login.example",
    }
    return Settings(**(values | options))


def test_people_come_back_to_a_page_of_our_own_unless_the_operator_has_one():
    links = links_for_consent(settings(), TENANT, SCOPES)
    assert query(links.person)[1]["redirect_uri"] == PAGE
    assert query(links.administrator)[1]["redirect_uri"] == PAGE
    theirs = settings(consent_redirect_url="https://portal.example/agreed")
    links = links_for_consent(theirs, TENANT, SCOPES)
    assert query(links.person)[1]["redirect_uri"] == "https://portal.example/agreed"


def test_consent_is_asked_for_in_the_callers_tenant():
    other = "22222222-2222-4333-8444-555555555555"
    link, fields = query(links_for_consent(settings(), other, SCOPES).person)
    assert link == f"https://login.example/{other}/oauth2/v2.0/authorize"
    assert fields["client_id"] == CLIENT


async def test_nobody_is_sent_to_a_page_for_an_agent_identity_and_the_words_do_without_links():
    def links(tenant, scopes):
        return links_for_consent(settings(agent_identity_id=AGENT), tenant, scopes)

    async def grant(caller, scopes, claims):
        raise ConsentRequired

    assert links(TENANT, SCOPES) == ("", "")
    with pytest.raises(ConsentRequired) as refused:
        await linked(grant, links)(CALLER, SCOPES, "")
    assert refused.value.scopes == SCOPES.names
    words = str(tool_error(refused.value)).splitlines()
    assert words == [ConsentRequired.public, f"Asked for: {' '.join(SCOPES.names)}"]


async def test_a_missing_consent_names_its_scopes_and_links_and_no_other_refusal_does():
    asked = []

    def links(tenant, scopes):
        asked.append((tenant, scopes))
        return ConsentLinks("https://person", "https://administrator")

    for failure in (ConsentRequired("in words"), InteractionRequired(claims="{}")):

        async def grant(caller, scopes, claims, failure=failure):
            assert (caller, scopes, claims) == (CALLER, SCOPES, "{}")
            raise failure

        with pytest.raises(type(failure)) as refused:
            await linked(grant, links)(CALLER, SCOPES, "{}")
        assert refused.value is failure
    assert asked == [(TENANT, SCOPES)]


async def test_the_refusal_carries_both_links():
    async def grant(caller, scopes, claims):
        raise ConsentRequired

    with pytest.raises(ConsentRequired) as refused:
        await linked(grant, lambda *_: ConsentLinks("https://p", "https://a"))(CALLER, SCOPES, "")
    assert refused.value.scopes == SCOPES.names
    assert refused.value.consent_url == "https://p"
    assert refused.value.admin_consent_url == "https://a"


async def test_a_token_passes_as_it_is():
    async def grant(caller, scopes, claims):
        return "a token"

    assert await linked(grant, links=None)(CALLER, SCOPES, "") == "a token"


def test_a_link_tells_nothing_about_the_person():
    for link in links_for_consent(settings(), CALLER.principal.tid, SCOPES):
        assert "person-object-id" not in link
        assert "assertion" not in link
        assert "login_hint" not in link
        assert "secret" not in link
