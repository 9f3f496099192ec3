"""Wraps an endpoint so that every request to it leaves one entry in the tenant's log."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from obo_tenant.log import Where
from obo_tenant.tenant import Tenant

Endpoint = Callable[[Request], Awaitable[Response]]


def noted(tenant: Tenant, where: Where, endpoint: Endpoint) -> Endpoint:
    """`endpoint`, with its status, its time and what it puts into `note_of` recorded."""

    async def run(request: Request) -> Response:
        started = time.perf_counter()
        request.state.note = {}
        response = await endpoint(request)
        tenant.record(
            where=where,
            method=request.method,
            path=request.url.path,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
            **request.state.note,
        )
        return response

    return run


def note_of(request: Request) -> dict[str, Any]:
    """The fields of the coming log entry; an endpoint fills in what it learns."""
    note: dict[str, Any] = request.state.note
    return note
