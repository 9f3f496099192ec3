"""An ASGI application on a real loopback socket, in a thread, stopped by its own handle."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from support.canary import overheard


class _Announcing(uvicorn.Server):
    """Says when it accepts connections, or that it never will."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()


class Serving:
    """`with Serving(lambda url: app) as serving: serving.url` - the URL is known to the app."""

    def __init__(self, build) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            overheard(build(self.url)),
            http="h11",
            log_config=None,
            access_log=False,
            h11_max_incomplete_event_size=64 * 1024,
        )
        self._server = _Announcing(config)
        self._thread = threading.Thread(target=self._run, name="serving", daemon=True)

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._server.settled.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._server.settled.wait(30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()
