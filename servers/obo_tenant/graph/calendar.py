"""A person's calendars: events, and series with every occurrence worked out.

Source: Graph "event" and "recurrencePattern" resource types.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from obo_tenant.graph.ids import OutlookIds
from obo_tenant.graph.mailbox import Address, Body
from obo_tenant.graph.odata.kql import padded_words

INDEXES = ("first", "second", "third", "fourth", "last")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody who was invited, and the answer given."""

    person: Address
    response: str = "none"
    kind: str = "required"
    answered: datetime | None = None
    proposed: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """One of Graph's six patterns, from the first to the last date.

    `weekly` has days; `absolute...` a day of the month; `relative...` days and an index, as "last
    friday"; `...Yearly` a month.

    `range_kind` is how the end was given; `count` bounds a `numbered` series, `last` every one.
    """

    pattern: str
    interval: int = 1
    days: tuple[str, ...] = ()
    day_of_month: int = 0
    month: int = 0
    index: str = "first"
    first: date
    last: date
    range_kind: str = "endDate"
    count: int = 0

    def dates(self) -> list[date]:
        """Every date of the series."""
        length = (self.last - self.first).days + 1
        found = [day for day in map(self._nth, range(length)) if self._falls_on(day)]
        return found[: self.count] if self.count else found

    def _nth(self, number: int) -> date:
        return self.first + timedelta(days=number)

    def _falls_on(self, day: date) -> bool:
        return self._steps(day) % self.interval == 0 and _FITS[self.pattern](self, day)

    def _steps(self, day: date) -> int:
        if self.pattern == "daily":
            return (day - self.first).days
        if self.pattern == "weekly":
            return (day - self.first + timedelta(days=self.first.weekday())).days // 7
        years = day.year - self.first.year
        if self.pattern.endswith("Yearly"):
            return years
        return years * 12 + day.month - self.first.month


def _on_day(rule: Recurrence, day: date) -> bool:
    return _WEEKDAYS[day.weekday()] in rule.days


def _on_nth(rule: Recurrence, day: date) -> bool:
    if rule.index == "last":
        return _on_day(rule, day) and (day + timedelta(days=7)).month != day.month
    return _on_day(rule, day) and INDEXES[(day.day - 1) // 7] == rule.index


_FITS: Mapping[str, Callable[[Recurrence, date], bool]] = {
    "daily": lambda _rule, _day: True,
    "weekly": _on_day,
    "absoluteMonthly": lambda rule, day: day.day == rule.day_of_month,
    "relativeMonthly": _on_nth,
    "absoluteYearly": lambda rule, day: (day.month, day.day) == (rule.month, rule.day_of_month),
    "relativeYearly": lambda rule, day: day.month == rule.month and _on_nth(rule, day),
}
PATTERNS = tuple(_FITS)


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
    modified: datetime | None = None
    transaction_id: str | None = None
    answered: datetime | None = None
    reminder_on: bool | None = None
    response_requested: bool = True
    new_times: bool = True
    hide_attendees: bool = False


class Calendar:
    """One calendar; the first of a person is the default one."""

    def __init__(self, ids: OutlookIds, name: str, owner: Address, events: Iterable[Event]) -> None:
        self.ids = ids
        self.name = name
        self.owner = owner
        self.events: tuple[Event, ...] = ()
        self._by_id: dict[str, Event] = {}
        self.put(*events)

    def event(self, item_id: str) -> Event | None:
        """The event, occurrence or series under either id, or None."""
        return self._by_id.get(item_id)

    def put(self, *events: Event) -> None:
        """Add events, or put them in the place of those with the same ids."""
        for each in events:
            self._by_id[each.ids.default] = self._by_id[each.ids.immutable] = each
        self._sort()

    def remove(self, *events: Event) -> None:
        """Take events out; those that are gone already are no matter."""
        for each in events:
            self._by_id.pop(each.ids.default, None)
            self._by_id.pop(each.ids.immutable, None)
        self._sort()

    def family(self, event: Event) -> list[Event]:
        """The event itself; of a series also its occurrences."""
        below = [each for each in self.events if each.master == event.ids]
        return [event, *below] if event.kind == "seriesMaster" else [event]

    def same(self, event: Event) -> Event | None:
        """This calendar's copy of an event of another one: same meeting, same occurrence."""
        wanted = (event.uid, event.key)
        return next((each for each in self.events if (each.uid, each.key) == wanted), None)

    def transaction(self, transaction_id: str) -> Event | None:
        """The event that was made by this transaction, or None."""
        made = (each for each in self.events if each.transaction_id == transaction_id)
        return next((each for each in made if each.master is None), None)

    def _sort(self) -> None:
        unique = {each.ids.default: each for each in self._by_id.values()}
        self.events = tuple(sorted(unique.values(), key=lambda each: each.start))

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
