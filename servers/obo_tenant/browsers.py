"""Browsers, who is signed in there, and the pages that each of them is in the middle of."""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from obo_tenant.clock import Clock
from obo_tenant.directory import Account, Directory

_INTERACTION_SECONDS = 1800
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of a person: its id, and when the password was given (Unix seconds).

    `proofs` are the ids of the Conditional Access policies that were met in it.
    """

    session_id: str
    began_at: float
    proofs: frozenset[str] = frozenset()


@dataclass(slots=True)
class Browser:
    """One browser, known by its cookie; `signed_in` maps an oid to a session."""

    cookie: str
    signed_in: dict[str, Session] = field(default_factory=dict)


_NOBODYS = Session("", 0.0)


@dataclass(slots=True)
class Interaction:
    """A conversation of pages in one browser: for what, and as whom so far.

    `purpose` belongs to whoever began it; `csrf` must come back with every form.
    """

    key: str
    csrf: str
    cookie: str
    purpose: Any
    expires_at: float
    oid: str | None = None
    session: Session = _NOBODYS


class Browsers:
    """Every browser that has been here, and every interaction that is open."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._browsers: OrderedDict[str, Browser] = OrderedDict()
        self._interactions: OrderedDict[str, Interaction] = OrderedDict()

    def of(self, request: Request) -> Browser:
        """The browser that sent the request; a new one if its cookie is unknown."""
        known = self._browsers.get(request.cookies.get(_cookie_name(request), ""))
        return known or self._new_browser()

    def sign_in(self, interaction: Interaction, account: Account) -> Browser:
        """Remember the person, under a new cookie so that nobody can have planted the old one."""
        old = self._browsers.pop(interaction.cookie, None)
        browser = self._new_browser(old.signed_in if old else {})
        session = Session(account.session_id, self._clock())
        browser.signed_in.pop(account.person.oid, None)  # the latest sign-in comes last
        browser.signed_in[account.person.oid] = session
        for tab in self._of_cookie(interaction.cookie):
            tab.cookie = browser.cookie
        interaction.oid, interaction.session = account.person.oid, session
        return browser

    def prove(self, interaction: Interaction, policy_ids: Iterable[str]) -> Browser | None:
        """Remember that these policies were met; None if the browser is forgotten by now."""
        session = replace(
            interaction.session, proofs=interaction.session.proofs | frozenset(policy_ids)
        )
        interaction.session = session
        browser = self._browsers.get(interaction.cookie)
        if browser is not None and interaction.oid is not None:
            browser.signed_in[interaction.oid] = session
        return browser

    def sign_out(self, browser: Browser) -> None:
        """Forget everybody who signed in with this browser, and every page that is open there."""
        browser.signed_in.clear()
        for interaction in self._of_cookie(browser.cookie):
            self.end(interaction)

    def signed_in(self, browser: Browser, directory: Directory) -> list[Account]:
        """The people whose sign-in in this browser still counts."""
        accounts = [
            (directory.account_by_oid(oid), session.session_id)
            for oid, session in browser.signed_in.items()
        ]
        return [
            account
            for account, session in accounts
            if account and account.enabled and session not in account.revoked
        ]

    def begin(self, browser: Browser, purpose: Any) -> Interaction:
        """Open an interaction in that browser."""
        interaction = Interaction(
            key=secrets.token_urlsafe(24),
            csrf=secrets.token_urlsafe(24),
            cookie=browser.cookie,
            purpose=purpose,
            expires_at=self._clock() + _INTERACTION_SECONDS,
        )
        self._interactions[interaction.key] = interaction
        while len(self._interactions) > _MOST_KEPT:
            self._interactions.popitem(last=False)
        return interaction

    def resume(self, request: Request, form: dict[str, str]) -> Interaction | None:
        """The interaction a form belongs to, if this browser got that form from us."""
        interaction = self._interactions.get(form.get("flow", ""))
        if interaction is None or interaction.expires_at <= self._clock():
            return None
        cookie = request.cookies.get(_cookie_name(request), "")
        same_browser = hmac.compare_digest(cookie.encode(), interaction.cookie.encode())
        same_form = hmac.compare_digest(form.get("csrf", "").encode(), interaction.csrf.encode())
        return interaction if same_browser and same_form else None

    def end(self, interaction: Interaction) -> None:
        """Close the interaction: its forms are worth nothing from here on."""
        self._interactions.pop(interaction.key, None)

    def _of_cookie(self, cookie: str) -> list[Interaction]:
        return [each for each in self._interactions.values() if each.cookie == cookie]

    def _new_browser(self, signed_in: dict[str, Session] | None = None) -> Browser:
        browser = Browser(secrets.token_urlsafe(24), dict(signed_in or {}))
        self._browsers[browser.cookie] = browser
        while len(self._browsers) > _MOST_KEPT:
            self._browsers.popitem(last=False)
        return browser


def remember(response: Response, request: Request, browser: Browser) -> None:
    """Set the browser's cookie: for this origin only, unreadable to scripts (RFC 6265)."""
    response.set_cookie(
        _cookie_name(request), browser.cookie, secure=True, httponly=True, samesite="lax"
    )


def _cookie_name(request: Request) -> str:
    # Cookies know no ports: several tenants on one machine must not overwrite each other's.
    return f"__Host-local-tenant-{request.url.port or 443}"
