"""Speaking to an MCP server as the signed-in person, and saying clearly why it will not."""

import json
import re
import shlex
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import REQUEST_TIMEOUT, Tool
from mcp_types.version import LATEST_MODERN_VERSION

from obo_cli.outcome import CommandFailed, ExitCode

_CONNECT_SECONDS, _ANSWER_SECONDS = 10.0, 120.0
_MOST_TOOLS = 1_000
_BODY_LIMIT = 64 * 1024
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_MEMBER = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Protocol(StrEnum):
    """Which generation of MCP to speak: `legacy` has a handshake, `modern` (2026-07-28) none."""

    AUTO = "auto"
    LEGACY = "legacy"
    MODERN = "modern"


@dataclass(slots=True)
class _Refusal:
    """The last refused request, which the MCP client reports only as having been refused."""

    status: int = 0
    words: str = ""
    scope: str = ""

    async def hear(self, response: httpx2.Response) -> None:
        """An httpx2 response hook."""
        if response.request.method != "POST":
            return
        self.status, self.words, self.scope = 0, "", ""
        if response.status_code >= httpx2.codes.BAD_REQUEST:
            challenge = dict(_MEMBER.findall(response.headers.get("WWW-Authenticate", "")))
            self.status = response.status_code
            self.scope = challenge.get("scope", "")
            self.words = challenge.get("error_description") or await _said_by_body(response)

    def failure(self, url: str) -> CommandFailed:
        """The refusal in words for the person, with what to do about it."""
        said = self.words or "no reason given"
        if self.status == httpx2.codes.UNAUTHORIZED:
            words = f"The server does not accept the sign-in: {said}\nSign in with: obo-mcp login"
            return CommandFailed(ExitCode.NOT_SIGNED_IN, words)
        if self.status == httpx2.codes.FORBIDDEN:
            scopes = " ".join(f"--scope {shlex.quote(scope)}" for scope in self.scope.split())
            hint = f"\nSign in with: obo-mcp login {scopes}" if scopes else ""
            words = f"The server does not allow this: {said}{hint}"
            return CommandFailed(ExitCode.NOT_SIGNED_IN, words)
        if self.status in {httpx2.codes.NOT_FOUND, httpx2.codes.METHOD_NOT_ALLOWED}:
            return CommandFailed(ExitCode.UNREACHABLE, f"There is no MCP server at {url}.")
        words = f"The server answered {self.status}: {said}"
        return CommandFailed(ExitCode.UNREACHABLE, words)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """Which server, which generation of the protocol, and whose certificates to believe.

    Raises:
        CommandFailed: the address is no http(s) address, or would carry the access token in the
            clear to another machine (RFC 6750 section 5.3).
    """

    url: str
    protocol: Protocol
    trust: ssl.SSLContext = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CommandFailed(ExitCode.USAGE, f"{self.url!r} is not a server's address.")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            words = f"{self.url} would carry your access token in the clear. Use https."
            raise CommandFailed(ExitCode.USAGE, words)

    @asynccontextmanager
    async def client(self, token: str) -> AsyncIterator[Client]:
        """A connected MCP client with `token` as its bearer.

        Raises:
            CommandFailed: the server refuses, cannot be reached, or makes no sense; whether that
                shows on connecting or inside the block.
        """
        refusal = _Refusal()
        try:
            async with (
                httpx2.AsyncClient(
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
                    verify=self.trust,
                    trust_env=urlsplit(self.url).hostname not in _LOOPBACK,
                    event_hooks={"response": [refusal.hear]},
                ) as http,
                Client(
                    streamable_http_client(self.url, http_client=http),
                    mode=_mode(self.protocol),
                    read_timeout_seconds=_ANSWER_SECONDS,
                ) as client,
            ):
                yield client
        except Exception as failure:  # noqa: BLE001 - everything a foreign server can cause ends as words and an exit code
            raise self._explained(_first_leaf(failure), refusal) from None

    def _explained(self, failure: BaseException, refusal: _Refusal) -> CommandFailed:
        if isinstance(failure, CommandFailed):
            return failure
        if refusal.status:
            return refusal.failure(self.url)
        if isinstance(failure, MCPError) and failure.code != REQUEST_TIMEOUT:
            words = "\n".join([f"The server answered: {failure.message}", *_links(failure.data)])
            return CommandFailed(ExitCode.TOOL_ERROR, words)
        if isinstance(failure, httpx2.TransportError | MCPError | ssl.SSLError):
            hint = " (see --ca-bundle)" if "CERTIFICATE_VERIFY_FAILED" in str(failure) else ""
            words = f"{self.url} cannot be reached: {type(failure).__name__}{hint}."
            return CommandFailed(ExitCode.UNREACHABLE, words)
        words = f"{self.url} does not speak MCP as expected ({type(failure).__name__})."
        return CommandFailed(ExitCode.UNREACHABLE, words)


async def every_tool(client: Client) -> list[Tool]:
    """All pages of the server's tool list."""
    page = await client.list_tools()
    tools = list(page.tools)
    while page.next_cursor and len(tools) < _MOST_TOOLS:
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    return tools


async def _said_by_body(response: httpx2.Response) -> str:
    length = response.headers.get("Content-Length", "")
    if not length.isdigit() or int(length) > _BODY_LIMIT:
        return ""
    try:
        body = json.loads(await response.aread())
    except ValueError:
        return ""
    members = body if isinstance(body, dict) else {}
    error = members.get("error")
    if isinstance(error, dict):
        return str(error.get("message", ""))
    return str(members.get("error_description") or members.get("detail") or error or "")


def _links(data: object) -> list[str]:
    """The pages that a URL elicitation asks the person to open (MCP 2025-11-25, -32042)."""
    wishes = data.get("elicitations", []) if isinstance(data, dict) else []
    return [str(wish["url"]) for wish in wishes if isinstance(wish, dict) and "url" in wish]


def _mode(protocol: Protocol) -> str:
    return LATEST_MODERN_VERSION if protocol is Protocol.MODERN else protocol.value


def _first_leaf(failure: BaseException) -> BaseException:
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
