"""The admin consent endpoint: an administrator allows an application for everybody.

Entra, "Admin consent on the Microsoft identity platform": the v2.0 endpoint asks for `scope`; the
older one without it asks for everything that the application is registered to want.
"""

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from obo_tenant.apps import Application
from obo_tenant.authorize_request import Destination, read_destination
from obo_tenant.browsers import Session
from obo_tenant.claims import NO_CLAIMS, ClaimsRequest
from obo_tenant.consent import wishes
from obo_tenant.conversation import Conversation
from obo_tenant.directory import Account
from obo_tenant.envelope import Envelope
from obo_tenant.form import parse_form, required
from obo_tenant.noting import note_of, noted
from obo_tenant.pages import plain_page
from obo_tenant.place import tenant_asked
from obo_tenant.refusal import Refusal
from obo_tenant.scopes import Asked, Permissions, parse_scope
from obo_tenant.tenant import Tenant


def admin_consent_routes(tenant: Tenant, conversation: Conversation) -> list[BaseRoute]:
    """`GET /{tenant}/v2.0/adminconsent` and `/{tenant}/adminconsent`."""
    endpoint = AdminConsentEndpoint(tenant, conversation)
    return [
        Route("/{tenant}/v2.0/adminconsent", noted(tenant, "authorize", endpoint.of_scope)),
        Route("/{tenant}/adminconsent", noted(tenant, "authorize", endpoint.of_everything)),
    ]


@dataclass(frozen=True, slots=True)
class AdminPurpose:
    """An interaction that ends with the consent of the whole organization."""

    tenant: Tenant
    destination: Destination
    asked: Asked
    envelope: Envelope
    login_hint: str = ""
    device: bool = False
    ask_again: bool = True
    for_everybody: bool = True
    claims: ClaimsRequest = NO_CLAIMS

    @property
    def client(self) -> Application:
        """Who asks."""
        return self.destination.client

    def over(self) -> Response | None:
        """Never: the client can be answered at any time."""
        return None

    def finish(self, account: Account, _session: Session) -> Response:
        """Tell the client what it has for everybody now."""
        wanted = wishes(self.client, self.asked, self.tenant.directory, account, every=True)
        named = [f"{wish.resource.prefix}/{scope}" for wish in wanted for scope in wish.scopes]
        return _answer(
            self.destination, {"tenant": self.tenant.tenant_id, "scope": " ".join(named)}
        )

    def decline(self, refusal: Refusal) -> Response:
        """Tell the client that it has nothing. The page's example calls a no `consent_required`."""
        error = "consent_required" if refusal.code == 65004 else refusal.error
        return _refuse(self.destination, refusal, self.envelope, error)


class AdminConsentEndpoint:
    """Checks the request, then lets the pages do the talking."""

    def __init__(self, tenant: Tenant, conversation: Conversation) -> None:
        self._tenant = tenant
        self._conversation = conversation

    async def of_scope(self, request: Request) -> Response:
        """The v2.0 endpoint."""
        return self._begin(request, everything=False)

    async def of_everything(self, request: Request) -> Response:
        """The older endpoint."""
        return self._begin(request, everything=True)

    def _begin(self, request: Request, *, everything: bool) -> Response:
        envelope = Envelope.of(request, self._tenant.clock())
        try:
            query = parse_form(request.url.query.encode("ascii", "replace"))
            tenant = tenant_asked(request, self._tenant, query.get("client_id"))
            found = replace(read_destination(query, tenant.directory), mode="query")
        except Refusal as refusal:
            note_of(request)["error"] = f"{refusal.error} AADSTS{refusal.code}"
            detail = envelope.describe(refusal.code, refusal.text)
            return plain_page("Sorry", "We can't ask for consent here.", status=400, detail=detail)
        note_of(request)["client_id"] = found.client.client_id
        try:
            asked = (
                _registered(tenant, found.client) if everything else _named(tenant, found, query)
            )
        except Refusal as refusal:
            note_of(request)["error"] = f"{refusal.error} AADSTS{refusal.code}"
            return _refuse(found, refusal, envelope, refusal.error)
        return self._converse(request, AdminPurpose(tenant, found, asked, envelope))

    def _converse(self, request: Request, purpose: AdminPurpose) -> Response:
        browser = self._tenant.browsers.of(request)
        accounts = self._tenant.browsers.signed_in(browser, purpose.tenant.directory)
        account = accounts[-1] if accounts else None
        return self._conversation.begin(request, browser, purpose, account)


def _named(tenant: Tenant, destination: Destination, query: dict[str, str]) -> Asked:
    return parse_scope(required(query, "scope"), destination.client, tenant.directory)


def _registered(tenant: Tenant, client: Application) -> Asked:
    found = [tenant.directory.app(name) for name in client.delegated]
    wanted = [Permissions(app, app.prefix, client.delegated[app.name]) for app in found if app]
    return Asked((), tuple(wanted))


def _refuse(destination: Destination, refusal: Refusal, envelope: Envelope, error: str) -> Response:
    described = envelope.describe(refusal.code, refusal.text)
    return _answer(destination, {"error": error, "error_description": described})


def _answer(destination: Destination, fields: dict[str, str]) -> Response:
    return destination.send({"admin_consent": "True", **fields})
