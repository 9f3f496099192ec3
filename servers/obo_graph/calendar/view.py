"""`calendar_view`: what is in a person's calendar in a period."""

from datetime import tzinfo
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.calendar.event import my_answer, place, when
from obo_graph.shape import ids
from obo_graph.shape.cursor import CURSOR_CHARS, Position
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import Page, collect, objects, page_of
from obo_graph.shape.period import period
from obo_graph.shape.recipients import name_of, written
from obo_graph.shape.result import LIST_SCHEMA, compact, list_result
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.text import comparable, one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import Principal, TokenSource

_SELECT = (
    "id,subject,start,end,isAllDay,location,isOnlineMeeting,organizer,attendees,"
    "responseStatus,type,isCancelled"
)
_PAGE_ROWS = 50
_RECURRING = frozenset({"occurrence", "exception", "seriesMaster"})


def view_tool(shop: Workshop) -> Tool:
    """The tool `calendar_view`."""

    async def calendar_view(
        *,
        tokens: Annotated[TokenSource, shop.tokens("calendar_view")],
        who: Annotated[Principal, shop.who()],
        start: Annotated[str, Field(max_length=40, description="Day or local time: 2026-11-23")],
        end: Annotated[
            str, Field(max_length=40, description="Day (included) or time: 2026-11-24T18:00")
        ],
        calendar: Annotated[str, Field(max_length=512, description="Id; default calendar")] = "",
        query: Annotated[
            str, Field(max_length=256, description="Part of subject or of a person's name")
        ] = "",
        limit: Annotated[int, Field(ge=1, le=50)] = 25,
        cursor: Annotated[str, Field(max_length=CURSOR_CHARS)] = "",
    ) -> CallToolResult:
        async with shop.acting("calendar_view", tokens, who) as graph:
            arguments = {
                "start": start,
                "end": end,
                "calendar": calendar,
                "query": query,
                "limit": limit,
            }
            position = shop.cursors.open(cursor, graph.person, "calendar_view", arguments)
            return await _view(shop, graph, arguments, position)

    return make_tool(
        calendar_view,
        title="View calendar",
        description=(
            "Events in a period, recurring ones expanded, in order of time. Returns rows with "
            "subject, local start and end, place, organiser and the person's answer. Both ends "
            "are required; call whoami first if today is unknown."
        ),
        annotations=reading(open_world=True),
        output_schema=LIST_SCHEMA,
    )


async def _view(
    shop: Workshop, graph: PersonalGraph, arguments: Json, start: Position
) -> CallToolResult:
    calendar, query, limit = (arguments[name] for name in ("calendar", "query", "limit"))
    path = f"/me/calendars/{ids.segment('calendar', calendar)}" if calendar else "/me"
    zone = await shop.mailboxes.zone(graph)
    wanted = period(arguments["start"], arguments["end"], zone)
    options = wanted.options() | {
        "$orderby": "start/dateTime",
        "$select": _SELECT,
        "$top": str(_PAGE_ROWS),
    }

    async def fetch(skip: dict[str, str]) -> Page:
        answer = await graph.get(f"{path}/calendarView", options | skip, prefer=(IMMUTABLE_IDS,))
        return page_of(answer, graph.transport.origin)

    def seal(position: Position) -> str:
        return shop.cursors.seal(position, graph.person, "calendar_view", arguments)

    def keep(event: Json) -> bool:
        return wanted.meets(event) and _mentions(event, query)

    found = await collect(fetch, start, limit, keep)
    rows = [_row(event, zone) for event, _ in found.rows]
    extra: Json = {"time_zone": zone_name(zone)}
    return list_result(found, rows, extra, shop.settings.result_budget_bytes, seal)


def _mentions(event: Json, query: str) -> bool:
    if not query:
        return True
    people = [event.get("organizer"), *objects(event.get("attendees"))]
    texts = [one_line(event.get("subject"), 1024), *(written(person) for person in people)]
    return any(comparable(query) in comparable(text) for text in texts)


def _row(event: Json, zone: tzinfo) -> Json:
    return compact(
        {
            "id": one_line(event.get("id"), 512),
            "subject": one_line(event.get("subject"), 128),
            **when(event, zone),
            "location": place(event),
            "online": event.get("isOnlineMeeting") is True,
            "organizer": name_of(event.get("organizer")),
            "my_response": my_answer(event),
            "attendees": len(objects(event.get("attendees"))) or None,
            "recurring": str(event.get("type")) in _RECURRING,
            "cancelled": event.get("isCancelled") is True,
        }
    )
