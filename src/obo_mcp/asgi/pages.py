"""Web pages that the guard has admitted, and what browsers ask before they let them in.

Fetch standard, "CORS protocol". A page of another origin never gets here: it was refused.
"""

from obo_mcp.asgi.answer import Answer
from obo_mcp.asgi.guard import Headers
from obo_mcp.asgi.types import Message, Send

_ALLOWED_METHODS = "GET, POST, DELETE"
_EXPOSED = "www-authenticate, retry-after, mcp-session-id"
_DAY = "86400"


def preflight(headers: Headers, origin: bytes) -> Answer | None:
    """The answer to a browser's question before the real request; None if this is no question."""
    asked = {name.lower(): value.decode("latin-1") for name, value in headers}
    if b"access-control-request-method" not in asked:
        return None
    granted = {
        "access-control-allow-origin": origin.decode("latin-1"),
        "access-control-allow-methods": _ALLOWED_METHODS,
        "access-control-allow-headers": asked.get(b"access-control-request-headers", ""),
        "access-control-max-age": _DAY,
        "vary": "Origin",
    }
    return Answer(200, {}, granted)


def readable(send: Send, origin: bytes) -> Send:
    """`send`, with the headers that let the page read the answer, refusals included."""
    granted = [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED.encode()),
        (b"vary", b"Origin"),
    ]

    async def send_readably(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [h for h in message.get("headers", ()) if h[0].lower() != granted[0][0]]
            message = {**message, "headers": [*own, *granted]}
        await send(message)

    return send_readably
