"""The identity of one exchange with Graph: `request-id`, `client-request-id`, `Date`.

Source: Graph "errors" page ("innerError") and "best practices" (client-request-id).
"""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from starlette.responses import Response

from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.visit import json_response

_SAFE = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_DIAGNOSTIC = (
    '{"ServerInfo":{"DataCenter":"Local","Slice":"E","Ring":"1","ScaleUnit":"000",'
    '"RoleInstance":"LOCAL00001"}}'
)


@dataclass(frozen=True, slots=True)
class Trace:
    """Names one request; `client` is the caller's own name for it, or ours if it gave none."""

    request: str
    client: str
    at: datetime

    def mark(self, response: Response) -> Response:
        """Put the headers on that every answer of Graph carries."""
        response.headers["request-id"] = self.request
        response.headers["client-request-id"] = self.client
        response.headers["Date"] = format_datetime(self.at, usegmt=True)
        response.headers["x-ms-ags-diagnostic"] = _DIAGNOSTIC
        return response

    def refusal(self, error: GraphError) -> Response:
        """The error body of Graph."""
        inner = {
            "date": self.at.strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": self.request,
            "client-request-id": self.client,
        }
        body = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
        response = json_response(body, error.status)
        response.headers.update(error.headers)
        return response


def trace(client_request_id: str | None, now: float) -> Trace:
    """Start a trace at `now` (unix seconds); a client id that is not plain text is replaced."""
    request = str(uuid.uuid4())
    given = client_request_id or ""
    return Trace(
        request,
        given if _SAFE.fullmatch(given) else request,
        datetime.fromtimestamp(now, UTC).replace(microsecond=0),
    )
