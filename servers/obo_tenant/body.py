"""Reads the body of a request, but no more of it than anybody needs to send."""

from starlette.requests import Request

MOST_BYTES = 256 * 1024


class TooLarge(Exception):
    """The body goes on beyond `MOST_BYTES`; the rest was not read."""


async def read_body(request: Request) -> bytes:
    """The whole body. Raises TooLarge, and ClientDisconnect when the client hung up."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise TooLarge
    return bytes(body)
