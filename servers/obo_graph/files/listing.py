"""`files_list`: what is in a folder."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.files.fields import ROW, OwnItem
from obo_graph.files.place import Place, place
from obo_graph.files.query import row
from obo_graph.shape.cursor import CURSOR_CHARS, Position
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import Page, collect, page_of
from obo_graph.shape.result import LIST_SCHEMA, list_result
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource


def list_tool(shop: Workshop) -> Tool:
    """The tool `files_list`."""

    async def files_list(
        *,
        tokens: Annotated[TokenSource, shop.tokens("files_list")],
        who: Annotated[Principal, shop.who()],
        folder: OwnItem = "/",
        drive: Annotated[str, Field(max_length=256, description="Id, for a path in it")] = "",
        limit: Annotated[int, Field(ge=1, le=50)] = 25,
        cursor: Annotated[str, Field(max_length=CURSOR_CHARS)] = "",
    ) -> CallToolResult:
        where = place("folder", folder, drive=drive)
        async with shop.acting("files_list", tokens, who) as graph:
            arguments = {"folder": folder, "drive": drive, "limit": limit}
            start = shop.cursors.open(cursor, graph.person, "files_list", arguments)
            return await _list(shop, graph, where, arguments, start)

    return make_tool(
        files_list,
        title="List a folder",
        description=(
            "What is in a folder of OneDrive or SharePoint. Returns rows like files_search, which "
            "finds files by words."
        ),
        annotations=reading(open_world=False),
        output_schema=LIST_SCHEMA,
    )


async def _list(
    shop: Workshop, graph: PersonalGraph, where: Place, arguments: Json, start: Position
) -> CallToolResult:
    limit = arguments["limit"]

    async def fetch(skip: dict[str, str]) -> Page:
        options = {"$select": ROW, "$top": str(limit)} | skip
        page = page_of(await graph.get(f"{where.path}/children", options), graph.transport.origin)
        # Graph's order is by name; within a page folders come first, the same way every time.
        return Page(sorted(page.rows, key=lambda item: "folder" not in item), page.following)

    def seal(position: Position) -> str:
        return shop.cursors.seal(position, graph.person, "files_list", arguments)

    zone = await shop.mailboxes.zone(graph)
    found = await collect(fetch, start, limit, lambda _item: True)
    rows = [row(item, zone) for item, _ in found.rows]
    extra: Json = {"time_zone": zone_name(zone)}
    return list_result(found, rows, extra, shop.settings.result_budget_bytes, seal)
