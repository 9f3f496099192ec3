"""The token endpoint: reads a form, finds the grant, answers in Entra's words, writes the log."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from obo_tenant.apps import Application
from obo_tenant.claims import claims_kind, read_claims
from obo_tenant.credential import authenticate
from obo_tenant.envelope import Envelope
from obo_tenant.form import read_form, required
from obo_tenant.granted import Granted, answer, log_fields
from obo_tenant.noting import note_of, noted
from obo_tenant.obo import on_behalf_of
from obo_tenant.place import tenant_asked
from obo_tenant.refusal import Refusal
from obo_tenant.tenant import Tenant
from obo_tenant.trades import (
    authorization_code,
    client_credentials,
    device_code,
    refresh_token,
)

_Grant = Callable[[Tenant, Application, dict[str, str]], Granted]
_GRANTS: MappingProxyType[str, tuple[str, _Grant]] = MappingProxyType(
    {
        "authorization_code": ("authorization_code", authorization_code),
        "refresh_token": ("refresh_token", refresh_token),
        "client_credentials": ("client_credentials", client_credentials),
        "device_code": ("device_code", device_code),
        "urn:ietf:params:oauth:grant-type:device_code": ("device_code", device_code),
        "urn:ietf:params:oauth:grant-type:jwt-bearer": ("on_behalf_of", on_behalf_of),
    }
)


def token_routes(tenant: Tenant) -> list[BaseRoute]:
    """The route of this module."""
    post = noted(tenant, "token", TokenEndpoint(tenant).post)
    return [Route("/{tenant}/oauth2/v2.0/token", post, methods=["POST"])]


class TokenEndpoint:
    """`POST /{tenant}/oauth2/v2.0/token`."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def post(self, request: Request) -> Response:
        """Answer one token request."""
        envelope = Envelope.of(request, self._tenant.clock())
        note = note_of(request)
        note["correlation_id"] = envelope.correlation_id
        note["client_request_id"] = envelope.client_request_id
        try:
            return await self._answer(request, envelope, note)
        except Refusal as refusal:
            note["error"] = f"{refusal.error} AADSTS{refusal.code}"
            return envelope.refused(refusal)

    async def _answer(self, request: Request, envelope: Envelope, note: dict[str, Any]) -> Response:
        form = await read_form(request)
        note["client_id"] = form.get("client_id")
        note["grant"] = _grant_name(form.get("grant_type", "").strip())
        note["claims"] = claims_kind(form)
        tenant = tenant_asked(request, self._tenant, form.get("client_id"))
        note["person"] = _person_of(form, tenant)
        trouble = await tenant.faults.strike("token", note["person"], tenant.tenant_id)
        if trouble.response is not None:
            note["error"] = "fault"
            return trouble.response
        return envelope.answered(_body(request, tenant, form, note), trouble.headers)


def _body(
    request: Request, tenant: Tenant, form: dict[str, str], note: dict[str, Any]
) -> dict[str, Any]:
    name = required(form, "grant_type")
    client = authenticate(request, form, tenant)
    note["client_id"] = client.client_id
    if name not in _GRANTS:
        raise Refusal(70003, grant=name[:100])
    read_claims(form)  # before a code is used up
    granted = _GRANTS[name][1](tenant, client, form)
    body = answer(tenant, granted, form)
    note.update(log_fields(granted, body))
    return body


def _person_of(form: Mapping[str, str], tenant: Tenant) -> str | None:
    """Whose grant this seems to be, before anything was checked: for faults and the log."""
    grants = tenant.grants
    kept = [
        grants.refresh_token(form.get("refresh_token", "")),
        grants.code(form.get("code", "")),
        grants.device(form.get("device_code", "")),
    ]
    people = [each.sign_in.oid for each in kept if each is not None and each.sign_in]
    return people[0] if people else _oid_of(form.get("assertion", ""))


def _grant_name(sent: str) -> str | None:
    """For the log, which keeps no text of a stranger's."""
    return _GRANTS[sent][0] if sent in _GRANTS else "unknown" if sent else None


def _oid_of(assertion: str) -> str | None:
    payload = assertion.split(".")[1:2]
    if not payload:
        return None
    try:
        raw = base64.urlsafe_b64decode(payload[0] + "=" * (-len(payload[0]) % 4))
        claims = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        return None
    oid = claims.get("oid") if isinstance(claims, dict) else None
    return oid if isinstance(oid, str) else None
