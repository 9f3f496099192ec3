"""`files_get`: what is known of one file or folder, and a link to fetch it by."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.errors import NO_ANSWER, GraphFailure, unsupported
from obo_graph.files.fields import ROW, Item, mime_type, shared_with, web_url
from obo_graph.files.place import place_or_page
from obo_graph.files.query import author_of, row
from obo_graph.shape.link import MOST_BYTES
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.times import read, show
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.download import is_allowed
from obo_graph.wire.drive_bytes import ADDRESS, address_of
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource

_ALL = f"{ROW},createdDateTime,createdBy,shared"


def get_tool(shop: Workshop) -> Tool:
    """The tool `files_get`."""

    async def files_get(
        *,
        tokens: Annotated[TokenSource, shop.tokens("files_get")],
        who: Annotated[Principal, shop.who()],
        item: Item,
        link: Annotated[bool, Field(description="Also make a download link")] = False,
    ) -> CallToolResult:
        where = place_or_page("item", item, shop.settings.download_hosts)
        if link:
            shop.links.check_allowed()
        async with shop.acting("files_get", tokens, who) as graph:
            select = f"{_ALL},{ADDRESS}" if link else _ALL
            found = await graph.get(where.path, {"$select": select})
            shown = await _shown(shop, graph, found)
            if link:
                shown |= await _link(shop, graph, where.path, found)
            return result_of(shown)

    return make_tool(
        files_get,
        title="Look at a file",
        description=(
            "Facts about one file or folder: ref, size, times, authors, web_url for the person to "
            "open. With link also a download_link, for the person only: it opens for whoever has "
            "it, for minutes. For the text use files_read."
        ),
        annotations=reading(open_world=False),
        output_schema=OBJECT_SCHEMA,
    )


async def _shown(shop: Workshop, graph: PersonalGraph, item: Json) -> Json:
    zone = await shop.mailboxes.zone(graph)
    folder = item.get("folder")
    return compact(
        row(item, zone)
        | {
            "mime_type": one_line(mime_type(item), 128),
            "children": folder.get("childCount") if isinstance(folder, dict) else None,
            "created": show(read(item.get("createdDateTime")), zone),
            "created_by": author_of(item.get("createdBy")),
            "shared_with": one_line(shared_with(item), 32),
            "web_url": web_url(item.get("webUrl")),
            "time_zone": zone_name(zone),
        }
    )


async def _link(shop: Workshop, graph: PersonalGraph, path: str, item: Json) -> Json:
    size = item.get("size")
    if "folder" in item:
        raise unsupported("A folder cannot be downloaded. List it, then take single files.")
    if isinstance(size, int) and size > MOST_BYTES:
        raise unsupported("Files of more than 2 GB get no link. Give the person the web_url.")
    address = await address_of(graph, path, item)
    if not is_allowed(address, graph.transport.origin, graph.download_hosts):
        raise GraphFailure(NO_ANSWER, "foreign_host")
    link = shop.links.download(address, str(item.get("name") or ""), mime_type(item), graph.person)
    zone = await shop.mailboxes.zone(graph)
    return {"download_link": link.url, "link_ends": show(link.ends, zone)}
