"""Where a workload on Azure gets the tokens of its managed identity: a VM's IMDS, and App Service.

Azure, "How to use managed identities on a VM to acquire an access token" and "How to use managed
identities for App Service", section "REST endpoint reference". One user-assigned identity is there,
at home. Both answer over plain http on Azure, as they may here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from obo_tenant.apps import MANAGED_IDENTITY_ID, Application
from obo_tenant.mint import Subject
from obo_tenant.noting import note_of, noted
from obo_tenant.tenant import Tenant

IMDS_PATH = "/metadata/identity/oauth2/token"
APP_SERVICE_PATH = "/msi/token"
IDENTITY_HEADER = "practice-header-of-the-app-service"
_A_DAY = 24 * 3600
_CLIENT_ID = "client_id"
_OBJECT_IDS = frozenset({"object_id", "principal_id"})
_RESOURCE_IDS = frozenset({"msi_res_id", "mi_res_id"})
_Found = tuple[Application, Application, str]


def platform_routes(tenant: Tenant) -> list[BaseRoute]:
    """The routes of this module; a test may also serve them alone, over plain http."""
    endpoints = ManagedIdentityEndpoints(tenant)
    return [
        Route(IMDS_PATH, noted(tenant, "platform", endpoints.imds)),
        Route(APP_SERVICE_PATH, noted(tenant, "platform", endpoints.app_service)),
    ]


def shown_platform(tenant: Tenant) -> dict[str, Any]:
    """What a workload's environment tells it, for the overview."""
    return {
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": tenant.base_url,
        "IDENTITY_ENDPOINT": f"{tenant.base_url}{APP_SERVICE_PATH}",
        "IDENTITY_HEADER": IDENTITY_HEADER,
    }


class NoToken(Exception):
    """The identity endpoint refuses, in words that both kinds use in shapes of their own."""

    def __init__(self, status: int, error: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.error = error


class ManagedIdentityEndpoints:
    """Both endpoints: the same tokens, asked for and refused in two ways."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def imds(self, request: Request) -> Response:
        """`GET /metadata/identity/oauth2/token` of the Instance Metadata Service."""
        try:
            _check_metadata(request)
            found = self._found(request, "2018-02-01", alone=True)
        except NoToken as reason:
            note_of(request)["error"] = reason.error
            return _of_imds(reason)
        return JSONResponse(self._token(request, found, _IMDS_MEMBERS))

    async def app_service(self, request: Request) -> Response:
        """`GET IDENTITY_ENDPOINT` of App Service and Functions."""
        try:
            _check_identity_header(request)
            found = self._found(request, "2019-08-01", alone=False)
        except NoToken as reason:
            note_of(request)["error"] = reason.error
            return _of_app_service(reason)
        return JSONResponse(self._token(request, found, _APP_SERVICE_MEMBERS))

    def _found(self, request: Request, oldest: str, *, alone: bool) -> _Found:
        """Which identity may have a token for which resource, and how the resource was spelled."""
        query = request.query_params
        version, spelling = query.get("api-version"), query.get("resource")
        if not version or version < oldest:
            raise NoToken(400, "invalid_request", _MISSING.format("api-version"))
        if not spelling:
            raise NoToken(400, "invalid_request", _MISSING.format("resource"))
        identity = self._identity(query, alone=alone)
        resource = self._tenant.directory.resource(spelling)
        if resource is None:
            words = f"AADSTS500011: The resource principal named {spelling[:200]} was not found."
            raise NoToken(400, "invalid_resource", words)
        return identity, resource, spelling

    def _identity(self, query: Mapping[str, str], *, alone: bool) -> Application:
        """A machine with one identity means that one by none (`alone`); App Service never does."""
        identity = self._tenant.directory.app_by_id(MANAGED_IDENTITY_ID)
        named = {name for name in (_CLIENT_ID, *_OBJECT_IDS, *_RESOURCE_IDS) if query.get(name)}
        is_it = identity is not None and all(
            query[name].lower()
            == (identity.client_id if name == _CLIENT_ID else identity.principal_id)
            for name in named - _RESOURCE_IDS
        )
        if identity is None or not is_it or named & _RESOURCE_IDS or not (named or alone):
            raise NoToken(400, "invalid_request", "Identity not found")
        return identity

    def _token(self, request: Request, found: _Found, members: tuple[str, ...]) -> dict[str, Any]:
        identity, resource, spelling = found
        mint, now = self._tenant.mint, int(self._tenant.clock())
        subject = Subject(
            client=identity, resource=resource, spelling=spelling, scopes=(), account=None
        )
        note_of(request).update(client_id=identity.client_id, audience=spelling)
        body = {
            "access_token": mint.sign(mint.access_claims(subject, _A_DAY)),
            "client_id": identity.client_id,
            "expires_in": str(_A_DAY),
            "expires_on": str(now + _A_DAY),
            "ext_expires_in": str(_A_DAY),
            "not_before": str(now),
            "resource": spelling,
            "token_type": "Bearer",
        }
        return {name: body[name] for name in members}


def _check_metadata(request: Request) -> None:
    """A browser, or a server tricked into a request, does not send it."""
    if request.headers.get("metadata", "").lower() != "true":
        raise NoToken(400, "bad_request_102", "Required metadata header not specified")


def _check_identity_header(request: Request) -> None:
    if request.headers.get("x-identity-header") != IDENTITY_HEADER:
        raise NoToken(401, "unauthorized", "The X-IDENTITY-HEADER is missing or wrong.")


_MISSING = "Required query variable '{}' is missing"
_APP_SERVICE_MEMBERS = ("access_token", "client_id", "expires_on", "resource", "token_type")
_IMDS_MEMBERS = (*_APP_SERVICE_MEMBERS, "expires_in", "ext_expires_in", "not_before")
_APP_SERVICE_WORDS = MappingProxyType(
    {
        "Identity not found": "No User Assigned or Delegated Managed Identity found for specified"
        " ClientId/ResourceId/PrincipalId."
    }
)


def _of_imds(reason: NoToken) -> Response:
    body = {"error": reason.error, "error_description": str(reason)}
    return JSONResponse(body, reason.status, {"Server": "IMDS/150.870.65.1854"})


def _of_app_service(reason: NoToken) -> Response:
    words = _APP_SERVICE_WORDS.get(str(reason), str(reason))
    body = {"statusCode": reason.status, "message": words, "correlationId": str(uuid4())}
    return JSONResponse(body, reason.status)
