"""`mail_update`: mails are marked: read, flag, categories, importance."""

from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import bad_argument
from obo_graph.mail.fields import Ids, Importance
from obo_graph.mail.many import each, patching, paths_by_id, rehearsed
from obo_graph.mail.query import YesNo
from obo_graph.shape.result import OBJECT_SCHEMA, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_mcp import Principal, TokenSource

Flag = Literal["any", "flagged", "complete", "none"]
Categories = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=255)], ...],
    Field(max_length=25, description='Replace all; ["none"] clears'),
]


def update_tool(shop: Workshop) -> Tool:
    """The tool `mail_update`."""

    async def mail_update(
        *,
        tokens: Annotated[TokenSource, shop.tokens("mail_update")],
        who: Annotated[Principal, shop.who()],
        message_ids: Ids,
        read: YesNo = "any",
        flag: Flag = "any",
        categories: Categories = (),
        importance: Importance = "any",
        dry_run: bool = False,
    ) -> CallToolResult:
        paths = paths_by_id(message_ids)
        change = _change(read, flag, categories, importance)
        steps = {key: patching(path, change) for key, path in paths.items()}
        budget_bytes = shop.settings.result_budget_bytes
        async with shop.acting("mail_update", tokens, who) as graph:
            if dry_run:
                return result_of(await rehearsed(graph, paths, change, budget_bytes))
            return result_of(await each(graph, steps, budget_bytes))

    return make_tool(
        mail_update,
        title="Mark mails",
        description=(
            "Mark up to 20 mails: read or not, flag, categories, importance; any leaves as it "
            "is. Returns done or an error for each id."
        ),
        annotations=writing(destructive=False, idempotent=True, open_world=False),
        output_schema=OBJECT_SCHEMA,
    )


def _change(read: YesNo, flag: Flag, categories: tuple[str, ...], importance: Importance) -> Json:
    change: Json = {}
    if read != "any":
        change["isRead"] = read == "yes"
    if flag != "any":
        change["flag"] = {"flagStatus": "notFlagged" if flag == "none" else flag}
    if categories:
        change["categories"] = [] if categories == ("none",) else _names(categories)
    if importance != "any":
        change["importance"] = importance
    if not change:
        raise bad_argument("message_ids", "are given, but nothing to change")
    return change


def _names(categories: tuple[str, ...]) -> list[str]:
    names = [one_line(name, 255) for name in categories]
    if not all(names):
        raise bad_argument("categories", "holds one without a visible name")
    return list(dict.fromkeys(names))
