"""Where somebody can agree to what a downstream token was refused for.

The middle tier has no page of its own to ask on (Entra, "On-behalf-of flow", "Gaining consent for
the middle-tier application"), so it hands out links to the authority's. They hold the tenant,
the application and the scopes, nothing about the person, and open nothing by themselves: whoever
follows one signs in and agrees for themselves.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote, urlencode

from obo_mcp.cache.entry import CachedToken
from obo_mcp.errors import ConsentRequired
from obo_mcp.exchange.scopes import Scopes
from obo_mcp.inbound.authority import Authority
from obo_mcp.inbound.principal import Caller

Grant = Callable[[Caller, Scopes, str], Awaitable[CachedToken]]
Links = Callable[[str, Scopes], "ConsentLinks"]
"""The links for a tenant and scopes."""


class ConsentLinks(NamedTuple):
    """The page where the person agrees, and the one where an administrator does for everybody."""

    person: str
    administrator: str


def consent_links(
    authority: Authority,
    client_id: str,
    scopes: Iterable[str],
    redirect_uri: str,
) -> ConsentLinks:
    """The links for `client_id` in the tenant of `authority` to `scopes`, fully qualified.

    `redirect_uri` must be registered for the application, to the letter. Nothing is done with what
    comes back there. An application is documented to ask for a `code` only (Entra, "Authorization
    code flow"), which travels in the fragment and so reaches no server or log; nobody redeems it.
    For administrators: Entra, "Admin consent endpoint".
    """
    asked = {"client_id": client_id, "redirect_uri": redirect_uri, "scope": " ".join(scopes)}
    how = {"response_type": "code", "response_mode": "fragment", "prompt": "consent"}
    person, administrator = _query(asked | how), _query(asked)
    return ConsentLinks(
        f"{authority.url}/oauth2/v2.0/authorize?{person}",
        f"{authority.url}/v2.0/adminconsent?{administrator}",
    )


def linked(grant: Grant, links: Links) -> Grant:
    """`grant`, whose ConsentRequired says for which scopes and where somebody can agree."""

    async def exchange(caller: Caller, scopes: Scopes, claims: str) -> CachedToken:
        try:
            return await grant(caller, scopes, claims)
        except ConsentRequired as error:
            found = links(caller.principal.tid, scopes)
            error.scopes = scopes.names
            error.consent_url, error.admin_consent_url = found.person, found.administrator
            raise

    return exchange


def _query(parameters: dict[str, str]) -> str:
    return urlencode(parameters, quote_via=quote, safe="")
