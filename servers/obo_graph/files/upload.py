"""`files_upload`: a new file, its content from the model, or from the person by a link."""

from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import bad_argument
from obo_graph.files.fields import OwnItem
from obo_graph.files.place import checked_name, place
from obo_graph.files.saving import CONTENT_CHARS, NewFile, content_bytes, foreseen, linked, saved
from obo_graph.shape.result import OBJECT_SCHEMA, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_mcp import Principal, TokenSource


def upload_tool(shop: Workshop) -> Tool:
    """The tool `files_upload`."""

    async def files_upload(
        *,
        tokens: Annotated[TokenSource, shop.tokens("files_upload")],
        who: Annotated[Principal, shop.who()],
        name: Annotated[str, Field(min_length=1, max_length=256)],
        folder: OwnItem = "/",
        content: Annotated[str, Field(max_length=CONTENT_CHARS)] = "",
        encoding: Literal["text", "base64"] = "text",
        if_exists: Literal["fail", "rename", "replace"] = "fail",
        link: Annotated[bool, Field(description="In place of content")] = False,
        dry_run: bool = False,
    ) -> CallToolResult:
        new = NewFile(
            name=checked_name("name", name),
            folder=place("folder", folder),
            if_exists=if_exists,
            content=content_bytes(content, encoding),
        )
        if link == bool(content):
            raise bad_argument("content", "must hold the file, or be empty with link=true")
        if link:
            shop.links.check_allowed()
        async with shop.acting("files_upload", tokens, who) as graph:
            if dry_run:
                return result_of(await foreseen(graph, new))
            return result_of(await (linked(shop, graph, new) if link else saved(graph, new)))

    return make_tool(
        files_upload,
        title="Save a file",
        description=(
            "Save up to 200 kB of content as a file; returns its ref. For a file that the person "
            "has, use link=true: give them the upload_link, which takes one file within minutes."
        ),
        annotations=writing(destructive=True, idempotent=False, open_world=False),
        output_schema=OBJECT_SCHEMA,
    )
