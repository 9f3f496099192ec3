"""Metadata: OpenID configuration, signing keys and instance discovery, for v1 and v2.

OpenID Connect Discovery 1.0 with Entra's additions ("OpenID Connect on the Microsoft identity
platform"). The shared endpoints give a template with `{tenantid}` as issuer, and the keys of every
tenant, each with its own issuer.
"""

from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from obo_tenant.noting import note_of, noted
from obo_tenant.place import tenant_in_path
from obo_tenant.refusal import Refusal
from obo_tenant.tenant import Tenant

_HOUR = MappingProxyType({"Cache-Control": "max-age=3600, private"})


def discovery_routes(tenant: Tenant) -> list[BaseRoute]:
    """The routes of this module."""
    metadata = Metadata(tenant)
    well_known = ".well-known/openid-configuration"
    return [
        Route("/common/discovery/instance", metadata.instance),
        Route(f"/{{tenant}}/v2.0/{well_known}", metadata.configuration_v2),
        # MSAL asks so when its authority ends in a slash.
        Route(f"/{{tenant}}//v2.0/{well_known}", metadata.configuration_v2),
        Route(f"/{{tenant}}/{well_known}", metadata.configuration_v1),
        Route("/{tenant}/discovery/v2.0/keys", noted(tenant, "keys", metadata.keys_v2)),
        Route("/{tenant}/discovery/keys", noted(tenant, "keys", metadata.keys_v1)),
    ]


class Metadata:
    """What anybody may know about the tenants."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def configuration_v2(self, request: Request) -> Response:
        """The v2.0 OpenID configuration."""
        return self._configuration(request, 2)

    async def configuration_v1(self, request: Request) -> Response:
        """The v1.0 OpenID configuration."""
        return self._configuration(request, 1)

    async def keys_v2(self, request: Request) -> Response:
        """The signing keys for v2.0 tokens."""
        return await self._keys(request, 2)

    async def keys_v1(self, request: Request) -> Response:
        """The signing keys for v1.0 tokens: the same keys, under the other issuer."""
        return await self._keys(request, 1)

    async def instance(self, request: Request) -> Response:
        """Instance discovery: is the host of `authorization_endpoint` an authority of ours?"""
        asked = _url(request.query_params.get("authorization_endpoint", ""))
        ours = urlsplit(self._tenant.base_url).hostname
        aliases = sorted({"localhost", "127.0.0.1", str(ours)})
        if asked is None or asked.hostname not in aliases:
            return JSONResponse(dict(_INVALID_INSTANCE), 400)
        segment = asked.path.strip("/").partition("/")[0] or "common"
        return JSONResponse(
            {
                "tenant_discovery_endpoint": (
                    f"{self._tenant.base_url}/{segment}/v2.0/.well-known/openid-configuration"
                ),
                "api-version": request.query_params.get("api-version", "1.1"),
                "metadata": [
                    {"preferred_network": ours, "preferred_cache": ours, "aliases": aliases}
                ],
            }
        )

    def _configuration(self, request: Request, version: int) -> Response:
        try:
            tenant = tenant_in_path(request, self._tenant)
        except Refusal as refusal:
            return _refused(refusal)
        path = tenant.tenant_id if tenant else str(request.path_params["tenant"]).lower()
        infix = "/v2.0" if version == 2 else ""
        body = {
            "issuer": self._issuer(tenant, version),
            **_endpoints(f"{self._tenant.base_url}/{path}"),
            "jwks_uri": f"{self._tenant.base_url}/{path}/discovery{infix}/keys",
            "userinfo_endpoint": f"{self._tenant.base_url}/oidc/userinfo",
            **_CAPABILITIES,
        }
        return JSONResponse(body, headers=dict(_HOUR))

    async def _keys(self, request: Request, version: int) -> Response:
        try:
            tenant = tenant_in_path(request, self._tenant)
        except Refusal as refusal:
            return _refused(refusal)
        whose = tenant.tenant_id if tenant else None
        trouble = await self._tenant.faults.strike("keys", None, whose)
        if trouble.response is not None:
            note_of(request)["error"] = "fault"
            return trouble.response
        publishers = [tenant] if tenant else self._tenant.cloud.tenants
        keys = [key.jwk(self._issuer(each, version)) for each in publishers for key in each.keys]
        return JSONResponse({"keys": keys}, headers={**_HOUR, **trouble.headers})

    def _issuer(self, tenant: Tenant | None, version: int) -> str:
        mint = (tenant or self._tenant).mint
        issuer = mint.issuer_v2 if version == 2 else mint.issuer_v1
        return issuer if tenant else issuer.replace(mint.tenant_id, "{tenantid}")


def _endpoints(base: str) -> dict[str, Any]:
    # Only the v2.0 endpoints exist here, so both documents name them.
    oauth = f"{base}/oauth2/v2.0"
    return {
        "authorization_endpoint": f"{oauth}/authorize",
        "token_endpoint": f"{oauth}/token",
        "device_authorization_endpoint": f"{oauth}/devicecode",
        "end_session_endpoint": f"{oauth}/logout",
        "kerberos_endpoint": f"{base}/kerberos",
        "mtls_endpoint_aliases": {"token_endpoint": f"{oauth}/token"},
    }


def _url(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _refused(refusal: Refusal) -> Response:
    return JSONResponse(
        {"error": refusal.error, "error_description": str(refusal), "error_codes": [refusal.code]},
        refusal.status,
    )


_INVALID_INSTANCE: MappingProxyType[str, Any] = MappingProxyType(
    {
        "error": "invalid_instance",
        "error_description": "AADSTS50049: Unknown or invalid instance.",
        "error_codes": [50049],
    }
)

_CAPABILITIES: MappingProxyType[str, Any] = MappingProxyType(
    {
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
            "self_signed_tls_client_auth",
        ],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "acr", "nonce", "preferred_username", "name"),
            *("tid", "ver", "at_hash", "c_hash", "email", "auth_time"),
        ],
        "request_uri_parameter_supported": False,
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "tls_client_certificate_bound_access_tokens": True,
        "tenant_region_scope": "EU",
        "cloud_instance_name": "localhost",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }
)
