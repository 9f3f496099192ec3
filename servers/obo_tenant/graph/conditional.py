"""Writes that depend on a version, and answers to what has been made.

Source: RFC 9110 section 13.1.1 (If-Match), Graph "best practices" (concurrency with ETags).
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.visit import Visit, json_response


def wanted_version(visit: Visit) -> str | None:
    """The change key in If-Match; None without that header and for `*`."""
    given = visit.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    return given.strip().removeprefix("W/").strip('"')


def refuse_stale(visit: Visit, version: str) -> None:
    """Raises GraphError 412 if the caller knows another version than this one."""
    wanted = wanted_version(visit)
    if wanted is not None and wanted != version:
        raise GraphError(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in "
            "the request does not match the current change key for the item.",
        )


def created(context: str, entity: Mapping[str, Any], *, etag: str) -> Response:
    """201 with what was made."""
    response = json_response({"@odata.context": context, **entity}, 201)
    response.headers["ETag"] = f'W/"{etag}"'
    return response
