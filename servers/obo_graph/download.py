"""Reading a file from the pre-authenticated address that Graph gives for it.

That address opens the file for whoever holds it, so it is used at once and shown to nobody;
and it lies on another host, so the person's token must not go there (Graph, "Download the
contents of a driveItem").
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from obo_graph.answer import Answer
from obo_graph.errors import NO_ANSWER, GraphFailure
from obo_graph.origins import origin_of


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The first bytes of a file; `complete` if that is all of it."""

    content: bytes
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


async def first_bytes(http: httpx.AsyncClient, url: str, max_bytes: int) -> Answer | FileBytes:
    """At most `max_bytes` from `url`, without a token and without following a redirect.

    An Answer instead of FileBytes is a refusal: its status says which.

    Raises:
        GraphFailure: the host gave no answer (`unreachable`), or `url` is none (`unexpected`).
    """
    try:
        async with http.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if not response.is_success:
                retry_after = response.headers.get("retry-after", "")
                return Answer(response.status_code, {"retry-after": retry_after}, b"")
            return await _read(response, max_bytes)
    except (httpx.InvalidURL, ValueError):
        raise GraphFailure(NO_ANSWER, "unexpected") from None
    except httpx.HTTPError:
        raise GraphFailure(NO_ANSWER, "unreachable") from None


async def _read(response: httpx.Response, max_bytes: int) -> FileBytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > max_bytes:
            return FileBytes(bytes(content[:max_bytes]), complete=False)
    return FileBytes(bytes(content), complete=True)
