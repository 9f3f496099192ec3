"""A patternedRecurrence as a caller sends it.

Source: Graph "patternedRecurrence", "recurrencePattern", "recurrenceRange" resource types.
"""

from datetime import date, timedelta
from typing import Any

from obo_tenant.graph.calendar import INDEXES, PATTERNS, Recurrence
from obo_tenant.graph.given import as_list, as_number, as_object, as_text, invalid_property, one_of

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_OPEN_END = timedelta(days=730)
_LONGEST = timedelta(days=30 * 365)
_MOST = 999


def recurrence(value: object) -> Recurrence | None:
    """Read it; null ends a series. Raises GraphError 400, also for patterns we do not have."""
    if value is None:
        return None
    given = as_object(value)
    pattern, span = as_object(given.get("pattern")), as_object(given.get("range"))
    kind = one_of(span.get("type"), ("endDate", "noEnd", "numbered"))
    first = _date(span.get("startDate"))
    rule = Recurrence(
        pattern=one_of(pattern.get("type"), PATTERNS),
        interval=as_number(pattern.get("interval", 1), 1, 99),
        days=tuple(one_of(each, _DAYS) for each in as_list(pattern.get("daysOfWeek", []))),
        day_of_month=as_number(pattern.get("dayOfMonth", 0), 0, 31),
        month=as_number(pattern.get("month", 0), 0, 12),
        index=one_of(pattern.get("index") or "first", INDEXES),
        first=first,
        last=_last(kind, first, span),
        range_kind=kind,
        count=as_number(span.get("numberOfOccurrences"), 1, _MOST) if kind == "numbered" else 0,
    )
    if not 0 < len(rule.dates()) <= _MOST:
        raise invalid_property()
    return rule


def _last(kind: str, first: date, span: dict[str, Any]) -> date:
    if kind == "noEnd":
        return first + _OPEN_END
    return (
        min(_date(span.get("endDate")), first + _LONGEST)
        if kind == "endDate"
        else (first + _LONGEST)
    )


def _date(value: object) -> date:
    try:
        found = date.fromisoformat(as_text(value))
    except ValueError as flaw:
        raise invalid_property() from flaw
    if not 1970 <= found.year < 2060:
        raise invalid_property()
    return found
