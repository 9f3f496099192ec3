"""Upload sessions: a large file goes up part by part (Graph, "driveItem: createUploadSession" and
"Attach large files to Outlook messages or events").

The session's address is itself the permission, on another host: no token goes there. By hand, as
the SDK's task (msgraph-core 1.5.2) sends a file of one part twice and stops at OneDrive's ranges.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.answer import Answer, Json
from obo_graph.wire.retry import Patience

PART_UNIT_BYTES = 327_680
"""Every part but the last is a multiple of this."""

_ANSWER_BYTES = 65_536
_RANGE_START = re.compile(r"(\d{1,15})(?:-\d*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What goes up: `read(start, end)` gives the bytes from `start` up to but not `end`."""

    size_bytes: int
    read: Callable[[int, int], Awaitable[bytes]]


async def send_parts(
    http: httpx.AsyncClient, url: str, source: Source, patience: Patience, part_bytes: int
) -> Json:
    """Send all of `source` to the session at `url`; what its last part answers, {} if nothing.

    A part may be sent again: it lands in the same place. Where the service already has more than
    we think (an answer got lost), it says from where to go on.

    Raises:
        GraphFailure: the session refused or vanished (`upload_failed`), or no answer came.
        ValueError: `part_bytes` is no multiple of 327,680, or `source` gives too little.
    """
    if part_bytes <= 0 or part_bytes % PART_UNIT_BYTES:
        raise ValueError("parts are multiples of 327,680 bytes")
    start = 0
    while True:
        end = min(start + part_bytes, source.size_bytes)
        content = await source.read(start, end)
        if len(content) != end - start:
            raise ValueError("the source gave another number of bytes than it has")
        answer = await _part(http, url, content, (start, end, source.size_bytes), patience)
        following = await _following(http, url, answer, patience)
        if following is None:
            return answer.optional_json()
        if not start < following < source.size_bytes:
            raise GraphFailure(NO_ANSWER, "upload_failed")
        start = following


async def _part(
    http: httpx.AsyncClient,
    url: str,
    content: bytes,
    place: tuple[int, int, int],
    patience: Patience,
) -> Answer:
    start, end, size = place
    headers = {
        "Content-Range": f"bytes {start}-{end - 1}/{size}",
        "Content-Type": "application/octet-stream",
    }
    return await _sent(http, "PUT", url, patience, content=content, headers=headers)


async def _following(
    http: httpx.AsyncClient, url: str, answer: Answer, patience: Patience
) -> int | None:
    """Where the next part begins; None if that was the last."""
    if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        answer = await _sent(http, "GET", url, patience)
    if answer.failure() is not None:
        raise GraphFailure(NO_ANSWER, "upload_failed")
    if answer.status == HTTPStatus.CREATED or not answer.body.strip():
        return None
    ranges = answer.json().get("nextExpectedRanges")
    if not ranges:
        return None
    # OneDrive writes `26-`, Outlook `2097152`.
    start = _RANGE_START.fullmatch(str(ranges[0])) if isinstance(ranges, list) else None
    if start is None:
        raise GraphFailure(NO_ANSWER, "upload_failed")
    return int(start[1])


async def _sent(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    patience: Patience,
    *,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    async def attempt() -> Answer:
        try:
            async with http.stream(method, url, content=content, headers=headers) as response:
                return Answer(
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    await _limited(response),
                )
        except (httpx.InvalidURL, ValueError):
            raise GraphFailure(NO_ANSWER, "unexpected") from None
        except httpx.HTTPError:
            raise GraphFailure(NO_ANSWER, "unreachable") from None

    try:
        return await patience.run("always", attempt)
    except GraphFailure as failure:
        if failure.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and method == "PUT":
            return Answer(failure.status, {}, b"")
        if failure.status in range(400, 500):
            raise GraphFailure(NO_ANSWER, "upload_failed") from None
        raise


async def _limited(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _ANSWER_BYTES:
            raise GraphFailure(NO_ANSWER, "too_large")
    return bytes(content)
