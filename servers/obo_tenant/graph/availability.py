"""When somebody is free: the default calendar as spans, and the working hours.

Source: Graph "scheduleItem", "scheduleInformation", "workingHours" resource types.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from obo_tenant.graph.calendar import Event
from obo_tenant.graph.store import Belongings
from obo_tenant.graph.zones import zone

DIGITS = {"free": 0, "tentative": 1, "busy": 2, "oof": 3, "workingElsewhere": 4}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a calendar; `status` is a freeBusyStatus."""

    start: datetime
    end: datetime
    status: str
    event: Event


class Timeline:
    """What stands in the default calendar of `owner` between two instants, by start."""

    def __init__(self, owner: Belongings, start: datetime, end: datetime) -> None:
        around = owner.calendars[0].between(start - _DAY, end + _DAY)
        found = (_span(owner, each) for each in around)
        self.spans = sorted(
            (each for each in found if each.start < end and each.end > start),
            key=lambda each: each.start,
        )
        self._taken = [each for each in self.spans if DIGITS[each.status] % 4]
        self._starts = [each.start for each in self._taken]
        lengths = (each.end - each.start for each in self._taken)
        self._longest = max(lengths, default=timedelta())

    def worst(self, start: datetime, end: datetime) -> str:
        """The status that weighs most between two instants."""
        first = bisect_left(self._starts, start - self._longest)
        last = bisect_left(self._starts, end)
        inside = (each for each in self._taken[first:last] if each.end > start)
        return max((each.status for each in inside), key=DIGITS.__getitem__, default="free")


def at_work(owner: Belongings, start: datetime, end: datetime) -> bool:
    """Whether the whole stretch lies within one working day of `owner`."""
    settings = owner.settings
    where = zone(settings.time_zone)
    first, last = start.astimezone(where), end.astimezone(where)
    opens, closes = (
        time.fromisoformat(text[:8]) for text in (settings.work_start, settings.work_end)
    )
    return (
        first.date() == last.date()
        and _WEEKDAYS[first.weekday()] in settings.work_days
        and opens <= first.time()
        and last.time() <= closes
    )


def _span(owner: Belongings, event: Event) -> Span:
    start, end = event.start, event.end
    if event.all_day:
        where = zone(owner.settings.time_zone)
        start, end = (each.replace(tzinfo=where).astimezone(UTC) for each in (start, end))
    return Span(start, end, _status(event), event)


def _status(event: Event) -> str:
    if event.cancelled or event.response == "declined":
        return "free"
    if event.show_as == "busy" and event.response == "notResponded":
        return "tentative"
    return event.show_as
