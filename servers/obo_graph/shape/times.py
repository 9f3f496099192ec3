"""Moments, as a model writes and reads them: local to the mailbox, with their offset."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from obo_graph.errors import bad_argument
from obo_graph.shape.zones import windows_name, zone_named
from obo_graph.wire.answer import Json

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Python reads all of ISO 8601, weeks too: a day that is no `_DATE` would end at its midnight.
_MOMENT = re.compile(
    _DATE.pattern + r"(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:\d{2})?)?",
    re.ASCII,
)
_FORM = "must be YYYY-MM-DD or YYYY-MM-DDTHH:MM with an optional offset"
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


def parse(argument: str, value: str, zone: tzinfo, *, end_of_day: bool = False) -> datetime:
    """The moment that `value` names: RFC 3339, or local to `zone` if it has no offset.

    A bare date is the beginning of that day, or with `end_of_day` the end of it.

    Raises:
        ToolError: it names no moment, or none of the years 1900 to 2100; the text names
            `argument`.
    """
    moment = _written(argument, value)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise bad_argument(argument, f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    if _DATE.fullmatch(value):
        day = moment.date() + timedelta(days=1 if end_of_day else 0)
        moment = datetime.combine(day, time(), zone)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def parse_local(argument: str, value: str, zone: tzinfo) -> datetime:
    """Like `parse`, in `zone`: for a time that somebody is going to meet by.

    Raises:
        ToolError: as `parse`, or there is no such time of day: clocks in `zone` skip it.
    """
    moment = parse(argument, value, zone).astimezone(zone)
    written = _written(argument, value)
    if written.tzinfo is None and written != moment.replace(tzinfo=None):
        raise bad_argument(argument, f"does not exist: clocks in {zone} skip that time")
    return moment


def _written(argument: str, value: str) -> datetime:
    if _MOMENT.fullmatch(value) is None:
        raise bad_argument(argument, _FORM)
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        raise bad_argument(argument, _FORM) from None


def parse_day(argument: str, value: str) -> date:
    """The day that `value` names.

    Raises:
        ToolError: it is no date, or none of the years 1900 to 2100; the text names `argument`.
    """
    if not is_day(value):
        raise bad_argument(argument, "must be a date, YYYY-MM-DD")
    return parse(argument, value, UTC).date()


def is_day(value: str) -> bool:
    """Whether `value` has the form of a bare date."""
    return _DATE.fullmatch(value) is not None


def parse_zone(argument: str, value: str) -> tzinfo | None:
    """The zone that `value` names, IANA or Windows; None for "", which stands for the mailbox's.

    Raises:
        ToolError: nobody knows that zone; the text names `argument`.
    """
    zone = zone_named(value) if value else None
    if value and zone is None:
        raise bad_argument(argument, "must be a zone such as Europe/Berlin, or left empty")
    return zone


def to_graph(moment: datetime, zone: tzinfo) -> Json:
    """`moment` as Graph's dateTimeTimeZone: as clocks in `zone` show it, under its Windows name.

    In UTC where Windows has no name for `zone`, or clocks show that time twice: of the two
    Windows takes the later, Python the earlier.
    """
    local = moment.astimezone(zone)
    name = windows_name(str(zone))
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    if not name or twice:
        local, name = moment.astimezone(UTC), "UTC"
    return {"dateTime": local.replace(tzinfo=None).isoformat(timespec="seconds"), "timeZone": name}


def to_odata(moment: datetime) -> str:
    """`moment` as OData and Graph write it: UTC, whole seconds, `Z`."""
    # Not strftime: its %Y leaves out the leading zeros of a year.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def read(value: object) -> datetime | None:
    """A Graph timestamp such as `2026-11-23T09:00:00Z`; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_zoned(value: object) -> datetime | None:
    """A Graph dateTimeTimeZone, whose zone is named beside the time; None for anything else."""
    if not isinstance(value, dict):
        return None
    return _in_named_zone(value)


def _in_named_zone(value: Json) -> datetime | None:
    zone = zone_named(str(value.get("timeZone", "UTC")))
    try:
        moment = datetime.fromisoformat(str(value.get("dateTime")))
    except ValueError:
        return None
    if moment.tzinfo or zone is None:
        return moment if moment.tzinfo else None
    return moment.replace(tzinfo=zone)


def show(moment: datetime | None, zone: tzinfo) -> str:
    """`moment` in `zone` to the minute, with offset; "" for None."""
    if moment is None:
        return ""
    try:
        return moment.astimezone(zone).isoformat(timespec="minutes")
    except (OverflowError, ValueError):
        return ""
