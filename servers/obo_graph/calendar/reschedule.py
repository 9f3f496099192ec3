"""An event at another time: what of its old time stays."""

from datetime import UTC, datetime, timedelta, tzinfo

from obo_graph.calendar.span import Span, days, span
from obo_graph.errors import bad_argument, unsupported
from obo_graph.shape.times import is_day, parse_local, read_zoned
from obo_graph.shape.zones import zone_named
from obo_graph.wire.answer import Json

_DAY = timedelta(days=1)
_YEARS = (1900, 2100)


def rescheduled(
    event: Json, start: str, end: str, zone: tzinfo | None, home: tzinfo
) -> Span | None:
    """The new time of `event`, None if it is the old one; what is empty follows the other.

    Times without offset are those of `zone`, or else of `home`, the mailbox's.

    Raises:
        ToolError: one is no time or day, as the event needs it, or a series would begin on
            another day.
    """
    if not start and not end:
        return None
    old = _old_time(event)
    if event.get("isAllDay") is True:
        moved = _whole_days(old, start, end, home)
        return None if _same_days(moved, old) else moved
    moved = _moments(old, start, end, zone or home)
    if (moved.start, moved.end) == old:
        return None
    kept = zone or _own_zone(event) or home
    moved = Span(start=moved.start.astimezone(kept), end=moved.end.astimezone(kept), zone=kept)
    if event.get("type") == "seriesMaster" and moved.first_day != old[0].astimezone(kept).date():
        raise unsupported(
            "A whole series cannot begin on another day here. Move single occurrences by the ids "
            "of their calendar_view rows, or cancel the series and create another."
        )
    return moved


def _old_time(event: Json) -> tuple[datetime, datetime]:
    start, end = read_zoned(event.get("start")), read_zoned(event.get("end"))
    if start is None or end is None or not _YEARS[0] <= start.year <= end.year <= _YEARS[1]:
        raise unsupported("The event's own time cannot be read. Ask the person to change it.")
    return start, end


def _moments(old: tuple[datetime, datetime], start: str, end: str, zone: tzinfo) -> Span:
    if is_day(start) or is_day(end):
        raise bad_argument("start" if is_day(start) else "end", "needs a time of day, not a date")
    length = old[1].astimezone(UTC) - old[0].astimezone(UTC)
    first = parse_local("start", start, zone) if start else old[0].astimezone(zone)
    if not end:
        return Span(start=first, end=_later(first, length, zone), zone=zone)
    return span(start or first.isoformat(), end, zone)


def _later(moment: datetime, length: timedelta, zone: tzinfo) -> datetime:
    return (moment.astimezone(UTC) + length).astimezone(zone)


def _whole_days(old: tuple[datetime, datetime], start: str, end: str, zone: tzinfo) -> Span:
    for name, value in (("start", start), ("end", end)):
        if value and not is_day(value):
            raise bad_argument(name, "must be a date: the event takes whole days")
    first = datetime.fromisoformat(start).date() if start else old[0].date()
    last = first + (old[1].date() - old[0].date()) - _DAY
    return days(first.isoformat(), end or last.isoformat(), zone)


def _same_days(moved: Span, old: tuple[datetime, datetime]) -> bool:
    return (moved.start.date(), moved.end.date()) == (old[0].date(), old[1].date())


def _own_zone(event: Json) -> tzinfo | None:
    name = event.get("originalStartTimeZone")
    return zone_named(name) if isinstance(name, str) else None
