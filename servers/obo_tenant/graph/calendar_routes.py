"""Calendars: the view of a window, and single events.

Sources: Graph "user: list calendarView", "event: get", "calendar" pages.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from obo_tenant.graph.calendar import Calendar, Event
from obo_tenant.graph.calendar_view import EVENT_PROPERTIES, calendar_json, event_json
from obo_tenant.graph.errors import GraphError, item_not_found, malformed_id
from obo_tenant.graph.ids import is_outlook_id
from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.odata.filters import parse_filter
from obo_tenant.graph.odata.order import in_order, parse_order
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.visit import Visit, operations

READ_BODY = ("Calendars.Read", "Calendars.ReadWrite")
_LONGEST_VIEW = timedelta(days=1825)
_BODY = ("body", "bodyPreview")

EVENT_FIELDS = fields(
    "event",
    (
        Field("start/dateTime", "Edm.String", lambda e: _plain(e.start)),
        Field("end/dateTime", "Edm.String", lambda e: _plain(e.end)),
        Field("subject", "Edm.String", lambda e: e.subject),
        Field("isAllDay", "Edm.Boolean", lambda e: e.all_day),
        Field("isCancelled", "Edm.Boolean", lambda e: e.cancelled),
        Field("isOrganizer", "Edm.Boolean", lambda e: e.mine),
        Field("importance", "Edm.String", lambda e: e.importance),
        Field("sensitivity", "Edm.String", lambda e: e.sensitivity),
        Field("showAs", "Edm.String", lambda e: e.show_as),
        Field("type", "Edm.String", lambda e: e.kind),
    ),
)


def list_calendars(visit: Visit) -> Response:
    """All calendars, the default one first."""
    calendars = visit.owner.calendars
    size = page_size(visit.options, default=10, maximum=1000, preferred=visit.prefer.page_size)
    page = cut(calendars, visit.options, size=size, by="$skip")
    shown = [calendar_json(each, visit.prefer, default=each is calendars[0]) for each in page.items]
    selected = [show(each, visit.options.select, always=("id",)) for each in shown]
    return visit.many(visit.mine("calendars"), page, selected)


def get_calendar(visit: Visit) -> Response:
    """One calendar; the default one without an id."""
    calendar = find_calendar(visit)
    default = calendar is visit.owner.calendars[0]
    full = calendar_json(calendar, visit.prefer, default=default)
    context = visit.mine("calendars/$entity")
    return visit.one(context, show(full, visit.options.select, always=("id",)))


def view_calendar(visit: Visit) -> Response:
    """What happens between startDateTime and endDateTime."""
    return _listed(visit, find_calendar(visit).between(*_window(visit)), "calendarView")


def list_events(visit: Visit) -> Response:
    """Single events and series; the occurrences of a series are not among them."""
    wanted = ("singleInstance", "seriesMaster")
    found = [each for each in find_calendar(visit).events if each.kind in wanted]
    return _listed(visit, found, "events")


def list_instances(visit: Visit) -> Response:
    """The occurrences of one series in a window."""
    calendar, master = find_event(visit)
    found = [each for each in calendar.between(*_window(visit)) if each.master == master.ids]
    return _listed(visit, found, f"events('{visit.variables['event']}')/instances")


def _listed(visit: Visit, found: list[Event], context: str) -> Response:
    options = visit.options
    check_names(options.select, EVENT_PROPERTIES, "event")
    if options.search is not None:
        raise GraphError(400, "ErrorInvalidUrlQuery", "The query is not supported.")
    if options.filter is not None:
        found = list(filter(parse_filter(options.filter, EVENT_FIELDS).matches, found))
    if options.order_by is not None:
        found = in_order(found, parse_order(options.order_by, EVENT_FIELDS))
    size = page_size(options, default=10, maximum=1000, preferred=visit.prefer.page_size)
    page = cut(found, options, size=size, by="$skip")
    shown = [shown_event(visit, each) for each in page.items]
    return visit.many(visit.mine(context), page, shown, len(found) if options.count else None)


def get_event(visit: Visit) -> Response:
    """One event, occurrence or series by either id."""
    check_names(visit.options.select, EVENT_PROPERTIES, "event")
    _, event = find_event(visit)
    return visit.one(visit.mine("events/$entity"), shown_event(visit, event))


def find_event(visit: Visit) -> tuple[Calendar, Event]:
    """The event that the path names, and its calendar. Raises GraphError 400 or 404."""
    name = visit.variables["event"]
    for calendar in visit.owner.calendars:
        event = calendar.event(name)
        if event is not None:
            return calendar, event
    raise item_not_found("calendar") if is_outlook_id(name) else malformed_id()


def find_calendar(visit: Visit) -> Calendar:
    """The calendar that the path names, else the default one. Raises GraphError 400 or 404."""
    name = visit.variables.get("calendar")
    if name is None:
        return visit.owner.calendars[0]
    for calendar in visit.owner.calendars:
        if name in (calendar.ids.default, calendar.ids.immutable):
            return calendar
    raise item_not_found("calendar") if is_outlook_id(name) else malformed_id()


def _window(visit: Visit) -> tuple[datetime, datetime]:
    given = visit.options.plain
    if "startdatetime" not in given or "enddatetime" not in given:
        raise GraphError(
            400,
            "ErrorInvalidParameter",
            "This request requires a time window specified by the query string parameters "
            "StartDateTime and EndDateTime.",
        )
    start = _moment("StartDateTime", given["startdatetime"])
    end = _moment("EndDateTime", given["enddatetime"])
    if end < start:
        raise GraphError(
            400, "ErrorInvalidParameter", "The end of the time window is before its start."
        )
    if end - start > _LONGEST_VIEW:
        raise GraphError(
            400,
            "ErrorCalendarViewRangeTooBig",
            "The requested time window is longer than 1825 days.",
        )
    return start, end


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as flaw:
        raise GraphError(
            400, "ErrorInvalidParameter", f"The value '{text}' of parameter '{name}' is invalid."
        ) from flaw
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f0")


def shown_event(visit: Visit, event: Event) -> dict[str, Any]:
    """The event with what was selected; without its body for those who may see the basics only."""
    full = event_json(event, visit.prefer)
    if not visit.may(*READ_BODY):
        full = {name: value for name, value in full.items() if name not in _BODY}
    return show(full, visit.options.select, always=("@odata.etag", "id"))


OPERATIONS = operations(
    "calendar",
    "Calendars.ReadBasic Calendars.Read Calendars.ReadWrite",
    ("calendars", list_calendars),
    ("calendars/{calendar}", get_calendar),
    ("calendars/{calendar}/calendarView", view_calendar),
    ("calendars/{calendar}/events", list_events),
    ("calendars/{calendar}/events/{event}", get_event),
    ("calendar", get_calendar),
    ("calendar/calendarView", view_calendar),
    ("calendar/events", list_events),
    ("calendar/events/{event}", get_event),
    ("calendarView", view_calendar),
    ("events", list_events),
    ("events/{event}", get_event),
    ("events/{event}/instances", list_instances),
)
