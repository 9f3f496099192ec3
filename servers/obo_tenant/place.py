"""The `{tenant}` part of a path: a tenant by id or domain, or one of the shared endpoints."""

from starlette.requests import Request

from obo_tenant.refusal import Refusal
from obo_tenant.tenant import Tenant

SHARED = frozenset({"common", "organizations", "consumers"})


def tenant_in_path(request: Request, home: Tenant) -> Tenant | None:
    """The tenant that the path names; None for a shared endpoint.

    Raises:
        Refusal: 90002 when it names neither.
    """
    segment = str(request.path_params["tenant"]).lower()
    if segment in SHARED:
        return None
    for tenant in home.cloud.tenants:
        if segment in {tenant.tenant_id, tenant.organization.domain}:
            return tenant
    raise Refusal(90002, tenant=segment[:100])


def tenant_asked(request: Request, home: Tenant, client_id: str | None) -> Tenant:
    """The tenant that a request of that client is for: nothing is given at a shared endpoint.

    Raises:
        Refusal: 90002 unknown tenant, 50194 a shared endpoint and an application of one tenant
            (or none that is known), 50059 a shared endpoint and a multi-tenant application.
    """
    tenant = tenant_in_path(request, home)
    if tenant is not None:
        return tenant
    client = home.directory.app_by_id(client_id)
    if client is not None and client.multi_tenant:
        raise Refusal(50059)
    raise Refusal(50194, app=client.client_id if client else "unknown")
