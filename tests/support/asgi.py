"""Call an ASGI application once, without a server, and collect what it sends."""

import json
from dataclasses import dataclass, field
from typing import Any

from support.canary import overheard


@dataclass
class Received:
    """One HTTP answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def call(app, path="/mcp", *, method="POST", headers=(), scope=None) -> Received:
    answer = Received()

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {n.decode(): v.decode() for n, v in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    headers = list(headers)
    if not any(name == b"host" for name, _ in headers):
        headers.append((b"host", b"localhost"))
    whole = {"type": "http", "method": method, "path": path, "headers": headers}
    await overheard(app)(whole | (scope or {}), receive, send)
    return answer


def bearer(token) -> tuple[bytes, bytes]:
    return (b"authorization", b"Bearer " + token.reveal().encode())
