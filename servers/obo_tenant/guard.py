"""Who may turn the control switches: programs on this machine, never a web page from elsewhere."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class LoopbackOnly:
    """ASGI middleware: 403 unless peer, Host and Origin (if any) are this machine's own.

    The Host check stops DNS rebinding, the Origin check stops forms and scripts of other sites.
    """

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self._app = app
        self._port = urlsplit(base_url).port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app = self._app if self._is_ours(scope) else _refuse
        await app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        peer = scope.get("client")
        origin = headers.get("origin")
        return (
            peer is not None
            and _is_loopback(peer[0])
            and _host_name(f"//{headers.get('host', '')}") in _LOOPBACK_NAMES
            and (origin is None or self._is_our_origin(origin))
        )

    def _is_our_origin(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin)
            place = (parts.scheme, parts.port)
        except ValueError:
            return False
        return place == ("https", self._port) and parts.hostname in _LOOPBACK_NAMES


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    words = "The control switches answer programs on this machine only."
    await JSONResponse({"error": words}, 403)(scope, receive, send)


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _host_name(netloc: str) -> str | None:
    try:
        return urlsplit(netloc).hostname
    except ValueError:
        return None
