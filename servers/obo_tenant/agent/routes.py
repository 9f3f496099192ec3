"""The agent's two addresses: the responses endpoint and the connection's redirect."""

import html
from dataclasses import dataclass
from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from obo_tenant.agent.agent import Agent, UnknownResponse
from obo_tenant.agent.consents import SignInFailed
from obo_tenant.agent.hop import Caller
from obo_tenant.agent.person import NoPerson
from obo_tenant.agent.planner import BadRequest
from obo_tenant.plain_json import read_json

_BODY_LIMIT = 64 * 1024
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class _Refused(Exception):
    """An answer other than 200, in the shape of the Responses API."""

    def __init__(self, status: int, code: str, words: str, challenge: str | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.challenge = challenge

    def response(self) -> Response:
        headers = {"WWW-Authenticate": self.challenge} if self.challenge else None
        body = {"error": {"code": self.code, "message": str(self)}}
        return JSONResponse(body, self.status, headers=headers)


@dataclass(frozen=True, slots=True)
class _Wish:
    question: str | None
    previous: str | None


def agent_routes(agent: Agent) -> list[BaseRoute]:
    """`POST /agent/responses` and `GET /agent/redirect` of one agent."""

    async def responses(request: Request) -> Response:
        return await _responses(agent, request)

    async def redirect(request: Request) -> Response:
        return await _redirect(agent, request)

    return [
        Route("/agent/responses", responses, methods=["POST"]),
        Route("/agent/redirect", redirect, methods=["GET"]),
    ]


async def _responses(agent: Agent, request: Request) -> Response:
    started = anyio.current_time()
    fields: dict[str, Any] = {"error": None}
    try:
        caller = _caller(agent, request)
        fields |= caller.fields(agent.now())
        wish = _wish(await _body(request))
        response: Response = JSONResponse(await _answer(agent, caller, wish))
    except _Refused as refused:
        fields["error"] = refused.code
        response = refused.response()
    agent.record("/agent/responses", "POST", response.status_code, _spent(started), **fields)
    return response


def _caller(agent: Agent, request: Request) -> Caller:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _Refused(401, "unauthorized", "Sign in first: a bearer token is needed.", "Bearer")
    try:
        return Caller.from_claims(agent.check_token(token.strip()))
    except PermissionError as failure:
        words = _quotable(str(failure)) or "the token is not accepted"
        challenge = f'Bearer error="invalid_token", error_description="{words}"'
        raise _Refused(401, "invalid_token", words, challenge) from failure
    except NoPerson as failure:
        raise _Refused(403, "no_person", str(failure)) from failure


async def _body(request: Request) -> Any:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _BODY_LIMIT:
                raise _Refused(413, "too_large", f"A request may have {_BODY_LIMIT} bytes.")
    except ClientDisconnect:
        raise _Refused(400, "invalid_request", "The request ended early.") from None
    try:
        return read_json(body)
    except ValueError:
        raise _Refused(400, "invalid_request", "The body is not JSON.") from None


def _wish(body: Any) -> _Wish:
    members = body if isinstance(body, dict) else {}
    question, previous = members.get("input"), members.get("previous_response_id")
    sound = all(value is None or isinstance(value, str) for value in (question, previous))
    if not sound or (question is None and previous is None):
        words = 'The body has the shape {"input": "...", "previous_response_id": "..."}.'
        raise _Refused(400, "invalid_request", words)
    return _Wish(question, previous)


async def _answer(agent: Agent, caller: Caller, wish: _Wish) -> dict[str, Any]:
    try:
        return await agent.respond(caller, wish.question, wish.previous)
    except UnknownResponse as failure:
        raise _Refused(404, "not_found", str(failure)) from failure
    except BadRequest as failure:
        raise _Refused(400, "invalid_request", str(failure)) from failure


async def _redirect(agent: Agent, request: Request) -> Response:
    started = anyio.current_time()
    error = None
    try:
        page = await _connected(agent, request)
    except SignInFailed as failure:
        error = failure.code
        page = _page(failure.status, "You are not connected", str(failure))
    spent = _spent(started)
    agent.record("/agent/redirect", "GET", page.status_code, spent, error=error)
    return page


async def _connected(agent: Agent, request: Request) -> Response:
    query = request.query_params
    state, code = query.get("state", ""), query.get("code", "")
    if "error" in query:
        agent.consents.abandon(state)
        words = query.get("error_description") or query["error"]
        raise SignInFailed(400, "declined", f"The sign-in ended without consent: {words}")
    if not (state and code):
        raise SignInFailed(400, "invalid_request", "This address needs a code and a state.")
    connected = await agent.finish_sign_in(code, state)
    words = f"Close this page, go back to the conversation and carry on. ({connected.response_id})"
    return _page(200, "You are connected", words)


def _page(status: int, title: str, words: str) -> Response:
    text = f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{html.escape(words)}</p>"
    return HTMLResponse(text, status, headers=_PAGE_HEADERS)


def _quotable(words: str) -> str:
    """The words as a quoted-string may carry them: printable ASCII, no quote or backslash."""
    return "".join(c for c in words if c.isascii() and c.isprintable() and c not in '"\\')


def _spent(started: float) -> int:
    return round((anyio.current_time() - started) * 1000)
