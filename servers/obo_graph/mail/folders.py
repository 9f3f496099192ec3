"""`mail_folders`: the folders of a mailbox."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.shape import ids
from obo_graph.shape.cursor import CURSOR_CHARS, Position
from obo_graph.shape.paging import Page, collect, page_of
from obo_graph.shape.result import LIST_SCHEMA, compact, list_result
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import Principal, TokenSource

_SELECT = "id,displayName,unreadItemCount,totalItemCount,childFolderCount"


def folders_tool(shop: Workshop) -> Tool:
    """The tool `mail_folders`."""

    async def mail_folders(
        *,
        tokens: Annotated[TokenSource, shop.tokens("mail_folders")],
        who: Annotated[Principal, shop.who()],
        parent: Annotated[str, Field(max_length=512, description="inbox … or an id")] = "",
        limit: Annotated[int, Field(ge=1, le=50)] = 25,
        cursor: Annotated[str, Field(max_length=CURSOR_CHARS)] = "",
    ) -> CallToolResult:
        inside = f"/{ids.segment('parent', parent)}/childFolders" if parent else ""
        arguments = {"parent": parent, "limit": limit}
        async with shop.acting("mail_folders", tokens, who) as graph:
            position = shop.cursors.open(cursor, graph.person, "mail_folders", arguments)
            return await _folders(shop, graph, f"/me/mailFolders{inside}", arguments, position)

    return make_tool(
        mail_folders,
        title="List mail folders",
        description=(
            "Mail folders at the top or in a parent, with id, name, counts of unread and all "
            "mails and of child folders. inbox, drafts, sentitems, archive, deleteditems and "
            "junkemail work in place of ids without this call."
        ),
        annotations=reading(open_world=False),
        output_schema=LIST_SCHEMA,
    )


async def _folders(
    shop: Workshop, graph: PersonalGraph, path: str, arguments: Json, start: Position
) -> CallToolResult:
    options = {"$select": _SELECT, "$top": str(arguments["limit"])}

    async def fetch(skip: dict[str, str]) -> Page:
        answer = await graph.get(path, options | skip, prefer=(IMMUTABLE_IDS,))
        return page_of(answer, graph.transport.origin)

    def seal(position: Position) -> str:
        return shop.cursors.seal(position, graph.person, "mail_folders", arguments)

    found = await collect(fetch, start, arguments["limit"], lambda _: True)
    rows = [_row(folder) for folder, _ in found.rows]
    return list_result(found, rows, {}, shop.settings.result_budget_bytes, seal)


def _row(folder: Json) -> Json:
    return compact(
        {
            "id": one_line(folder.get("id"), 512),
            "name": one_line(folder.get("displayName"), 96),
            "unread": folder.get("unreadItemCount"),
            "total": folder.get("totalItemCount"),
            "folders": folder.get("childFolderCount") or None,
        }
    )
