"""Which hosts and web pages a request may be for and from.

A page of another site can make a browser on this machine call us under its own name (DNS
rebinding); the Host and Origin headers give it away (MCP, "Transports", security warning;
Fetch standard, "Origin header").
"""

from collections.abc import Iterable
from dataclasses import dataclass

from obo_mcp.errors import HeadersTooLarge, HostNotAllowed, OriginNotAllowed

MAX_HEADER_BYTES = 48 * 1024
MAX_HEADERS = 128
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_LOOPBACK_SCHEMES = ("http://", "https://")

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Admits requests for `hosts`, sent by no web page or by one of `origins`.

    This machine's own names are always admitted as hosts, with any port: a proxy beside us, or a
    person's port forward. Their web pages are admitted with `local_pages` only.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    local_pages: bool

    def check(self, headers: Headers) -> bytes | None:
        """Look at a request's headers; answers with the origin of the page that sent it, if any.

        Raises:
            HeadersTooLarge: more than 128 fields or 48 KiB.
            HostNotAllowed: no Host, several, or one that is not ours.
            OriginNotAllowed: several origins, or one that is not admitted.
        """
        count, size = 0, 0
        found: dict[bytes, list[bytes]] = {b"host": [], b"origin": []}
        for name, value in headers:
            count, size = count + 1, size + len(name) + len(value)
            if (known := name.lower()) in found:
                found[known].append(value)
        if size > MAX_HEADER_BYTES or count > MAX_HEADERS:
            raise HeadersTooLarge
        hosts, origins = found.values()
        if len(hosts) != 1 or not self._admits_host(_text(hosts[0])):
            raise HostNotAllowed
        if len(origins) > 1 or not all(self._admits_origin(_text(origin)) for origin in origins):
            raise OriginNotAllowed
        return origins[0] if origins else None

    def _admits_host(self, host: str) -> bool:
        return host in self.hosts or _is_loopback(host)

    def _admits_origin(self, origin: str) -> bool:
        if origin in self.origins:
            return True
        scheme, mark, host = origin.partition("://")
        local = f"{scheme}{mark}" in _LOOPBACK_SCHEMES and _is_loopback(host)
        return self.local_pages and local


def _text(value: bytes) -> str:
    return value.decode("latin-1").lower()


def _is_loopback(host: str) -> bool:
    if host in _LOOPBACK:
        return True
    name, colon, port = host.rpartition(":")
    return bool(colon) and name in _LOOPBACK and port.isascii() and port.isdecimal()
