"""The control switches for what callers prove themselves with, and where a workload gets that.

Secrets, certificates and federated credentials of applications; the key vault; the cluster.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from obo_tenant.apps import EXCHANGE_AUDIENCE, VAULT_AUDIENCE, Application
from obo_tenant.fields import BadSwitch, Fields, app_named
from obo_tenant.platform import shown_platform
from obo_tenant.registered import (
    MOST_FEDERATED,
    FederatedCredential,
    Registered,
    RegisteredCertificate,
    RegisteredSecret,
)
from obo_tenant.tenant import Tenant
from obo_tenant.vault_item import VaultItem, certificate_in

_A_YEAR = 366 * 24 * 3600
_A_DAY = 24 * 3600
_Row = tuple[str, str, Callable[[Request], Awaitable[Response]]]


def credential_switches(tenant: Tenant) -> list[_Row]:
    """Path, method and endpoint of each switch of this module."""
    switches, workloads = CredentialSwitches(tenant), WorkloadSwitches(tenant)
    return [
        ("/apps/{name}/secrets", "PUT", switches.add_secret),
        ("/apps/{name}/secrets", "DELETE", switches.remove_secret),
        ("/apps/{name}/certificates", "PUT", switches.add_certificate),
        ("/apps/{name}/certificates", "DELETE", switches.remove_certificate),
        ("/apps/{name}/federated", "PUT", switches.add_federated),
        ("/apps/{name}/federated", "DELETE", switches.remove_federated),
        ("/vault/{name}", "PUT", workloads.put_item),
        ("/vault/{name}", "DELETE", workloads.remove_item),
        ("/cluster/tokens", "POST", workloads.cluster_token),
    ]


def shown_workload(tenant: Tenant) -> dict[str, Any]:
    """What a workload needs to know of its surroundings, for the overview."""
    return {
        "platform": shown_platform(tenant),
        "cluster_issuer": tenant.cloud.cluster.issuer,
        "token_exchange_audience": EXCHANGE_AUDIENCE,
        "vault_url": tenant.base_url,
        "vault_resource": VAULT_AUDIENCE,
    }


class CredentialSwitches:
    """What an application has registered. A bad body changes nothing."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def add_secret(self, request: Request) -> Response:
        """`PUT /_tenant/apps/{name}/secrets`: one more, or another end for one that is there."""
        fields = await Fields.of(request)
        registered = self._registered(request)
        value = fields.text("secret") or secrets.token_urlsafe(30)
        seconds = fields.whole("expires_in_seconds", None, -_A_YEAR, 2 * _A_YEAR)
        fields.end()
        expires_at = None if seconds is None else self._tenant.clock() + seconds
        secret = RegisteredSecret(value=value, expires_at=expires_at)
        kept = [each for each in registered.secrets if not each.is_(value)]
        registered.secrets[:] = [*kept, secret]
        return JSONResponse({"key_id": secret.key_id, "secret": value})

    async def remove_secret(self, request: Request) -> Response:
        """`DELETE /_tenant/apps/{name}/secrets`: that one, or all of them without any."""
        fields = await Fields.of(request)
        registered, value = self._registered(request), fields.text("secret")
        fields.end()
        kept = [each for each in registered.secrets if value and not each.is_(value)]
        if value and len(kept) == len(registered.secrets):
            raise BadSwitch("the application has no such secret")
        registered.secrets[:] = kept
        return _done()

    async def add_certificate(self, request: Request) -> Response:
        """`PUT /_tenant/apps/{name}/certificates`."""
        fields = await Fields.of(request)
        registered, pem = self._registered(request), fields.needed("certificate")
        fields.end()
        try:
            added = RegisteredCertificate.from_pem(pem)
        except ValueError:
            raise BadSwitch("certificate must be PEM, with an RSA key of 2048 bits") from None
        others = [each for each in registered.certificates if each.sha256 != added.sha256]
        registered.certificates[:] = [*others, added]
        return JSONResponse({"x5t": added.sha1, "x5t#S256": added.sha256})

    async def remove_certificate(self, request: Request) -> Response:
        """`DELETE /_tenant/apps/{name}/certificates`: by its thumbprint, or all without one."""
        fields = await Fields.of(request)
        registered, thumbprint = self._registered(request), fields.text("x5t#S256")
        fields.end()
        found = [each for each in registered.certificates if thumbprint in {None, each.sha256}]
        if thumbprint and not found:
            raise BadSwitch("the application has no such certificate")
        registered.certificates[:] = [e for e in registered.certificates if e not in found]
        return _done()

    async def add_federated(self, request: Request) -> Response:
        """`PUT /_tenant/apps/{name}/federated`."""
        fields = await Fields.of(request)
        registered = self._registered(request)
        credential = FederatedCredential(
            issuer=fields.needed("issuer"),
            subject=fields.needed("subject"),
            audience=fields.text("audience") or EXCHANGE_AUDIENCE,
        )
        fields.end()
        others = [each for each in registered.federated if each != credential]
        if len(others) == MOST_FEDERATED:
            raise BadSwitch(f"an application has at most {MOST_FEDERATED} federated credentials")
        registered.federated[:] = [*others, credential]
        return _done()

    async def remove_federated(self, request: Request) -> Response:
        """`DELETE /_tenant/apps/{name}/federated`: by issuer and subject, or all without."""
        fields = await Fields.of(request)
        registered = self._registered(request)
        issuer, subject = fields.text("issuer"), fields.text("subject")
        fields.end()
        found = [
            each
            for each in registered.federated
            if issuer in {None, each.issuer} and subject in {None, each.subject}
        ]
        if (issuer or subject) and not found:
            raise BadSwitch("the application has no such federated credential")
        registered.federated[:] = [each for each in registered.federated if each not in found]
        return _done()

    def _registered(self, request: Request) -> Registered:
        app = app_named(self._tenant.directory, request.path_params["name"])
        _check_may_have_credentials(app)
        return self._tenant.cloud.registrar.of(app)


class WorkloadSwitches:
    """What lies in the key vault, and what the cluster gives its service accounts."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def put_item(self, request: Request) -> Response:
        """`PUT /_tenant/vault/{name}`: a new version."""
        fields = await Fields.of(request)
        value, content_type = fields.needed("value"), fields.text("content_type")
        enabled, readers = fields.flag("enabled", default=True), fields.texts("readers")
        fields.end()
        for each in readers or ():
            app_named(self._tenant.directory, each)
        try:
            certificate = certificate_in(value, content_type)
        except ValueError:
            raise BadSwitch("value must be a certificate with its key, as content_type") from None
        item = VaultItem(
            name=request.path_params["name"],
            value=value,
            content_type=content_type,
            certificate=certificate,
            created=int(self._tenant.clock()),
            enabled=enabled is not False,
            readers=None if readers is None else frozenset(readers),
        )
        self._tenant.cloud.vault_items.put(item)
        return JSONResponse({"version": item.version})

    async def remove_item(self, request: Request) -> Response:
        """`DELETE /_tenant/vault/{name}`: every version."""
        self._tenant.cloud.vault_items.remove(request.path_params["name"])
        return _done()

    async def cluster_token(self, request: Request) -> Response:
        """`POST /_tenant/cluster/tokens`: a service-account token to order, also a wrong one."""
        fields = await Fields.of(request)
        cluster = self._tenant.cloud.cluster
        claims = cluster.claims(
            fields.text("namespace") or "default",
            fields.text("service_account") or "mcp-server",
            fields.text("audience") or EXCHANGE_AUDIENCE,
            _or(fields.whole("lifetime_seconds", 3600, -_A_DAY, _A_DAY), 3600),
        )
        foreign, changes = fields.flag("foreign_key"), fields.mapping("claims")
        fields.end()
        merged = claims | (changes or {})
        told = {name: value for name, value in merged.items() if value is not None}
        try:
            token = cluster.sign(told, foreign=bool(foreign))
        except TypeError as reason:
            raise BadSwitch(f"claims: {reason}") from None
        return JSONResponse({"token": token})


def _check_may_have_credentials(app: Application) -> None:
    if app.agent_identity:
        raise BadSwitch("an agent identity has no credentials: its blueprint has them")
    if app.public or app.microsofts or app.name == "managed-identity":
        raise BadSwitch(f"{app.name} has no credentials of its own")


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _done() -> Response:
    return Response(status_code=204)
