"""`python -m obo_graph`: serve until told to stop.

Exit codes: 0 after SIGTERM or SIGINT, 1 if start-up failed, 2 for a wrong setting or a port that
cannot be had; then one line on standard error says which.
"""

import argparse
import gc
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType

import uvicorn

from obo_graph.app import create_app
from obo_graph.documents.confinement import close_memory
from obo_graph.settings import GraphSettings
from obo_mcp import ConfigurationError, Settings
from obo_mcp.observe import JsonLines

_LOG = logging.getLogger("obo_graph")
MAX_HEADER_BYTES = 64 * 1024
_WRONG_SETTING = 2
_DRAIN_SECONDS = 10
_BACKLOG = 2048


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the Graph tools over HTTP as the environment says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="obo_graph", description=__doc__)
    parser.parse_args(argv)
    close_memory()
    _log_as_json()
    try:
        graph_settings = GraphSettings.from_env()
        for ours in ("obo_mcp", "obo_graph"):
            logging.getLogger(ours).setLevel(graph_settings.log_level)
        app = create_app(Settings.from_env(), graph_settings)
        listener = _listen(graph_settings.host, graph_settings.port)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_SETTING
    config = uvicorn.Config(
        app,
        http="h11",  # httptools leaves blanks at the end of header values
        # h11 would stop at 16 KiB of headers, or not, as the network cuts them; the door decides.
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        lifespan="on",
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    return _serve(_Server(config), listener)


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What start-up made stays for ever: full collections need not walk it again.
        gc.collect()
        gc.freeze()


def _serve(server: _Server, listener: socket.socket) -> int:
    # uvicorn raises the signal again once it has stopped; being asked to stop is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _nothing)
    host, port = listener.getsockname()[:2]
    _LOG.info("listening on %s port %d", host, port)
    with listener:
        server.run(sockets=[listener])
    return 0 if server.started else 1


def _nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY; without it, a kept-alive connection
    # loses 40 ms per answer between Nagle's algorithm and delayed acknowledgements.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or "cannot be used"
        raise ConfigurationError(
            f"OBO_MCP_HOST, OBO_MCP_PORT: cannot listen there: {reason}"
        ) from None
    return listener


def _log_as_json() -> None:
    lines = logging.StreamHandler()
    lines.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[lines])


if __name__ == "__main__":
    sys.exit(main())
