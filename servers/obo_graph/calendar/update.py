"""`calendar_event_update`: an event changed, and only what is to change."""

import re
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Annotated

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.calendar import event as events
from obo_graph.calendar.arguments import Address, EventId, Local, Zone
from obo_graph.calendar.attendees import Merged, check_informed, merge
from obo_graph.calendar.body import replaced
from obo_graph.calendar.reschedule import rescheduled
from obo_graph.errors import NO_ANSWER, GraphFailure, bad_argument, told, unsupported
from obo_graph.shape.addresses import check_people, parse_people
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.recipients import first_of
from obo_graph.shape.refusal import careful
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.times import is_day, parse_day, parse_local, parse_zone
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.text import one_line, sendable
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import Principal, TokenSource

_SELECT = (
    "subject,body,start,end,originalStartTimeZone,isAllDay,location,attendees,isOrganizer,"
    "isOnlineMeeting,type"
)
_ETAG = re.compile(r"[!-~]{1,512}")
_MOST_NAMED = 20
_LOOK = "Read the event with calendar_event_get before you try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is to change; what is empty stays as it is."""

    subject: str
    start: str
    end: str
    time_zone: str
    location: str
    body: str
    add_attendees: tuple[str, ...]
    remove_attendees: tuple[str, ...]

    def check(self) -> None:
        """Raises ToolError for what is wrong whatever the event is."""
        zone = parse_zone("time_zone", self.time_zone) or UTC
        for name, value in (("start", self.start), ("end", self.end)):
            if value and not is_day(value):
                parse_local(name, value, zone)
            elif value:
                parse_day(name, value)
        added = parse_people("add_attendees", self.add_attendees)
        removed = parse_people("remove_attendees", self.remove_attendees)
        texts = (self.subject, self.start, self.end, self.location, self.body)
        both = {one.address.lower() for one in added} & {one.address.lower() for one in removed}
        if both:
            raise bad_argument("remove_attendees", "names somebody who is in add_attendees too")
        if not any((*texts, self.add_attendees, self.remove_attendees)):
            raise _nothing()

    def merged(self, event: Json) -> Merged:
        return merge(
            event.get("attendees"),
            parse_people("add_attendees", self.add_attendees),
            parse_people("remove_attendees", self.remove_attendees),
        )


def update_tool(shop: Workshop) -> Tool:
    """The tool `calendar_event_update`."""

    async def calendar_event_update(
        *,
        tokens: Annotated[TokenSource, shop.tokens("calendar_event_update")],
        who: Annotated[Principal, shop.who()],
        event_id: EventId,
        subject: Annotated[str, Field(max_length=255)] = "",
        start: Annotated[Local, Field(description="Alone: the length stays")] = "",
        end: Local = "",
        time_zone: Zone = "",
        location: Annotated[str, Field(max_length=255)] = "",
        body: Annotated[str, Field(max_length=32_000)] = "",
        add_attendees: Annotated[tuple[Address, ...], Field(max_length=500)] = (),
        remove_attendees: Annotated[tuple[Address, ...], Field(max_length=500)] = (),
        dry_run: bool = False,
    ) -> CallToolResult:
        path = events.path_of(event_id)
        wish = _Wish(
            subject=" ".join(sendable(subject).split()),
            start=start,
            end=end,
            time_zone=time_zone,
            location=" ".join(sendable(location).split()),
            body=body,
            add_attendees=add_attendees,
            remove_attendees=remove_attendees,
        )
        wish.check()
        async with shop.acting("calendar_event_update", tokens, who) as graph:
            told = await _updated(shop, graph, path, wish, dry_run=dry_run)
        return result_of(told if dry_run else {"updated": True, "id": event_id, **told})

    return make_tool(
        calendar_event_update,
        title="Change an event",
        description=(
            "Changes what is given and tells attendees at once; what is empty, and who is not "
            "named, stays. The id of a series changes all of it, that of a calendar_view row one "
            "occurrence."
        ),
        annotations=writing(destructive=True, idempotent=True, open_world=True),
        output_schema=OBJECT_SCHEMA,
    )


async def _updated(
    shop: Workshop, graph: PersonalGraph, path: str, wish: _Wish, *, dry_run: bool
) -> Json:
    event = await graph.get(path, {"$select": _SELECT}, prefer=(IMMUTABLE_IDS,))
    home = await shop.mailboxes.zone(graph)
    change, when = _change(event, wish, home)
    if not change:
        raise _nothing()
    merged, etag = wish.merged(event), _etag(event)
    warnings = await _warnings(shop, graph, event, merged)
    told = {
        "subject": one_line(change.get("subject") or event.get("subject"), 256),
        **when,
        "time_zone": zone_name(home),
        "changed": _named(change),
        "added": first_of([one_line(one.address, 96) for one in merged.added], _MOST_NAMED),
        "warnings": warnings,
    }
    if dry_run:
        return {"dry_run": True, "would": compact({"update": True, **told})}
    with careful(unclear=_LOOK, changed=_LOOK):
        await graph.patch(path, change, etag=etag, prefer=(IMMUTABLE_IDS,))
    return compact(told)


def _change(event: Json, wish: _Wish, home: tzinfo) -> tuple[Json, Json]:
    """What to send, and when the event will be."""
    change: Json = {}
    if wish.subject and wish.subject != event.get("subject"):
        change["subject"] = wish.subject
    if wish.location and wish.location != _place(event):
        change["location"] = {"displayName": wish.location}
    if wish.body:
        change["body"] = replaced(event, wish.body)
    when = events.when(event, home)
    moved = rescheduled(event, wish.start, wish.end, parse_zone("time_zone", wish.time_zone), home)
    if moved is not None:
        change |= moved.to_graph()
        when = moved.shown(home)
    merged = wish.merged(event)
    if merged.added or merged.removed:
        if event.get("isOrganizer") is not True:
            raise unsupported("Only the organiser of an event can change who is invited.")
        change["attendees"] = merged.attendees
    return change, when


async def _warnings(shop: Workshop, graph: PersonalGraph, event: Json, merged: Merged) -> list[str]:
    warnings = []
    if merged.added:
        domain = await shop.mailboxes.domain(graph)
        warnings += check_people(merged.added, shop.settings, domain)
    if merged.missing:
        warnings.append(f"{merged.missing} of those to remove were not invited.")
    if event.get("isOrganizer") is not True:
        return [*warnings, "The person is no organiser: only their own copy changes."]
    check_informed(merged.attendees, shop.settings)
    return warnings


def _place(event: Json) -> object:
    location = event.get("location")
    return location.get("displayName") if isinstance(location, dict) else None


def _etag(event: Json) -> str:
    """The version that was read: without it another change could be overwritten unseen."""
    etag = event.get("@odata.etag")
    if not isinstance(etag, str) or not _ETAG.fullmatch(etag):
        raise GraphFailure(NO_ANSWER, "unexpected")
    return etag


def _named(change: Json) -> list[str]:
    return [name for name in change if name != "isAllDay"]


def _nothing() -> ToolError:
    return told("nothing_to_change", "The event is already as you want it. Change nothing.")
