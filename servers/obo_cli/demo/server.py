"""The Graph server as a process of its own, and the events it writes."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx

from obo_cli.outcome import CommandFailed, ExitCode

START_SECONDS = 30.0
EVENT_SECONDS = 5.0
STOP_SECONDS = 15.0
_OURS = ("OBO_MCP_", "AZURE_")
_MOST_EVENTS = 10_000
_LAST_LINES = 5


class GraphServer:
    """A running Graph server: its URL, and its latest events in the order in which it wrote them.

    `hear` is called with every line it writes, in a thread of its own.
    """

    def __init__(
        self, url: str, process: subprocess.Popen[str], hear: Callable[[str], object]
    ) -> None:
        self.url = url
        self._process = process
        self._hear = hear
        self._changed = threading.Condition()
        self._count = 0
        self._events: deque[tuple[int, dict[str, Any]]] = deque(maxlen=_MOST_EVENTS)
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._reading = threading.Thread(target=self._read, name="server-events", daemon=True)
        self._reading.start()

    def events(self, event: str, since: int = 0, *, at_least: int = 0) -> list[dict[str, Any]]:
        """Events of one kind, from position `since` on; waits up to five seconds for `at_least`.

        An event is written before the answer it belongs to, but takes its own way here.
        """

        def found() -> list[dict[str, Any]]:
            return [e for at, e in self._events if at >= since and e.get("event") == event]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= at_least, EVENT_SECONDS)
            return found()

    def position(self) -> int:
        """Where the next event will stand."""
        with self._changed:
            return self._count

    def last_lines(self) -> list[str]:
        """The last few lines that it wrote; all have been read once it has died."""
        if self.died():
            self._reading.join(STOP_SECONDS)
        return list(self._lines)

    def stop(self) -> None:
        """Ask it to end, and wait; after fifteen seconds, end it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reading.join(STOP_SECONDS)
        if self._process.stderr:
            self._process.stderr.close()

    def died(self) -> bool:
        """Whether the process has ended by itself."""
        return self._process.poll() is not None

    def _read(self) -> None:
        for line in self._process.stderr or ():
            text = line.rstrip()
            with self._changed:
                self._lines.append(text)
                self._events.append((self._count, _event(text)))
                self._count += 1
                self._changed.notify_all()
            self._hear(text)


@contextmanager
def graph_server(
    settings: Mapping[str, str], folder: Path, hear: Callable[[str], object] = lambda _: None
) -> Iterator[GraphServer]:
    """Start `python -m obo_graph` on a free loopback port and wait until it is ready.

    `hear` gets every line that it writes to standard error.

    Raises:
        CommandFailed: it ended, or was not ready within thirty seconds.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    process = subprocess.Popen(
        [sys.executable, "-m", "obo_graph"],
        env=_environment({**settings, "OBO_MCP_RESOURCE_URL": url, "OBO_MCP_PORT": str(port)}),
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = GraphServer(url, process, hear)
    try:
        anyio.run(_until_ready, server)
        yield server
    finally:
        server.stop()


def past_any_proxy() -> dict[str, str]:
    """Variables that keep requests to this machine off a proxy, beside what is exempt already."""
    exempt = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    direct = ",".join(filter(None, (exempt, "localhost", "127.0.0.1")))
    return {"NO_PROXY": direct, "no_proxy": direct}


def _event(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {"event": "text", "text": text}


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, but for settings of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return inherited | past_any_proxy() | dict(settings)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def _until_ready(server: GraphServer) -> None:
    address = server.url.removesuffix("/mcp") + "/readyz"
    with anyio.move_on_after(START_SECONDS):
        async with httpx.AsyncClient(trust_env=False) as http:
            while not server.died():
                if await _is_ready(http, address):
                    return
                await anyio.sleep(0.05)
    said = "; ".join(server.last_lines())
    raise CommandFailed(ExitCode.UNREACHABLE, f"The Graph server did not start. {said}")


async def _is_ready(http: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await http.get(address)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
