"""The day on which a task is due: a date, whatever clock it was written by."""

from datetime import UTC, date, datetime, time, tzinfo

from obo_graph.shape.times import read, read_zoned, to_odata
from obo_graph.shape.zones import windows_name
from obo_graph.wire.answer import Json

_MIDNIGHT = time()
_NOON = time(12)


def todo_due(day: date, zone: tzinfo) -> Json:
    """`day` as To Do keeps it: midnight of the person's own zone (Graph, "todoTask")."""
    midnight = datetime.combine(day, _MIDNIGHT).isoformat(timespec="seconds")
    return {"dateTime": midnight, "timeZone": windows_name(str(zone)) or "UTC"}


def planner_due(day: date, zone: tzinfo) -> str:
    """`day` as Planner keeps it, a moment: noon there, so that it is the same day for most."""
    return to_odata(datetime.combine(day, _NOON, zone))


def todo_day(task: Json, zone: tzinfo) -> str:
    """The day a To Do task is due; "" if it has none.

    Midnight in the zone it is written in means that day, as To Do keeps no time; any other moment
    means the day it falls on in `zone`.
    """
    moment = read_zoned(task.get("dueDateTime"))
    if moment is not None and moment.time() != _MIDNIGHT:
        return _day(moment, zone)
    return "" if moment is None else moment.date().isoformat()


def planner_day(task: Json, zone: tzinfo) -> str:
    """The day a Planner task is due in `zone`; "" if it has none."""
    moment = read(task.get("dueDateTime"))
    return "" if moment is None else _day(moment, zone)


def _day(moment: datetime, zone: tzinfo) -> str:
    try:
        return moment.astimezone(zone).date().isoformat()
    except OverflowError:
        return moment.astimezone(UTC).date().isoformat()
