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
from obo_mcp.asgi.consent_page import consent_page
from obo_mcp.asgi.credentials import bearer_token
from obo_mcp.asgi.guard import Guard
from obo_mcp.asgi.lifespan import Lifespan
from obo_mcp.asgi.metadata import CONSENT_PAGE, ProtectedResource
from obo_mcp.asgi.pages import preflight, readable
from obo_mcp.asgi.response import HeldResponse
from obo_mcp.asgi.types import ASGIApp, Receive, Refuse, Scope, Send
from obo_mcp.errors import MethodNotAllowed, OboError, RequestRefused
from obo_mcp.inbound.principal import Caller, Principal
from obo_mcp.observe import Field, record
from obo_mcp.secret import ClearOctets, Secret

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
    with what lets them out again, and is told how the application may have a refusal answered
    while it serves; `running` spans the life of the server; `is_ready` says whether calls can be
    served. `guard` looks at Host and Origin; no more than `max_body_bytes` of a body are read.
    `post_only` is for a stateless MCP endpoint, which has nothing to offer to GET and DELETE.
    """

    resource: ProtectedResource
    guard: Guard
    max_body_bytes: int
    verify: Callable[[Secret], Awaitable[Principal]]
    admit: Callable[[Scope, Caller, Refuse], Callable[[], None]]
    running: Callable[[], AbstractAsyncContextManager[object]]
    is_ready: Callable[[], bool]
    post_only: bool = True


class OnBehalfOfMiddleware:
    """Pure ASGI: put it around any application; its lifespan is forwarded.

    Answers `/livez`, `/readyz`, the resource metadata and the page behind a consent itself. Every
    other request needs one valid access token in its Authorization header, or gets a challenge.
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
            return
        _hide_credentials(scope)
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in _READING and (answer := self._public_answer(scope)):
            await answer.send(send, head=scope["method"] == "HEAD")
            return
        correlation_id, headers = _correlation_id(scope), scope["headers"]
        try:
            origin = self._door.guard.check(headers)
        except RequestRefused as refusal:
            await self._refuse(refusal, correlation_id, send)
            return
        if origin is not None:
            if scope["method"] == "OPTIONS" and (answer := preflight(headers, origin)):
                await answer.send(send)
                return
            send = readable(send, origin)
        await self._guarded(scope, receive, send, correlation_id)

    async def _guarded(
        self, scope: Scope, receive: Receive, send: Send, correlation_id: str
    ) -> None:
        body = LimitedBody(receive, max_bytes=self._door.max_body_bytes)
        response = HeldResponse(
            send,
            is_moot=lambda: body.refusal is not None,
            # Who opens a stream by GET wants to know at once that it is open.
            hold_start=scope["method"] == "POST",
        )
        refusal: OboError | None = None
        try:
            await self._serve(scope, body, response, correlation_id)
            await response.release()
        except Exception as error:
            if response.verdict.begun:
                raise
            refusal = _refusal_in(error)
            if refusal is None and body.refusal is None and not body.client_left:
                _log.exception("the application failed")
        if body.client_left:
            return
        refusal = body.refusal or response.verdict.refusal or refusal or OboError()
        if not response.verdict.begun:
            await self._refuse(refusal, correlation_id, send)
        elif body.refusal is not None:
            _record(refusal, correlation_id)

    async def _serve(
        self, scope: Scope, body: LimitedBody, response: HeldResponse, correlation_id: str
    ) -> None:
        headers = scope["headers"]
        assertion = bearer_token(headers)
        principal = await self._door.verify(assertion)
        body.check_announced(headers)
        if self._door.post_only and self._is_endpoint(scope) and scope["method"] != "POST":
            raise MethodNotAllowed
        caller = Caller(principal, assertion, correlation_id)
        leave = self._door.admit(scope, caller, response.verdict.refuse)
        try:
            await self.app(scope, body.receive, response.send)
        finally:
            leave()

    async def _refuse(self, error: OboError, correlation_id: str, send: Send) -> None:
        _record(error, correlation_id)
        await challenge(error, self._door.resource, correlation_id).send(send)

    def _public_answer(self, scope: Scope) -> Answer | None:
        """The answer to a public path, with or without what a server or mount puts before it."""
        path = scope["path"].rstrip("/")
        inner = path.removeprefix(scope.get("root_path", ""))
        if "/readyz" in {path, inner}:
            return _READY if self._door.is_ready() else _NOT_READY
        if CONSENT_PAGE in {path, inner}:
            return consent_page(scope.get("query_string", b""))
        return self._public.get(path) or self._public.get(inner)

    def _is_endpoint(self, scope: Scope) -> bool:
        return bool(scope["path"].rstrip("/") == self._endpoint)


_ALIVE = Answer(200, {"status": "alive"})
_READY = Answer(200, {"status": "ready"})
_NOT_READY = Answer(
    503, {"status": "waiting for the authority's signing keys"}, {"retry-after": "5"}
)


def _hide_credentials(scope: Scope) -> None:
    """Everybody's frames hold the scope: nobody's traceback is to show the token in it."""
    scope["headers"] = [
        (field[0], ClearOctets(field[1])) if field[0].lower() == b"authorization" else field
        for field in scope.get("headers", ())
    ]


def _record(error: OboError, correlation_id: str) -> None:
    told: dict[str, Field] = {"reason": type(error).__name__, "code": error.code}
    told |= {"status": error.status, "correlation_id": correlation_id}
    record("refused", fields=told)


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
