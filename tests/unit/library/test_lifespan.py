"""Our start and stop around the application's own."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from obo_mcp.asgi.lifespan import Lifespan


class Server:
    """Speaks the server's half of the lifespan protocol."""

    def __init__(self):
        self.events = []
        self.messages = asyncio.Queue()
        self.messages.put_nowait({"type": "lifespan.startup"})

    @asynccontextmanager
    async def running(self):
        self.events.append("started")
        yield
        self.events.append("stopped")

    async def receive(self):
        return await self.messages.get()

    async def send(self, message):
        self.events.append(message["type"])
        if message["type"] == "lifespan.startup.complete":
            self.messages.put_nowait({"type": "lifespan.shutdown"})

    async def run(self, app):
        await Lifespan(app, self.running)({"type": "lifespan"}, self.receive, self.send)
        return self.events


WHOLE = ["started", "lifespan.startup.complete", "stopped", "lifespan.shutdown.complete"]


async def test_ours_ends_after_the_applications_and_before_the_server_hears_of_it():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    assert await Server().run(app) == WHOLE


async def test_an_application_that_refuses_the_scope_is_stood_in_for():
    async def app(scope, receive, send):
        assert scope["type"] == "http"

    assert await Server().run(app) == WHOLE


async def test_an_application_that_reads_and_then_refuses_is_stood_in_for():
    async def app(scope, receive, send):
        await receive()
        raise NotImplementedError

    assert await Server().run(app) == WHOLE


async def test_an_application_that_returns_silently_is_stood_in_for():
    async def app(scope, receive, send):
        return

    assert await Server().run(app) == WHOLE


async def test_a_start_that_fails_is_told_as_the_application_tells_it():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})
        raise RuntimeError("no")

    server = Server()
    with pytest.raises(RuntimeError):
        await server.run(app)
    assert server.events == ["started", "lifespan.startup.failed"]


async def test_a_start_that_fails_is_not_passed_over_in_silence(caplog):
    async def app(scope, receive, send):
        await receive()
        raise RuntimeError("the database is down")

    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message["type"])

    @asynccontextmanager
    async def running():
        yield

    await Lifespan(app, running)({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert "RuntimeError" in caplog.text
    assert "database" not in caplog.text
