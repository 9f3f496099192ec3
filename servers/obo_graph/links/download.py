"""From the host where a file lies to whoever opened the link, chunk by chunk.

Nothing is kept: a chunk is read when the one before has left. Nothing of the request goes on but
a byte range (RFC 9110 section 14.2), nothing of the host's answer comes back but its length.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx
from starlette.requests import Request
from starlette.types import Receive, Send

from obo_graph.links.headers import SEALED_OFF, content_type, disposition
from obo_graph.links.outcome import BUSY, ELSEWHERE, ENDED, ClientLeft, LinkRefused, Use
from obo_graph.links.pace import Pace
from obo_graph.links.ticket import Ticket

_RANGE = re.compile(r"bytes=(\d{1,15}-\d{0,15}|-\d{1,15})", re.ASCII)
_LENGTH = re.compile(r"\d{1,15}", re.ASCII)
_SPAN = re.compile(r"bytes (\d{1,15}-\d{1,15}|\*)/(\d{1,15}|\*)", re.ASCII)
_ENDED = frozenset({401, 403, 404, 410})
_LATER = frozenset({429, 503})
_WHOLE, _PART, _NO_SUCH_PART = 200, 206, 416


async def send_file(
    http: httpx.AsyncClient, ticket: Ticket, request: Request, send: Send, pace: Pace
) -> Use:
    """Serve one use of a download link.

    Raises:
        LinkRefused: the host does not give the file; nothing was sent yet.
        ClientLeft: the client went away, or reads too slowly.
    """

    async def work() -> Use:
        async with _opened(http, ticket, request) as response:
            _check(response, ticket)
            sending = _Sending(send, pace, ticket.max_bytes)
            await sending.start(response, ticket)
            if request.method == "HEAD":
                return await sending.end(response.status_code)
            return await sending.all_of(response)

    return await _while_there(request.receive, pace, work)


async def _while_there(receive: Receive, pace: Pace, work: Callable[[], Awaitable[Use]]) -> Use:
    """Ends `work` when the client leaves: a server lets one send to nobody."""
    result: Use | LinkRefused | ClientLeft = ClientLeft()
    async with anyio.create_task_group() as watch:
        watch.start_soon(_leave_when_gone, receive, watch.cancel_scope)
        try:
            with anyio.move_on_after(pace.whole_seconds):
                result = await work()
        except (LinkRefused, ClientLeft) as refusal:
            result = refusal
        watch.cancel_scope.cancel()
    if isinstance(result, Use):
        return result
    raise result


async def _leave_when_gone(receive: Receive, there: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    there.cancel()


@asynccontextmanager
async def _opened(
    http: httpx.AsyncClient, ticket: Ticket, request: Request
) -> AsyncIterator[httpx.Response]:
    headers = {"Accept-Encoding": "identity"}
    wanted = request.headers.get("range", "")
    # A part of an older version (RFC 9110 section 13.1.5) was never ours: no answer names one.
    if _RANGE.fullmatch(wanted) and "if-range" not in request.headers:
        headers["Range"] = wanted
    try:
        asked = http.build_request("GET", ticket.url, headers=headers)
        response = await http.send(asked, stream=True)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise LinkRefused(502, ELSEWHERE) from None
    try:
        yield response
    finally:
        await response.aclose()


def _check(response: httpx.Response, ticket: Ticket) -> None:
    status, length = response.status_code, response.headers.get("content-length", "")
    if status in _ENDED:
        raise LinkRefused(410, ENDED)
    if status in _LATER:
        raise LinkRefused(503, BUSY, {"retry-after": "60"})
    if status == _NO_SUCH_PART:
        span = response.headers.get("content-range", "")
        known = {"content-range": span} if _SPAN.fullmatch(span) else {}
        raise LinkRefused(416, "The file has no such part.", known)
    encoded = response.headers.get("content-encoding", "identity") != "identity"
    if status not in {_WHOLE, _PART} or encoded:
        raise LinkRefused(502, ELSEWHERE)
    if _LENGTH.fullmatch(length) and int(length) > ticket.max_bytes:
        raise LinkRefused(502, "The file is too large for a link.")


@dataclass(slots=True)
class _Sending:
    send: Send
    pace: Pace
    left_bytes: int
    sent_bytes: int = 0

    async def start(self, response: httpx.Response, ticket: Ticket) -> None:
        headers = SEALED_OFF | {
            "content-type": content_type(ticket.content_type),
            "content-disposition": disposition(ticket.name),
            "accept-ranges": "bytes",
        }
        length = response.headers.get("content-length", "")
        if _LENGTH.fullmatch(length):
            headers["content-length"] = length
        span = response.headers.get("content-range", "")
        if response.status_code == _PART and _SPAN.fullmatch(span):
            headers["content-range"] = span
        await self._send(
            {
                "type": "http.response.start",
                "status": response.status_code,
                "headers": [(n.encode(), v.encode("latin-1")) for n, v in headers.items()],
            }
        )

    async def all_of(self, response: httpx.Response) -> Use:
        # A host that breaks off midway, or gives more than a link carries, makes us do the same:
        # the client is to see that the file is not whole.
        try:
            async for chunk in response.aiter_bytes():
                if self.sent_bytes + len(chunk) > self.left_bytes:
                    return Use("failed", response.status_code, self.sent_bytes)
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
                self.sent_bytes += len(chunk)
        except httpx.HTTPError:
            return Use("failed", response.status_code, self.sent_bytes)
        return await self.end(response.status_code)

    async def end(self, status: int) -> Use:
        await self._send({"type": "http.response.body", "body": b""})
        return Use("done", status, self.sent_bytes)

    async def _send(self, message: dict[str, object]) -> None:
        await self.pace.step(self.send(message))
