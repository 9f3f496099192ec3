"""As little client as possible: prepared requests over keep-alive connections, answers checked."""

import asyncio
import json
import time
from dataclasses import dataclass, field

_META = "io.modelcontextprotocol"


def request(port: int, era: str, token: str, tool: str, arguments: dict) -> bytes:
    """One `tools/call` as bytes, on the wire of 2025-11-25 ("legacy") or 2026-07-28 ("modern")."""
    params = {"name": tool, "arguments": arguments}
    headers = {"MCP-Protocol-Version": "2025-11-25"}
    if era == "modern":
        headers = {
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": tool,
        }
        params["_meta"] = {
            f"{_META}/protocolVersion": "2026-07-28",
            f"{_META}/clientCapabilities": {},
            f"{_META}/clientInfo": {"name": "bench", "version": "1"},
        }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers |= {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Content-Length": str(len(body)),
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /mcp HTTP/1.1\r\n{lines}\r\n{body}".encode()


@dataclass
class Load:
    """What a run came to: seconds per call, sorted, and how long it all took."""

    seconds: float
    calls: list[float] = field(repr=False)

    @property
    def per_second(self) -> float:
        return len(self.calls) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.calls)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def load(port: int, wire: bytes, *, connections: int, seconds: float, expect: bytes) -> Load:
    """Send `wire` over and over; every answer must be 200 and hold `expect`."""
    calls: list[float] = []
    end = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < end:
            writer.write(wire)
            head, body = await answer(reader)
            assert head.startswith(b"HTTP/1.1 200"), head[:200]
            assert expect in body, body[:300]
            calls.append(time.perf_counter() - started)
        writer.close()
        await writer.wait_closed()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return Load(time.perf_counter() - started, calls)


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One HTTP/1.1 answer: head and body, whichever way its length is told."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" not in lower:
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return head, await reader.readexactly(length)
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return head, body
