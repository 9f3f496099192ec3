"""The control switches that make tokens: one to order, also a wrong one, or thousands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from obo_tenant import cae
from obo_tenant.apps import GRAPH_AUDIENCE, GRAPH_ID, Application
from obo_tenant.claims import NO_CLAIMS, ClaimsRequest, parse_claims
from obo_tenant.conditional_access import PROOFS
from obo_tenant.directory import Account
from obo_tenant.fields import BadSwitch, Fields, app_named, person_named, tenant_named
from obo_tenant.mint import Subject
from obo_tenant.tenant import Tenant

_LONGEST_SECONDS = 28 * 3600
_MOST_PEOPLE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What a token should be like, and which tenant issues it."""

    tenant: Tenant
    client: Application
    resource: Application
    scopes: tuple[str, ...]
    version: int | None
    lifetime_seconds: int | None


class TokenSwitches:
    """`POST /_tenant/tokens` and `POST /_tenant/people`."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def token(self, request: Request) -> Response:
        """One token, to order. Raises BadSwitch."""
        fields = await Fields.of(request)
        tenant, account = self._person(fields)
        order = _order(fields, tenant)
        app_only, id_token = fields.flag("app_only"), fields.flag("id_token")
        foreign, changes = fields.flag("foreign_key"), fields.mapping("claims")
        challenge = _challenge(fields)
        fields.end()
        if app_only and id_token:
            raise BadSwitch("an ID token cannot be app_only")
        if id_token:
            claims = _id_claims(order, account)
        else:
            claims = _access_claims(order, None if app_only else account)
            claims |= _satisfied(challenge, claims)
        try:
            token = tenant.mint.sign(_changed(claims, changes or {}), foreign=bool(foreign))
        except TypeError as reason:
            raise BadSwitch(f"claims: {reason}") from None
        return JSONResponse({"access_token": token})

    async def people(self, request: Request) -> Response:
        """Many new people at home, one token each. Raises BadSwitch."""
        fields = await Fields.of(request)
        count = fields.whole("count", None, 1, _MOST_PEOPLE)
        order = _order(fields, self._tenant)
        fields.end()
        if count is None:
            raise BadSwitch("count is missing")
        accounts = list(self._tenant.directory.add_people(count))
        # A signature takes about a millisecond: thousands of them must not hold up the server.
        tokens = await run_in_threadpool(
            lambda: [self._tenant.mint.sign(_access_claims(order, each)) for each in accounts]
        )
        return JSONResponse({"access_tokens": tokens})

    def _person(self, fields: Fields) -> tuple[Tenant, Account]:
        """Whose token, or only which tenant's when the token is app-only."""
        named = tenant_named(self._tenant, fields.text("tenant"))
        first = (named or self._tenant).organization.people[0]
        return person_named(self._tenant, fields.text("person") or first.key, named)


def _order(fields: Fields, tenant: Tenant) -> _Order:
    resource = app_named(tenant.directory, fields.needed("resource"))
    scopes = fields.texts("scopes")
    return _Order(
        tenant=tenant,
        client=app_named(tenant.directory, fields.text("client") or "connection"),
        resource=resource,
        scopes=tuple(resource.scopes)[:1] if scopes is None else scopes,
        version=fields.whole("version", None, 1, 2),
        lifetime_seconds=fields.whole(
            "lifetime_seconds", None, -_LONGEST_SECONDS, _LONGEST_SECONDS
        ),
    )


def _challenge(fields: Fields) -> ClaimsRequest:
    """The challenge that the token is to satisfy, as its client would have sent it on."""
    text, capable = fields.text("satisfies"), fields.flag("cae")
    try:
        wanted = parse_claims(text) if text else NO_CLAIMS
    except ValueError as reason:
        raise BadSwitch(f"satisfies: {reason}") from None
    capability = {"xms_cc": {"values": ["cp1"]}} if capable else {}
    return ClaimsRequest({**wanted.access_token, **capability})


def _satisfied(challenge: ClaimsRequest, claims: Mapping[str, Any]) -> dict[str, Any]:
    more: dict[str, Any] = {"nbf": cae.reached(int(claims["nbf"]), challenge)}
    if challenge.values(PROOFS):
        more[PROOFS] = list(challenge.values(PROOFS))
    if challenge.capable:
        more["xms_cc"] = ["cp1"]
    return more


def _access_claims(order: _Order, account: Account | None) -> dict[str, Any]:
    subject = Subject(
        client=order.client,
        resource=order.resource,
        spelling=order.resource.prefix,
        scopes=order.scopes,
        account=account,
    )
    return order.tenant.mint.access_claims(subject, _lifetime(order), order.version)


def _id_claims(order: _Order, account: Account) -> dict[str, Any]:
    """As if the resource itself had signed the person in: its audience, but no access token."""
    of_graph = order.resource.client_id == GRAPH_ID
    audience = GRAPH_AUDIENCE if of_graph else order.resource.client_id
    claims = order.tenant.mint.id_claims(audience, account)
    return claims | {"exp": int(order.tenant.clock()) + _lifetime(order)}


def _lifetime(order: _Order) -> int:
    lifetime = order.lifetime_seconds
    return order.tenant.mint.lifetime() if lifetime is None else lifetime


def _changed(claims: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**claims, **changes}
    return {name: value for name, value in merged.items() if value is not None}
