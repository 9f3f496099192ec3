"""What is answered where no endpoint answers: no such path, no such verb, or a defect of ours.

JSON in the shape of whoever the caller meant to reach: Graph, the agent, the control switches,
or Entra.
"""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from obo_tenant.clock import Clock
from obo_tenant.envelope import Envelope
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.trace import trace

_GRAPH = ("/v1.0", "/_download/", "/_attach/", "/oidc/")


def exception_handlers(clock: Clock) -> dict[type[Exception], ExceptionHandler]:
    """For Starlette. The exception itself stays in the program's log."""

    async def answer(request: Request, mishap: Exception) -> Response:
        status, headers = 500, {}
        if isinstance(mishap, HTTPException):
            status, headers = mishap.status_code, dict(mishap.headers or {})
        response = _shaped(request, status, clock())
        response.headers.update(headers)
        return response

    return {HTTPException: answer, Exception: answer}


def _shaped(request: Request, status: int, now: float) -> Response:
    path, words = request.url.path, HTTPStatus(status).phrase
    if path.startswith(_GRAPH):
        code = {404: "BadRequest", 405: "Request_BadRequest"}.get(status, "InternalServerError")
        tracing = trace(request.headers.get("client-request-id"), now)
        return tracing.mark(tracing.refusal(GraphError(status, code, f"{words}.")))
    if path.startswith("/_tenant"):
        return JSONResponse({"error": words}, status)
    if path.startswith("/agent/"):
        code = words.lower().replace(" ", "_")
        return JSONResponse({"error": {"code": code, "message": f"{words}."}}, status)
    return _of_entra(request, status, Envelope.of(request, now))


def _of_entra(request: Request, status: int, envelope: Envelope) -> Response:
    code, text, error = 50000, "There was an issue with our sign-in service.", "server_error"
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        code, error = 900561, "invalid_request"
        text = f"The endpoint does not accept {request.method} requests."
    elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
        code, error, text = 90013, "invalid_request", "There is nothing at this address."
    return JSONResponse(envelope.body(code, text, error, None), status, envelope.headers)
