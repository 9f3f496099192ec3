"""An event as a caller sends it: which fields of ours it changes.

Source: Graph "user: create event", "event: update", "event" resource type.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from obo_tenant.graph.calendar import Attendee, Event
from obo_tenant.graph.calendar_view import EVENT_PROPERTIES
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.given import (
    as_flag,
    as_list,
    as_moment,
    as_number,
    as_object,
    as_text,
    invalid_property,
    one_of,
    own_members,
)
from obo_tenant.graph.mailbox import Address, Body
from obo_tenant.graph.recurrence_body import recurrence

Changes = dict[str, Any]
_TAG = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/h\d)\b[^>]*>", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_DAY = timedelta(days=1)


def event_changes(given: Mapping[str, Any]) -> Changes:
    """The fields of `Event` to replace; `online` says whether a meeting link is wanted.

    What only the service sets is ignored, as Graph does. Raises GraphError 400.
    """
    changes: Changes = {}
    for name, value in own_members(given, EVENT_PROPERTIES, "event").items():
        reader = _READERS.get(name)
        if reader is not None:
            changes.update(reader(value))
    return changes


def settled(event: Event) -> Event:
    """The event with its times in UTC; all-day ones at midnight of their days.

    Raises GraphError 400 for an end before the start, and for all-day events with a time of day.
    """
    start, end = event.start, event.end
    if end < start:
        raise invalid_property()
    if not event.all_day:
        return replace(event, start=start.astimezone(UTC), end=end.astimezone(UTC))
    first, last = (moment.replace(tzinfo=UTC) for moment in (start, end))
    for name, moment in (("Start", first), ("End", last)):
        if moment.timetz() != datetime.min.replace(tzinfo=UTC).timetz():
            raise GraphError(
                400,
                "ErrorInvalidRequest",
                f"Your request can't be completed. The Event.{name} property for an all-day event "
                "needs to be set to midnight.",
            )
    if last - first < _DAY:
        raise invalid_property()
    return replace(event, start=first, end=last)


def item_body(value: object) -> Body:
    """An itemBody. Raises GraphError 400."""
    given = as_object(value)
    content = as_text(given.get("content"), longest=500_000)
    if one_of(given.get("contentType") or "text", ("text", "html")) == "text":
        return Body(content)
    plain = html.unescape(_TAG.sub("", _BREAK.sub("\n", content)))
    return Body(plain.strip(), content)


def attendees(value: object, *, longest: int = 500) -> tuple[Attendee, ...]:
    """A collection of attendees. Raises GraphError 400."""
    return tuple(map(_attendee, as_list(value, longest=longest)))


def _attendee(value: object) -> Attendee:
    given = as_object(value)
    named = as_object(given.get("emailAddress"))
    address = as_text(named.get("address"), longest=320)
    if not _ADDRESS.fullmatch(address):
        raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    kind = one_of(given.get("type") or "required", ("required", "optional", "resource"))
    return Attendee(Address(as_text(named.get("name")) or address, address), kind=kind)


def _start(value: object) -> Changes:
    moment, name = as_moment(value)
    return {"start": moment, "zone": name}


def _locations(value: object) -> Changes:
    found = as_list(value)
    return _location(found[0]) if found else {"location": ""}


def _location(value: object) -> Changes:
    shown = as_object(value) if value is not None else {}
    return {"location": as_text(shown.get("displayName"), longest=500)}


def _choice(field: str, *allowed: str) -> Callable[[object], Changes]:
    return lambda value: {field: one_of(value, allowed)}


def _flag(field: str) -> Callable[[object], Changes]:
    return lambda value: {field: as_flag(value)}


_READERS: Mapping[str, Callable[[object], Changes]] = {
    "subject": lambda value: {"subject": as_text(value, longest=255)},
    "body": lambda value: {"body": item_body(value)},
    "start": _start,
    "end": lambda value: {"end": as_moment(value)[0]},
    "locations": _locations,
    "location": _location,
    "attendees": lambda value: {"attendees": attendees(value)},
    "recurrence": lambda value: {"recurrence": recurrence(value)},
    "categories": lambda value: {"categories": tuple(as_text(each) for each in as_list(value))},
    "importance": _choice("importance", "low", "normal", "high"),
    "sensitivity": _choice("sensitivity", "normal", "personal", "private", "confidential"),
    "showAs": _choice("show_as", "free", "tentative", "busy", "oof", "workingElsewhere"),
    "reminderMinutesBeforeStart": lambda value: {
        "reminder_minutes": as_number(value, 0, 2_629_800)
    },
    "transactionId": lambda value: {"transaction_id": as_text(value, longest=255) or None},
    "isAllDay": _flag("all_day"),
    "isReminderOn": _flag("reminder_on"),
    "isOnlineMeeting": _flag("online"),
    "allowNewTimeProposals": _flag("new_times"),
    "responseRequested": _flag("response_requested"),
    "hideAttendees": _flag("hide_attendees"),
}
