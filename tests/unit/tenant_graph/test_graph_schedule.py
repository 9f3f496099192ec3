"""Free and busy times, and times to meet, come from the calendars as they are."""

from datetime import datetime, timedelta

import pytest

WRITE = "Calendars.ReadWrite"
PEOPLE = ["adele", "megan", "lynne"]


def at(moment, zone="UTC"):
    return {"dateTime": moment, "timeZone": zone}


def schedule(graph, people=PEOPLE, start="2026-11-23T00:00:00", end="2026-11-28T00:00:00", **more):
    addresses = [each if "@" in each else f"{each}@contoso.example" for each in people]
    body = {"schedules": addresses, "startTime": at(start), "endTime": at(end), **more}
    scopes = "Calendars.ReadBasic"
    return graph.send("POST", "/me/calendar/getSchedule", body, scopes=scopes)


def book(graph, who, start, end, **more):
    event = {"subject": "Blocked", "start": at(start), "end": at(end), **more}
    made = graph.send("POST", "/me/events", event, who=who, scopes=WRITE)
    assert made.status_code == 201, made.text


def find(graph, guests=("megan",), window=("2027-05-10T00:00:00", "2027-05-11T00:00:00"), **more):
    attendees = [
        {"type": "required", "emailAddress": {"address": each}}
        for each in (g if "@" in g else f"{g}@contoso.example" for g in guests)
    ]
    slots = [{"start": at(window[0]), "end": at(window[1])}]
    body = {
        "attendees": attendees,
        "timeConstraint": {"activityDomain": "work", "timeSlots": slots},
        "meetingDuration": "PT1H",
        **more,
    }
    answer = graph.send("POST", "/me/findMeetingTimes", body, scopes="Calendars.Read.Shared")
    assert answer.status_code == 200, answer.text
    return answer.json()


def starts(found):
    return [
        each["meetingTimeSlot"]["start"]["dateTime"][:16]
        for each in found["meetingTimeSuggestions"]
    ]


def test_every_item_is_an_event_of_that_calendar(graph):
    for entry, who in zip(schedule(graph).json()["value"], PEOPLE, strict=True):
        window = "startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-11-28T00:00:00Z&$top=500"
        events = graph.every(f"/me/calendarView?{window}", who=who, scopes=WRITE)
        hours = [e for e in events if not e["isAllDay"]]
        timed = {(e["start"]["dateTime"], e["end"]["dateTime"]) for e in hours}
        items = {(i["start"]["dateTime"], i["end"]["dateTime"]) for i in entry["scheduleItems"]}
        assert timed <= items
        assert len(entry["scheduleItems"]) >= len(hours)
        assert entry["workingHours"]["timeZone"]["name"]


def test_view_has_one_digit_for_each_interval(fresh_graph):
    book(fresh_graph, "megan", "2027-05-10T01:00:00", "2027-05-10T02:00:00")
    book(fresh_graph, "megan", "2027-05-10T03:00:00", "2027-05-10T03:10:00", showAs="tentative")
    book(fresh_graph, "megan", "2027-05-10T03:05:00", "2027-05-10T03:10:00", showAs="oof")
    span = {"start": "2027-05-10T00:00:00", "end": "2027-05-10T05:00:00"}
    (entry,) = schedule(fresh_graph, ["megan"], **span, availabilityViewInterval=60).json()["value"]
    assert entry["availabilityView"] == "02030"
    (entry,) = schedule(fresh_graph, ["megan"], **span, availabilityViewInterval="30").json()[
        "value"
    ]
    assert entry["availabilityView"] == "0022003000"


def test_titles_are_shown_of_ones_own_and_of_those_who_share_them(fresh_graph):
    for who in PEOPLE:
        book(fresh_graph, who, "2027-05-10T01:00:00", "2027-05-10T02:00:00")
    secret = {"sensitivity": "private", "subject": "Doctor"}
    book(fresh_graph, "lynne", "2027-05-10T03:00:00", "2027-05-10T04:00:00", **secret)
    answer = schedule(fresh_graph, start="2027-05-10T00:00:00", end="2027-05-10T05:00:00")
    adele, megan, lynne = (each["scheduleItems"] for each in answer.json()["value"])
    assert adele[0]["subject"] == "Blocked"
    assert "subject" not in megan[0]
    assert lynne[0]["subject"] == "Blocked"
    assert (lynne[1]["isPrivate"], "subject" in lynne[1]) == (True, False)
    assert "Doctor" not in answer.text


def test_unknown_addresses_and_other_organizations_are_errors_inside(graph):
    people = ["ghost@contoso.example", "nora@fabrikam.example", "adele"]
    ghost, nora, adele = schedule(graph, people).json()["value"]
    for entry in (ghost, nora):
        assert entry["error"]["responseCode"] == "ErrorMailRecipientNotFound"
        assert (entry["scheduleItems"], entry["availabilityView"]) == ([], "")
    assert "error" not in adele


def test_times_are_shown_in_the_preferred_zone(fresh_graph):
    book(fresh_graph, "adele", "2027-05-10T01:00:00", "2027-05-10T02:00:00")
    body = {
        "Schedules": ["adele@contoso.example"],
        "StartTime": at("2027-05-10T09:00:00", "Tokyo Standard Time"),
        "EndTime": at("2027-05-10T12:00:00", "Tokyo Standard Time"),
    }
    prefer = {"Prefer": 'outlook.timezone="Tokyo Standard Time"'}
    answer = fresh_graph.send("POST", "/me/calendar/getSchedule", body, **prefer)
    (item,) = answer.json()["value"][0]["scheduleItems"]
    assert item["start"] == at("2027-05-10T10:00:00.0000000", "Tokyo Standard Time")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"people": []}, "ErrorInvalidParameter"),
        ({"people": ["adele"] * 21}, "ErrorInvalidParameter"),
        ({"availabilityViewInterval": 4}, "ErrorInvalidMergedFreeBusyInterval"),
        ({"availabilityViewInterval": 1441}, "ErrorInvalidMergedFreeBusyInterval"),
        ({"end": "2026-11-22T00:00:00"}, "ErrorInvalidTimeInterval"),
        ({"end": "never"}, "RequestBodyRead"),
    ],
)
def test_schedules_that_cannot_be_are_refused(graph, more, code):
    answer = schedule(graph, **more)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_too_long_a_window_is_an_error_inside(graph):
    (entry,) = schedule(graph, ["adele"], end="2027-11-28T00:00:00").json()["value"]
    assert entry["error"]["responseCode"] == "ErrorTimeIntervalTooBig"


def test_suggested_times_are_free_for_all_and_in_working_hours(graph):
    window = ("2026-11-23T00:00:00", "2026-12-12T00:00:00")
    found = find(graph, window=window, minimumAttendeePercentage=100, maxCandidates=8)
    assert found["emptySuggestionsReason"] == ""
    assert len(found["meetingTimeSuggestions"]) == 8
    for each in found["meetingTimeSuggestions"]:
        start = datetime.fromisoformat(each["meetingTimeSlot"]["start"]["dateTime"])
        assert 16 <= start.hour <= 23
        assert each["confidence"] == 100
        hour = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        entries = schedule(graph, ["adele", "megan"], **hour, availabilityViewInterval=60)
        assert {entry["availabilityView"] for entry in entries.json()["value"]} == {"0"}


def test_work_is_within_the_organizers_hours_and_days(graph):
    weekend = ("2027-05-08T00:00:00", "2027-05-10T00:00:00")
    assert find(graph, (), weekend)["emptySuggestionsReason"] == "unknown"
    monday = ("2027-05-10T07:00:00", "2027-05-11T07:00:00")
    found = starts(find(graph, (), monday, maxCandidates=1000))
    assert (found[0], found[-1], len(found)) == ("2027-05-10T15:00", "2027-05-10T23:00", 17)
    slots = [{"start": at(monday[0]), "end": at(monday[1])}]
    any_time = {"activityDomain": "unrestricted", "timeSlots": slots}
    assert len(starts(find(graph, (), timeConstraint=any_time, maxCandidates=1000))) == 47


def test_busy_people_lower_the_confidence_and_strangers_are_unknown(fresh_graph):
    book(fresh_graph, "megan", "2027-05-10T15:00:00", "2027-05-10T16:00:00")
    window = ("2027-05-10T15:00:00", "2027-05-10T17:00:00")
    found = find(fresh_graph, ("megan", "x@elsewhere.example"), window)
    (best,) = found["meetingTimeSuggestions"]
    assert starts(found) == ["2027-05-10T16:00"]
    assert best["confidence"] == 74.5
    assert [each["availability"] for each in best["attendeeAvailability"]] == ["free", "unknown"]
    low = find(fresh_graph, ("megan", "x@elsewhere.example"), window, minimumAttendeePercentage=20)
    assert starts(low)[0] == "2027-05-10T16:00"
    assert [each["confidence"] for each in low["meetingTimeSuggestions"]] == [74.5, 24.5, 24.5]


def test_reason_is_given_where_nothing_fits(fresh_graph):
    hour = ("2027-05-10T15:00:00", "2027-05-10T16:00:00")
    book(fresh_graph, "megan", *hour)
    assert find(fresh_graph, window=hour)["emptySuggestionsReason"] == "attendeesUnavailable"
    stranger = find(fresh_graph, ("x@elsewhere.example",), hour, minimumAttendeePercentage=90)
    assert stranger["emptySuggestionsReason"] == "attendeesUnavailableOrUnknown"
    book(fresh_graph, "adele", *hour)
    assert find(fresh_graph, (), hour)["emptySuggestionsReason"] == "organizerUnavailable"
    assert starts(find(fresh_graph, (), hour, isOrganizerOptional=True)) == ["2027-05-10T15:00"]


@pytest.mark.parametrize(
    "more",
    [
        {"meetingDuration": "an hour"},
        {"meetingDuration": "PT0M"},
        {"maxCandidates": 0.5},
        {"attendees": [{"emailAddress": {}}]},
        {"minimumAttendeePercentage": 101},
        {"timeConstraint": {"timeSlots": [{"start": at("2027-01-01"), "end": at("2026-01-01")}]}},
    ],
)
def test_wishes_that_cannot_be_are_refused(graph, more):
    body = {"attendees": [], "meetingDuration": "PT30M", **more}
    answer = graph.send("POST", "/me/findMeetingTimes", body, scopes="Calendars.Read.Shared")
    assert answer.status_code == 400


def test_looking_into_calendars_of_others_needs_its_scope(graph):
    for path in ("/me/calendar/getSchedule", "/me/findMeetingTimes"):
        answer = graph.send("POST", path, {}, scopes="Mail.Read")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ErrorAccessDenied")
