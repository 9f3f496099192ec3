"""From whoever opened the link into the upload session, part by part.

At most two parts are in memory: the one on its way, and what the session may ask for again. A
session goes on only where it stopped, so an upload that breaks off ends it, and with it the link:
what two tries would make of one file, nobody could tell.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import anyio
import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Send

from obo_graph.errors import GraphFailure
from obo_graph.links.headers import SEALED_OFF
from obo_graph.links.outcome import BEGUN, ELSEWHERE, ENDED, ClientLeft, LinkRefused, Use, of_upload
from obo_graph.links.pace import Pace
from obo_graph.links.ticket import Ticket
from obo_graph.text import one_line
from obo_graph.wire.answer import Answer, Json
from obo_graph.wire.graph import Graph
from obo_graph.wire.retry import Again, Outcome, Patience
from obo_graph.wire.upload import PART_UNIT_BYTES, Source, send_parts

PART_BYTES = 5 * PART_UNIT_BYTES
"""How much goes up at once."""

_LENGTH = re.compile(r"[0-9]{1,15}")
_AT_START = re.compile(r"0(-[0-9]*)?")
_OVER = frozenset({401, 403, 404, 410})
_STATUS_BYTES = 65_536
_FAREWELL_SECONDS = 5


async def take_file(graph: Graph, ticket: Ticket, request: Request, send: Send, pace: Pace) -> Use:
    """Serve one use of an upload link.

    Raises:
        LinkRefused: the request or the session is not fit for it, the session refused a part, or
            the client sends too slowly.
        ClientLeft: the client went away. Of an upload that was begun the session is ended.
    """
    size = _announced(request, ticket)
    http = graph.transport.http
    await _check_fresh(http, ticket.url)
    rules = replace(graph.rules, call_seconds=pace.whole_seconds)
    body = _Body(request.receive, pace)
    try:
        with anyio.fail_after(pace.whole_seconds):
            item = await send_parts(
                http,
                ticket.url,
                Source(size_bytes=size, read=body.read),
                _Alone(rules, graph.clock, graph.sleep),
                PART_BYTES,
            )
    except (GraphFailure, ClientLeft, TimeoutError) as failure:
        await _end(http, ticket.url)
        raise of_upload(failure) from None
    answer = JSONResponse(_saved(item, ticket, size), 201, SEALED_OFF)
    await answer(request.scope, request.receive, send)
    return Use("done", answer.status_code, size)


class _Alone(Patience):
    """Knows whose part it is that the session has already: ours only if it went out before.

    Otherwise another replica is filling the same session, and one file would be made of two.
    """

    async def run(self, again: Again, attempt: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """As `Patience`; LinkRefused after a 416 to the first of all attempts."""
        tries = 0

        async def counted() -> Outcome:
            nonlocal tries
            tries += 1
            return await attempt()

        try:
            return await super().run(again, counted)
        except GraphFailure as failure:
            if tries == 1 and failure.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise LinkRefused(409, BEGUN) from None
            raise


def _announced(request: Request, ticket: Ticket) -> int:
    """How many bytes the client says it sends."""
    length = request.headers.get("content-length")
    if length is None:
        raise LinkRefused(411, "Say how large the file is (Content-Length).")
    if not _LENGTH.fullmatch(length) or "transfer-encoding" in request.headers:
        raise LinkRefused(400, "Content-Length must be a number of bytes.")
    if int(length) > ticket.max_bytes:
        raise LinkRefused(413, f"At most {ticket.max_bytes} bytes go through a link.")
    if int(length) == 0:
        raise LinkRefused(400, "The file is empty.")
    return int(length)


async def _check_fresh(http: httpx.AsyncClient, url: str) -> None:
    """Whether the session still waits for its first byte.

    Graph, "driveItem: createUploadSession", "Resuming an in-progress upload".
    """
    try:
        async with http.stream("GET", url) as response:
            expected = await _expected(response)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise LinkRefused(502, ELSEWHERE) from None
    if not expected:
        raise LinkRefused(410, ENDED)
    if not _AT_START.fullmatch(expected[0]):
        raise LinkRefused(409, BEGUN)


async def _expected(response: httpx.Response) -> list[str]:
    """The ranges that the session waits for; none if it is over."""
    if response.status_code in _OVER:
        return []
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _STATUS_BYTES:
            raise LinkRefused(502, ELSEWHERE)
    try:
        ranges = Answer(response.status_code, {}, bytes(content)).json().get("nextExpectedRanges")
    except GraphFailure:
        ranges = None
    if not response.is_success or not isinstance(ranges, list):
        raise LinkRefused(502, ELSEWHERE)
    return [str(span) for span in ranges]


async def _end(http: httpx.AsyncClient, url: str) -> None:
    """Tell the session that nothing more comes; it ends by itself if it does not hear."""
    with anyio.move_on_after(_FAREWELL_SECONDS, shield=True), suppress(httpx.HTTPError):
        await http.delete(url)


def _saved(item: Json, ticket: Ticket, size_bytes: int) -> Json:
    # A session may rename: what the service says counts.
    name = one_line(item.get("name"), 256) or one_line(ticket.name, 256)
    return {"saved": name, "size_bytes": size_bytes}


@dataclass(slots=True)
class _Body:
    """The body of the request, read forwards, with the last part kept for another try."""

    receive: Receive
    pace: Pace
    start: int = 0
    kept: bytearray = field(default_factory=bytearray, repr=False)

    async def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to but not `end`.

        Raises:
            ClientLeft: they do not come.
            LinkRefused: the session wants what is gone by, or not here yet.
        """
        if not 0 <= start - self.start <= len(self.kept):
            raise LinkRefused(409, BEGUN)
        del self.kept[: start - self.start]
        self.start = start
        while len(self.kept) < end - start:
            self.kept += await self._chunk()
        return bytes(self.kept[: end - start])

    async def _chunk(self) -> bytes:
        while True:
            message = await self.pace.step(self.receive())
            chunk = message.get("body", b"")
            if chunk:
                return bytes(chunk)
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                raise ClientLeft
