"""An event as Graph's JSON. Source: Graph "event" resource type."""

from datetime import datetime
from typing import Any

from obo_tenant.graph.calendar import Attendee, Calendar, Event, Recurrence
from obo_tenant.graph.mail_view import PREVIEW_LENGTH, body_json, recipient
from obo_tenant.graph.prefer import Preferences
from obo_tenant.graph.zones import date_time_time_zone, utc_text

_NEVER = "0001-01-01T00:00:00Z"


def event_json(event: Event, prefer: Preferences) -> dict[str, Any]:
    """All properties of an event."""
    immutable = prefer.immutable_ids
    item_id = event.ids.pick(immutable=immutable)
    return {
        "@odata.etag": f'W/"{event.change_key}"',
        "id": item_id,
        "createdDateTime": utc_text(event.created),
        "lastModifiedDateTime": utc_text(event.modified or event.created),
        "changeKey": event.change_key,
        "categories": list(event.categories),
        "transactionId": event.transaction_id,
        "originalStartTimeZone": event.zone,
        "originalEndTimeZone": event.zone,
        "iCalUId": event.uid,
        "reminderMinutesBeforeStart": event.reminder_minutes,
        "isReminderOn": not event.all_day if event.reminder_on is None else event.reminder_on,
        "hasAttachments": False,
        "subject": event.subject,
        "bodyPreview": " ".join(event.body.text.split())[:PREVIEW_LENGTH],
        "importance": event.importance,
        "sensitivity": event.sensitivity,
        "isAllDay": event.all_day,
        "isCancelled": event.cancelled,
        "isOrganizer": event.mine,
        "responseRequested": event.response_requested,
        "seriesMasterId": event.master.pick(immutable=immutable) if event.master else None,
        "showAs": event.show_as,
        "type": event.kind,
        "webLink": f"https://outlook.contoso.example/owa/?itemid={item_id}&path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": event.meeting_url is not None,
        "onlineMeetingProvider": "teamsForBusiness" if event.meeting_url else "unknown",
        "allowNewTimeProposals": event.new_times,
        "isDraft": False,
        "hideAttendees": event.hide_attendees,
        "responseStatus": _status(event.response, event.answered),
        "body": body_json(event.body, prefer),
        "start": _when(event, event.start, prefer),
        "end": _when(event, event.end, prefer),
        "location": _location(event.location),
        "locations": [_location(event.location)] if event.location else [],
        "recurrence": _recurrence(event.recurrence, event.zone),
        "attendees": [_attendee(each, prefer) for each in _visible(event)],
        "organizer": recipient(event.organizer),
        "onlineMeeting": {"joinUrl": event.meeting_url} if event.meeting_url else None,
    }


EVENT_PROPERTIES = frozenset(
    [
        "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "transactionId",
        "originalStartTimeZone", "originalEndTimeZone", "iCalUId", "reminderMinutesBeforeStart",
        "isReminderOn", "hasAttachments", "subject", "bodyPreview", "importance", "sensitivity",
        "isAllDay", "isCancelled", "isOrganizer", "responseRequested", "seriesMasterId", "showAs",
        "type", "webLink", "onlineMeetingUrl", "isOnlineMeeting", "onlineMeetingProvider",
        "allowNewTimeProposals", "isDraft", "hideAttendees", "responseStatus", "body", "start",
        "end", "location", "locations", "recurrence", "attendees", "organizer", "onlineMeeting",
    ]
)  # fmt: skip


def calendar_json(calendar: Calendar, prefer: Preferences, *, default: bool) -> dict[str, Any]:
    """A calendar's own properties."""
    return {
        "id": calendar.ids.pick(immutable=prefer.immutable_ids),
        "name": calendar.name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": default,
        "changeKey": calendar.ids.immutable[-24:],
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": default,
        "isRemovable": not default,
        "owner": {"name": calendar.owner.name, "address": calendar.owner.address},
    }


def _when(event: Event, moment: datetime, prefer: Preferences) -> dict[str, str]:
    if event.all_day:
        return {
            "dateTime": moment.strftime("%Y-%m-%dT00:00:00.0000000"),
            "timeZone": prefer.time_zone,
        }
    return date_time_time_zone(moment, prefer.time_zone)


def _location(name: str) -> dict[str, str]:
    if not name:
        return {"displayName": "", "locationType": "default", "uniqueIdType": "unknown"}
    return {
        "displayName": name,
        "locationType": "default",
        "uniqueId": name,
        "uniqueIdType": "private",
    }


def _visible(event: Event) -> tuple[Attendee, ...]:
    return event.attendees if event.mine or not event.hide_attendees else ()


def _status(response: str, answered: datetime | None) -> dict[str, str]:
    return {"response": response, "time": utc_text(answered) if answered else _NEVER}


def _attendee(attendee: Attendee, prefer: Preferences) -> dict[str, Any]:
    status = _status(attendee.response, attendee.answered)
    shown = {"type": attendee.kind, "status": status, **recipient(attendee.person)}
    if attendee.proposed is not None:
        start, end = attendee.proposed
        shown["proposedNewTime"] = {
            "start": date_time_time_zone(start, prefer.time_zone),
            "end": date_time_time_zone(end, prefer.time_zone),
        }
    return shown


def _recurrence(rule: Recurrence | None, zone: str) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {
        "pattern": {
            "type": rule.pattern,
            "interval": rule.interval,
            "month": rule.month,
            "dayOfMonth": rule.day_of_month,
            "daysOfWeek": list(rule.days),
            "firstDayOfWeek": "sunday",
            "index": rule.index,
        },
        "range": {
            "type": rule.range_kind,
            "startDate": rule.first.isoformat(),
            "endDate": rule.last.isoformat() if rule.range_kind == "endDate" else "0001-01-01",
            "recurrenceTimeZone": zone,
            "numberOfOccurrences": rule.count,
        },
    }
