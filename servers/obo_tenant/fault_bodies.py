"""What an answer says that goes wrong on demand: Entra's words, Graph's, or those of the order."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args
from uuid import uuid4

from starlette.responses import HTMLResponse, JSONResponse, Response

from obo_tenant.clock import Clock, stamp
from obo_tenant.cut_line import CutLine

Form = Literal["html", "empty", "reset", "partial"]
"""What comes instead of JSON: the page of a gateway, no body, no answer at all, half an answer."""

FORMS: frozenset[str] = frozenset(get_args(Form))

_TOKEN_FAULTS = MappingProxyType(
    {
        400: ("invalid_grant", 50196),
        401: ("invalid_client", 7000215),
        429: ("temporarily_unavailable", 90055),
    }
)


_GRAPH_CODES = MappingProxyType(
    {
        429: "TooManyRequests",
        503: "ServiceUnavailable",
        507: "quotaLimitReached",
        509: "activityLimitReached",
    }
)
_PAGE = (
    "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>"
    "\r\n<hr><center>Microsoft-Azure-Application-Gateway/v2</center>\r\n</body>\r\n</html>\r\n"
)


class FaultBodies:
    """Makes bodies in the shape of the place where the fault strikes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def body(self, where: str, status: int, ordered: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """What to say; of an `ordered` body for the token endpoint what is missing is added."""
        shape = {"token": self._token_body, "graph": self._graph_body, "keys": _plain_body}
        return shape[where](status, ordered)

    def response(
        self, body: Mapping[str, Any], status: int, headers: Mapping[str, str]
    ) -> Response:
        """The whole answer."""
        return JSONResponse(dict(body), status, dict(headers))

    def formed(self, form: Form, status: int, headers: Mapping[str, str]) -> Response:
        """The whole answer, where it is not JSON."""
        if form in {"reset", "partial"}:
            return CutLine(begun=form == "partial")
        if form == "empty":
            return Response(None, status, dict(headers))
        return HTMLResponse(_PAGE.format(status=status), status, dict(headers))

    def _token_body(self, status: int, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if body is not None and "error" not in body:
            return body
        error, code = _TOKEN_FAULTS.get(status, ("temporarily_unavailable", 90033))
        given = dict(body or {"error": error})
        codes = given.get("error_codes") or [code]
        trace = {"trace_id": str(uuid4()), "correlation_id": str(uuid4())}
        now = stamp(self._clock())
        text = (
            f"AADSTS{codes[0]}: A switch of the local tenant asked for this answer. Trace ID:"
            f" {trace['trace_id']} Correlation ID: {trace['correlation_id']} Timestamp: {now}"
        )
        return {"error_description": text, "error_codes": codes, "timestamp": now, **trace, **given}

    def _graph_body(self, status: int, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if body is not None:
            return body
        code = _GRAPH_CODES.get(status, "UnknownError")
        date = stamp(self._clock()).replace(" ", "T").removesuffix("Z")
        inner = {"date": date, "request-id": str(uuid4())}
        return {"error": {"code": code, "message": "Please retry later.", "innerError": inner}}


def _plain_body(status: int, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return body if body is not None else {"error": f"status {status}"}
