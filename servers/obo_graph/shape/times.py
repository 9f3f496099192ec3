"""Moments, as a model writes and reads them: local to the mailbox, with their offset."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from obo_graph.errors import bad_argument
from obo_graph.shape.zones import zone_named
from obo_graph.wire.answer import Json

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORM = "must be YYYY-MM-DD or YYYY-MM-DDTHH:MM with an optional offset"
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


def parse(argument: str, value: str, zone: tzinfo, *, end_of_day: bool = False) -> datetime:
    """The moment that `value` names: RFC 3339, or local to `zone` if it has no offset.

    A bare date is the beginning of that day, or with `end_of_day` the end of it.

    Raises:
        ToolError: it names no moment, or none of the years 1900 to 2100; the text names
            `argument`.
    """
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise bad_argument(argument, _FORM) from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise bad_argument(argument, f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    if _DATE.fullmatch(value):
        day = moment.date() + timedelta(days=1 if end_of_day else 0)
        moment = datetime.combine(day, time(), zone)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


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
