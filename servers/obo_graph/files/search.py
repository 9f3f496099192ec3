"""`files_search`: find files in OneDrive and SharePoint."""

from typing import Annotated
from urllib.parse import quote

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import bad_argument
from obo_graph.files import query as files_query
from obo_graph.files.fields import ROW
from obo_graph.shape.cursor import CURSOR_CHARS, Position
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import Page, collect, page_of
from obo_graph.shape.query import kql_words, odata_text
from obo_graph.shape.result import LIST_SCHEMA, list_result
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource

_WITH_TYPES = 50
_Ending = Annotated[str, Field(max_length=16)]


def search_tool(shop: Workshop) -> Tool:
    """The tool `files_search`."""

    async def files_search(
        *,
        tokens: Annotated[TokenSource, shop.tokens("files_search")],
        who: Annotated[Principal, shop.who()],
        query: Annotated[
            str, Field(min_length=1, max_length=256, description="Words in name or text")
        ],
        where: Annotated[
            str, Field(max_length=512, description="everywhere, onedrive or a site's URL")
        ] = "everywhere",
        file_types: Annotated[
            tuple[_Ending, ...], Field(max_length=10, description="Endings such as docx")
        ] = (),
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
        cursor: Annotated[str, Field(max_length=CURSOR_CHARS)] = "",
    ) -> CallToolResult:
        async with shop.acting("files_search", tokens, who) as graph:
            arguments = {"query": query, "where": where, "types": file_types, "limit": limit}
            start = shop.cursors.open(cursor, graph.person, "files_search", arguments)
            return await _search(shop, graph, arguments, start)

    return make_tool(
        files_search,
        title="Search files",
        description=(
            "Find files in OneDrive and SharePoint by words in name or content. Returns rows "
            "with ref, name, path, size, time, author and snippet: read one with files_read."
        ),
        annotations=reading(open_world=False),
        output_schema=LIST_SCHEMA,
    )


async def _search(
    shop: Workshop, graph: PersonalGraph, arguments: Json, start: Position
) -> CallToolResult:
    query, where, limit = (arguments[name] for name in ("query", "where", "limit"))
    if not kql_words(query):
        raise bad_argument("query", "holds no word to look for")
    endings = files_query.checked_types(arguments["types"])
    site = "" if where == "onedrive" else files_query.checked_site(where)

    async def fetch(skip: dict[str, str]) -> Page:
        if where == "onedrive":
            return await _own_drive(graph, query, skip, _WITH_TYPES if endings else limit)
        body = files_query.search_body(query, endings, site, skip, limit)
        return files_query.hits(await graph.ask("/search/query", body), skip)

    def seal(position: Position) -> str:
        return shop.cursors.seal(position, graph.person, "files_search", arguments)

    zone = await shop.mailboxes.zone(graph)
    found = await collect(fetch, start, limit, lambda item: files_query.has_type(item, endings))
    rows = [files_query.row(item, zone) for item, _ in found.rows]
    extra: Json = {"time_zone": zone_name(zone)}
    return list_result(found, rows, extra, shop.settings.result_budget_bytes, seal)


async def _own_drive(graph: PersonalGraph, query: str, skip: dict[str, str], size: int) -> Page:
    path = f"/me/drive/root/search(q={quote(odata_text(query), safe='')})"
    answer = await graph.get(path, {"$select": ROW, "$top": str(size)} | skip)
    return page_of(answer, graph.transport.origin)
