"""Reading a file from the pre-authenticated address that Graph gives for it.

That address opens the file for whoever holds it, so it is used at once and shown to nobody;
and it lies on another host, so the person's token must not go there (Graph, "Download the
contents of a driveItem").
"""

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.wire.answer import Answer
from obo_graph.wire.origins import origin_of
from obo_graph.wire.packing import PACKING, UNPACKED

_PART = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")


@dataclass(frozen=True, slots=True)
class FileBytes:
    """Bytes of a file; `complete` if the file has none after them."""

    content: bytes = field(repr=False)
    complete: bool


def is_allowed(url: str, origin: str, suffixes: tuple[str, ...]) -> bool:
    """Whether a file may be read from `url`: Graph's own origin, or HTTPS on a known domain."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None:
        return False
    if origin_of(url) and origin_of(url) == origin_of(origin):
        return True
    return parts.scheme == "https" and port in {None, 443} and host.endswith(suffixes)


async def first_bytes(
    http: httpx.AsyncClient, url: str, max_bytes: int, *, start: int = 0
) -> Answer | FileBytes:
    """At most `max_bytes` from `url`, without a token and without following a redirect.

    They are those from byte `start` on; a host that ignores the range (RFC 9110 section 14.2), or
    gives another, gives none, but the failure `no_ranges`.

    An Answer instead of FileBytes is a refusal: its status says which.

    Raises:
        GraphFailure: the host gave no answer (`unreachable`), `url` is none, or the file comes
            packed (`unexpected`).
    """
    headers = dict(UNPACKED)
    if start:
        headers["Range"] = f"bytes={start}-{start + max_bytes - 1}"
    try:
        async with http.stream("GET", url, headers=headers) as response:
            if not response.is_success:
                retry_after = response.headers.get("retry-after", "")
                return Answer(response.status_code, {"retry-after": retry_after}, b"")
            if response.headers.get(PACKING, "identity") != "identity":
                raise GraphFailure(NO_ANSWER, "unexpected")
            return await _read(response, start, max_bytes)
    except (httpx.InvalidURL, ValueError):
        raise GraphFailure(NO_ANSWER, "unexpected") from None
    except httpx.HTTPError:
        raise GraphFailure(NO_ANSWER, "unreachable") from None


async def _read(response: httpx.Response, start: int, max_bytes: int) -> FileBytes:
    end, size = _span(response, start, max_bytes)
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > max_bytes:
            return FileBytes(bytes(content[:max_bytes]), complete=False)
    if end is not None and start + len(content) != end:
        raise GraphFailure(NO_ANSWER, "no_ranges")
    return FileBytes(bytes(content), complete=end == size)


def _span(response: httpx.Response, start: int, max_bytes: int) -> tuple[int | None, int | None]:
    """Where the part that comes ends, and the file; None and None for a whole file."""
    if not start and response.status_code != HTTPStatus.PARTIAL_CONTENT:
        return None, None
    part = _PART.fullmatch(response.headers.get("content-range", ""))
    if not part or response.status_code != HTTPStatus.PARTIAL_CONTENT or int(part[1]) != start:
        raise GraphFailure(NO_ANSWER, "no_ranges")
    end = int(part[2]) + 1
    if not start < end <= start + max_bytes:
        raise GraphFailure(NO_ANSWER, "no_ranges")
    return end, None if part[3] == "*" else int(part[3])
