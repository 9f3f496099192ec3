"""A grant that was accepted, and the token endpoint's answer to it."""

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from obo_tenant import cae
from obo_tenant.apps import GRAPH_ID, Application
from obo_tenant.claims import ClaimsRequest, read_claims
from obo_tenant.conditional_access import PROOFS, check_policies, met_silently
from obo_tenant.grants import SignIn
from obo_tenant.mint import Subject
from obo_tenant.refusal import Refusal
from obo_tenant.scopes import Asked, Permissions, parse_scope

if TYPE_CHECKING:
    from obo_tenant.directory import Account
    from obo_tenant.tenant import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Who may have a token for what. `sign_in` is None for an application's own token."""

    client: Application
    permissions: Permissions
    scopes: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    sign_in: SignIn | None = None
    actor: str | None = None


def grant_person(
    tenant: "Tenant", client: Application, sign_in: SignIn, asked: Asked, permissions: Permissions
) -> Granted:
    """Check the person and their consent.

    Raises:
        Refusal: as `check_person`; 65001 when the person has not consented to all of it; 50076,
            50079, 53000 or 53003 when a Conditional Access policy is not met. That consent is
            looked at first is an inference.
    """
    account = check_person(tenant, sign_in)
    consented = tenant.directory.consented(client, permissions.resource, account)
    granted = _of_consented(permissions, consented)
    if granted is None:
        raise Refusal(65001, app=client.client_id, name=client.display_name)
    check_policies(account.policies, permissions.resource.client_id, sign_in.proofs)
    return Granted(
        client=client,
        permissions=permissions,
        scopes=granted,
        reserved=asked.reserved,
        sign_in=sign_in,
    )


def check_person(tenant: "Tenant", sign_in: SignIn) -> "Account":
    """The account behind a sign-in.

    Raises:
        Refusal: 50034 unknown, 50057 disabled, 50173 the session was revoked, or the user
            assertion is older than a revocation that asks for a newer one.
    """
    account = tenant.directory.account_by_oid(sign_in.oid)
    if account is None:
        raise Refusal(50034)
    if not account.enabled:
        raise Refusal(50057)
    if sign_in.session_id in account.revoked:
        raise Refusal(50173)
    if account.revocation is not None and sign_in.assertion_nbf is not None:
        account.revocation.check_assertion(sign_in.assertion_nbf)
    return account


def stepped_up(tenant: "Tenant", form: dict[str, str], sign_in: SignIn) -> SignIn:
    """`sign_in` with the policies that it meets because the request carries their challenge.

    A middle tier's sign-in, which began with a user assertion, can prove nothing more.

    Raises:
        Refusal: as `read_claims`, `check_person` and `met_silently`.
    """
    policies = check_person(tenant, sign_in).policies
    if sign_in.assertion_nbf is not None:
        return sign_in
    proofs = met_silently(policies, read_claims(form), sign_in.proofs)
    return replace(sign_in, proofs=proofs)


def asked_again(
    tenant: "Tenant", client: Application, form: dict[str, str], sign_in: SignIn
) -> tuple[Asked, Permissions]:
    """What a request asks under an earlier sign-in: its own scope, else the earlier one's first.

    Raises:
        Refusal: as `parse_scope` and `Asked.single`.
    """
    target = form.get("resource") or None
    if form.get("scope", "").strip():
        asked = parse_scope(form["scope"], client, tenant.directory, target)
        return asked, asked.single(tenant.directory)
    earlier = parse_scope(sign_in.scope, client, tenant.directory, target or sign_in.target)
    asked = Asked(earlier.reserved, earlier.permissions[:1])
    return asked, asked.single(tenant.directory)


def answer(tenant: "Tenant", granted: Granted, form: dict[str, str]) -> dict[str, Any]:
    """The body of a successful token answer (RFC 6749 section 5.1 and Entra's additions)."""
    request, resource = read_claims(form), granted.permissions.resource
    lifetime = tenant.mint.lifetime()
    if cae.evaluated(resource.client_id, request):
        lifetime = cae.lifetime(lifetime)
    claims = tenant.mint.access_claims(_subject(tenant, granted), lifetime)
    body: dict[str, Any] = {"token_type": "Bearer"}
    if granted.sign_in is not None:
        body["scope"] = " ".join(_response_scope(granted))
    body |= {
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": tenant.mint.sign(claims | _as_asked(tenant, granted, request, claims)),
    }
    return body | _for_person(tenant, granted, form)


def log_fields(granted: Granted, body: dict[str, Any]) -> dict[str, Any]:
    """What the log says about an answer: everything but the tokens."""
    return {
        "person": granted.sign_in.oid if granted.sign_in else None,
        "audience": granted.permissions.spelling,
        "scope": body.get("scope"),
        "actor": granted.actor,
        "lifetime_seconds": body["expires_in"],
    }


def _as_asked(
    tenant: "Tenant", granted: Granted, request: ClaimsRequest, claims: dict[str, Any]
) -> dict[str, Any]:
    """The claims of an access token that depend on the `claims` parameter, now or before.

    Graph is told what the client can do; another resource only if it has that optional claim.
    """
    resource = granted.permissions.resource
    extra: dict[str, Any] = {"nbf": cae.reached(claims["nbf"], request)}
    told = resource.client_id == GRAPH_ID or tenant.directory.wants_claim(resource, "xms_cc")
    if request.capable and told:
        extra["xms_cc"] = ["cp1"]
    if granted.sign_in is not None and granted.sign_in.proofs:
        extra[PROOFS] = sorted(granted.sign_in.proofs)
    return extra


def _of_consented(permissions: Permissions, consented: frozenset[str]) -> tuple[str, ...] | None:
    """What to grant, or None. `.default` is all that is consented to; names are granted as asked.

    Entra also adds permissions consented to earlier; here a client gets no more than it names, so
    that one which asks for too little notices.
    """
    if permissions.default:
        return tuple(sorted(consented)) or None
    return permissions.names if consented.issuperset(permissions.names) else None


def _subject(tenant: "Tenant", granted: Granted) -> Subject:
    sign_in = granted.sign_in
    of_graph = granted.permissions.resource.client_id == GRAPH_ID
    return Subject(
        client=granted.client,
        resource=granted.permissions.resource,
        spelling=granted.permissions.spelling,
        scopes=(*granted.scopes, *(_shown(granted.reserved) if of_graph else ())),
        account=tenant.directory.account_by_oid(sign_in.oid) if sign_in else None,
        session_id=sign_in.session_id if sign_in else None,
    )


def _response_scope(granted: Granted) -> list[str]:
    return [*granted.permissions.qualified(granted.scopes), *_shown(granted.reserved)]


def _shown(reserved: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in reserved if name != "offline_access")


def _for_person(tenant: "Tenant", granted: Granted, form: dict[str, str]) -> dict[str, Any]:
    sign_in = granted.sign_in
    account = tenant.directory.account_by_oid(sign_in.oid) if sign_in else None
    if sign_in is None or account is None:
        return {}
    extra: dict[str, Any] = {}
    if "offline_access" in granted.reserved:
        extra["refresh_token"] = tenant.grants.new_refresh_token(sign_in)
    if "openid" in granted.reserved:
        claims = tenant.mint.id_claims(granted.client.client_id, account, sign_in)
        extra["id_token"] = tenant.mint.sign(claims)
    if form.get("client_info") == "1":
        extra["client_info"] = client_info(sign_in.oid, tenant.tenant_id)
    return extra


def client_info(oid: str, tenant_id: str) -> str:
    """MSAL's account id: base64url of `{"uid": oid, "utid": tid}`."""
    text = json.dumps({"uid": oid, "utid": tenant_id})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
