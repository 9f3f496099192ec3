"""The calendar view and single events."""

from datetime import datetime, timedelta

import pytest

WIDE = "startDateTime=2026-09-01T00:00:00Z&endDateTime=2027-04-01T00:00:00Z"


def view(graph, query=WIDE, **more):
    return graph.every(f"/me/calendarView?{query}&$top=1000", **more)


@pytest.fixture(scope="module")
def events(shared_graph):
    return view(shared_graph)


def instant(stamp):
    return datetime.fromisoformat(stamp["dateTime"])


def test_paging_to_the_end_shows_every_event_once(graph, events):
    seen = graph.every(f"/me/calendarView?{WIDE}&$top=9&$orderby=start/dateTime")
    assert [each["id"] for each in seen] == [each["id"] for each in events]
    assert len({each["id"] for each in seen}) == len(seen) > 120


def test_window_shows_what_overlaps_it_and_nothing_else(graph, events):
    some = next(each for each in events if not each["isAllDay"])
    start, end = instant(some["start"]), instant(some["end"])
    second = timedelta(seconds=1)

    def seen(first, last):
        query = f"startDateTime={first.isoformat()}Z&endDateTime={last.isoformat()}Z"
        return some["id"] in [each["id"] for each in view(graph, query)]

    assert seen(start, end)
    assert seen(end - second, end + second)
    assert not seen(end, end + second)
    assert not seen(start - second, start)


def test_offset_of_the_window_counts(graph):
    utc = view(graph, "startDateTime=2026-11-16T00:00:00Z&endDateTime=2026-11-17T00:00:00Z")
    away = "startDateTime=2026-11-16T09:00:00%2B09:00&endDateTime=2026-11-17T09:00:00%2B09:00"
    assert [each["id"] for each in view(graph, away)] == [each["id"] for each in utc]


def test_series_is_shown_as_occurrences_with_one_exception_and_one_gap(graph, events):
    series = {each["seriesMasterId"] for each in events if each["seriesMasterId"]}
    assert len(series) == 4
    for master_id in series:
        master = graph.get(f"/me/events/{master_id}").json()
        assert master["type"] == "seriesMaster"
        assert master["recurrence"]["range"]["type"] == "endDate"
        mine = [each for each in events if each["seriesMasterId"] == master_id]
        kinds = [each["type"] for each in mine]
        assert kinds.count("exception") == 1
        assert set(kinds) <= {"occurrence", "exception"}
        assert master["id"] not in {each["id"] for each in events}
    standup = [each for each in events if each["subject"] == "Team stand-up"]
    days = {instant(each["start"]).weekday() for each in standup}
    assert days <= {0, 2, 4}
    assert len(standup) > 55


def test_occurrences_keep_their_local_time_when_clocks_change(graph):
    prefer = 'outlook.timezone="Pacific Standard Time"'
    mine = [each for each in view(graph, Prefer=prefer) if each["subject"] == "Team stand-up"]
    assert {each["start"]["dateTime"][11:16] for each in mine} == {"09:15"}
    assert {each["start"]["timeZone"] for each in mine} == {"Pacific Standard Time"}
    utc = [each for each in view(graph) if each["subject"] == "Team stand-up"]
    assert {each["start"]["dateTime"][11:16] for each in utc} == {"16:15", "17:15"}


def test_all_day_events_are_at_midnight_in_any_zone(graph):
    for zone in ("UTC", "Tokyo Standard Time"):
        shown = view(graph, Prefer=f'outlook.timezone="{zone}"')
        days = [each for each in shown if each["isAllDay"]]
        assert days
        assert {each["start"]["dateTime"][10:] for each in days} == {"T00:00:00.0000000"}


def test_calendar_is_varied(graph, events):
    assert {each["sensitivity"] for each in events} == {"normal", "private"}
    assert any(each["isCancelled"] for each in events)
    assert any(each["isOnlineMeeting"] and each["onlineMeeting"]["joinUrl"] for each in events)
    assert len({each["originalStartTimeZone"] for each in events}) > 2
    assert {each["isOrganizer"] for each in events} == {True, False}
    stored = sum(each["type"] == "singleInstance" for each in events)
    assert stored + 4 >= 115


def test_other_calendar_has_its_own_events(graph, events):
    default, other = graph.get("/me/calendars").json()["value"]
    assert (default["isDefaultCalendar"], other["isDefaultCalendar"]) == (True, False)
    assert graph.get("/me/calendar").json()["id"] == default["id"]
    mine = graph.every(f"/me/calendars/{other['id']}/calendarView?{WIDE}")
    assert len(mine) == 8
    assert not {each["id"] for each in mine} & {each["id"] for each in events}
    assert graph.get(f"/me/events/{mine[0]['id']}").status_code == 200


def test_filter_on_events(graph, events):
    shown = view(graph, WIDE + "&$filter=isAllDay eq true and startswith(subject,'trade')")
    wanted = [e["id"] for e in events if e["isAllDay"] and e["subject"].startswith("Trade")]
    assert [each["id"] for each in shown] == wanted


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "ErrorInvalidParameter"),
        ("startDateTime=2026-11-01", "ErrorInvalidParameter"),
        ("startDateTime=soon&endDateTime=2026-11-02", "ErrorInvalidParameter"),
        ("startDateTime=2026-11-03&endDateTime=2026-11-02", "ErrorInvalidParameter"),
        ("startDateTime=2020-01-01&endDateTime=2026-01-01", "ErrorCalendarViewRangeTooBig"),
        (f"{WIDE}&$select=wardrobe", "BadRequest"),
        (f"{WIDE}&$orderby=wardrobe", "BadRequest"),
        (f'{WIDE}&$search="x"', "ErrorInvalidUrlQuery"),
    ],
)
def test_wrong_windows_and_options_are_refused(graph, query, code):
    answer = graph.get(f"/me/calendarView?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_unknown_time_zone_is_refused(graph):
    answer = graph.get(f"/me/calendarView?{WIDE}", Prefer='outlook.timezone="Middle-earth"')
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "TimeZoneNotSupportedException"
