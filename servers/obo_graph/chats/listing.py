"""`chats_list`: with whom the person chats."""

from datetime import tzinfo
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.chats.message import is_from, others, sender_name, text_in
from obo_graph.shape.cursor import CURSOR_CHARS, Position
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import Page, collect, objects, page_of
from obo_graph.shape.result import LIST_SCHEMA, compact, list_result
from obo_graph.shape.times import read, show
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.text import comparable, one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource

_PAGE_ROWS = 50
_OPTIONS = {
    "$expand": "members,lastMessagePreview",
    "$orderby": "lastMessagePreview/createdDateTime desc",
    "$top": str(_PAGE_ROWS),
}
_SHOWN_PEOPLE = 5
_NAMED_BY = ("displayName", "email")


def list_tool(shop: Workshop) -> Tool:
    """The tool `chats_list`."""

    async def chats_list(
        *,
        tokens: Annotated[TokenSource, shop.tokens("chats_list")],
        who: Annotated[Principal, shop.who()],
        query: Annotated[
            str, Field(max_length=128, description="Part of the topic or of a member's name")
        ] = "",
        limit: Annotated[int, Field(ge=1, le=50)] = 15,
        cursor: Annotated[str, Field(max_length=CURSOR_CHARS)] = "",
    ) -> CallToolResult:
        async with shop.acting("chats_list", tokens, who) as graph:
            arguments: Json = {"query": query, "limit": limit}
            start = shop.cursors.open(cursor, graph.person, "chats_list", arguments)
            return await _list(shop, graph, arguments, start)

    return make_tool(
        chats_list,
        title="List chats",
        description=(
            "Teams chats, the latest first. Returns rows with id, topic or people, and time, "
            "author (or mine) and preview of the last message: read one with chat_read."
        ),
        annotations=reading(open_world=True),
        output_schema=LIST_SCHEMA,
    )


async def _list(
    shop: Workshop, graph: PersonalGraph, arguments: Json, start: Position
) -> CallToolResult:
    me, query = graph.person[1], arguments["query"]

    async def fetch(skip: dict[str, str]) -> Page:
        return page_of(await graph.get("/me/chats", _OPTIONS | skip), graph.transport.origin)

    def seal(position: Position) -> str:
        return shop.cursors.seal(position, graph.person, "chats_list", arguments)

    zone = await shop.mailboxes.zone(graph)
    found = await collect(fetch, start, arguments["limit"], lambda chat: _mentions(chat, query))
    rows = [_row(chat, me, zone) for chat, _ in found.rows]
    extra: Json = {"time_zone": zone_name(zone)}
    return list_result(found, rows, extra, shop.settings.result_budget_bytes, seal)


def _mentions(chat: Json, query: str) -> bool:
    wanted = comparable(query)
    members = objects(chat.get("members"))
    texts = [chat.get("topic"), *(one.get(key) for one in members for key in _NAMED_BY)]
    return any(wanted in comparable(one_line(text, 512)) for text in texts)


def _row(chat: Json, me: str, zone: tzinfo) -> Json:
    people = others(chat, me)
    names = [one_line(one.get("displayName"), 48) or "?" for one in people[:_SHOWN_PEOPLE]]
    more = len(people) - _SHOWN_PEOPLE
    last = chat.get("lastMessagePreview")
    return compact(
        {
            "id": one_line(chat.get("id"), 512),
            "topic": one_line(chat.get("topic"), 96),
            "people": ", ".join(names) + (f" +{more}" if more > 0 else ""),
            "type": one_line(chat.get("chatType"), 16),
            **(_last(chat, last, me, zone) if isinstance(last, dict) else {}),
        }
    )


def _last(chat: Json, last: Json, me: str, zone: tzinfo) -> Json:
    seen = chat.get("viewpoint")
    read_until = read(seen.get("lastMessageReadDateTime")) if isinstance(seen, dict) else None
    said = read(last.get("createdDateTime"))
    mine = is_from(last, me)
    later = said is not None and read_until is not None and said > read_until
    return {
        "last": show(said, zone),
        "mine": mine,
        "from": "" if mine else sender_name(last),
        "unread": later and not mine,
        "preview": one_line(text_in(last), 120),
    }
