"""`mail_move`: mails change their folder."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.mail.fields import Ids
from obo_graph.mail.many import each, paths_by_id, posting, rehearsed
from obo_graph.shape import ids
from obo_graph.shape.result import OBJECT_SCHEMA, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource


def move_tool(shop: Workshop) -> Tool:
    """The tool `mail_move`."""

    async def mail_move(
        *,
        tokens: Annotated[TokenSource, shop.tokens("mail_move")],
        who: Annotated[Principal, shop.who()],
        message_ids: Ids,
        folder: Annotated[
            str, Field(max_length=512, description="archive, deleteditems, inbox … or an id")
        ],
        dry_run: bool = False,
    ) -> CallToolResult:
        ids.segment("folder", folder)
        paths = paths_by_id(message_ids)
        there = {"destinationId": folder}
        steps = {key: posting(f"{path}/move", there) for key, path in paths.items()}
        budget_bytes = shop.settings.result_budget_bytes
        async with shop.acting("mail_move", tokens, who) as graph:
            if dry_run:
                would = await _would(graph, folder)
                return result_of(await rehearsed(graph, paths, would, budget_bytes))
            return result_of(await each(graph, steps, budget_bytes))

    return make_tool(
        mail_move,
        title="Move mails",
        description=(
            "Move up to 20 mails into a folder of mail_folders; deleteditems is the recoverable "
            "way to delete. Returns done or an error for each id."
        ),
        annotations=writing(destructive=True, idempotent=True, open_world=False),
        output_schema=OBJECT_SCHEMA,
    )


async def _would(graph: PersonalGraph, folder: str) -> Json:
    path = f"/me/mailFolders/{ids.segment('folder', folder)}"
    found = await graph.get(path, {"$select": "id,displayName"})
    return {"move_to": one_line(found.get("displayName"), 96) or folder}
