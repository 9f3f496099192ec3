"""The authorization endpoint, and signing out."""

from dataclasses import dataclass
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from obo_tenant.apps import Application
from obo_tenant.authorize_request import (
    AuthorizeRequest,
    Destination,
    read_destination,
    read_request,
)
from obo_tenant.browsers import Browser, Session, remember
from obo_tenant.claims import ClaimsRequest
from obo_tenant.conditional_access import unmet
from obo_tenant.consent import wishes
from obo_tenant.conversation import Conversation
from obo_tenant.directory import Account
from obo_tenant.envelope import Envelope
from obo_tenant.form import parse_form
from obo_tenant.granted import client_info
from obo_tenant.grants import SignIn
from obo_tenant.noting import note_of, noted
from obo_tenant.pages import plain_page
from obo_tenant.place import tenant_asked
from obo_tenant.refusal import Refusal
from obo_tenant.scopes import Asked
from obo_tenant.tenant import Tenant


def authorize_routes(tenant: Tenant, conversation: Conversation) -> list[BaseRoute]:
    """`GET /{tenant}/oauth2/v2.0/authorize` and `/logout`."""
    endpoint = AuthorizeEndpoint(tenant, conversation)
    authorize = noted(tenant, "authorize", endpoint.get)
    return [
        Route("/{tenant}/oauth2/v2.0/authorize", authorize),
        Route("/{tenant}/oauth2/v2.0/logout", endpoint.sign_out),
    ]


@dataclass(frozen=True, slots=True)
class CodePurpose:
    """An interaction that ends with an authorization code for the client."""

    tenant: Tenant
    request: AuthorizeRequest
    envelope: Envelope

    @property
    def client(self) -> Application:
        """Who asks."""
        return self.request.destination.client

    @property
    def asked(self) -> Asked:
        """For what."""
        return self.request.asked

    @property
    def login_hint(self) -> str:
        """The client's guess at who is coming."""
        return self.request.login_hint

    @property
    def device(self) -> bool:
        """The answer goes to this same browser."""
        return False

    @property
    def ask_again(self) -> bool:
        """`prompt=consent` asks for everything once more."""
        return self.request.prompt == "consent"

    @property
    def for_everybody(self) -> bool:
        """The person speaks for themselves."""
        return False

    @property
    def claims(self) -> ClaimsRequest:
        """What the client asks the tokens to be good for."""
        return self.request.claims

    def over(self) -> Response | None:
        """Never: the client can be answered at any time."""
        return None

    def finish(self, account: Account, session: Session) -> Response:
        """Send the code."""
        request = self.request
        sign_in = SignIn(
            client_id=self.client.client_id,
            oid=account.person.oid,
            session_id=session.session_id,
            scope=request.scope,
            target=request.target,
            nonce=request.nonce,
            auth_time=None if request.max_age_seconds is None else int(session.began_at),
            proofs=session.proofs,
        )
        code = self.tenant.grants.new_code(
            sign_in, request.destination.redirect_uri, request.challenge, request.challenge_method
        )
        info = client_info(account.person.oid, self.tenant.tenant_id)
        extra = {"client_info": info} if request.wants_client_info else {}
        return request.destination.send({"code": code, **extra, "session_state": str(uuid4())})

    def decline(self, refusal: Refusal) -> Response:
        """Tell the client that the person said no, or may not say yes."""
        return _send_refusal(self.request.destination, refusal, self.envelope)


class AuthorizeEndpoint:
    """Checks the request, then lets the pages do the talking."""

    def __init__(self, tenant: Tenant, conversation: Conversation) -> None:
        self._tenant = tenant
        self._conversation = conversation

    async def get(self, request: Request) -> Response:
        """Begin a sign-in. Until the redirect URI is known to be right, errors stay here."""
        envelope = Envelope.of(request, self._tenant.clock())
        try:
            query = parse_form(request.url.query.encode("ascii", "replace"))
            tenant = tenant_asked(request, self._tenant, query.get("client_id"))
            destination = read_destination(query, tenant.directory)
        except Refusal as refusal:
            note_of(request)["error"] = f"{refusal.error} AADSTS{refusal.code}"
            detail = envelope.describe(refusal.code, refusal.text)
            return plain_page("Sorry", "We can't sign you in here.", status=400, detail=detail)
        note_of(request)["client_id"] = destination.client.client_id
        try:
            wanted = read_request(query, destination, tenant.directory)
            return self._begin(request, CodePurpose(tenant, wanted, envelope))
        except Refusal as refusal:
            note_of(request)["error"] = f"{refusal.error} AADSTS{refusal.code}"
            return _send_refusal(destination, refusal, envelope)

    async def sign_out(self, request: Request) -> Response:
        """Forget who signed in with this browser (OpenID Connect RP-Initiated Logout)."""
        browser = self._tenant.browsers.of(request)
        self._tenant.browsers.sign_out(browser)
        response = plain_page("Signed out", "You signed out of your account.")
        remember(response, request, browser)
        return response

    def _begin(self, request: Request, purpose: CodePurpose) -> Response:
        browser = self._tenant.browsers.of(request)
        account = _signed_in(browser, purpose)
        if purpose.request.prompt == "none":
            _check_silent(browser, account, purpose)
        return self._conversation.begin(request, browser, purpose, account)


def _signed_in(browser: Browser, purpose: CodePurpose) -> Account | None:
    """Whom single sign-on stands for: the hinted person, or the only or latest one."""
    wanted, tenant = purpose.request, purpose.tenant
    if wanted.prompt in {"login", "select_account"}:
        return None
    accounts = tenant.browsers.signed_in(browser, tenant.directory)
    hint = wanted.login_hint.strip().lower()
    hinted = [a for a in accounts if not hint or a.person.user_principal_name == hint]
    account = hinted[-1] if hinted else None
    if account is None or wanted.max_age_seconds is None:
        return account
    age = tenant.clock() - browser.signed_in[account.person.oid].began_at
    # OpenID Connect Core 3.1.2.1: an age of 0 always asks, as prompt=login does.
    return account if 0 < wanted.max_age_seconds >= age else None


def _check_silent(browser: Browser, account: Account | None, purpose: CodePurpose) -> None:
    if account is None:
        raise Refusal(50058)
    client, directory = purpose.client, purpose.tenant.directory
    if wishes(client, purpose.asked, directory, account, every=False):
        raise Refusal(65001, app=client.client_id, name=client.display_name)
    resources = [each.resource.client_id for each in purpose.asked.permissions]
    proofs = browser.signed_in[account.person.oid].proofs
    for guarded, policy in unmet(account.policies, purpose.claims, resources, proofs).items():
        raise policy.refusal(guarded)


def _send_refusal(destination: Destination, refusal: Refusal, envelope: Envelope) -> Response:
    # At this endpoint a lack of consent is something a page could cure (OpenID Connect 3.1.2.6).
    error = "interaction_required" if refusal.code == 65001 else refusal.error
    described = envelope.describe(refusal.code, refusal.text)
    extra = {"error_subcode": "cancel"} if refusal.code == 65004 else {}
    extra |= {"claims": refusal.claims} if refusal.claims else {}
    return destination.send({"error": error, "error_description": described, **extra})
