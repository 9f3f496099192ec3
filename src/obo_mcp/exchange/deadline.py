"""Requests that end in time, whatever comes back.

The time-outs of requests and urllib3 are one for each read, and one for each address of a host:
an answer that drips in, byte by byte or header by header, may take for ever.
"""

import http.client
import io
import socket
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError
from urllib3.util.connection import allowed_gai_family, create_connection


class InTime(HTTPAdapter):
    """An adapter whose connections give a request `seconds` in all, from connecting to the end.

    To be used with `urllib3.Timeout(total=seconds)`. Only the resolver of names keeps its own
    time, and behind a SOCKS proxy connecting does.
    """

    def __init__(self, seconds: float, **options: Any) -> None:
        self._shared = {"seconds": seconds, "response_class": _Response}
        super().__init__(**options)

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> Any:
        """The pool for a request, through a proxy or not, with our kind of connections."""
        pool: Any = super().get_connection_with_tls_context(*arguments, **options)
        kind = pool.ConnectionCls
        if "response_class" not in vars(kind):
            plain = kind in {HTTPConnection, HTTPSConnection}
            bases = (_Connection, kind) if plain else (kind,)
            pool.ConnectionCls = type(kind.__name__, bases, dict(self._shared))
        return pool


class _Connection(HTTPConnection):
    """All addresses of the host, the proxy's answer and the TLS handshake share `seconds`."""

    seconds: float

    def _new_conn(self) -> socket.socket:
        end = time.monotonic() + self.seconds
        try:
            line = self._connected(end)
            line.settimeout(_left(end))
        except TimeoutError:
            raise ConnectTimeoutError(self, "no connection in time") from None
        return line

    def _connected(self, end: float) -> socket.socket:
        family = allowed_gai_family()
        found = socket.getaddrinfo(self._dns_host, self.port, family, socket.SOCK_STREAM)
        places = list(dict.fromkeys((str(address[0]), self.port) for *_, address in found))
        while True:
            place = places.pop(0)
            try:
                wait = min(_left(end), self.timeout or self.seconds)
                return create_connection(place, wait, self.source_address, self.socket_options)
            except OSError:
                if not places:
                    raise


class _Response(http.client.HTTPResponse):
    """Status, headers and body share the time-out that the connection has when reading begins."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Reading(self.fp.detach(), sock))


class _Reading(io.RawIOBase):
    """What is read of `raw` until the time-out of `line`, as it is now, is over."""

    def __init__(self, raw: io.RawIOBase, line: socket.socket) -> None:
        self._raw = raw
        self._line = line
        self._end = time.monotonic() + (line.gettimeout() or 0)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has come.

        Raises:
            TimeoutError: nothing came in the time left, or there is none.
        """
        self._line.settimeout(_left(self._end))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        """Let go of the connection."""
        self._raw.close()
        super().close()


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
