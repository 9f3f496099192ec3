"""When an event is to be: two arguments of a tool, checked, as Graph takes them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from obo_graph.errors import bad_argument
from obo_graph.shape.times import is_day, parse_day, parse_local, show, to_graph
from obo_graph.wire.answer import Json

_LONGEST = timedelta(days=370)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `start` until `end`, both in `zone`; whole days end at the midnight behind them."""

    start: datetime
    end: datetime
    zone: tzinfo
    all_day: bool = False

    @property
    def first_day(self) -> date:
        """The day on which it begins, where it is."""
        return self.start.date()

    def to_graph(self) -> Json:
        """As the properties of a Graph event."""
        start, end = to_graph(self.start, self.zone), to_graph(self.end, self.zone)
        if not self.all_day:
            return {"start": start, "end": end, "isAllDay": False}
        # Whole days are dates: never moved to another zone, where midnight is no midnight.
        start["dateTime"], end["dateTime"] = _midnight(self.start), _midnight(self.end)
        return {"start": start, "end": end, "isAllDay": True}

    def shown(self, zone: tzinfo) -> Json:
        """As a model reads it, in the time of `zone`."""
        if not self.all_day:
            return {"start": show(self.start, zone), "end": show(self.end, zone)}
        last = (self.end.date() - _DAY).isoformat()
        return {"start": self.first_day.isoformat(), "end": last, "all_day": True}


def span(start: str, end: str, zone: tzinfo, *, names: tuple[str, str] = ("start", "end")) -> Span:
    """The time between two arguments called `names`, read in `zone` where they have no offset.

    Raises:
        ToolError: one is no time of a day, or they are in the wrong order or too far apart.
    """
    for name, value in zip(names, (start, end), strict=True):
        if is_day(value):
            raise bad_argument(name, "needs a time of day, as in 2026-11-23T09:00")
    first, last = parse_local(names[0], start, zone), parse_local(names[1], end, zone)
    return _checked(Span(start=first, end=last, zone=zone), names)


def days(first: str, last: str, zone: tzinfo) -> Span:
    """Whole days, from the day `first` to the day `last`, which is included.

    Raises:
        ToolError: one is no date, or they are in the wrong order or too far apart.
    """
    names = ("start", "end")
    begin, behind = parse_day("start", first), parse_day("end", last) + _DAY
    start, end = (datetime.combine(day, time(), zone) for day in (begin, behind))
    return _checked(Span(start=start, end=end, zone=zone, all_day=True), names)


def _checked(wanted: Span, names: tuple[str, str]) -> Span:
    length = wanted.end.timestamp() - wanted.start.timestamp()
    if length < 0 or (length == 0 and wanted.all_day):
        raise bad_argument(names[1], f"must not be before {names[0]}")
    if length > _LONGEST.total_seconds():
        raise bad_argument(names[1], f"must be at most a year after {names[0]}")
    return wanted


def _midnight(moment: datetime) -> str:
    return f"{moment.date().isoformat()}T00:00:00"
