"""Upload sessions: a large file goes up part by part (Graph, "driveItem: createUploadSession" and
"Attach large files to Outlook messages or events").

The session's address is itself the permission, on another host: no token goes there. By hand, as
the SDK's task (msgraph-core 1.5.2) sends a file of one part twice and stops at OneDrive's ranges.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.answer import Answer, Json
from obo_graph.wire.packing import PACKING, UNPACKED, Unpacking
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
        GraphFailure: the session refused or vanished (`upload_failed`), somebody took the name
            meanwhile (409 `upload_conflict`), no answer came, or none that tells whether the last
            part arrived, and the file with it (`upload_unsure`).
        ValueError: `part_bytes` is no multiple of 327,680, or `source` gives too little.
    """
    if part_bytes <= 0 or part_bytes % PART_UNIT_BYTES:
        raise ValueError("parts are multiples of 327,680 bytes")
    session = _Session(http, url, patience, source.size_bytes)
    start = 0
    while True:
        end = min(start + part_bytes, source.size_bytes)
        content = await source.read(start, end)
        if len(content) != end - start:
            raise ValueError("the source gave another number of bytes than it has")
        answer = await session.put(content, start, end)
        following = await session.following(answer, end)
        if following is None:
            return answer.optional_json()
        if not start < following < source.size_bytes:
            raise GraphFailure(NO_ANSWER, "upload_failed")
        start = following


@dataclass(slots=True)
class _Session:
    http: httpx.AsyncClient
    url: str
    patience: Patience
    size_bytes: int
    unheard: int = 0
    """How often the last part was sent without an answer that says what became of it."""

    async def put(self, content: bytes, start: int, end: int) -> Answer:
        """What the session answers to the part from `start` to `end`."""
        headers = {
            "Content-Range": f"bytes {start}-{end - 1}/{self.size_bytes}",
            "Content-Type": "application/octet-stream",
        }

        async def attempt() -> Answer:
            last = end == self.size_bytes
            self.unheard += last
            answer = await self._once("PUT", content=content, headers=headers)
            self.unheard -= last and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
            return answer

        try:
            return await self._run(attempt)
        except GraphFailure as failure:
            if failure.status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            return Answer(failure.status, {}, b"")

    async def following(self, answer: Answer, end: int) -> int | None:
        """Where the part after the one that ends at `end` begins; None if that was the last."""
        after = _expected(answer)
        is_last = end == self.size_bytes
        taken = answer.status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        if after is not None or (is_last and taken):
            return after
        after = _expected(await self._run(lambda: self._once("GET")))
        if after is None:
            raise GraphFailure(NO_ANSWER, "upload_unsure" if is_last else "upload_failed")
        return after

    async def _run(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            return await self.patience.run("always", attempt)
        except GraphFailure as failure:
            if failure.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            if self.unheard:
                raise GraphFailure(NO_ANSWER, "upload_unsure") from None
            if failure.status == HTTPStatus.CONFLICT:
                raise GraphFailure(failure.status, "upload_conflict") from None
            if failure.status in range(400, 500):
                raise GraphFailure(NO_ANSWER, "upload_failed") from None
            raise

    async def _once(
        self, method: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        named = {**UNPACKED, **(headers or {})}
        try:
            async with self.http.stream(
                method, self.url, content=content, headers=named
            ) as response:
                return Answer(
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    await _body(response),
                )
        except (httpx.InvalidURL, ValueError):
            raise GraphFailure(NO_ANSWER, "unexpected") from None
        except httpx.HTTPError:
            raise GraphFailure(NO_ANSWER, "unreachable") from None


def _expected(answer: Answer) -> int | None:
    """From where the session wants more; None if `answer` names no such place."""
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


async def _body(response: httpx.Response) -> bytes:
    # Without the header httpx gives the bytes as they came.
    unpacking = Unpacking(response.headers.pop(PACKING, ""), _ANSWER_BYTES)
    return b"".join([unpacking.plain(chunk) async for chunk in response.aiter_bytes()])
