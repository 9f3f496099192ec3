"""`calendar_find_times`: when a meeting could be."""

from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Annotated, Literal, TypeGuard

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.calendar import event as events
from obo_graph.calendar.arguments import Address, Local, Zone
from obo_graph.shape.addresses import Person, parse_people
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import objects
from obo_graph.shape.partial import fitting
from obo_graph.shape.period import Period, period
from obo_graph.shape.recipients import address_of, first_of
from obo_graph.shape.result import LIST_SCHEMA, compact
from obo_graph.shape.times import parse_zone, to_graph
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_mcp import Principal, TokenSource

Activity = Literal["work", "personal", "unrestricted"]

_PATH = "/me/findMeetingTimes"
_WHOLE_PERCENT = 100
_MOST_NAMED = 20
_FREE = frozenset({"free", "workingElsewhere"})
_REASONS = MappingProxyType(
    {
        "attendeesUnavailable": "The attendees are not free at one time. Try a longer period, a "
        "shorter meeting or a smaller min_percent.",
        "attendeesUnavailableOrUnknown": "The attendees are not free at one time, or their "
        "calendars cannot be seen. Try a longer period or a smaller min_percent.",
        "locationsUnavailable": "No place is free. Try a longer period.",
        "organizerUnavailable": "The person is not free. Try a longer period or activity "
        "unrestricted.",
    }
)
_NO_REASON = "Outlook found no time and gave no reason. Try a longer period."


def find_times_tool(shop: Workshop) -> Tool:
    """The tool `calendar_find_times`."""

    async def calendar_find_times(
        *,
        tokens: Annotated[TokenSource, shop.tokens("calendar_find_times")],
        who: Annotated[Principal, shop.who()],
        attendees: Annotated[tuple[Address, ...], Field(max_length=50)],
        start: Local,
        end: Local,
        time_zone: Zone = "",
        duration_minutes: Annotated[int, Field(ge=5, le=1440)] = 30,
        activity: Annotated[Activity, Field(description="work: in working hours")] = "work",
        min_percent: Annotated[int, Field(ge=0, le=100, description="Confidence")] = 100,
        limit: Annotated[int, Field(ge=1, le=20)] = 5,
    ) -> CallToolResult:
        people = parse_people("attendees", attendees)
        zone = parse_zone("time_zone", time_zone)
        period(start, end, zone or UTC)
        async with shop.acting("calendar_find_times", tokens, who) as graph:
            home = await shop.mailboxes.zone(graph)
            body = _constraints(people, period(start, end, zone or home), activity) | {
                "meetingDuration": f"PT{duration_minutes}M",
                "minimumAttendeePercentage": min_percent,
                "maxCandidates": limit,
            }
            answer = await graph.ask(_PATH, body)
        rows = [_row(one, home) for one in objects(answer.get("meetingTimeSuggestions"))]
        extra = {"time_zone": zone_name(home), "reason": "" if rows else _reason(answer)}
        return fitting(rows[:limit], extra, shop.settings.result_budget_bytes)

    return make_tool(
        calendar_find_times,
        title="Find meeting times",
        description=(
            "Times that Outlook proposes for the person and the attendees, with confidence in "
            "percent and who is not free; or why there are none. Books nothing."
        ),
        annotations=reading(open_world=True),
        output_schema=LIST_SCHEMA,
    )


def _constraints(people: list[Person], wanted: Period, activity: Activity) -> Json:
    slot = {
        "start": to_graph(wanted.first, wanted.zone),
        "end": to_graph(wanted.last, wanted.zone),
    }
    return {
        "attendees": [person.recipient() | {"type": "required"} for person in people],
        "timeConstraint": {"activityDomain": activity, "timeSlots": [slot]},
        "isOrganizerOptional": False,
    }


def _row(suggestion: Json, zone: tzinfo) -> Json:
    slot, confidence = suggestion.get("meetingTimeSlot"), suggestion.get("confidence")
    organizer = one_line(suggestion.get("organizerAvailability"), 32)
    return compact(
        {
            **(events.when(slot, zone) if isinstance(slot, dict) else {}),
            "confidence": round(confidence) if _is_percent(confidence) else None,
            "me": "" if organizer in _FREE else organizer,
            "not_free": _not_free(suggestion),
        }
    )


def _is_percent(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and 0 <= value <= _WHOLE_PERCENT


def _not_free(suggestion: Json) -> list[str]:
    """Who is not free then, as `alex@contoso.com (busy)`."""
    people = [
        (address_of(one.get("attendee")), one_line(one.get("availability"), 32))
        for one in objects(suggestion.get("attendeeAvailability"))
    ]
    lines = [f"{address} ({how})" for address, how in people if how not in _FREE]
    return first_of(lines, _MOST_NAMED)


def _reason(answer: Json) -> str:
    return _REASONS.get(str(answer.get("emptySuggestionsReason")), _NO_REASON)
