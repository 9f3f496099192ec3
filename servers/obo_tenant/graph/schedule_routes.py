"""`POST /me/calendar/getSchedule`: who is free when.

Source: Graph "calendar: getSchedule" page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.availability import DIGITS, Span, Timeline
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.given import as_instant, as_list, as_number, as_text, lowered, read_object
from obo_tenant.graph.invitations import Invitations
from obo_tenant.graph.store import Belongings
from obo_tenant.graph.visit import Operation, Visit, json_response, operations
from obo_tenant.graph.zones import date_time_time_zone

_LONGEST = timedelta(days=62)
_MOST = 20
# By default colleagues see times only; Lynne, who plans for everybody, shares titles and places.
_SHARES_TITLES = frozenset({"lynne"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    start: datetime
    end: datetime
    interval: timedelta


@dataclass(frozen=True, slots=True)
class ScheduleRoutes:
    """The endpoint; the calendars are those of the caller's organization."""

    invitations: Invitations

    def operations(self) -> tuple[Operation, ...]:
        """The path, for anybody who may see at least the basics of calendars."""
        return operations(
            "calendar",
            "Calendars.ReadBasic Calendars.Read Calendars.Read.Shared Calendars.ReadWrite "
            "Calendars.ReadWrite.Shared",
            ("calendar/getSchedule", self.answer),
            method="POST",
        )

    def answer(self, visit: Visit) -> Response:
        """One entry for each address; for those unknown here an error inside it."""
        given = lowered(read_object(visit.body))
        names = [as_text(each, longest=320) for each in as_list(given.get("schedules", []))]
        if not 0 < len(names) <= _MOST:
            raise _wrong("ErrorInvalidParameter", f"Between 1 and {_MOST} schedules are expected.")
        window = _window(given)
        context = visit.context("Collection(microsoft.graph.scheduleInformation)")
        shown = [self._information(visit, each, window) for each in names]
        return json_response({"@odata.context": context, "value": shown})

    def _information(self, visit: Visit, name: str, window: _Window) -> dict[str, Any]:
        other = self.invitations.colleague(visit.owner, name)
        if other is None:
            return _failed(name, "ErrorMailRecipientNotFound", _unresolved(name))
        if window.end - window.start > _LONGEST:
            return _failed(name, "ErrorTimeIntervalTooBig", "The allowed limit is 62 days.")
        timeline = Timeline(other, window.start, window.end)
        return {
            "scheduleId": name,
            "availabilityView": _digits(timeline, window),
            "scheduleItems": [_item(visit, other, each) for each in timeline.spans],
            "workingHours": _hours(other),
        }


def _window(given: Mapping[str, Any]) -> _Window:
    start, end = as_instant(given.get("starttime")), as_instant(given.get("endtime"))
    if end <= start:
        raise _wrong("ErrorInvalidTimeInterval", "The start time must be before the end time.")
    interval = timedelta(minutes=as_number(given.get("availabilityviewinterval", 30), 0, 100_000))
    if not timedelta(minutes=5) <= interval <= min(timedelta(minutes=1440), end - start):
        raise _wrong(
            "ErrorInvalidMergedFreeBusyInterval",
            "The interval must be between 5 and 1440 minutes and not longer than the window.",
        )
    return _Window(start=start, end=end, interval=interval)


def _digits(timeline: Timeline, window: _Window) -> str:
    length = min(window.end - window.start, _LONGEST)
    count = -(-length // window.interval)
    starts = (window.start + number * window.interval for number in range(count))
    return "".join(
        str(DIGITS[timeline.worst(each, min(each + window.interval, window.end))])
        for each in starts
    )


def _item(visit: Visit, other: Belongings, span: Span) -> dict[str, Any]:
    event, zone = span.event, visit.prefer.time_zone
    private = event.sensitivity != "normal"
    shown: dict[str, Any] = {"isPrivate": private, "status": span.status}
    if other is visit.owner or (other.profile.key in _SHARES_TITLES and not private):
        shown |= {"subject": event.subject, "location": event.location}
    shown["start"] = date_time_time_zone(span.start.astimezone(UTC), zone)
    shown["end"] = date_time_time_zone(span.end.astimezone(UTC), zone)
    return shown


def _hours(other: Belongings) -> dict[str, Any]:
    settings = other.settings
    return {
        "daysOfWeek": list(settings.work_days),
        "startTime": settings.work_start,
        "endTime": settings.work_end,
        "timeZone": {"name": settings.time_zone},
    }


def _failed(name: str, code: str, message: str) -> dict[str, Any]:
    error = {"message": message, "responseCode": code}
    return {"scheduleId": name, "availabilityView": "", "scheduleItems": [], "error": error}


def _unresolved(name: str) -> str:
    return f"Unable to resolve e-mail address {name} to an Active Directory object."


def _wrong(code: str, message: str) -> GraphError:
    return GraphError(400, code, message)
