"""What a client asks of the authorization endpoint, checked (RFC 6749 4.1.1, RFC 7636 4.3)."""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from obo_tenant.apps import Application
from obo_tenant.claims import ClaimsRequest, read_claims
from obo_tenant.directory import Directory
from obo_tenant.form import required
from obo_tenant.pages import form_post_page
from obo_tenant.redirect_uri import is_registered
from obo_tenant.refusal import Refusal
from obo_tenant.scopes import Asked, parse_scope

Mode = Literal["query", "fragment", "form_post"]
_MODES: MappingProxyType[str, Mode] = MappingProxyType(
    {"query": "query", "fragment": "fragment", "form_post": "form_post"}
)
_PROMPTS = frozenset({"", "login", "none", "consent", "select_account"})
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the answer goes: only ever to a redirect URI that is registered."""

    client: Application
    redirect_uri: str
    mode: Mode
    state: str | None

    def send(self, fields: dict[str, str]) -> Response:
        """The answer, in the response mode that was asked for, with the client's `state`."""
        answer = fields | ({"state": self.state} if self.state is not None else {})
        if self.mode == "form_post":
            return form_post_page(self.redirect_uri, answer)
        joint = (
            "#" if self.mode == "fragment" else "&" if urlsplit(self.redirect_uri).query else "?"
        )
        return RedirectResponse(
            f"{self.redirect_uri}{joint}{urlencode(answer)}",
            302,
            {"Cache-Control": "no-store, no-cache", "Referrer-Policy": "no-referrer"},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeRequest:
    """A checked request. `scope` is kept as sent, `target` is the RFC 8707 resource.

    `max_age_seconds` is how long ago the password may have been given; None for any time.
    """

    destination: Destination
    scope: str
    asked: Asked
    target: str | None
    nonce: str | None
    challenge: str | None
    challenge_method: str | None
    prompt: str
    login_hint: str
    max_age_seconds: int | None
    wants_client_info: bool
    claims: ClaimsRequest


def read_destination(query: dict[str, str], directory: Directory) -> Destination:
    """Who asks, and where the answer goes. Its errors must be shown, never redirected.

    Raises:
        Refusal: 900144 missing parameter, 700016 unknown client, 50011 redirect URI.
    """
    client_id = required(query, "client_id")
    client = directory.app_by_id(client_id)
    if client is None:
        raise Refusal(700016, app=client_id)
    redirect_uri = required(query, "redirect_uri")
    if not is_registered(redirect_uri, client.redirect_uris):
        raise Refusal(50011, app=client.client_id)
    return Destination(
        client=client,
        redirect_uri=redirect_uri,
        mode=_MODES.get(query.get("response_mode", ""), "query"),
        state=query.get("state"),
    )


def read_request(
    query: dict[str, str], destination: Destination, directory: Directory
) -> AuthorizeRequest:
    """The rest of the request. Its errors go to the destination.

    Raises:
        Refusal: 700054 response type, 90023 response mode, prompt, age or PKCE method, 900144 no
            scope, 9002313 a malformed challenge or malformed claims, or as `parse_scope`.
    """
    kind = required(query, "response_type")
    if kind != "code":
        raise Refusal(700054, kind=kind)
    for parameter, values in (("response_mode", {"", *_MODES}), ("prompt", _PROMPTS)):
        if query.get(parameter, "") not in values:
            raise Refusal(90023, parameter=parameter)
    scope, target = required(query, "scope"), query.get("resource") or None
    challenge, method = _challenge(query)
    return AuthorizeRequest(
        destination=destination,
        scope=scope,
        asked=parse_scope(scope, destination.client, directory, target),
        target=target,
        nonce=query.get("nonce"),
        challenge=challenge,
        challenge_method=method,
        prompt=query.get("prompt", ""),
        login_hint=query.get("login_hint", ""),
        max_age_seconds=_max_age(query.get("max_age")),
        wants_client_info=query.get("client_info") == "1",
        claims=read_claims(query),
    )


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Refusal(90023, parameter="max_age")
    return int(text)


def _challenge(query: dict[str, str]) -> tuple[str | None, str | None]:
    challenge = query.get("code_challenge")
    if challenge is None:
        return None, None
    method = query.get("code_challenge_method", "plain")
    if method not in {"S256", "plain"}:
        raise Refusal(90023, parameter="code_challenge_method")
    if not _CHALLENGE.fullmatch(challenge):
        raise Refusal(9002313)
    return challenge, method
