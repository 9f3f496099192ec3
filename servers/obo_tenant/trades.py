"""The other grants of the token endpoint: code, device code, refresh token, client credentials."""

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

from obo_tenant.agent_id import as_agents_caller
from obo_tenant.apps import Application
from obo_tenant.credential import confidential
from obo_tenant.form import required
from obo_tenant.granted import Granted, asked_again, grant_person, stepped_up
from obo_tenant.grants import Code, DeviceGrant, SignIn
from obo_tenant.refusal import Refusal
from obo_tenant.scopes import parse_scope

if TYPE_CHECKING:
    from obo_tenant.tenant import Tenant


def authorization_code(tenant: "Tenant", client: Application, form: dict[str, str]) -> Granted:
    """Redeem an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

    Raises:
        Refusal: 70000 unknown code or another client's, 54005 used, 70008 expired, 500112 another
            redirect URI, 501481 PKCE; then as for any person's grant.
    """
    code = tenant.grants.code(required(form, "code"))
    redirect_uri = required(form, "redirect_uri")
    if code is None or code.sign_in.client_id != client.client_id:
        raise Refusal(70000)
    if code.redeemed:
        raise Refusal(54005)
    if code.expires_at <= tenant.clock():
        raise Refusal(70008)
    if redirect_uri != code.redirect_uri:
        raise Refusal(500112)
    _check_verifier(code, form.get("code_verifier"))
    code.redeemed = True
    return _for_sign_in(tenant, client, form, code.sign_in)


def device_code(tenant: "Tenant", client: Application, form: dict[str, str]) -> Granted:
    """Poll for a device's person (RFC 8628 section 3.4).

    Raises:
        Refusal: 70018 unknown code, 70019 expired, 700162 declined, 700161 polled too fast, 70016
            not yet; then as for any person's grant.
    """
    grant = tenant.grants.device(required(form, "device_code"))
    if grant is None or grant.client_id != client.client_id:
        raise Refusal(70018)
    if grant.expires_at <= tenant.clock():
        raise Refusal(70019)
    if grant.declined:
        raise Refusal(700162)
    if grant.sign_in is None:
        _pace(grant, tenant.clock())
        raise Refusal(70016)
    grant.expires_at = tenant.clock()  # one use
    return _for_sign_in(tenant, client, form, grant.sign_in)


def refresh_token(tenant: "Tenant", client: Application, form: dict[str, str]) -> Granted:
    """Trade a refresh token; it stays valid, and a new one comes with `offline_access`.

    Raises:
        Refusal: 70000 unknown or another client's, 700082 expired; then as for any person's grant.
    """
    kept = tenant.grants.refresh_token(required(form, "refresh_token"))
    if kept is None or kept.sign_in.client_id != client.client_id:
        raise Refusal(70000)
    if kept.expires_at <= tenant.clock():
        raise Refusal(700082)
    # OpenID Connect Core 12.2: the nonce was for the first ID token only.
    return _for_sign_in(tenant, client, form, replace(kept.sign_in, nonce=None))


def client_credentials(tenant: "Tenant", client: Application, form: dict[str, str]) -> Granted:
    """An application's own token, for `.default` of exactly one resource.

    As at Entra it is issued even when the application has no role on the resource.

    Raises:
        Refusal: 7000218 for a public client, 1002012 for any other scope, or as `parse_scope` and
            `as_agents_caller`.
    """
    confidential(client)
    target = form.get("resource") or None
    asked = parse_scope(required(form, "scope"), client, tenant.directory, target)
    permissions = asked.single(tenant.directory)
    if asked.reserved or not permissions.default:
        raise Refusal(1002012)
    caller = as_agents_caller(client, permissions.resource, form)
    return Granted(client=caller, permissions=permissions)


def _for_sign_in(
    tenant: "Tenant", client: Application, form: dict[str, str], sign_in: SignIn
) -> Granted:
    sign_in = stepped_up(tenant, form, sign_in)
    asked, permissions = asked_again(tenant, client, form, sign_in)
    return grant_person(tenant, client, sign_in, asked, permissions)


def _check_verifier(code: Code, verifier: str | None) -> None:
    if code.challenge is None:
        return
    computed = verifier or ""
    if code.challenge_method == "S256":
        digest = hashlib.sha256(computed.encode()).digest()
        computed = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not verifier or not hmac.compare_digest(computed.encode(), code.challenge.encode()):
        raise Refusal(501481)


def _pace(grant: DeviceGrant, now: float) -> None:
    """RFC 8628 section 3.5: who polls too fast waits five seconds longer from here on."""
    last, grant.polled_at = grant.polled_at, now
    # A second of grace: the interval is counted where the client sends, not where we receive.
    if last is not None and now - last < grant.interval_seconds - 1:
        grant.interval_seconds += 5
        raise Refusal(700161)
