"""Documents read by processes of their own, a few at a time."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import anyio

from obo_graph.documents import kinds, plain
from obo_graph.documents.extract import Extract, Unreadable, gather
from obo_graph.documents.process import Confines, WorkerProcess
from obo_graph.documents.protocol import Job

MAX_CHARS = 2_000_000
"""How far into the text of a document one can read."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """How many processes read at once, how many callers may wait, and how long (seconds).

    Line, start and work may take 15 s together: they come on top of Graph's 44 s (`wire.retry`).
    """

    at_once: int = 2
    waiting: int = 8
    wait_seconds: float = 3
    start_seconds: float = 4
    read_seconds: float = 8
    confines: Confines = field(default_factory=Confines)


class Reader:
    """Owns the processes that read documents. Use it as a context for the server's lifespan.

    Each document gets a process that ends with it. One spare process is kept from the first
    document on, so that the next one need not wait for a start. Linux only: elsewhere no process
    gets ready, and every document is `unavailable`.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = rules or Rules()
        self._spare: WorkerProcess | None = None
        self._turns = anyio.Semaphore(self._rules.at_once)
        self._waiting = 0
        self._open = False
        self._starting = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        if spare := self._take_spare():
            await spare.end()

    async def read(self, job: Job, content: bytes) -> Extract:
        """The text of `content`, read by a process of its own.

        Raises:
            Unreadable: why there is none; `busy` if too many wait, `unavailable` if no process
                gets ready.
            RuntimeError: outside of the reader's context.
        """
        if not self._open:
            raise RuntimeError("a Reader reads inside its context only")
        async with self._turn():
            try:
                found = await self._read(job, content)
            except Unreadable:
                await self._keep_spare()
                raise
            await self._keep_spare()
            return found

    async def _read(self, job: Job, content: bytes) -> Extract:
        async with self._process() as process:
            with anyio.move_on_after(self._rules.read_seconds):
                return await process.ask(job, content)
            raise Unreadable("too_slow")

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            self._turns.acquire_nowait()
        except anyio.WouldBlock:
            await self._stand_in_line()
        try:
            yield
        finally:
            self._turns.release()

    async def _stand_in_line(self) -> None:
        if self._waiting >= self._rules.waiting:
            raise Unreadable("busy")
        self._waiting += 1
        try:
            with anyio.move_on_after(self._rules.wait_seconds) as line:
                await self._turns.acquire()
        finally:
            self._waiting -= 1
        if line.cancelled_caught:
            raise Unreadable("busy")

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[WorkerProcess]:
        process = self._take_spare() or await self._started()
        if process is None:
            raise Unreadable("unavailable")
        try:
            is_ready = False
            with anyio.move_on_after(self._rules.start_seconds):
                is_ready = await process.ready()
            if not is_ready:
                _log.error("No process gets ready to read documents")
                raise Unreadable("unavailable")
            yield process
        finally:
            await process.end()

    def _take_spare(self) -> WorkerProcess | None:
        spare, self._spare = self._spare, None
        return spare if spare and spare.alive else None

    async def _started(self) -> WorkerProcess | None:
        try:
            return await WorkerProcess.start(self._rules.confines)
        except OSError:
            _log.warning("No process can be started to read documents")
            return None

    async def _keep_spare(self) -> None:
        if self._spare is not None or self._starting or not self._open:
            return
        self._starting = True
        try:
            spare = await self._started()
        finally:
            self._starting = False
        if spare is None or self._open:
            self._spare = spare
        else:  # the reader was closed meanwhile
            await spare.end()


async def text_of(
    reader: Reader,
    name: str,
    content: bytes,
    *,
    pages: str = "",
    first_chars: int,
    complete: bool = True,
) -> Extract:
    """The text of the file `name`, up to `first_chars` characters if there are so many.

    `pages` chooses pages, slides or sheets: "3", "2-4", "1, 3-5", or the name of a sheet. The
    characters are counted from the beginning of what is chosen. A text file may be given in
    part, not `complete`; any other kind is read as a whole.

    Raises:
        Unreadable: why there is no text.
    """
    ending = kinds.ending_of(name)
    if ending in plain.TEXT:
        if pages:
            raise Unreadable("pages")
        return _plain(ending, content, first_chars, complete=complete)
    if ending not in kinds.PARSED:
        raise Unreadable("unsupported")
    if not complete or len(content) > kinds.MAX_DOCUMENT_BYTES:
        raise Unreadable("too_large")
    job = Job(
        kind=ending,
        pages=pages,
        most_chars=min(first_chars, MAX_CHARS),
        size_bytes=len(content),
    )
    found = await reader.read(job, content)
    if found.more and first_chars > MAX_CHARS:
        raise Unreadable("too_large")
    return found


def _plain(ending: str, content: bytes, first_chars: int, *, complete: bool) -> Extract:
    text = plain.decode(content, complete=complete)
    if text is None:
        raise Unreadable("broken")
    first, more = gather(iter([text]), first_chars)
    return Extract(text=first, parts=0, more=more or not complete, kind=ending)
