"""The `{tenant}` part of a path: this tenant by id or domain, or one of the shared endpoints."""

from starlette.requests import Request

from obo_tenant.apps import Application
from obo_tenant.people import DOMAIN, TENANT_ID
from obo_tenant.refusal import Refusal

SHARED = frozenset({"common", "organizations", "consumers"})


def tenant_segment(request: Request) -> str:
    """The segment, lower case. Raises Refusal 90002 when it names no tenant we know."""
    segment = str(request.path_params["tenant"]).lower()
    if segment not in SHARED | {TENANT_ID, DOMAIN}:
        raise Refusal(90002, tenant=segment[:100])
    return segment


def check_tenant(request: Request, client: Application | None) -> None:
    """The tenant's own endpoints only: every application here is single-tenant.

    Raises:
        Refusal: 90002 unknown tenant, 50194 a shared endpoint.
    """
    if tenant_segment(request) in SHARED:
        raise Refusal(50194, app=client.client_id if client else "unknown")
