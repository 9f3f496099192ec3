"""The middleware: nobody reaches the application without a verified access token."""

import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from urllib.parse import unquote

from obo_mcp.asgi.answer import Answer
from obo_mcp.asgi.body import LimitedBody
from obo_mcp.asgi.challenge import challenge
from obo_mcp.asgi.credentials import bearer_token
from obo_mcp.asgi.guard import Guard
from obo_mcp.asgi.lifespan import Lifespan
from obo_mcp.asgi.metadata import ProtectedResource
from obo_mcp.asgi.response import HeldResponse
from obo_mcp.asgi.types import ASGIApp, Receive, Scope, Send
from obo_mcp.errors import MethodNotAllowed, OboError
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.observe import Field, record
from obo_mcp.secret import Secret

_log = logging.getLogger("obo_mcp.asgi")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_GUID = re.compile(rb"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")
_READABLE_BY_ANY_ORIGIN = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "mcp-protocol-version",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the middleware needs to know of the rest of the house.

    `verify` turns a token into a Principal; `admit` lets a caller in for one request and answers
    with what lets them out again; `running` spans the life of the server; `is_ready` says whether
    calls can be served. `guard` looks at Host and Origin; no more than `max_body_bytes` of a body
    are read. `post_only` is for a stateless MCP endpoint, which has nothing to offer to GET and
    DELETE.
    """

    resource: ProtectedResource
    guard: Guard
    max_body_bytes: int
    verify: Callable[[Secret], Awaitable[Principal]]
    admit: Callable[[Scope, Caller], Callable[[], None]]
    running: Callable[[], AbstractAsyncContextManager[object]]
    is_ready: Callable[[], bool]
    post_only: bool = True


class OnBehalfOfMiddleware:
    """Pure ASGI: put it around any application; its lifespan is forwarded.

    Answers `/livez`, `/readyz` and the resource metadata itself. Every other request needs one
    valid access token in its Authorization header, or gets a challenge.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self._door = door
        self._lifespan = Lifespan(app, door.running)
        self._endpoint = unquote(door.resource.path).rstrip("/")
        metadata = Answer(200, door.resource.document(), _READABLE_BY_ANY_ORIGIN)
        places = map(unquote, door.resource.metadata_paths)
        self._public = dict.fromkeys(places, metadata) | {"/livez": _ALIVE}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in _READING and (answer := self._public_answer(scope["path"])):
            await answer.send(send, head=scope["method"] == "HEAD")
            return
        body = LimitedBody(receive, max_bytes=self._door.max_body_bytes)
        response = HeldResponse(send, is_moot=lambda: body.refusal is not None)
        correlation_id = _correlation_id(scope)
        try:
            await self._serve(scope, body, response, correlation_id)
            await response.release()
            refusal = body.refusal or (None if body.client_left else OboError())
        except Exception as error:
            if response.started:
                raise
            refusal = body.refusal or _refusal_in(error)
            if refusal is None:
                _log.exception("the application failed")
                refusal = OboError()
        if refusal is not None and not response.started:
            await self._refuse(refusal, correlation_id, send)

    async def _serve(
        self, scope: Scope, body: LimitedBody, response: HeldResponse, correlation_id: str
    ) -> None:
        headers = scope["headers"]
        self._door.guard.check(headers)
        assertion = bearer_token(headers)
        principal = await self._door.verify(assertion)
        body.check_announced(headers)
        if self._door.post_only and self._is_endpoint(scope) and scope["method"] != "POST":
            raise MethodNotAllowed
        leave = self._door.admit(scope, Caller(principal, assertion, correlation_id))
        try:
            await self.app(scope, body.receive, response.send)
        finally:
            leave()

    async def _refuse(self, error: OboError, correlation_id: str, send: Send) -> None:
        told: dict[str, Field] = {"reason": type(error).__name__, "code": error.code}
        told |= {"status": error.status, "correlation_id": correlation_id}
        record("refused", fields=told)
        await challenge(error, self._door.resource, correlation_id).send(send)

    def _public_answer(self, path: str) -> Answer | None:
        if path == "/readyz":
            return _READY if self._door.is_ready() else _NOT_READY
        return self._public.get(path.rstrip("/"))

    def _is_endpoint(self, scope: Scope) -> bool:
        return bool(scope["path"].rstrip("/") == self._endpoint)


_ALIVE = Answer(200, {"status": "alive"})
_READY = Answer(200, {"status": "ready"})
_NOT_READY = Answer(
    503, {"status": "waiting for the authority's signing keys"}, {"retry-after": "5"}
)


def _refusal_in(error: BaseException) -> OboError | None:
    """The refusal that `error` is, or that an exception group of task groups holds."""
    if isinstance(error, OboError):
        return error
    if isinstance(error, BaseExceptionGroup):
        found = (_refusal_in(inner) for inner in error.exceptions)
        return next((refusal for refusal in found if refusal is not None), None)
    return None


def _correlation_id(scope: Scope) -> str:
    """The caller's own `client-request-id` or `x-request-id` if it is a GUID, else a new one.

    Entra and Graph take only GUIDs (Graph, "Best practices": client-request-id).
    """
    for name, value in scope["headers"]:
        if name in {b"client-request-id", b"x-request-id"} and _GUID.match(value):
            return str(value.decode())
    return str(uuid.uuid4())
