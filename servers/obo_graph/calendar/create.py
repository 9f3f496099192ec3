"""`calendar_event_create`: a new event, and the invitations to it."""

import json
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import UTC, tzinfo
from hashlib import sha256
from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.calendar import event as events
from obo_graph.calendar.arguments import Address, Local, Zone
from obo_graph.calendar.attendees import invited
from obo_graph.calendar.body import plain
from obo_graph.calendar.recurrence import check_sentence, in_words, parse_recurrence
from obo_graph.calendar.span import Span, days, span
from obo_graph.errors import GraphFailure, bad_argument, told
from obo_graph.shape.addresses import check_people, parse_people, people_of
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.recipients import listed
from obo_graph.shape.refusal import careful
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of
from obo_graph.shape.times import parse_zone
from obo_graph.shape.tool import Workshop, make_tool, writing
from obo_graph.shape.zones import windows_name
from obo_graph.text import one_line, sendable
from obo_graph.wire.answer import Json
from obo_graph.wire.gate import Person as Caller
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph
from obo_mcp import Principal, TokenSource

ShowAs = Literal["free", "tentative", "busy", "oof", "workingElsewhere"]

_PATH = "/me/events"
_MOST_NAMED = 20
_USED_UP = "ErrorDuplicateTransactionId"
_REPEAT = "Call again with the very same arguments: that never makes a second event."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """The arguments, but for dry_run: what tells one event from another."""

    subject: str
    start: str
    end: str
    time_zone: str
    attendees: tuple[str, ...]
    optional_attendees: tuple[str, ...]
    location: str
    body: str
    online: bool
    all_day: bool
    recurrence: str
    show_as: ShowAs
    reminder_minutes: int

    def check(self) -> None:
        """Raises ToolError for what is wrong in any zone that the mailbox may have."""
        if not _on_one_line(self.subject):
            raise bad_argument("subject", "holds nothing that anybody could read")
        zone = parse_zone("time_zone", self.time_zone)
        if zone is None and self.recurrence:
            check_sentence(self.recurrence)
        # On which day a time with an offset lies, only the mailbox's zone tells.
        replace(self, recurrence=self.recurrence if zone else "").event(UTC)

    def span(self, home: tzinfo) -> Span:
        zone = parse_zone("time_zone", self.time_zone) or home
        return (days if self.all_day else span)(self.start, self.end, zone)

    def event(self, home: tzinfo) -> Json:
        """The event as Graph takes it; times without zone are those of `home`."""
        when = self.span(home)
        optional = parse_people("optional_attendees", self.optional_attendees)
        event = {
            "subject": _on_one_line(self.subject),
            **when.to_graph(),
            "showAs": self.show_as,
            "attendees": invited(parse_people("attendees", self.attendees), optional),
        }
        if self.body:
            event["body"] = plain(self.body)
        if self.location:
            event["location"] = {"displayName": _on_one_line(self.location)}
        if self.online:
            event["isOnlineMeeting"] = True
        if self.reminder_minutes >= 0:
            event |= {"isReminderOn": True, "reminderMinutesBeforeStart": self.reminder_minutes}
        if self.recurrence:
            event["recurrence"] = _series(self.recurrence, when, event)
        return event

    def transaction_id(self, caller: Caller) -> str:
        """The same for the same person and arguments (Graph, "event", `transactionId`)."""
        told = json.dumps([*caller, asdict(self)], sort_keys=True).encode()
        return str(uuid.UUID(bytes=sha256(told).digest()[:16]))


def create_tool(shop: Workshop) -> Tool:
    """The tool `calendar_event_create`."""

    async def calendar_event_create(
        *,
        tokens: Annotated[TokenSource, shop.tokens("calendar_event_create")],
        who: Annotated[Principal, shop.who()],
        subject: Annotated[str, Field(min_length=1, max_length=255)],
        start: Local,
        end: Local,
        time_zone: Zone = "",
        attendees: Annotated[tuple[Address, ...], Field(max_length=500)] = (),
        optional_attendees: Annotated[tuple[Address, ...], Field(max_length=500)] = (),
        location: Annotated[str, Field(max_length=255)] = "",
        body: Annotated[str, Field(max_length=32_000)] = "",
        online: bool = False,
        all_day: Annotated[bool, Field(description="start and end are days")] = False,
        recurrence: Annotated[
            str,
            Field(max_length=100, description="daily 5 times; weekly on mon,wed until 2026-12-31"),
        ] = "",
        show_as: ShowAs = "busy",
        reminder_minutes: Annotated[int, Field(ge=-1, le=40_320, description="-1: default")] = -1,
        dry_run: bool = False,
    ) -> CallToolResult:
        wish = _Wish(
            subject=subject,
            start=start,
            end=end,
            time_zone=time_zone,
            attendees=attendees,
            optional_attendees=optional_attendees,
            location=location,
            body=body,
            online=online,
            all_day=all_day,
            recurrence=recurrence,
            show_as=show_as,
            reminder_minutes=reminder_minutes,
        )
        wish.check()
        async with shop.acting("calendar_event_create", tokens, who) as graph:
            return result_of(await _created(shop, graph, wish, dry_run=dry_run))

    return make_tool(
        calendar_event_create,
        title="Create an event",
        description=(
            "New event; attendees are invited at once. Times are local to the mailbox unless "
            "time_zone says else. Returns id and links. The same arguments again make no second "
            "event."
        ),
        annotations=writing(destructive=False, idempotent=True, open_world=True),
        output_schema=OBJECT_SCHEMA,
    )


async def _created(shop: Workshop, graph: PersonalGraph, wish: _Wish, *, dry_run: bool) -> Json:
    home = await shop.mailboxes.zone(graph)
    event, when = wish.event(home), wish.span(home)
    warnings = await _warnings(shop, graph, event, when)
    facts = {"subject": one_line(wish.subject, 256), **when.shown(home)}
    facts |= {"time_zone": zone_name(home), "recurrence": in_words(event.get("recurrence"))}
    facts |= {"invited": len(event["attendees"]), "warnings": warnings}
    if dry_run:
        facts["attendees"] = listed(event["attendees"], _MOST_NAMED)
        return {"dry_run": True, "would": compact({"create": True, **facts})}
    event["transactionId"] = wish.transaction_id(graph.person)
    made = await _post(graph, event)
    if wish.online and not events.join_link(made):
        warnings.append("No join link yet: read the event again in a moment.")
    return compact(
        {
            "created": True,
            "id": one_line(made.get("id"), 512),
            **facts,
            "join_url": events.join_link(made),
            "web_link": events.secure_link(made.get("webLink")),
        }
    )


async def _post(graph: PersonalGraph, event: Json) -> Json:
    with careful(unclear=_REPEAT):
        try:
            return await graph.post(_PATH, event, prefer=(IMMUTABLE_IDS,), repeatable=True)
        except GraphFailure as failure:
            if failure.code != _USED_UP:
                raise
            raise told(
                "exists_already",
                "This very event was created before, and changed since. Find it with "
                "calendar_view; for another one choose another subject.",
            ) from None


async def _warnings(shop: Workshop, graph: PersonalGraph, event: Json, when: Span) -> list[str]:
    warnings = []
    people = people_of(event["attendees"])
    if people:
        domain = await shop.mailboxes.domain(graph)
        warnings += check_people(people, shop.settings, domain)
    if when.start.timestamp() < shop.graph.clock.now() and not when.all_day:
        warnings.append("It starts in the past.")
    return warnings


def _on_one_line(text: str) -> str:
    return " ".join(sendable(text).split())


def _series(sentence: str, when: Span, event: Json) -> Json:
    zone = windows_name(str(when.zone))
    if not zone or {event["start"]["timeZone"], event["end"]["timeZone"]} != {zone}:
        raise bad_argument(
            "time_zone", f"cannot be {when.zone} for a series at this time: Exchange cannot keep it"
        )
    series = parse_recurrence(sentence, when.first_day)
    series["range"]["recurrenceTimeZone"] = zone
    return series
