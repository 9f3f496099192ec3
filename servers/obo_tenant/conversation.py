"""The pages between a request and its answer: sign in, allow, done. Shared by code and device flow.

A form counts only from the browser that got it, with its token: nobody can be signed in, or made
to consent, by another site's form.
"""

import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from obo_tenant.browsers import Browser, Interaction, remember
from obo_tenant.conditional_access import Policy, unmet
from obo_tenant.consent import Wish, barred, wishes
from obo_tenant.directory import Account
from obo_tenant.form import read_form
from obo_tenant.noting import note_of, noted
from obo_tenant.pages import (
    ConsentWords,
    approval_page,
    consent_page,
    plain_page,
    proof_page,
    sign_in_page,
)
from obo_tenant.purpose import Purpose
from obo_tenant.refusal import Refusal
from obo_tenant.tenant import Tenant


class Conversation:
    """Shows the next page, and receives what was filled in."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[BaseRoute]:
        """Where the forms are posted to."""
        pages = {"/signin": self.sign_in, "/proof": self.prove, "/consent": self.consent}
        return [
            Route(path, noted(self._tenant, "authorize", page), methods=["POST"])
            for path, page in pages.items()
        ]

    def begin(
        self, request: Request, browser: Browser, purpose: Purpose, account: Account | None
    ) -> Response:
        """The first page; `account` is somebody who is signed in already."""
        interaction = self._tenant.browsers.begin(browser, purpose)
        if account is not None:
            interaction.oid = account.person.oid
            interaction.session = browser.signed_in[account.person.oid]
        return self._next(request, browser, interaction)

    async def sign_in(self, request: Request) -> Response:
        """Name and password were filled in."""
        interaction, form = await self._resume(request)
        if interaction is None:
            return stale_page()
        directory = _purpose(interaction).tenant.directory
        account = directory.account_by_name(form.get("name", ""))
        refusal = _check_password(account, form.get("password", ""))
        if account is None or refusal is not None:
            note_of(request)["error"] = "invalid_grant AADSTS50126"
            return self._sign_in_page(interaction, form.get("name", ""), refusal or "")
        browser = self._tenant.browsers.sign_in(interaction, account)
        return self._next(request, browser, interaction)

    async def prove(self, request: Request) -> Response:
        """A button of the page that asks for more proof was pressed."""
        interaction, form = await self._resume(request)
        account = self._account(interaction)
        if interaction is None or account is None:
            return stale_page()
        if form.get("decision") == "other":
            interaction.oid = None
            return self._sign_in_page(interaction, "", "")
        met = [each.policy_id for each in _unmet(interaction, account) if not each.blocks]
        browser = self._tenant.browsers.prove(interaction, met)
        return stale_page() if browser is None else self._next(request, browser, interaction)

    async def consent(self, request: Request) -> Response:
        """A button of the consent page, or of the one that wants an administrator."""
        interaction, form = await self._resume(request)
        account = self._account(interaction)
        if interaction is None or account is None or _unmet(interaction, account):
            return stale_page()
        decision = form.get("decision")
        if decision == "other":
            interaction.oid = None
            return self._sign_in_page(interaction, "", "")
        self._tenant.browsers.end(interaction)
        over = _purpose(interaction).over()
        if over is not None:
            return over
        if _barred(interaction, account):
            client = _purpose(interaction).client.display_name
            return self._decline(request, interaction, Refusal(90094, app=client))
        if decision != "accept":
            return self._decline(request, interaction, Refusal(65004))
        chosen = account.administrator and form.get("everybody") == "yes"
        _keep(interaction, account, for_everybody=chosen or _purpose(interaction).for_everybody)
        return self._finish(request, interaction, account)

    async def _resume(self, request: Request) -> tuple[Interaction | None, dict[str, str]]:
        try:
            form = await read_form(request)
        except Refusal:
            return None, {}
        interaction = self._tenant.browsers.resume(request, form)
        if interaction is not None and not hasattr(interaction.purpose, "finish"):
            interaction = None
        if interaction is not None:
            note_of(request)["client_id"] = _purpose(interaction).client.client_id
        return interaction, form

    def _next(self, request: Request, browser: Browser, interaction: Interaction) -> Response:
        response = self._next_page(request, interaction)
        remember(response, request, browser)
        return response

    def _next_page(self, request: Request, interaction: Interaction) -> Response:
        purpose, account = _purpose(interaction), self._account(interaction)
        if account is None:
            return self._sign_in_page(interaction, purpose.login_hint, "")
        note_of(request)["person"] = account.person.oid
        for policy in _unmet(interaction, account):
            return self._proof_page(request, interaction, account, policy)
        if _barred(interaction, account):
            note_of(request)["error"] = "access_denied AADSTS90094"
            return approval_page(_hidden(interaction), purpose.client.display_name)
        wanted = _wishes(interaction, account)
        if wanted or purpose.device:
            return consent_page(_hidden(interaction), _words(purpose, account, wanted))
        self._tenant.browsers.end(interaction)
        return self._finish(request, interaction, account)

    def _finish(self, request: Request, interaction: Interaction, account: Account) -> Response:
        note_of(request)["person"] = account.person.oid
        return _purpose(interaction).finish(account, interaction.session)

    def _decline(self, request: Request, interaction: Interaction, refusal: Refusal) -> Response:
        note_of(request)["error"] = f"{refusal.error} AADSTS{refusal.code}"
        return _purpose(interaction).decline(refusal)

    def _proof_page(
        self, request: Request, interaction: Interaction, account: Account, policy: Policy
    ) -> Response:
        refusal = policy.refusal(_purpose(interaction).client.client_id)
        note_of(request)["error"] = f"{refusal.error} AADSTS{refusal.code}"
        if not policy.blocks:
            person = account.person.user_principal_name
            return proof_page(_hidden(interaction), person, policy.demand)
        self._tenant.browsers.end(interaction)
        words = "Your sign-in was successful but does not meet the criteria to access this."
        detail = f"AADSTS{refusal.code}"
        return plain_page("You cannot access this right now", words, status=403, detail=detail)

    def _account(self, interaction: Interaction | None) -> Account | None:
        if interaction is None or interaction.oid is None:
            return None
        account = _purpose(interaction).tenant.directory.account_by_oid(interaction.oid)
        if (
            account is None
            or not account.enabled
            or interaction.session.session_id in account.revoked
        ):
            return None
        return account

    def _sign_in_page(self, interaction: Interaction, name: str, error: str) -> Response:
        purpose = _purpose(interaction)
        people = [(p.user_principal_name, p.password) for p in purpose.tenant.organization.people]
        client = purpose.client.display_name
        return sign_in_page(_hidden(interaction), client, people, hint=name, error=error)


def stale_page() -> Response:
    """The form is not, or no longer, one of ours."""
    return plain_page(
        "Start again",
        "This page is no longer valid. Go back to the program you came from and try again.",
        status=400,
    )


def _purpose(interaction: Interaction) -> Purpose:
    purpose: Purpose = interaction.purpose
    return purpose


def _unmet(interaction: Interaction, account: Account) -> list[Policy]:
    purpose = _purpose(interaction)
    resources = [each.resource.client_id for each in purpose.asked.permissions]
    proofs = interaction.session.proofs
    return list(unmet(account.policies, purpose.claims, resources, proofs).values())


def _wishes(interaction: Interaction, account: Account) -> list[Wish]:
    purpose = _purpose(interaction)
    return wishes(
        purpose.client, purpose.asked, purpose.tenant.directory, account, every=purpose.ask_again
    )


def _barred(interaction: Interaction, account: Account) -> bool:
    purpose, wanted = _purpose(interaction), _wishes(interaction, account)
    directory = purpose.tenant.directory
    return barred(wanted, directory, account, for_everybody=purpose.for_everybody)


def _keep(interaction: Interaction, account: Account, *, for_everybody: bool) -> None:
    directory, whose = _purpose(interaction).tenant.directory, None if for_everybody else account
    for wish in _wishes(interaction, account):
        directory.consent(wish.client, wish.resource, whose, wish.scopes)


def _words(purpose: Purpose, account: Account, wanted: list[Wish]) -> ConsentWords:
    return ConsentWords(
        client=purpose.client.display_name,
        person=account.person.user_principal_name,
        wishes=[wish.words for wish in wanted],
        device=purpose.device,
        for_everybody=purpose.for_everybody,
        offers_everybody=account.administrator and not purpose.for_everybody and bool(wanted),
    )


def _hidden(interaction: Interaction) -> dict[str, str]:
    return {"flow": interaction.key, "csrf": interaction.csrf}


def _check_password(account: Account | None, password: str) -> str | None:
    """Words for the page when the person may not come in."""
    wanted = account.person.password if account else ""
    same = hmac.compare_digest(password.encode("utf-8", "replace"), wanted.encode())
    if account is None or not same:
        return "The user name or the password is wrong."
    return None if account.enabled else "This account is disabled. An administrator can help."
