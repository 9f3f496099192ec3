"""The known traps: what a token of the wrong kind says about how it came here, and the cure.

Every text is for people and holds nothing of the token but what a table here recognised.
Sources: Entra, "Access tokens" and "Claims validation"; Foundry, "MCP server authentication".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from obo_mcp.inbound.authority import cloud_of
from obo_mcp.inbound.principal import AGENT_IDENTITY, Actor
from obo_mcp.values import PERSONAL_ACCOUNTS

_GRAPH = "Microsoft Graph"
_FOUNDRY = "the Foundry service"
_AUDIENCES = MappingProxyType(
    {
        "00000003-0000-0000-c000-000000000000": _GRAPH,
        "https://graph.microsoft.com": _GRAPH,
        "https://graph.microsoft.us": _GRAPH,
        "https://dod-graph.microsoft.us": _GRAPH,
        "https://microsoftgraph.chinacloudapi.cn": _GRAPH,
        "00000002-0000-0000-c000-000000000000": "Azure AD Graph",
        "https://graph.windows.net": "Azure AD Graph",
        "18a66f5f-dbdf-4c17-9dd7-1634712a9cbe": _FOUNDRY,
        "https://ai.azure.com": _FOUNDRY,
        "https://ml.azure.com": _FOUNDRY,
        "7d312290-28c8-473c-a0ed-8e53749b6d6d": _FOUNDRY,
        "https://cognitiveservices.azure.com": _FOUNDRY,
        "797f4846-ba00-4fd7-ba43-dac1f8f63013": "Azure Resource Manager",
        "https://management.azure.com": "Azure Resource Manager",
        "https://management.core.windows.net": "Azure Resource Manager",
    }
)
_TOKEN_EXCHANGE = ("api://azureadtokenexchange", "fb60f99c-7a34-4190-8149-302f77469936")
_PASSTHROUGH = (
    "In Foundry use a connection with OAuth identity passthrough (authType OAuth2, your own app) "
    "and this server's scope"
)


def foreign_audience(claims: Mapping[str, Any], scope: str) -> str:
    """For whom the token is instead, and how to get one for `scope`."""
    audience = claims.get("aud")
    known = str(audience).lower().rstrip("/") if isinstance(audience, str) else ""
    whose = _AUDIENCES.get(known)
    if known.startswith(_TOKEN_EXCHANGE):
        return (
            "This token is an agent's or workload's own credential for Entra's token endpoint, "
            f"not an access token. Trade it first; then ask for the scope {scope}."
        )
    if whose == _FOUNDRY:
        return (
            f"This access token is meant for {whose} itself, and nothing can be exchanged for it. "
            f"{_PASSTHROUGH}, {scope}."
        )
    if whose is not None:
        return (
            f"This access token is meant for {whose}, not for this server. Ask for the scope "
            f"{scope}, written out in full: Entra takes a short name for a scope of Graph. "
            "This server gets its own token for Graph."
        )
    if claims.get("ver") == "1.0" and "://" in known:
        return (
            "The audience of this v1 access token is an Application ID URI that this server does "
            "not know. If it is the server's own, its operator sets OBO_MCP_IDENTIFIER_URI to it, "
            "or api.requestedAccessTokenVersion to 2 in the app's manifest. Otherwise ask for the "
            f"scope {scope}."
        )
    return (
        f"The access token is meant for another application{_elsewhere(claims)}: its audience is "
        f"not this server. Ask for the scope {scope}."
    )


def foreign_tenant(claims: Mapping[str, Any]) -> str:
    """Which tenant would have been right."""
    if claims.get("tid") == PERSONAL_ACCOUNTS:
        return (
            "The access token belongs to a personal Microsoft account. This server acts for "
            "accounts of an organisation only: sign in with one."
        )
    return (
        f"The access token belongs to another tenant{_elsewhere(claims)}. A guest signs in at the "
        "tenant of this server (see its authorization server), not at home; other tenants are "
        "admitted by their operator's OBO_MCP_ALLOWED_TENANTS."
    )


def foreign_issuer(claims: Mapping[str, Any]) -> str:
    """Which authority would have been right."""
    return (
        f"The access token was issued by another authority{_elsewhere(claims)}. Get one from the "
        "authorization server that this server's metadata names; its operator chooses the cloud "
        "with OBO_MCP_AUTHORITY_HOST."
    )


def old_version() -> str:
    """What to change so that v2 access tokens come."""
    return (
        "This is a v1 access token, and this server takes v2 only. The version is the choice of "
        "the server's own registration: set api.requestedAccessTokenVersion to 2 in its manifest."
    )


def application(actor: Actor) -> str:
    """Which connection sends an application's token, and which one sends a person's."""
    if AGENT_IDENTITY in actor.facets or actor.blueprint:
        whose, kind = "an agent identity", "agent identity (AgenticIdentityToken)"
    else:
        whose, kind = "an application", "project managed identity (ProjectManagedIdentity)"
    return (
        f"This token belongs to {whose} and not to a person, so nothing can be done on anybody's "
        f"behalf. It comes from the client credentials grant or, in Foundry, from a connection of "
        f"the type {kind}. {_PASSTHROUGH}."
    )


def without_scope(scope: str) -> str:
    """For a token that is neither a person's nor clearly an application's."""
    return (
        "This access token carries no permission that a person delegated ('scp'), so nothing can "
        f"be done with it on a person's behalf. Ask for the scope {scope}."
    )


def missing_scope(name: str, scope: str) -> str:
    """Which scope to ask for, in full."""
    return (
        f"The access token lacks the scope '{name}' that this server requires. Ask for {scope}, "
        "written out in full, and see that it is consented to."
    )


def _elsewhere(claims: Mapping[str, Any]) -> str:
    issuer = claims.get("iss")
    cloud = cloud_of(issuer) if isinstance(issuer, str) else None
    return f", in {cloud}" if cloud else ""
