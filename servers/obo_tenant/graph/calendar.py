"""A person's calendars: events, and series with every occurrence worked out.

Source: Graph "event" and "recurrencePattern" resource types.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from obo_tenant.graph.ids import OutlookIds
from obo_tenant.graph.mailbox import Address, Body
from obo_tenant.graph.odata.kql import padded_words

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody who was invited, and the answer given."""

    person: Address
    response: str = "none"
    kind: str = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """`daily`, `weekly` (with days) or `absoluteMonthly` (with a day), first to last date."""

    pattern: str
    interval: int = 1
    days: tuple[str, ...] = ()
    day_of_month: int = 0
    first: date
    last: date

    def dates(self) -> list[date]:
        """Every date of the series."""
        length = (self.last - self.first).days + 1
        return [day for day in map(self._nth, range(length)) if self._falls_on(day)]

    def _nth(self, number: int) -> date:
        return self.first + timedelta(days=number)

    def _falls_on(self, day: date) -> bool:
        if self.pattern == "absoluteMonthly":
            months = (day.year - self.first.year) * 12 + day.month - self.first.month
            return day.day == self.day_of_month and months % self.interval == 0
        if self.pattern == "daily":
            return (day - self.first).days % self.interval == 0
        monday = self.first - timedelta(days=self.first.weekday())
        weeks = (day - monday).days // 7
        return _WEEKDAYS[day.weekday()] in self.days and weeks % self.interval == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry. An all-day event starts and ends at midnight and belongs to no zone."""

    key: str
    ids: OutlookIds
    change_key: str
    uid: str
    subject: str
    body: Body
    created: datetime
    start: datetime
    end: datetime
    zone: str
    organizer: Address
    mine: bool
    attendees: tuple[Attendee, ...] = ()
    response: str = "organizer"
    location: str = ""
    meeting_url: str | None = None
    all_day: bool = False
    cancelled: bool = False
    sensitivity: str = "normal"
    show_as: str = "busy"
    importance: str = "normal"
    reminder_minutes: int = 15
    categories: tuple[str, ...] = ()
    kind: str = "singleInstance"
    master: OutlookIds | None = None
    recurrence: Recurrence | None = None


class Calendar:
    """One calendar; the first of a person is the default one."""

    def __init__(self, ids: OutlookIds, name: str, owner: Address, events: Iterable[Event]) -> None:
        self.ids = ids
        self.name = name
        self.owner = owner
        self.events = tuple(sorted(events, key=lambda each: each.start))
        self._by_id = {
            name: each for each in self.events for name in (each.ids.default, each.ids.immutable)
        }

    def event(self, item_id: str) -> Event | None:
        """The event, occurrence or series under either id, or None."""
        return self._by_id.get(item_id)

    def between(self, start: datetime, end: datetime) -> list[Event]:
        """Everything that happens in the window, by start; series as their occurrences."""
        return [
            each
            for each in self.events
            if each.kind != "seriesMaster" and each.start < end and each.end > start
        ]


class EventWords:
    """An event as KQL sees it."""

    def __init__(self, event: Event) -> None:
        self._event = event
        people = [event.organizer, *(each.person for each in event.attendees)]
        self._texts = {
            "subject": padded_words(event.subject),
            "body": padded_words(event.body.text),
            "location": padded_words(event.location),
            "people": padded_words(" | ".join(f"{who.name} {who.address}" for who in people)),
        }
        self._texts[""] = "".join(self._texts.values())

    def words(self, name: str) -> str:
        """See `odata.kql.Searchable`."""
        return self._texts[name]

    def flag(self, _name: str) -> str:
        """See `odata.kql.Searchable`."""
        return str(self._event.all_day).lower()

    def moment(self, name: str) -> datetime | None:
        """See `odata.kql.Searchable`."""
        return self._event.end if name == "end" else self._event.start
