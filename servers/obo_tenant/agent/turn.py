"""One turn with the MCP server: list its tools, make the planned calls, note what happened."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import REQUEST_TIMEOUT, CallToolResult, Tool
from mcp_types.version import LATEST_MODERN_VERSION

from obo_tenant.agent import answer
from obo_tenant.agent.planner import Step, first_step, reading_step
from obo_tenant.agent.refusal import Listener

CALL_TIMEOUT_SECONDS = 100.0  # AF:how-to/mcp-authentication, non-streaming calls
CONNECT_TIMEOUT_SECONDS = 10.0
MOST_TOOLS = 128  # per agent, same page
ProtocolMode = Literal["auto", "legacy", "modern"]


@dataclass(frozen=True, slots=True)
class CallNote:
    """What one message to the MCP server came to, for the tenant's log."""

    step: str
    status: int
    milliseconds: int
    error: str | None = None


@dataclass(slots=True)
class Turn:
    """The output so far. Survives a failure half way, so that nothing done goes unreported."""

    question: str
    now: float
    output: list[answer.Item] = field(default_factory=list)
    notes: list[CallNote] = field(default_factory=list)
    protocol_version: str | None = None
    refused: int | None = None
    listener: Listener = field(default_factory=Listener)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the MCP server is and how to speak to it."""

    url: str
    mode: ProtocolMode
    trust: Callable[[], ssl.SSLContext] = field(repr=False)
    call_timeout_seconds: float = CALL_TIMEOUT_SECONDS

    async def take(self, turn: Turn, access_token: str) -> None:
        """Play the turn; every failure becomes an error item of its output."""
        started = anyio.current_time()
        try:
            async with self._client(access_token, turn.listener) as client:
                turn.protocol_version = client.protocol_version
                await _play(turn, client)
        except Exception as failure:  # noqa: BLE001 - the border to a foreign server: nothing it does may end the agent
            _explain(turn, _first_leaf(failure))
            spent = _milliseconds(started)
            code = str(turn.output[-1]["code"])
            turn.notes.append(CallNote("connect", turn.refused or 502, spent, code))

    @asynccontextmanager
    async def _client(self, access_token: str, listener: Listener) -> AsyncIterator[Client]:
        bearer = {"Authorization": f"Bearer {access_token}"}
        timeout = httpx2.Timeout(self.call_timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS)
        async with (
            httpx2.AsyncClient(
                headers=bearer,
                timeout=timeout,
                verify=self.trust(),
                trust_env=False,
                event_hooks={"response": [listener.hear]},
            ) as http,
            Client(
                streamable_http_client(self.url, http_client=http),
                mode=LATEST_MODERN_VERSION if self.mode == "modern" else self.mode,
                read_timeout_seconds=self.call_timeout_seconds,
            ) as client,
        ):
            yield client


async def _play(turn: Turn, client: Client) -> None:
    tools = await _list_tools(turn, client)
    if len(tools) > MOST_TOOLS:
        turn.output.append(answer.error("too_many_tools", f"{len(tools)} tools; {MOST_TOOLS} fit."))
        return
    schemas: Mapping[str, Mapping[str, Any]] = {t.name: t.input_schema for t in tools}
    step = first_step(turn.question, turn.now, schemas)
    while step is not None:
        if step.tool not in schemas:
            turn.output.append(answer.not_listed(step.tool, list(schemas)))
            return
        result = await _call(turn, client, step)
        step = _next(step, result, schemas)
    turn.output.append(answer.message(turn.output))


def _next(
    step: Step, result: CallToolResult | None, schemas: Mapping[str, Mapping[str, Any]]
) -> Step | None:
    if result is None or result.is_error or step.then_read is None:
        return None
    return reading_step(
        step.then_read, schemas.get(step.then_read, {}), answer.structured_of(result)
    )


async def _list_tools(turn: Turn, client: Client) -> list[Tool]:
    started = anyio.current_time()
    page = await client.list_tools()
    tools = list(page.tools)
    while page.next_cursor and len(tools) <= MOST_TOOLS:
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    turn.output.append(answer.listed([tool.name for tool in tools]))
    turn.notes.append(CallNote("tools/list", 200, _milliseconds(started)))
    return tools


async def _call(turn: Turn, client: Client, step: Step) -> CallToolResult | None:
    """Make one call. A JSON-RPC error is the tool's answer; an HTTP refusal ends the turn."""
    started = anyio.current_time()
    result: CallToolResult | None = None
    try:
        result = await client.call_tool(step.tool, dict(step.arguments))
        is_error, text = result.is_error, answer.text_of(result)
    except MCPError as failure:
        if failure.code == REQUEST_TIMEOUT or turn.listener.door_closed:
            raise
        is_error, text = True, answer.protocol_error(failure.message, failure.data)
    spent = _milliseconds(started)
    structured = answer.structured_of(result) if result else None
    turn.output.append(answer.called(step, text, structured, is_error=is_error, spent=spent))
    note = CallNote(f"tools/call {step.tool}", 200, spent, "tool_error" if is_error else None)
    turn.notes.append(note)
    return result


def _explain(turn: Turn, failure: BaseException) -> None:
    refusal = turn.listener.last
    if refusal is not None:
        turn.refused = refusal.status
        turn.output.append(answer.error(refusal.code, refusal.sentence))
    elif isinstance(failure, httpx2.TimeoutException) or (
        isinstance(failure, MCPError) and failure.code == REQUEST_TIMEOUT
    ):
        turn.output.append(answer.error("timeout", "The MCP server took too long to answer."))
    elif isinstance(failure, httpx2.TransportError):
        words = f"The MCP server cannot be reached ({type(failure).__name__})."
        turn.output.append(answer.error("unreachable", words))
    else:
        words = f"The MCP server answered in a way the client refuses ({type(failure).__name__})."
        turn.output.append(answer.error("protocol_error", words))


def _first_leaf(failure: BaseException) -> BaseException:
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


def _milliseconds(started: float) -> int:
    return round((anyio.current_time() - started) * 1000)
