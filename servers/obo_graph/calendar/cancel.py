"""`calendar_event_cancel`: an event that does not take place."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult

from obo_graph.calendar import event as events
from obo_graph.calendar.arguments import Comment, EventId
from obo_graph.calendar.attendees import check_informed
from obo_graph.errors import told
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import objects
from obo_graph.shape.refusal import careful
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.text import one_line, sendable
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import Principal, TokenSource

_SELECT = "subject,start,end,isAllDay,type,attendees,isOrganizer,isCancelled"
_LOOK = "Look for the event with calendar_view: if it is gone or cancelled, it is done."


def cancel_tool(shop: Workshop) -> Tool:
    """The tool `calendar_event_cancel`."""

    async def calendar_event_cancel(
        *,
        tokens: Annotated[TokenSource, shop.tokens("calendar_event_cancel")],
        who: Annotated[Principal, shop.who()],
        event_id: EventId,
        comment: Comment = "",
        dry_run: bool = False,
    ) -> CallToolResult:
        path = events.path_of(event_id)
        async with shop.acting("calendar_event_cancel", tokens, who) as graph:
            told = await _cancellable(shop, graph, path, comment)
            if dry_run:
                return result_of({"dry_run": True, "would": {"cancel": True, **told}})
            with careful(unclear=_LOOK):
                await graph.post(
                    f"{path}/cancel", {"comment": sendable(comment)}, prefer=(IMMUTABLE_IDS,)
                )
        return result_of({"cancelled": True, "id": event_id, **told})

    return make_tool(
        calendar_event_cancel,
        title="Cancel an event",
        description=(
            "Cancels an event that the person organises; attendees are told at once, with the "
            "comment. The id of a series cancels all of it. To stay away from somebody else's "
            "event use calendar_event_respond."
        ),
        annotations=writing(destructive=True, idempotent=True, open_world=True),
        output_schema=OBJECT_SCHEMA,
    )


async def _cancellable(shop: Workshop, graph: PersonalGraph, path: str, comment: str) -> Json:
    """What is going to be cancelled; a refusal if it is not the person's to cancel."""
    event = await graph.get(path, {"$select": _SELECT}, prefer=(IMMUTABLE_IDS,))
    if event.get("isOrganizer") is not True:
        raise told(
            "not_organizer",
            "Only its organiser can cancel this event. To decline it use calendar_event_respond.",
        )
    if comment:
        check_informed(event.get("attendees"), shop.settings)
    home = await shop.mailboxes.zone(graph)
    return compact(
        {
            "subject": one_line(event.get("subject"), 256),
            **events.when(event, home),
            "time_zone": zone_name(home),
            "whole_series": event.get("type") == "seriesMaster",
            "attendees": len(objects(event.get("attendees"))),
        }
    )
