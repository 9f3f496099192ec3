"""The on-behalf-of grant: a user assertion in, a downstream token out.

Entra, "Microsoft identity platform and OAuth 2.0 On-Behalf-Of flow". Checks run from the client
through the assertion and the person to the permissions; the first that fails answers.
"""

from typing import TYPE_CHECKING, Any

from obo_tenant.agent_id import check_may_act
from obo_tenant.apps import Application
from obo_tenant.conditional_access import proofs_of
from obo_tenant.credential import confidential
from obo_tenant.form import required
from obo_tenant.granted import Granted, check_person, grant_person
from obo_tenant.grants import SignIn
from obo_tenant.mint import BadSignature, Malformed
from obo_tenant.refusal import Refusal
from obo_tenant.scopes import parse_scope

if TYPE_CHECKING:
    from obo_tenant.tenant import Tenant


def on_behalf_of(tenant: "Tenant", client: Application, form: dict[str, str]) -> Granted:
    """Exchange `assertion` for a token of the same person for another resource.

    Raises:
        Refusal: 82002 for a blueprint; 50027, 50013, 500133, 240002, 500131, 7000114 for the
            assertion; 50020, 50034, 50057, 50173 for the person; 500011, 650053, 70011, 28002,
            9010010 for the scope; 65001; 50076, 50079, 53000, 53003 for Conditional Access.
    """
    confidential(client)
    check_may_act(client)
    if required(form, "requested_token_use") != "on_behalf_of":
        raise Refusal(90023, parameter="requested_token_use")
    claims = _check_assertion(tenant, client, required(form, "assertion"))
    scope = required(form, "scope")
    sign_in = SignIn(
        client_id=client.client_id,
        oid=str(claims.get("oid", "")),
        session_id=str(claims.get("sid", "")),
        scope=scope,
        target=form.get("resource") or None,
        proofs=proofs_of(claims),
        assertion_nbf=claims.get("nbf", 0),
    )
    check_person(tenant, sign_in)
    asked = parse_scope(scope, client, tenant.directory, sign_in.target)
    if not asked.permissions:
        raise Refusal(28002)
    granted = grant_person(tenant, client, sign_in, asked, asked.single(tenant.directory))
    return _with_actor(granted, claims)


def _check_assertion(tenant: "Tenant", client: Application, assertion: str) -> dict[str, Any]:
    signer = tenant.signer_of(assertion)
    try:
        claims = signer.mint.verify(assertion)
    except Malformed:
        raise Refusal(50027) from None
    except BadSignature as reason:
        raise Refusal(50013, reason=str(reason)) from None
    if not tenant.mint.in_time(claims):
        raise Refusal(500133)
    if not {"azp", "appid", "scp", "roles", "idtyp"} & claims.keys():
        raise Refusal(240002)
    audience = str(claims.get("aud"))
    # A v1 token repeats the spelling that was asked for, a last slash included.
    expected = _addressee(tenant, client)
    if audience.removesuffix("/") not in expected.audiences:
        raise Refusal(500131, audience=audience[:200], expected=expected.client_id)
    if claims.get("idtyp") == "app" or not claims.get("scp"):
        raise Refusal(7000114, app=str(claims.get("azp") or claims.get("appid")))
    if signer is not tenant:  # nobody is a guest here
        raise Refusal(50020, issuer=signer.mint.issuer_v1, tenant=tenant.organization.company)
    return claims


def _addressee(tenant: "Tenant", client: Application) -> Application:
    """Whom the person's token must be for: an agent identity trades its blueprint's."""
    parent = tenant.directory.app_by_id(client.parent) if client.parent else None
    return parent or client


def _with_actor(granted: Granted, claims: dict[str, Any]) -> Granted:
    return Granted(
        client=granted.client,
        permissions=granted.permissions,
        scopes=granted.scopes,
        reserved=granted.reserved,
        sign_in=granted.sign_in,
        actor=str(claims.get("azp") or claims.get("appid") or ""),
    )
