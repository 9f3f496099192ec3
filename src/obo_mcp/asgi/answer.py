"""A whole HTTP answer in one piece, sent as ASGI wants it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from obo_mcp.asgi.types import Send


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and extra headers. Nothing of it is ever stored by caches on the way.

    The body is a JSON object, or text whose `content-type` the extra headers say.
    """

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Send it; with `head`, the headers alone (RFC 9110 section 9.3.2)."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        body = text.encode()
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "cache-control": "no-store",
            **self.headers,
        }
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [(n.encode(), v.encode("latin-1")) for n, v in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": b"" if head else body})
