"""An event as Graph tells it, in the words of our results."""

from datetime import datetime, timedelta, tzinfo

from obo_graph.shape import ids
from obo_graph.shape.paging import objects
from obo_graph.shape.recipients import written
from obo_graph.shape.times import read_zoned, show
from obo_graph.text import one_line
from obo_graph.wire.answer import Json

PLAIN_TEXT = 'outlook.body-content-type="text"'
"""`Prefer` value: the body as text, not HTML (Graph, "event: get")."""

_UNREMARKABLE = frozenset({"none", "organizer"})
_UNANSWERED = frozenset({"", "none", "notResponded"})
_SECURE = "https://"
_LINK_BYTES = 600


def path_of(event_id: str) -> str:
    """The path of the event that a model names.

    Raises:
        ToolError: that is no id.
    """
    return f"/me/events/{ids.segment('event_id', event_id)}"


def when(event: Json, zone: tzinfo) -> Json:
    """Start and end: moments in `zone`, or the first and the last of whole days."""
    start, end = read_zoned(event.get("start")), read_zoned(event.get("end"))
    if event.get("isAllDay") is not True:
        return {"start": show(start, zone), "end": show(end, zone)}
    # A whole day is a date, midnight to midnight, in whatever zone it was written: not a moment.
    return {"start": _day(start), "end": _day(end, minus_days=1), "all_day": True}


def place(event: Json) -> str:
    """Where it happens, as somebody wrote it; "" if nowhere."""
    location = event.get("location")
    return one_line(location.get("displayName"), 96) if isinstance(location, dict) else ""


def my_answer(event: Json) -> str:
    """The person's answer to the invitation; "" if there is none to speak of."""
    answer = _answer(event.get("responseStatus"))
    return "" if answer in _UNREMARKABLE else answer


def join_link(event: Json) -> str:
    """The address of the online meeting, https only; "" if there is none."""
    meeting = event.get("onlineMeeting")
    inner = meeting.get("joinUrl") if isinstance(meeting, dict) else None
    return secure_link(inner) or secure_link(event.get("onlineMeetingUrl"))


def secure_link(value: object) -> str:
    """`value` if it is an https link that fits in one line of a result; else ""."""
    link = one_line(value, _LINK_BYTES)
    return link if link == value and link.startswith(_SECURE) and " " not in link else ""


def attendee_lines(event: Json) -> list[str]:
    """Each attendee with name, address and answer: `Alex <a@x> (accepted, optional)`."""
    return [_attendee_line(person) for person in objects(event.get("attendees"))]


def _attendee_line(person: Json) -> str:
    answer, kind = _answer(person.get("status")), one_line(person.get("type"), 16)
    notes = ["no answer" if answer in _UNANSWERED else answer]
    return f"{written(person)} ({', '.join([*notes, *([kind] if kind == 'optional' else [])])})"


def _answer(status: object) -> str:
    return one_line(status.get("response"), 32) if isinstance(status, dict) else ""


def _day(moment: datetime | None, *, minus_days: int = 0) -> str:
    try:
        return "" if moment is None else (moment.date() - timedelta(days=minus_days)).isoformat()
    except OverflowError:
        return ""
