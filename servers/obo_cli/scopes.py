"""`obo-mcp scopes`: the delegated permissions to consent to for the tools that are enabled."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

import typer
from pydantic import AfterValidator

from obo_cli.outcome import CommandFailed, ExitCode, exit_on_failure
from obo_graph.catalogue import BY_NAME, permissions
from obo_graph.clouds import check_same_cloud
from obo_graph.settings import GraphSettings
from obo_mcp import ConfigurationError, values
from obo_mcp.asgi.metadata import CONSENT_PAGE
from obo_mcp.environment import EnvironmentSettings

_POLICY = (
    "Microsoft's managed consent policy, the default of new tenants, lets people agree to hardly "
    "any of these by themselves: plan for an administrator's consent."
)
_NO_LINK = "Set OBO_MCP_TENANT_ID and OBO_MCP_CLIENT_ID to see the link for an administrator."
_NOTHING = "The enabled tools need no permission of their own, so there is nothing to consent to."
_NO_PAGE = "Add &redirect_uri= with one that is registered for the application."

AsJson = Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")]
ByTool = Annotated[bool, typer.Option("--by-tool", help="Print what each tool needs.")]


class Registration(EnvironmentSettings):
    """As much of the server's registration as a link for an administrator is made of. Frozen.

    Other than the server, this verb is of use before any of it is set.
    """

    FALLBACKS: ClassVar[dict[str, str]] = {
        "tenant_id": "AZURE_TENANT_ID",
        "client_id": "AZURE_CLIENT_ID",
        "authority_host": "AZURE_AUTHORITY_HOST",
    }

    tenant_id: Annotated[str, AfterValidator(values.guid)] = ""
    client_id: Annotated[str, AfterValidator(values.guid)] = ""
    authority_host: Annotated[str, AfterValidator(values.authority_host)] = (
        "https://login.microsoftonline.com"
    )
    resource_url: Annotated[str, AfterValidator(values.resource_url)] = ""
    consent_redirect_url: Annotated[str, AfterValidator(values.page_address)] = ""

    @property
    def consent_page(self) -> str:
        """Where the authority leads an administrator afterwards; "" if nobody has said."""
        parts = urlsplit(self.resource_url)
        own = f"{parts.scheme}://{parts.netloc}{CONSENT_PAGE}" if self.resource_url else ""
        return self.consent_redirect_url or own

    def link(self, scopes: Sequence[str]) -> str:
        """Where an administrator consents to `scopes` (Entra, "Admin consent endpoint").

        "" for an application or a tenant that nobody has named.
        """
        if not (self.tenant_id and self.client_id and scopes):
            return ""
        asked = {"client_id": self.client_id, "scope": " ".join(scopes)}
        if self.consent_page:
            asked["redirect_uri"] = self.consent_page
        query = urlencode(asked, quote_via=quote, safe="")
        return f"{self.authority_host}/{self.tenant_id}/v2.0/adminconsent?{query}"


def scopes(*, as_json: AsJson = False, by_tool: ByTool = False) -> None:
    """Print the Graph permissions that the enabled tools need, ready for consent."""
    with exit_on_failure():
        try:
            settings, registration = GraphSettings.from_env(), Registration.from_env()
            check_same_cloud(registration.authority_host, settings.graph_url)
        except ConfigurationError as failure:
            raise CommandFailed(ExitCode.USAGE, str(failure)) from None
        wanted = permissions(settings.offered, each=settings.graph_scopes == "tool")
        link = registration.link([_qualified(settings, scope) for scope in wanted])
        if as_json:
            typer.echo(json.dumps(_facts(settings, wanted, link)))
            return
        for line in _table(settings.offered) if by_tool else wanted:
            typer.echo(line)
        if not wanted:
            typer.echo(_NOTHING, err=True)
            return
        for line in _advice(link, complete=bool(registration.consent_page)):
            typer.echo(line, err=True)


def _qualified(settings: GraphSettings, scope: str) -> str:
    resource = (settings.graph_resource or settings.graph_url).rstrip("/")
    return f"{resource}/{scope}"


def _facts(settings: GraphSettings, wanted: list[str], link: str) -> dict[str, Any]:
    tools = {
        name: {"scopes": BY_NAME[name].scopes, "optional": BY_NAME[name].optional}
        for name in settings.offered
    }
    facts = {"scopes": wanted, "tools": tools}
    return {**facts, "admin_consent_url": link} if link else facts


def _table(tools: Sequence[str]) -> list[str]:
    """One line for each tool: what it needs, and in brackets what it can do without."""
    width = max((len(name) for name in tools), default=0)
    return [f"{name:<{width}}  {_needs(name)}" for name in tools]


def _needs(tool: str) -> str:
    entry = BY_NAME[tool]
    if not entry.scopes:
        return "whatever was consented to"
    return " ".join((*entry.scopes, *(f"[{scope}]" for scope in entry.optional)))


def _advice(link: str, *, complete: bool) -> list[str]:
    if not link:
        return [_POLICY, _NO_LINK]
    lines = [_POLICY, "An administrator of the tenant consents for everybody at:", link]
    return lines if complete else [*lines, _NO_PAGE]
