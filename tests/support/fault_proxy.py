"""A TCP proxy that can be made to misbehave, in both directions and while connections are open."""

import asyncio
import contextlib
import os
from typing import Self

CHUNK = 65536


class FaultProxy:
    """`async with FaultProxy(port) as proxy: proxy.port`; the faults are plain attributes.

    `latency_seconds`: answers come so much later. `answer_with`: sent instead of each answer;
    a function of the answer, or octets. `cut`: the connection breaks after half an answer.
    `black_hole`: questions are taken and nothing comes back.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._tasks: set[asyncio.Task] = set()
        self.connections = 0
        self.heal()

    def heal(self) -> None:
        self.latency_seconds = 0.0
        self.answer_with = None
        self.cut = False
        self.black_hole = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader, writer) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                await self._both_ways(reader, writer, there, back)
            finally:
                back.close()
        except (OSError, asyncio.CancelledError):
            pass  # either side left, or the proxy ends
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _both_ways(self, reader, writer, there, back) -> None:
        ways = {
            asyncio.create_task(self._questions(reader, back)),
            asyncio.create_task(self._answers(there, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _questions(self, reader, back) -> None:
        while data := await reader.read(CHUNK):
            if not self.black_hole:
                back.write(data)
                await back.drain()

    async def _answers(self, there, writer) -> None:
        while data := await there.read(CHUNK):
            if self.latency_seconds:
                await asyncio.sleep(self.latency_seconds)
            if self.black_hole:
                continue
            if self.cut:
                writer.write(data[: len(data) // 2])
                return
            if self.answer_with is not None:
                data = self.answer_with(data) if callable(self.answer_with) else self.answer_with
            writer.write(data)
            with contextlib.suppress(ConnectionError):
                await writer.drain()


def noise(_answer: bytes) -> bytes:
    return os.urandom(64)
