"""A series as its occurrences. Source: Graph "recurrencePattern" and "recurrenceRange"."""

from dataclasses import replace
from datetime import UTC, date, datetime

from obo_tenant.graph.calendar import Event
from obo_tenant.graph.ids import change_key, outlook_ids
from obo_tenant.graph.zones import zone


def occurrences(master: Event, oid: str) -> list[Event]:
    """All occurrences of a series in the calendar of `oid`, at the same local time of day."""
    dates = master.recurrence.dates() if master.recurrence else []
    return [_occurrence(master, oid, day) for day in dates]


def _occurrence(master: Event, oid: str, day: date) -> Event:
    key = f"{master.key} {day.isoformat()}"
    where = UTC if master.all_day else zone(master.zone)
    local = master.start.astimezone(where)
    start = datetime.combine(day, local.time(), where).astimezone(UTC)
    return replace(
        master,
        key=key,
        ids=outlook_ids(oid, "event", key),
        change_key=change_key(oid, f"{master.change_key} {key}"),
        start=start,
        end=start + (master.end - master.start),
        kind="occurrence",
        master=master.ids,
        recurrence=None,
    )
