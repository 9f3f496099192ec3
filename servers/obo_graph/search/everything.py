"""`m365_search`: mail, events, files, sites and Teams messages in one search."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import bad_argument, told_to_model
from obo_graph.search.hits import Kind, row_of
from obo_graph.search.walk import Walk, scopes_of
from obo_graph.shape.cursor import CURSOR_CHARS, Position
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import collect
from obo_graph.shape.result import LIST_SCHEMA, list_result
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource

_QUERY_BYTES = 1024


def search_tool(shop: Workshop) -> Tool:
    """The tool `m365_search`."""

    async def m365_search(
        *,
        tokens: Annotated[TokenSource, shop.tokens("m365_search")],
        who: Annotated[Principal, shop.who()],
        query: Annotated[
            str, Field(min_length=1, max_length=256, description='Words or KQL: from:megan "…"')
        ],
        types: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=5)] = ("file",),
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
        cursor: Annotated[str, Field(max_length=CURSOR_CHARS)] = "",
    ) -> CallToolResult:
        kinds = list(dict.fromkeys(types))
        arguments: Json = {"query": _checked(query), "types": kinds, "limit": limit}
        async with shop.acting("m365_search", tokens, who) as graph:
            start = shop.cursors.open(cursor, graph.person, "m365_search", arguments)
            with told_to_model(*scopes_of(kinds)):
                return await _search(shop, graph, arguments, start)

    return make_tool(
        m365_search,
        title="Search Microsoft 365",
        description=(
            "Search several kinds by words or KQL, one kind after the other. Returns rows with id, "
            "ref, chat_id or url for the tool that opens it, title, date and snippet; repeat with "
            "cursor = next for the rest."
        ),
        annotations=reading(open_world=True),
        output_schema=LIST_SCHEMA,
    )


def _checked(query: str) -> str:
    words = one_line(query, _QUERY_BYTES)
    if not any(character.isalnum() for character in words):
        raise bad_argument("query", "holds no word to look for")
    if words.count('"') % 2:
        raise bad_argument("query", "has a quotation mark that is not closed")
    return words


async def _search(
    shop: Workshop, graph: PersonalGraph, arguments: Json, start: Position
) -> CallToolResult:
    limit = arguments["limit"]
    words, kinds = arguments["query"], arguments["types"]
    walk = Walk(graph, words, kinds, limit, answered=bool(start.page))

    def seal(position: Position) -> str:
        return shop.cursors.seal(position, graph.person, "m365_search", arguments)

    zone = await shop.mailboxes.zone(graph)
    found = await collect(walk.fetch, start, limit, lambda _: True)
    rows = [row_of(one["kind"], one["hit"], zone) for one, _ in found.rows]
    extra: Json = {"time_zone": zone_name(zone), "notes": walk.notes}
    return list_result(found, rows, extra, shop.settings.result_budget_bytes, seal)
