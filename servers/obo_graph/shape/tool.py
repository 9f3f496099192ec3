"""How every tool of this server is made.

Flat input: agents such as Foundry's refuse schemas with anyOf, allOf or $ref. Strict input: an
argument that does not exist is an error, as a model would otherwise believe that it took effect.
Small schemas: a model reads them on every turn.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from mcp.server.mcpserver import Context, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import ValidationError, create_model

from obo_graph.catalogue import BY_NAME
from obo_graph.documents.reader import Reader
from obo_graph.errors import told_to_model
from obo_graph.settings import GraphSettings
from obo_graph.shape.arguments import StrictArguments, explained
from obo_graph.shape.cursor import CursorSeal
from obo_graph.shape.link import LinkDesk
from obo_graph.shape.mailbox import Mailboxes
from obo_graph.wire.graph import Graph, PersonalGraph
from obo_mcp import Principal, TokenSource


class Delegation(Protocol):
    """The part of `obo_mcp.OnBehalfOf` that tools use."""

    def token_source(self, scope: str) -> Resolve:
        """Fills a parameter with the source of the person's downstream tokens for `scope`."""
        ...

    def principal(self) -> Resolve:
        """Fills a parameter with the person who is calling."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What tools are made with."""

    obo: Delegation
    graph: Graph
    settings: GraphSettings
    mailboxes: Mailboxes
    cursors: CursorSeal
    links: LinkDesk
    reader: Reader = field(default_factory=Reader)

    def tokens(self, tool: str) -> Resolve:
        """Fills a parameter of `tool` with the source of the person's tokens for it."""
        return self.obo.token_source(self.settings.scope_for(tool))

    def who(self) -> Resolve:
        """Fills a parameter with the person who is calling."""
        return self.obo.principal()

    @asynccontextmanager
    async def acting(
        self, tool: str, tokens: TokenSource, who: Principal
    ) -> AsyncIterator[PersonalGraph]:
        """Graph as `who`, for one call of `tool`; what Graph refuses in it, the model is told.

        Raises:
            ToolError: Graph did not deliver; the words are for the model.
            OboError: there is no token for this person.
        """
        with told_to_model(*BY_NAME[tool].scopes):
            yield await self.graph.as_person(tokens, who)


def reading(*, open_world: bool) -> ToolAnnotations:
    """Annotations of a tool that changes nothing; `open_world` if strangers write what it reads."""
    return ToolAnnotations(
        read_only_hint=True,
        destructive_hint=False,
        idempotent_hint=True,
        open_world_hint=open_world,
    )


def writing(*, destructive: bool, idempotent: bool, open_world: bool) -> ToolAnnotations:
    """Annotations of a tool that changes something.

    `destructive` if it can undo what somebody made or cannot be taken back, `idempotent` if the
    same call again changes nothing more, `open_world` if others than the person notice it.
    """
    return ToolAnnotations(
        read_only_hint=False,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=open_world,
    )


def make_tool(
    function: Callable[..., Awaitable[CallToolResult]],
    *,
    title: str,
    description: str,
    annotations: ToolAnnotations,
    output_schema: dict[str, Any],
) -> Tool:
    """A tool named like `function`, with strict arguments and a small schema."""
    tool = _StrictTool.from_function(
        function,
        title=title,
        description=description,
        annotations=annotations,
        structured_output=False,
    )
    arguments = create_model(tool.name, __base__=(StrictArguments, tool.fn_metadata.arg_model))
    return tool.model_copy(
        update={
            "fn_metadata": FuncMetadata(arg_model=arguments, output_schema=output_schema),
            "parameters": _untitled(arguments.model_json_schema(by_alias=True)),
        }
    )


class _StrictTool(Tool):
    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,
    ) -> Any:
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            raise explained(error.__cause__) from None


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without the titles that pydantic derives from the names beside them."""
    properties = {
        name: {key: value for key, value in part.items() if key != "title"}
        for name, part in schema["properties"].items()
    }
    return {"type": "object", "properties": properties, "additionalProperties": False} | (
        {"required": schema["required"]} if "required" in schema else {}
    )
