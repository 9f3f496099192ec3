"""One process that reads one document: started, asked, ended."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process

from obo_graph.documents.confinement import close_memory
from obo_graph.documents.extract import Extract, Unreadable
from obo_graph.documents.protocol import BYTES_PER_CHAR, HEAD_BYTES, READY, Job, extract

_PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from obo_graph.documents.worker import serve; serve(sys.argv[1])"
)
_FLAGS = ("-I", "-S", "-B", "-c", _PROGRAM)  # no environment, no site hooks, no bytecode written
_NEEDED = ("obo_graph", "python_calamine", "pypdfium2")
_SENT_AT_ONCE = 256 * 1024
_OUT_OF_TIME = frozenset({-signal.SIGXCPU, -signal.SIGKILL})


@dataclass(frozen=True, slots=True)
class Confines:
    """What a process may use: address space in bytes and CPU in seconds, its start included."""

    memory_bytes: int = 512 * 1024 * 1024
    cpu_seconds: int = 10


class WorkerProcess:
    """A process with one life and one job."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, confines: Confines) -> "WorkerProcess":
        """Start a process; it gets ready while nobody waits for it.

        This process closes its own memory first: the new one may be of the same user.

        Raises:
            OSError: if the system starts no process.
        """
        close_memory()
        limits = json.dumps(asdict(confines))
        with anyio.CancelScope(shield=True):  # half a start is a process that nobody ends
            process = await anyio.open_process(
                [sys.executable, *_FLAGS, limits, *_import_paths()],
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether the process still runs, as far as is known."""
        return self._process.returncode is None

    async def ready(self) -> bool:
        """Wait until it is confined; False if it ended instead."""
        said = b""
        while len(said) < len(READY):
            part = await _receive(self._out, len(READY) - len(said))
            if not part:
                return False
            said += part
        return said == READY

    async def ask(self, job: Job, content: bytes) -> Extract:
        """Give it the document and wait for the answer.

        Raises:
            Unreadable: what the process says, or what its end says about the document.
        """
        # It may have enough before it has read all.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._send(job.line())
            view = memoryview(content)
            for at in range(0, len(view), _SENT_AT_ONCE):
                await self._send(view[at : at + _SENT_AT_ONCE])
        said = await self._all(HEAD_BYTES + BYTES_PER_CHAR * job.most_chars)
        if not said and await self._process.wait() in _OUT_OF_TIME:
            raise Unreadable("too_slow")
        return extract(said, job.kind)

    async def end(self) -> None:
        """End the process and all it may have started, and forget it."""
        with anyio.CancelScope(shield=True):
            if self.alive:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.aclose()

    @property
    def _out(self) -> ByteReceiveStream:
        out = self._process.stdout
        if out is None:
            raise Unreadable("busy")
        return out

    async def _send(self, data: bytes | memoryview) -> None:
        stdin = self._process.stdin
        if stdin is not None:
            await stdin.send(bytes(data))

    async def _all(self, most_bytes: int) -> bytes:
        said = bytearray()
        while part := await _receive(self._out, _SENT_AT_ONCE):
            said += part
            if len(said) > most_bytes:
                raise Unreadable("broken")
        return bytes(said)


async def _receive(stream: ByteReceiveStream, most: int) -> bytes:
    try:
        return await stream.receive(most)
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return b""


def _import_paths() -> list[str]:
    """Where this package and the parsers are: without site hooks, a process must be told."""
    specs = [find_spec(name) for name in _NEEDED]
    places = [Path(spec.origin).parents[1] for spec in specs if spec and spec.origin]
    return [str(place) for place in dict.fromkeys(places)]
