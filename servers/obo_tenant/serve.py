"""Runs the tenant over TLS in a thread of its own, and stops it again."""

import contextlib
import logging
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from obo_tenant.app import create_app
from obo_tenant.clock import SYSTEM_CLOCK, Clock
from obo_tenant.cloud import Cloud
from obo_tenant.cut_line import Severable
from obo_tenant.tenant import Tenant
from obo_tenant.tls import Certificates, make_certificates

_STOP_SECONDS = 10.0
_LAST_PORT = 65535
_HOST_NAME = re.compile(r"(?!.{254})[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", re.ASCII)


class LocalTenant:
    """A running tenant, as a context manager: entering blocks until it accepts connections.

    Args:
        port: the port to listen on; 0 takes a free one.
        state_dir: where the CA and its key are kept between runs; None makes new ones each time.
        host: the address to listen on, loopback unless said otherwise.
        name: the host name in URLs and in the certificate.
        clock: Unix seconds, for everything but the certificates of the TLS connection.
        seed: decides the token lifetimes.

    Raises:
        OSError: on entering, when the port is taken or the state folder cannot be written.
        ValueError: on entering, when the port is none, the name is no host name or address, or the
            state folder holds files that are no CA.
    """

    def __init__(
        self,
        port: int = 0,
        state_dir: Path | None = None,
        *,
        host: str = "127.0.0.1",
        name: str = "localhost",
        clock: Clock = SYSTEM_CLOCK,
        seed: int = 20261123,
    ) -> None:
        self._address = (host, port)
        self._state_dir = state_dir
        self._name = name
        self._clock = clock
        self._seed = seed
        self._stack = contextlib.ExitStack()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """The origin, `https://localhost:PORT`."""
        return self.tenant.base_url

    @property
    def ca_path(self) -> Path:
        """The PEM file of the CA to trust."""
        return self.tenant.ca_path

    @property
    def running(self) -> bool:
        """Whether the server's thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def _start(self, stack: contextlib.ExitStack) -> None:
        _check_name(self._name)
        listener = stack.enter_context(_listen(*self._address))
        folder = self._state_dir or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="obo-tenant-"))
        )
        certificates = make_certificates(folder, SYSTEM_CLOCK(), [self._name])
        base_url = f"https://{_in_url(self._name)}:{listener.getsockname()[1]}"
        self.tenant = Cloud(base_url, certificates.ca, self._clock, self._seed).home
        server = _Server(_config(self.tenant, certificates))
        self._thread = threading.Thread(
            target=server.run, args=([listener],), name="local-tenant", daemon=True
        )
        stack.enter_context(_quiet_uvicorn())
        stack.callback(self._stop, server, self._thread)
        self._thread.start()
        server.ready.wait()
        if not server.started:
            raise OSError("the local tenant did not start")

    @staticmethod
    def _stop(server: "_Server", thread: threading.Thread) -> None:
        server.should_exit = True
        thread.join(_STOP_SECONDS)


class _Server(uvicorn.Server):
    """uvicorn that says when it accepts connections, or that it never will."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A polite TLS close waits for clients that keep idle connections in a pool.
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            transport = getattr(connection, "transport", None)
            if transport is not None and (cycle is None or cycle.response_complete):
                transport.abort()
        await super().shutdown(sockets=sockets)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets=sockets)
        finally:
            self.ready.set()


def _config(tenant: Tenant, certificates: Certificates) -> uvicorn.Config:
    return uvicorn.Config(
        Severable(create_app(tenant)),
        access_log=False,  # our own says what may be said; uvicorn's would print queries
        log_config=None,
        lifespan="off",
        proxy_headers=False,  # nobody may say for themselves that they come from this machine
        server_header=False,
        date_header=False,  # Graph's answers bring their own
        ssl_certfile=certificates.server,
        ssl_keyfile=certificates.server_key,
        timeout_graceful_shutdown=2,
    )


@contextlib.contextmanager
def _quiet_uvicorn() -> Iterator[None]:
    """Warnings and worse only, for as long as a tenant runs."""
    logger = logging.getLogger("uvicorn")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(f"the port must be between 0 and {_LAST_PORT}")
    family = socket.AF_INET6 if _is_v6(host) else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay off only for sockets that say
    # they are TCP: without it every answer takes 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    return listener


def _check_name(name: str) -> None:
    if not (_HOST_NAME.fullmatch(name) or _is_v6(name)):
        raise ValueError("the name must be a host name or an IP address")


def _in_url(name: str) -> str:
    return f"[{name}]" if _is_v6(name) else name


def _is_v6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False
