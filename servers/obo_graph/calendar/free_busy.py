"""`calendar_free_busy`: when people are busy, and when all of them are free."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import Field

from obo_graph.calendar import schedule as schedules
from obo_graph.calendar.arguments import Address, Local, Zone
from obo_graph.calendar.schedule import Busy, Hours, Stretch
from obo_graph.errors import bad_argument
from obo_graph.shape.addresses import parse_people
from obo_graph.shape.mailbox import zone_name
from obo_graph.shape.paging import objects
from obo_graph.shape.period import Period, period
from obo_graph.shape.result import OBJECT_SCHEMA, compact, result_of, size_bytes
from obo_graph.shape.times import parse_zone, show, to_graph
from obo_graph.shape.tool import Workshop, make_tool, reading
from obo_graph.text import one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import PersonalGraph
from obo_mcp import Principal, TokenSource

_PATH = "/me/calendar/getSchedule"
_LONGEST = timedelta(days=62)
_NOBODY = "ErrorMailRecipientNotFound"
_MOST_RANGES = 200
_CUT = "Not everything fits here: ask for fewer days or fewer people."


def free_busy_tool(shop: Workshop) -> Tool:
    """The tool `calendar_free_busy`."""

    async def calendar_free_busy(
        *,
        tokens: Annotated[TokenSource, shop.tokens("calendar_free_busy")],
        who: Annotated[Principal, shop.who()],
        people: Annotated[
            tuple[Address, ...],
            Field(min_length=1, max_length=20, description="The person is not added"),
        ],
        start: Local,
        end: Local,
        time_zone: Zone = "",
        interval_minutes: Annotated[
            int, Field(ge=5, le=1440, description="Shortest free slot to name")
        ] = 30,
    ) -> CallToolResult:
        addresses = [person.address for person in parse_people("people", people)]
        zone = parse_zone("time_zone", time_zone)
        _period(start, end, zone or UTC)
        async with shop.acting("calendar_free_busy", tokens, who) as graph:
            home = await shop.mailboxes.zone(graph)
            wanted = _period(start, end, zone or home)
            asked = await _asked(graph, addresses, wanted, interval_minutes)
        interval = timedelta(minutes=interval_minutes)
        seen = [_Seen.of(address, asked, wanted.first, interval) for address in addresses]
        free = _free(seen, wanted, interval)
        return result_of(_answer(seen, free, home, shop.settings.result_budget_bytes))

    return make_tool(
        calendar_free_busy,
        title="Free and busy times",
        description=(
            "When people are busy, their working hours, and the slots in which all of them are "
            "free and at work. For proposals of times use calendar_find_times."
        ),
        annotations=reading(open_world=True),
        output_schema=OBJECT_SCHEMA,
    )


def _period(start: str, end: str, zone: tzinfo) -> Period:
    wanted = period(start, end, zone)
    if wanted.last - wanted.first > _LONGEST:
        raise bad_argument("end", f"must be at most {_LONGEST.days} days after start")
    return wanted


async def _asked(
    graph: PersonalGraph, addresses: list[str], wanted: Period, interval_minutes: int
) -> dict[str, Json]:
    """What Graph says of each address, by address in small letters."""
    body = {
        "schedules": addresses,
        "startTime": to_graph(wanted.first, wanted.zone),
        "endTime": to_graph(wanted.last, wanted.zone),
        "availabilityViewInterval": interval_minutes,
    }
    answer = await graph.ask(_PATH, body)
    found = objects(answer.get("value"))
    return {str(schedule.get("scheduleId")).lower(): schedule for schedule in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One person: what their calendar says, or why it says nothing."""

    address: str
    busy: list[Busy] = field(default_factory=list)
    hours: Hours | None = None
    error: str = ""

    @classmethod
    def of(
        cls, address: str, asked: dict[str, Json], start: datetime, interval: timedelta
    ) -> "_Seen":
        schedule = asked.get(address.lower())
        if schedule is None:
            return cls(address=address, error="Graph did not answer for this person.")
        flaw = schedule.get("error")
        if isinstance(flaw, dict):
            return cls(address=address, error=_flaw(flaw))
        busy = schedules.busy_of(schedule, start, interval)
        return cls(address=address, busy=busy, hours=schedules.hours_of(schedule))

    def row(self, zone: tzinfo, most: int) -> Json:
        if self.error:
            return {"person": self.address, "error": self.error}
        busy = [
            {"start": show(one.start, zone), "end": show(one.end, zone), "status": one.status}
            for one in self.busy[:most]
        ]
        cut, hours = len(self.busy) - len(busy), self.hours.in_words() if self.hours else ""
        return {"person": self.address, "busy": busy} | compact(
            {"cut": cut or None, "working_hours": hours}
        )


def _flaw(flaw: Json) -> str:
    code = one_line(flaw.get("responseCode"), 64)
    if code == _NOBODY:
        return "Nobody has this address here. Look for the right one with people_search."
    return f"This calendar cannot be seen ({code or 'no reason given'})."


def _free(seen: Sequence[_Seen], wanted: Period, interval: timedelta) -> list[Stretch]:
    """When everybody whose calendar is seen is free and at work, for `interval` at least."""
    readable = [one for one in seen if not one.error]
    if not readable:
        return []
    left: list[Stretch] = [(wanted.first, wanted.last)]
    for hours in {one.hours for one in readable if one.hours is not None}:
        left = schedules.common(left, list(hours.stretches(wanted.first, wanted.last)))
    left = schedules.without(left, [busy for one in readable for busy in one.busy])
    return [(start, end) for start, end in left if end - start >= interval]


def _answer(seen: Sequence[_Seen], free: list[Stretch], zone: tzinfo, budget_bytes: int) -> Json:
    most, people = _MOST_RANGES, len(seen)
    while True:
        answer = _cut_to(seen[:people], free, zone, most) | _notes(seen, people, free, most)
        if size_bytes(answer) <= budget_bytes or people <= 1:
            return answer
        most, people = (most * 3 // 4, people) if most else (0, people - 1)


def _cut_to(seen: Sequence[_Seen], free: list[Stretch], zone: tzinfo, most: int) -> Json:
    slots = [{"start": show(start, zone), "end": show(end, zone)} for start, end in free[:most]]
    people = [one.row(zone, most) for one in seen]
    return {"free": slots, "people": people, "time_zone": zone_name(zone)}


def _notes(seen: Sequence[_Seen], people: int, free: list[Stretch], most: int) -> Json:
    """What is not in the answer, in words."""
    unseen = sum(1 for one in seen if one.error)
    anytime = sum(1 for one in seen if not one.error and one.hours is None)
    cut = len(free) > most or people < len(seen) or any(len(one.busy) > most for one in seen)
    notes = [
        f"{unseen} of {len(seen)} people cannot be seen; free does not count them."
        if unseen
        else "",
        f"{anytime} of {len(seen)} people have no working hours; free takes any hour of theirs."
        if anytime
        else "",
        _CUT if cut else "",
    ]
    return compact(
        {"warnings": [note for note in notes if note], "truncated": len(seen) - people or None}
    )
