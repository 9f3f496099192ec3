"""The period that somebody looks at in a calendar, and what belongs to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from obo_graph.errors import bad_argument
from obo_graph.shape.times import parse, read_zoned, to_odata
from obo_graph.wire.answer import Json

_LONGEST = timedelta(days=370)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` until just before `last`; its days are those of `zone`."""

    first: datetime
    last: datetime
    zone: tzinfo

    def options(self) -> dict[str, str]:
        """Graph's query options for it, a day wider on each side.

        A whole day lies where its own zone has it, up to 26 hours from that day in `zone`.
        """
        first, last = self.first - _DAY, self.last + _DAY
        return {"startDateTime": to_odata(first), "endDateTime": to_odata(last)}

    def meets(self, event: Json) -> bool:
        """Whether a Graph event lies in the period, at least in part; yes if its times are odd."""
        start, end = read_zoned(event.get("start")), read_zoned(event.get("end"))
        if start is None or end is None:
            return True
        if event.get("isAllDay") is True:
            return self._meets_days(start, end)
        return start < self.last and (end > self.first or start >= self.first)

    def _meets_days(self, start: datetime, end: datetime) -> bool:
        first = self.first.astimezone(self.zone).date()
        last = (self.last - timedelta.resolution).astimezone(self.zone).date()
        return start.date() <= last and (end.date() > first or start.date() >= first)


def period(start: str, end: str, zone: tzinfo) -> Period:
    """The period between two arguments of a tool; a bare day as `end` is included.

    Raises:
        ToolError: one of them is no moment, they are in the wrong order, or too far apart.
    """
    first, last = parse("start", start, zone), parse("end", end, zone, end_of_day=True)
    if last <= first:
        raise bad_argument("end", "must be later than start")
    if last - first > _LONGEST:
        raise bad_argument("end", "must be at most a year after start")
    return Period(first, last, zone)
