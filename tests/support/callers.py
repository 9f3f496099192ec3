"""The real MCP client with a bearer token, on either generation of the wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from obo_mcp.secret import Secret

ERAS = ("legacy", "auto")
"""What `mcp.Client` calls the handshake of 2025, and the choice of the newest that is served."""


@asynccontextmanager
async def connected(url: str, token: Secret, era: str = "auto") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token.reveal()}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        yield client


def text(result) -> str:
    return "".join(block.text for block in result.content)
