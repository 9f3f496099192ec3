"""A key vault at the tenant's own origin: secrets, and certificates in their secret form.

Azure Key Vault REST API 7.4, "Get Secret" and "Get Certificate"; "Authentication, requests and
responses" for the challenge. A certificate's private key is had by its secret of the same name.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from obo_tenant.apps import VAULT_AUDIENCE
from obo_tenant.mint import BadSignature, Malformed
from obo_tenant.noting import note_of, noted
from obo_tenant.tenant import Tenant
from obo_tenant.vault_item import VaultItem

_Show = Callable[[VaultItem, str], dict[str, Any]]


def vault_routes(tenant: Tenant) -> list[BaseRoute]:
    """The routes of this module. SDKs ask for the latest version with a slash at the end."""
    vault = Vault(tenant)
    table = (("secrets", vault.secret), ("certificates", vault.certificate))
    return [
        Route(f"/{kind}/{{name}}{ending}", noted(tenant, "vault", endpoint))
        for kind, endpoint in table
        for ending in ("", "/", "/{version}")
    ]


class NotGiven(Exception):
    """The vault refuses; the text is public."""

    def __init__(self, status: int, code: str, words: str, inner: str | None = None) -> None:
        super().__init__(words)
        self.status, self.code, self.inner = status, code, inner


class Vault:
    """Gives what `PUT /_tenant/vault/{name}` has put there to whom it may."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def secret(self, request: Request) -> Response:
        """`GET /secrets/{name}[/{version}]`."""
        return self._answer(request, "secret", VaultItem.as_secret)

    async def certificate(self, request: Request) -> Response:
        """`GET /certificates/{name}[/{version}]`: without its private key."""
        return self._answer(request, "certificate", VaultItem.as_certificate)

    def _answer(self, request: Request, kind: str, show: _Show) -> Response:
        try:
            item = self._item(request, kind, self._reader(request))
        except NotGiven as reason:
            note_of(request)["error"] = reason.code
            return self._refused(reason)
        return JSONResponse(show(item, self._tenant.base_url))

    def _reader(self, request: Request) -> str:
        """The short name of the application that asks."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotGiven(
                401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token."
            )
        claims = self._claims(token.strip())
        client_id = claims.get("appid") or claims.get("azp")
        note_of(request)["client_id"] = client_id
        app = self._tenant.directory.app_by_id(client_id)
        return app.name if app else ""

    def _claims(self, token: str) -> dict[str, Any]:
        mint = self._tenant.mint
        try:
            claims = mint.verify(token)
        except (Malformed, BadSignature):
            words = "[BearerReadAccessTokenFailed] Error validating token: 'S2S12005'."
            raise NotGiven(401, "Unauthorized", words) from None
        if str(claims.get("aud")).removesuffix("/") != VAULT_AUDIENCE:
            words = f"AKV10022: Invalid audience. Expected {VAULT_AUDIENCE}."
            raise NotGiven(401, "Unauthorized", words)
        if not mint.in_time(claims):
            words = "[TokenExpired] Error validating token: 'S2S12086'."
            raise NotGiven(401, "Unauthorized", words)
        return claims

    def _item(self, request: Request, kind: str, reader: str) -> VaultItem:
        if not request.query_params.get("api-version"):
            raise NotGiven(400, "BadParameter", "api-version must be specified")
        name = str(request.path_params["name"])
        item = self._tenant.cloud.vault_items.get(name, request.path_params.get("version"))
        if item is not None and not item.readable_by(reader):
            words = "Caller is not authorized to perform action on resource."
            raise NotGiven(403, "Forbidden", words, "ForbiddenByRbac")
        if item is None or (kind == "certificate" and item.certificate is None):
            words = f"A {kind} with (name/id) {name[:127]} was not found in this key vault."
            raise NotGiven(404, f"{kind.title()}NotFound", words)
        if not item.enabled:
            words = f"Operation get is not allowed on a disabled {kind}."
            raise NotGiven(403, "Forbidden", words, f"{kind.title()}Disabled")
        return item

    def _refused(self, reason: NotGiven) -> Response:
        error: dict[str, Any] = {"code": reason.code, "message": str(reason)}
        if reason.inner is not None:
            error["innererror"] = {"code": reason.inner}
        headers = {}
        if reason.status == 401:
            authority = f"{self._tenant.base_url}/{self._tenant.tenant_id}"
            challenge = f'Bearer authorization="{authority}", resource="{VAULT_AUDIENCE}"'
            headers["WWW-Authenticate"] = challenge
        return JSONResponse({"error": error}, reason.status, headers)
