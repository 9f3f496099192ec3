"""Family "kind": signed by the authority itself, yet no access token of a person for us."""

from collections.abc import Iterator, Mapping
from typing import Any

from vectors.forging.material import (
    CLIENT,
    NOW,
    SCOPE,
    URI,
    Item,
    application,
    application_v1,
    person,
    person_v1,
    token,
)

FAMILY = "kind"
TOKENS = "Entra, Access tokens"
CLAIMS = "Entra, Access token claims reference"
VALIDATION = "Entra, Claims validation"
AGENTS = "Entra, Agent token claims"
ROLE = {"app_role": "Exchange.All"}
DENY = {"agents": "deny"}
ITSELF = "7c1f3a58-94de-4b0c-a6e2-d85b09f7c413"
BLUEPRINT = "a0b1c2d3-e4f5-4678-9abc-def012345678"

SCOPES = {
    "prefix": "mcp.acces",
    "suffix": "mcp.access2",
    "longer": "mcp.access.read",
    "before": "xmcp.access",
    "upper-case": "MCP.ACCESS",
    "title-case": "Mcp.Access",
    "wildcard": "*",
    "wildcard-part": "mcp.*",
    "any-character": "mcpxaccess",
    "default": ".default",
    "qualified": f"{URI}/{SCOPE}",
    "percent": "mcp%2Eaccess",
    "quoted": '"mcp.access"',
    "comma": "mcp.access,User.Read",
    "semicolon": "mcp.access;User.Read",
    "tab": "mcp.access\tUser.Read",
    "newline": "mcp.access\nUser.Read",
    "no-break-space": "mcp.access\u00a0User.Read",
    "nul": "mcp.access\0",
    "two-words": "mcp. access",
    "fullwidth": "mcp\uff0eaccess",
    "soft-hyphen": "mcp.ac\u00adcess",
    "zero-width": "mcp.access\u200b",
    "others": "User.Read Mail.Read openid profile offline_access",
    "json": '["mcp.access"]',
    "empty": "",
    "blank": " ",
}


def items() -> Iterator[Item]:
    yield from _id_tokens()
    yield from _applications()
    yield from _roles()
    yield from _scopes()
    yield from _agents_and_clients()


def as_kind(
    name: str, claims: Mapping[str, Any], reason: str, clause: str, expected: str, **policy: Any
) -> Item:
    return Item(f"kind-{name}", FAMILY, token(body=claims), reason, clause, expected, policy)


def _id_tokens() -> Iterator[Item]:
    v2 = person("azp", "azpacr", "scp", nonce="n-0S6_WzA2Mj", rh="1.AXkA")
    v1 = person_v1("appid", "appidacr", "scp", aud=CLIENT, amr=["pwd"], nonce="n-0S6_WzA2Mj")
    events = {"http://schemas.openid.net/event/backchannel-logout": {}}
    kinds = {
        "v2": (v2, "An id token of v2."),
        "v1": (v1, "An id token of v1."),
        "bare": (person("azp", "azpacr", "scp"), "An id token without a nonce."),
        "hybrid": (v2 | {"c_hash": "x", "at_hash": "x"}, "An id token with hashes."),
        "with-roles": (v2 | {"roles": ["Exchange.All"]}, "An id token with the person's roles."),
        "logout": (v2 | {"events": events}, "A logout token."),
    }
    for name, (claims, reason) in kinds.items():
        clause = "RFC 8725 3.12"
        yield as_kind(f"id-token-{name}", claims, reason, clause, "IdTokenPresented")
    claims = v2 | {"roles": ["Exchange.All"], "uti": "where-applications-may-call"}
    reason = "An id token with the role that would admit an application."
    yield as_kind("id-token-role", claims, reason, "RFC 8725 3.12", "IdTokenPresented", **ROLE)
    claims, reason = v2 | {"azp": CLIENT}, "An id token with azp, as OpenID Connect allows."
    yield as_kind("id-token-azp", claims, reason, "RFC 8725 3.12", "IdTokenPresented")


def _applications() -> Iterator[Item]:
    identity = f"/subscriptions/{ITSELF}/providers/Microsoft.ManagedIdentity/userAssigned/x"
    autonomous = {"xms_act_fct": "11 9", "xms_sub_fct": "11", "azp": ITSELF}
    kinds = {
        "v2": (application(), "idtyp says app."),
        "v2-no-idtyp": (application("idtyp"), "No idtyp, but oid is sub and scp is missing."),
        "v2-no-roles": (application("idtyp", "roles"), "Neither idtyp nor roles nor scp."),
        "v1": (application_v1(), "A v1 token; idtyp says app."),
        "v1-no-idtyp": (application_v1("idtyp"), "A v1 token without idtyp and scp."),
        "v1-guid-audience": (application_v1("idtyp", aud=CLIENT), "v1, audience the client id."),
        "with-scp": (application(scp=SCOPE), "idtyp says app, and there is a scp."),
        "person-shaped": (person(idtyp="app"), "All of a person's claims, but idtyp says app."),
        "device": (person(idtyp="device"), "A device's token."),
        "idtyp-upper": (person(idtyp="App"), "idtyp is neither user nor app."),
        "idtyp-null": (person(idtyp=None), "idtyp is null."),
        "idtyp-list": (person(idtyp=["user"]), "idtyp is a list."),
        "role-named-scope": (application(roles=[SCOPE]), "A role with the name of the scope."),
        "managed-identity": (application("idtyp", xms_mirid=identity), "A managed identity."),
        "agent": (application(**autonomous), "An agent on its own account."),
        "agent-no-idtyp": (application("idtyp", **autonomous), "An agent, without idtyp."),
        "scp-missing": (person("scp"), "A person's token without scp."),
        "scope-claim": (person("scp", scope=SCOPE), "'scope' is not 'scp'."),
        "scp-upper": (person("scp", SCP=SCOPE), "'SCP' is not 'scp'."),
        "roles-for-scp": (person("scp", roles=[SCOPE]), "A person's role, and no scope."),
        "v1-scp-missing": (person_v1("scp"), "A person's v1 token without scp."),
    }
    for name, (claims, reason) in kinds.items():
        yield as_kind(f"app-{name}", claims, reason, CLAIMS, "NotDelegated")


def _roles() -> Iterator[Item]:
    names: dict[str, list[str]] = {
        "none": [],
        "other": ["Everything.ReadWrite"],
        "prefix": ["Exchange.Al"],
        "suffix": ["Exchange.All2"],
        "case": ["exchange.all"],
        "joined": ["Exchange.All Everything.Read"],
    }
    for name, roles in names.items():
        claims, reason = application(roles=roles), f"An application without the role: {name}."
        yield as_kind(f"role-{name}", claims, reason, CLAIMS, "AppRoleMissing", **ROLE)
    claims = application("roles")
    yield as_kind("role-absent", claims, "No roles at all.", CLAIMS, "AppRoleMissing", **ROLE)
    claims = application("roles", scp="Exchange.All")
    reason = "The role's name stands in scp."
    yield as_kind("role-in-scp", claims, reason, CLAIMS, "NotDelegated", **ROLE)
    shapes: dict[str, Any] = {
        "text": "Exchange.All",
        "number-inside": ["Exchange.All", 7],
        "object": {"Exchange.All": True},
        "null": None,
    }
    for name, roles in shapes.items():
        claims, reason = application(roles=roles), f"roles is no list of texts: {name}."
        yield as_kind(f"roles-{name}", claims, reason, CLAIMS, "TokenMalformed", **ROLE)
    people = {
        "person": (person("scp", roles=["Exchange.All"]), "A person's token without scp"),
        "user": (person("scp", roles=["Exchange.All"], idtyp="user"), "idtyp says user"),
        "v1-person": (person_v1("scp", roles=["Exchange.All"]), "A person's v1 token without scp"),
    }
    for name, (claims, what) in people.items():
        reason = f"{what}, and with the role that would admit an application."
        yield as_kind(f"role-{name}", claims, reason, "RFC 8725 3.12", "NotDelegated", **ROLE)
    claims = person("scp", roles=["Exchange.All"], nonce="n")
    reason = "An id token with azp, and with the role that would admit an application."
    yield as_kind("role-id-token", claims, reason, "RFC 8725 3.12", "IdTokenPresented", **ROLE)
    claims, reason = person(scp="none", roles=["Exchange.All"]), "A person with the app's role."
    yield as_kind("role-of-a-person", claims, reason, CLAIMS, "InsufficientScope", **ROLE)


def _scopes() -> Iterator[Item]:
    for name, scopes in SCOPES.items():
        claims, reason = person(scp=scopes), f"The scope is not in scp: {name}."
        # RFC 6749 section 3.3: a scope is printable ASCII
        plain = all(" " <= character <= "~" for character in scopes)
        expected = "InsufficientScope" if plain else "TokenMalformed"
        yield as_kind(f"scp-{name}", claims, reason, CLAIMS, expected)
    claims, reason = person_v1(scp="user_impersonation"), "A v1 token for another scope."
    yield as_kind("scp-v1", claims, reason, CLAIMS, "InsufficientScope")
    claims = person(scp="User.Read", roles=[SCOPE])
    reason = "The scope's name stands in roles."
    yield as_kind("scp-in-roles", claims, reason, CLAIMS, "InsufficientScope")


def _agents_and_clients() -> Iterator[Item]:
    agents = {
        "on-behalf": {"xms_act_fct": "11"},
        "among-others": {"xms_act_fct": "9 3 11"},
        "user": {"xms_act_fct": "11", "xms_sub_fct": "13"},
        "user-by-subject": {"xms_sub_fct": "13"},
        "by-blueprint": {"xms_par_app_azp": BLUEPRINT},
        "padded-zero": {"xms_act_fct": "011"},
    }
    for name, facets in agents.items():
        reason = f"An agent acts, and the policy refuses agents: {name}."
        yield as_kind(f"agent-{name}", person(**facets), reason, AGENTS, "AgentNotAllowed", **DENY)
    claims, reason = person_v1(xms_act_fct="11"), "The same in a v1 token."
    yield as_kind("agent-v1", claims, reason, AGENTS, "AgentNotAllowed", **DENY)
    shapes: dict[str, Any] = {
        "list": {"xms_act_fct": ["11"]},
        "number": {"xms_act_fct": 11},
        "blueprint-word": {"xms_par_app_azp": "blueprint"},
        "blueprint-null": {"xms_par_app_azp": None},
    }
    for name, facets in shapes.items():
        reason = f"What says that an agent acts is unreadable: {name}."
        yield as_kind(f"agent-{name}", person(**facets), reason, AGENTS, "TokenMalformed", **DENY)
    claims, reason = (
        application(roles=["Exchange.All"], xms_act_fct="11"),
        "An agent with the role.",
    )
    yield as_kind("agent-role", claims, reason, AGENTS, "AgentNotAllowed", **DENY, **ROLE)
    listed = {"clients": ["d1c0b9a8-7f6e-4d5c-8b4a-392817065f4e"]}
    clients = {
        "v2": person(uti="client-v2"),
        "v1": person_v1(uti="client-v1"),
        "appid-listed": person(appid=listed["clients"][0]),
        "ourselves": person(azp=CLIENT),
        "tomorrow": person(azp=ITSELF, exp=NOW + 86_400),
    }
    for name, claims in clients.items():
        reason = f"The calling client is not on the list: {name}."
        yield as_kind(f"client-{name}", claims, reason, VALIDATION, "ClientNotAllowed", **listed)
    claims, reason = (
        application(roles=["Exchange.All"]),
        "An application with the role, not listed.",
    )
    rules = listed | ROLE
    yield as_kind("client-role", claims, reason, VALIDATION, "ClientNotAllowed", **rules)
