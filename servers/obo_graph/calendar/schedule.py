"""Who is busy when, out of what Graph's getSchedule answers, and when everybody is free.

Source: Graph "scheduleInformation", "scheduleItem" and "workingHours" resource types.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import islice, pairwise
from types import MappingProxyType

from obo_graph.shape.paging import objects
from obo_graph.shape.times import read_zoned
from obo_graph.shape.zones import zone_named
from obo_graph.wire.answer import Json

Stretch = tuple[datetime, datetime]
"""From the first moment until just before the second."""

_RANKS = MappingProxyType(
    {"free": 0, "workingElsewhere": 1, "tentative": 2, "unknown": 3, "busy": 4, "oof": 5}
)
_BY_RANK = tuple(_RANKS)
_BLOCKING = _RANKS["tentative"]
_BY_DIGIT = MappingProxyType(
    {
        "0": "free",
        "1": "tentative",
        "2": "busy",
        "3": "oof",
        "4": "workingElsewhere",
        "?": "unknown",
    }
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Busy:
    """A stretch in which somebody is not simply free."""

    start: datetime
    end: datetime
    status: str

    @property
    def blocks(self) -> bool:
        """Whether no meeting should be put there; working elsewhere is working."""
        return _RANKS[self.status] >= _BLOCKING


def busy_of(schedule: Json, start: datetime, interval: timedelta) -> list[Busy]:
    """What a scheduleInformation says, merged; its digits where it names no events.

    Somebody whose calendar shows only free and busy has digits alone, one for each `interval`
    from `start` on. They count too where an event has times that nobody can read.
    """
    items = [_busy(item) for item in objects(schedule.get("scheduleItems"))]
    known = [item for item in items if item is not None]
    if not known or len(known) < len(items):
        known += _from_digits(schedule.get("availabilityView"), start, interval)
    return merged(known)


def merged(stretches: Iterable[Busy]) -> list[Busy]:
    """The same time without overlaps; where several cover it, the strongest status counts."""
    edges = sorted(
        edge
        for one in stretches
        if one.start < one.end
        for edge in ((one.start, 1, _RANKS[one.status]), (one.end, -1, _RANKS[one.status]))
    )
    depth = dict.fromkeys(range(len(_RANKS)), 0)
    found: list[Busy] = []
    for (at, change, rank), (until, _, _) in pairwise([*edges, *edges[-1:]]):
        depth[rank] += change
        strongest = max((rank for rank, count in depth.items() if count), default=0)
        _append(found, at, until, strongest)
    return found


def _append(found: list[Busy], start: datetime, end: datetime, rank: int) -> None:
    if not rank or start == end:
        return
    status = _BY_RANK[rank]
    if found and found[-1].end == start and found[-1].status == status:
        found[-1] = Busy(found[-1].start, end, status)
    else:
        found.append(Busy(start, end, status))


def _busy(item: Json) -> Busy | None:
    start, end = read_zoned(item.get("start")), read_zoned(item.get("end"))
    status = str(item.get("status"))
    if start is None or end is None:
        return None
    # In UTC: times of one zone are compared by its clocks, which may be set back in between.
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    return Busy(start, end, status if status in _RANKS else "unknown")


def _from_digits(view: object, start: datetime, interval: timedelta) -> list[Busy]:
    digits = view if isinstance(view, str) else ""
    return [
        Busy(start + number * interval, start + (number + 1) * interval, status)
        for number, digit in enumerate(digits)
        if (status := _BY_DIGIT.get(digit, "unknown")) != "free"
    ]


@dataclass(frozen=True, slots=True)
class Hours:
    """On which days (0 is Monday) and from when to when somebody works, in `zone`."""

    days: frozenset[int]
    start: time
    end: time
    zone: tzinfo

    def stretches(self, first: datetime, last: datetime) -> Iterator[Stretch]:
        """The working hours that begin between the day before `first` and `last`."""
        day = first.astimezone(self.zone).date() - _DAY
        while day <= last.astimezone(self.zone).date():
            if day.weekday() in self.days:
                yield self._of(day)
            day += _DAY

    def _of(self, day: date) -> Stretch:
        last = day + _DAY if self.end <= self.start else day
        return (
            datetime.combine(day, self.start, self.zone).astimezone(UTC),
            datetime.combine(last, self.end, self.zone).astimezone(UTC),
        )

    def in_words(self) -> str:
        """As `mon,tue 08:00-17:00 Europe/Berlin`."""
        days = ",".join(_DAYS[number][:3] for number in sorted(self.days))
        return f"{days} {self.start:%H:%M}-{self.end:%H:%M} {self.zone}"


def hours_of(schedule: Json) -> Hours | None:
    """The working hours in a scheduleInformation; None where it has none that can be read."""
    hours = schedule.get("workingHours")
    if not isinstance(hours, dict) or not isinstance(hours.get("daysOfWeek"), list):
        return None
    zone = _zone(hours.get("timeZone"))
    try:
        start, end = (time.fromisoformat(str(hours.get(name))) for name in ("startTime", "endTime"))
    except ValueError:
        return None
    days = frozenset(_DAYS.index(day) for day in hours["daysOfWeek"] if day in _DAYS)
    if zone is None or not days or start.tzinfo or end.tzinfo:
        return None
    return Hours(days, start, end, zone)


def _zone(value: object) -> tzinfo | None:
    """A timeZoneBase; of a custom one only its standard time, `bias` minutes west of Greenwich."""
    if not isinstance(value, dict):
        return None
    named = zone_named(str(value.get("name")))
    bias = value.get("bias")
    if named is not None or not isinstance(bias, int) or abs(bias) >= _DAY.total_seconds() // 60:
        return named
    return timezone(timedelta(minutes=-bias))


def common(stretches: list[Stretch], others: list[Stretch]) -> list[Stretch]:
    """What lies in both."""
    found = ((max(a, c), min(b, d)) for a, b in stretches for c, d in others)
    return sorted((start, end) for start, end in found if start < end)


def without(stretches: list[Stretch], busy: Iterable[Busy]) -> list[Stretch]:
    """What is left of `stretches` between all that blocks."""
    blocking = [one for one in merged(busy) if one.blocks]
    ends = [one.end for one in blocking]
    return [rest for stretch in stretches for rest in _rests(stretch, blocking, ends)]


def _rests(stretch: Stretch, blocking: list[Busy], ends: list[datetime]) -> Iterator[Stretch]:
    at, end = stretch
    for one in islice(blocking, bisect_right(ends, at), None):
        if one.start >= end:
            break
        if at < one.start:
            yield at, one.start
        at = one.end
    if at < end:
        yield at, end
