"""A request inside a batch, made into one that could have come alone."""

from collections.abc import Mapping
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.types import Message

_UNTOUCHED = "/%:@!$&'()*+,;=~-._"


def inner_request(
    outer: Request, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> Request:
    """One more request with the access token of `outer`; `url` is below `/v1.0`.

    What is not percent-encoded in `url` becomes so, and it carries the name that the client gave
    to `outer` unless it brings its own.
    """
    raw, _, query = url.partition("?")
    path = f"/v1.0/{quote(raw.lstrip('/'), safe=_UNTOUCHED)}"
    inherited = {
        name: outer.headers[name]
        for name in ("authorization", "client-request-id")
        if name in outer.headers
    }
    lowered = {name.lower(): value for name, value in headers.items()}
    lowered.pop("authorization", None)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        **outer.scope,
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": quote(query, safe=_UNTOUCHED + "?").encode(),
        "headers": [
            (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in (inherited | lowered).items()
        ],
    }
    return Request(scope, receive)
