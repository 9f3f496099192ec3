"""Device code: the endpoint for the device, the page for its person (RFC 8628)."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from obo_tenant.apps import Application
from obo_tenant.browsers import Browser, Session, remember
from obo_tenant.claims import NO_CLAIMS, ClaimsRequest
from obo_tenant.conversation import Conversation, stale_page
from obo_tenant.directory import Account
from obo_tenant.envelope import Envelope
from obo_tenant.form import read_form, required
from obo_tenant.grants import DEVICE_INTERVAL_SECONDS, DEVICE_SECONDS, DeviceGrant, SignIn
from obo_tenant.noting import note_of, noted
from obo_tenant.pages import code_page, plain_page
from obo_tenant.place import tenant_asked
from obo_tenant.refusal import Refusal
from obo_tenant.scopes import Asked, parse_scope
from obo_tenant.tenant import Tenant


def device_routes(tenant: Tenant, conversation: Conversation) -> list[BaseRoute]:
    """`POST /{tenant}/oauth2/v2.0/devicecode` and the page `/devicelogin`."""
    endpoint, page = DeviceEndpoint(tenant), DevicePage(tenant, conversation)
    return [
        Route("/devicelogin", noted(tenant, "authorize", page.get)),
        Route("/devicelogin", noted(tenant, "authorize", page.post), methods=["POST"]),
        Route(
            "/{tenant}/oauth2/v2.0/devicecode",
            noted(tenant, "devicecode", endpoint.post),
            methods=["POST"],
        ),
    ]


@dataclass(frozen=True, slots=True)
class DevicePurpose:
    """An interaction that ends with the device getting what it waits for."""

    tenant: Tenant
    client: Application
    asked: Asked
    grant: DeviceGrant
    login_hint: str = ""
    device: bool = True
    ask_again: bool = False
    for_everybody: bool = False
    claims: ClaimsRequest = NO_CLAIMS

    def over(self) -> Response | None:
        """The code was answered elsewhere in the meantime, or has run out."""
        if self.grant.waiting(self.tenant.clock()):
            return None
        words = "That code is used or expired. Ask the device for a new one."
        return plain_page("Start again", words, status=400)

    def finish(self, account: Account, session: Session) -> Response:
        """Let the device in."""
        self.grant.sign_in = SignIn(
            client_id=self.client.client_id,
            oid=account.person.oid,
            session_id=session.session_id,
            scope=self.grant.scope,
            target=self.grant.target,
            proofs=session.proofs,
        )
        words = f"You are signed in to {self.client.display_name} on your device."
        return plain_page("All set", f"{words} You may close this window.")

    def decline(self, _refusal: Refusal) -> Response:
        """Turn the device away."""
        self.grant.declined = True
        return plain_page("Cancelled", "The device was not signed in. You may close this window.")


class DeviceEndpoint:
    """Gives a device its two codes."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def post(self, request: Request) -> Response:
        """Answer a device authorization request."""
        envelope = Envelope.of(request, self._tenant.clock())
        note_of(request)["correlation_id"] = envelope.correlation_id
        note_of(request)["client_request_id"] = envelope.client_request_id
        try:
            return JSONResponse(await self._codes(request), headers=envelope.headers)
        except Refusal as refusal:
            note_of(request)["error"] = f"{refusal.error} AADSTS{refusal.code}"
            return envelope.refused(refusal)

    async def _codes(self, request: Request) -> dict[str, object]:
        form = await read_form(request)
        tenant = tenant_asked(request, self._tenant, form.get("client_id"))
        client_id = required(form, "client_id")
        client = tenant.directory.app_by_id(client_id)
        if client is None:
            raise Refusal(700016, app=client_id)
        note_of(request)["client_id"] = client.client_id
        if client.agent_identity:
            raise Refusal(82014)
        scope, target = required(form, "scope"), form.get("resource") or None
        parse_scope(scope, client, tenant.directory, target)
        code, grant = tenant.grants.new_device(client.client_id, scope, target)
        uri = f"{self._tenant.base_url}/devicelogin"
        return {
            "user_code": grant.user_code,
            "device_code": code,
            "verification_uri": uri,
            "expires_in": DEVICE_SECONDS,
            "interval": DEVICE_INTERVAL_SECONDS,
            "message": f"To sign in, use a web browser to open the page {uri} and enter the code"
            f" {grant.user_code} to authenticate.",
        }


@dataclass(frozen=True, slots=True)
class _CodeEntry:
    """The purpose of an interaction that has no client yet: a code is to be typed."""


class DevicePage:
    """Where a person types the code that their device shows."""

    def __init__(self, tenant: Tenant, conversation: Conversation) -> None:
        self._tenant = tenant
        self._conversation = conversation

    async def get(self, request: Request) -> Response:
        """The empty page."""
        return self._ask(request, self._tenant.browsers.of(request), "")

    async def post(self, request: Request) -> Response:
        """A code was typed."""
        try:
            form = await read_form(request)
        except Refusal:
            return stale_page()
        interaction = self._tenant.browsers.resume(request, form)
        if interaction is None or not isinstance(interaction.purpose, _CodeEntry):
            return stale_page()
        self._tenant.browsers.end(interaction)
        browser = self._tenant.browsers.of(request)
        purpose = self._purpose(form.get("user_code", ""))
        if purpose is None:
            return self._ask(request, browser, "That code is wrong or has expired. Try again.")
        note_of(request)["client_id"] = purpose.client.client_id
        accounts = self._tenant.browsers.signed_in(browser, purpose.tenant.directory)
        account = accounts[-1] if accounts else None
        return self._conversation.begin(request, browser, purpose, account)

    def _purpose(self, typed: str) -> DevicePurpose | None:
        """The page has no tenant in its address: the code says whose it is."""
        for tenant in self._tenant.cloud.tenants:
            grant = tenant.grants.device_by_user_code(typed)
            client = tenant.directory.app_by_id(grant.client_id) if grant else None
            if grant is not None and client is not None:
                asked = parse_scope(grant.scope, client, tenant.directory, grant.target)
                return DevicePurpose(tenant, client, asked, grant)
        return None

    def _ask(self, request: Request, browser: Browser, error: str) -> Response:
        interaction = self._tenant.browsers.begin(browser, _CodeEntry())
        hidden = {"flow": interaction.key, "csrf": interaction.csrf}
        response = code_page(hidden, error)
        remember(response, request, browser)
        return response
