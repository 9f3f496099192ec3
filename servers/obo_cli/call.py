"""`obo-mcp call`: call one tool of an MCP server as the signed-in person."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from mcp import Client
from mcp_types import CallToolResult, TextContent, Tool

from obo_cli.arguments import arguments_from
from obo_cli.conversation import Protocol, ServerAddress, every_tool
from obo_cli.credentials import CredentialStore
from obo_cli.login import AsJson, CaBundle, Store
from obo_cli.outcome import CommandFailed, ExitCode, exit_on_failure, printable
from obo_cli.public_client import silent_token, trust

DEFAULT_URL = "http://127.0.0.1:8000/mcp"

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="URL TOOL KEY=VALUE",
        help=f"Without a URL: OBO_MCP_RESOURCE_URL, else {DEFAULT_URL}.",
    ),
]
ListOnly = Annotated[bool, typer.Option("--list", help="List the tools instead.")]
Generation = Annotated[Protocol, typer.Option("--protocol", help="Which MCP to speak.")]
TokenStdin = Annotated[bool, typer.Option("--token-stdin", help="Read an access token from stdin.")]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the words on the command line ask for."""

    url: str
    tool: str | None
    pairs: Sequence[str]


def call(
    words: Words = None,
    *,
    as_json: AsJson = False,
    list_only: ListOnly = False,
    protocol: Generation = Protocol.AUTO,
    token_stdin: TokenStdin = False,
    ca_bundle: CaBundle = None,
    store: Store = None,
) -> None:
    """Call one tool as the person who signed in with `obo-mcp login`."""
    for library in ("mcp", "msal", "client"):
        logging.getLogger(library).addHandler(logging.NullHandler())
    with exit_on_failure():
        wish = _wish(words or [], list_only=list_only)
        token, ca_bundle = _token(store, ca_bundle, from_stdin=token_stdin)
        server = ServerAddress(url=wish.url, protocol=protocol, trust=trust(ca_bundle))
        anyio.run(_converse, server, token, wish, as_json)


def _wish(words: Sequence[str], *, list_only: bool) -> _Wish:
    url, rest = os.environ.get("OBO_MCP_RESOURCE_URL") or DEFAULT_URL, list(words)
    if rest and "://" in rest[0].partition("=")[0]:
        url = rest.pop(0)
    if list_only:
        return _Wish(url, None, ())
    if not rest or "=" in rest[0]:
        raise CommandFailed(ExitCode.USAGE, "Name a tool, or use --list to see them.")
    return _Wish(url, rest[0], rest[1:])


def _token(
    store: Path | None, ca_bundle: Path | None, *, from_stdin: bool
) -> tuple[str, Path | None]:
    """The access token, and the certificates to trust on the way to the server."""
    if from_stdin:
        token = sys.stdin.readline().strip()
        if not token or not token.isascii() or len(token.split()) != 1:
            raise CommandFailed(ExitCode.USAGE, "stdin must hold one access token on one line.")
        return token, ca_bundle
    credentials = CredentialStore(store)
    login = credentials.last()
    if login is None:
        words = "Nobody is signed in. Sign in with: obo-mcp login"
        raise CommandFailed(ExitCode.NOT_SIGNED_IN, words)
    remembered = Path(login.ca_bundle) if login.ca_bundle else None
    trusted = ca_bundle or remembered
    return silent_token(credentials, login, trusted), trusted


async def _converse(server: ServerAddress, token: str, wish: _Wish, as_json: bool) -> None:
    async with server.client(token) as client:
        tools = await every_tool(client)
        if wish.tool is None:
            _print_tools(tools, as_json=as_json)
            return
        result = await _called(client, tools, wish.tool, wish.pairs)
    if result.is_error:
        raise CommandFailed(ExitCode.TOOL_ERROR, _text(result) or "The tool failed.")
    typer.echo(_as_json(result) if as_json else _for_people(result))


async def _called(
    client: Client, tools: Sequence[Tool], name: str, pairs: Sequence[str]
) -> CallToolResult:
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        offered = ", ".join(tool.name for tool in tools) or "none"
        words = f"The server lists no tool {name!r}. It lists: {offered}."
        raise CommandFailed(ExitCode.USAGE, words)
    arguments = arguments_from(pairs, name, tool.input_schema)
    return await client.call_tool(name, arguments, progress_callback=_progress)


async def _progress(progress: float, total: float | None, message: str | None) -> None:
    share = f"{progress / total:.0%}" if total else f"{progress:g}"
    typer.echo(printable(f"{share} {message or ''}".rstrip()), err=True)


def _print_tools(tools: Sequence[Tool], *, as_json: bool) -> None:
    if as_json:
        shown = [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    for tool in tools:
        required = tool.input_schema.get("required", [])
        names = tool.input_schema.get("properties", {})
        keys = " ".join(f"{key}=" if key in required else f"[{key}=]" for key in names)
        purpose = (tool.description or "").strip().partition("\n")[0]
        typer.echo(printable(f"{tool.name} {keys}".rstrip() + (f"\n    {purpose}" * bool(purpose))))


def _text(result: CallToolResult) -> str:
    return "\n".join(
        block.text if isinstance(block, TextContent) else f"[{block.type}]"
        for block in result.content
    )


def _as_json(result: CallToolResult) -> str:
    """The structured content; without any, the content blocks as they came."""
    content: Any = result.structured_content
    if content is None:
        content = [block.model_dump(by_alias=True, mode="json") for block in result.content]
    return json.dumps(content, ensure_ascii=False)


def _for_people(result: CallToolResult) -> str:
    text = _text(result)
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False, indent=2)
    return printable(text)
