"""Events are made, changed, cancelled and answered, and their guests see it."""

import pytest

SCOPES = "Calendars.ReadWrite"
YEAR = "startDateTime=2026-11-18T00:00:00Z&endDateTime=2027-11-18T00:00:00Z&$top=1000"
PACIFIC = "Pacific Standard Time"


def at(moment, zone=PACIFIC):
    return {"dateTime": moment, "timeZone": zone}


def guest(key, kind="required"):
    return {"emailAddress": {"address": f"{key}@contoso.example"}, "type": kind}


def meeting(**more):
    span = {"start": at("2026-11-25T09:00:00"), "end": at("2026-11-25T10:00:00")}
    return {"subject": "Moving the shelves", **span, **more}


def ask(graph, method, path, body=None, **more):
    return graph.send(method, path, body, **{"scopes": SCOPES, **more})


def make(graph, **more):
    answer = ask(graph, "POST", "/me/events", meeting(**more))
    assert answer.status_code == 201, answer.text
    return answer.json()


def seen(graph, who="adele", subject="Moving the shelves"):
    shown = graph.every(f"/me/calendarView?{YEAR}", who=who, scopes=SCOPES)
    return [each for each in shown if each["subject"].removeprefix("Canceled: ") == subject]


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_made_event_is_in_the_view_and_in_the_calendars_of_its_guests(fresh_graph):
    event = make(fresh_graph, attendees=[guest("megan"), guest("alex", "optional")])
    assert (event["isOrganizer"], event["start"]["dateTime"][:16]) == (True, "2026-11-25T17:00")
    assert event["attendees"][0]["emailAddress"]["name"] == "Megan Bowen"
    assert [each["id"] for each in seen(fresh_graph)] == [event["id"]]
    for who in ("megan", "alex"):
        (copy,) = seen(fresh_graph, who)
        assert copy["responseStatus"]["response"] == "notResponded"
        assert (copy["isOrganizer"], copy["showAs"]) == (False, "tentative")
        assert copy["iCalUId"] == event["iCalUId"]
        assert copy["id"] != event["id"]
    assert seen(fresh_graph, "lynne") == []


def test_same_transaction_makes_one_event_only(fresh_graph):
    first = make(fresh_graph, transactionId="7", attendees=[guest("megan")])
    again = make(fresh_graph, transactionId="7", attendees=[guest("megan")])
    assert again == first
    assert len(seen(fresh_graph)) == len(seen(fresh_graph, "megan")) == 1
    other = make(fresh_graph, transactionId="8")
    assert other["id"] != first["id"]


def test_transaction_of_one_person_is_not_that_of_another(fresh_graph):
    mine = make(fresh_graph, transactionId="7")
    theirs = ask(fresh_graph, "POST", "/me/events", meeting(transactionId="7"), who="megan")
    assert theirs.json()["id"] != mine["id"]


def test_online_meeting_has_its_link_also_in_the_body_until_the_body_loses_it(fresh_graph):
    event = make(fresh_graph, isOnlineMeeting=True, body={"contentType": "text", "content": "Hi"})
    link = event["onlineMeeting"]["joinUrl"]
    assert link in event["body"]["content"]
    assert "Hi" in event["body"]["content"]
    text = ask(
        fresh_graph, "GET", f"/me/events/{event['id']}", Prefer='outlook.body-content-type="text"'
    ).json()
    assert text["body"]["contentType"] == "text"
    assert link in text["body"]["content"]
    path = f"/me/events/{event['id']}"
    kept = {"contentType": "html", "content": f"<p>New</p>{event['body']['content']}"}
    assert ask(fresh_graph, "PATCH", path, {"body": kept}).json()["isOnlineMeeting"]
    lost = {"contentType": "text", "content": "New"}
    changed = ask(fresh_graph, "PATCH", path, {"body": lost}).json()
    assert (changed["isOnlineMeeting"], changed["onlineMeeting"]) == (False, None)


def test_changes_need_the_current_version_if_they_name_one(fresh_graph):
    event = make(fresh_graph)
    path, old = f"/me/events/{event['id']}", event["@odata.etag"]
    changed = ask(fresh_graph, "PATCH", path, {"subject": "Later"}, If_Match=old)
    assert changed.status_code == 200
    assert changed.json()["changeKey"] != event["changeKey"]
    assert changed.json()["@odata.etag"] == f'W/"{changed.json()["changeKey"]}"'
    stale = ask(fresh_graph, "PATCH", path, {"subject": "Too late"}, If_Match=old)
    assert error(stale) == (412, "ErrorIrresolvableConflict")
    assert error(ask(fresh_graph, "DELETE", path, If_Match=old))[0] == 412
    assert ask(fresh_graph, "GET", path).json()["subject"] == "Later"
    for headers in ({}, {"If_Match": "*"}):
        assert ask(fresh_graph, "PATCH", path, {}, **headers).status_code == 200


def test_attendees_are_replaced_as_a_whole_and_keep_their_answers(fresh_graph):
    event = make(fresh_graph, attendees=[guest("megan"), guest("alex")])
    (invitation,) = seen(fresh_graph, "megan")
    ask(fresh_graph, "POST", f"/me/events/{invitation['id']}/accept", {}, who="megan")
    path = f"/me/events/{event['id']}"
    changed = ask(fresh_graph, "PATCH", path, {"attendees": [guest("megan"), guest("lynne")]})
    answers = {
        each["emailAddress"]["address"]: each["status"]["response"]
        for each in changed.json()["attendees"]
    }
    assert answers == {"megan@contoso.example": "accepted", "lynne@contoso.example": "none"}
    assert len(seen(fresh_graph, "lynne")) == 1
    (gone,) = seen(fresh_graph, "alex")
    assert gone["isCancelled"]
    (kept,) = seen(fresh_graph, "megan")
    assert kept["responseStatus"]["response"] == "accepted"


def test_another_time_asks_the_guests_again(fresh_graph):
    event = make(fresh_graph, attendees=[guest("megan")])
    (invitation,) = seen(fresh_graph, "megan")
    ask(fresh_graph, "POST", f"/me/events/{invitation['id']}/accept", {}, who="megan")
    later = {"start": at("2026-11-25T11:00:00"), "end": at("2026-11-25T12:00:00")}
    ask(fresh_graph, "PATCH", f"/me/events/{event['id']}", later)
    (moved,) = seen(fresh_graph, "megan")
    assert moved["responseStatus"]["response"] == "notResponded"
    assert moved["start"]["dateTime"][:16] == "2026-11-25T19:00"
    assert moved["id"] == invitation["id"]


@pytest.mark.parametrize(
    ("verb", "answer", "shown"),
    [("accept", "accepted", "busy"), ("tentativelyAccept", "tentativelyAccepted", "tentative")],
)
def test_answer_is_seen_by_both(fresh_graph, verb, answer, shown):
    event = make(fresh_graph, attendees=[guest("megan")])
    (invitation,) = seen(fresh_graph, "megan")
    path = f"/me/events/{invitation['id']}/{verb}"
    given = ask(fresh_graph, "POST", path, {"comment": "ok"}, who="megan")
    assert (given.status_code, given.content) == (202, b"")
    (copy,) = seen(fresh_graph, "megan")
    assert (copy["responseStatus"]["response"], copy["showAs"]) == (answer, shown)
    assert copy["changeKey"] != invitation["changeKey"]
    told = ask(fresh_graph, "GET", f"/me/events/{event['id']}").json()
    assert told["attendees"][0]["status"]["response"] == answer


def test_declined_event_leaves_the_calendar_and_may_come_with_another_time(fresh_graph):
    event = make(fresh_graph, attendees=[guest("megan")])
    (invitation,) = seen(fresh_graph, "megan")
    slot = {"start": at("2026-11-26T09:00:00"), "end": at("2026-11-26T10:00:00")}
    body = {"proposedNewTime": slot, "sendResponse": True}
    path = f"/me/events/{invitation['id']}/decline"
    assert ask(fresh_graph, "POST", path, body, who="megan").status_code == 202
    assert seen(fresh_graph, "megan") == []
    (told,) = ask(fresh_graph, "GET", f"/me/events/{event['id']}").json()["attendees"]
    assert told["status"]["response"] == "declined"
    assert told["proposedNewTime"]["start"]["dateTime"][:16] == "2026-11-26T17:00"


def test_organizer_hears_nothing_of_a_silent_answer(fresh_graph):
    event = make(fresh_graph, attendees=[guest("megan")])
    (invitation,) = seen(fresh_graph, "megan")
    path = f"/me/events/{invitation['id']}/accept"
    assert ask(fresh_graph, "POST", path, {"sendResponse": False}, who="megan").status_code == 202
    (told,) = ask(fresh_graph, "GET", f"/me/events/{event['id']}").json()["attendees"]
    assert told["status"]["response"] == "none"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"comment": "x", "sendResponse": False}, "ErrorInvalidParameter"),
        ({"proposedNewTime": {}, "sendResponse": False}, "ErrorInvalidParameter"),
        ({"proposedNewTime": {"start": at("soon")}}, "RequestBodyRead"),
        ({"sendResponse": "yes"}, "RequestBodyRead"),
    ],
)
def test_answers_that_make_no_sense_are_refused(fresh_graph, body, code):
    make(fresh_graph, attendees=[guest("megan")])
    (invitation,) = seen(fresh_graph, "megan")
    path = f"/me/events/{invitation['id']}/decline"
    assert error(ask(fresh_graph, "POST", path, body, who="megan")) == (400, code)


def test_organizer_cannot_answer_and_guests_cannot_cancel(fresh_graph):
    event = make(fresh_graph, attendees=[guest("megan")])
    (invitation,) = seen(fresh_graph, "megan")
    mine = ask(fresh_graph, "POST", f"/me/events/{event['id']}/accept", {})
    assert error(mine) == (400, "ErrorInvalidRequest")
    assert "you're the meeting organizer" in mine.json()["error"]["message"]
    path = f"/me/events/{invitation['id']}/cancel"
    theirs = ask(fresh_graph, "POST", path, {"comment": "no"}, who="megan")
    assert error(theirs) == (400, "ErrorInvalidRequest")
    assert "need to be an organizer" in theirs.json()["error"]["message"]
    assert len(seen(fresh_graph)) == 1


def test_cancelled_meeting_is_gone_here_and_marked_there(fresh_graph):
    event = make(fresh_graph, attendees=[guest("megan")])
    path = f"/me/events/{event['id']}"
    assert ask(fresh_graph, "POST", f"{path}/cancel", {"comment": "sorry"}).status_code == 202
    assert error(ask(fresh_graph, "GET", path)) == (404, "ErrorItemNotFound")
    (copy,) = seen(fresh_graph, "megan")
    assert (copy["isCancelled"], copy["showAs"]) == (True, "free")
    assert copy["subject"] == "Canceled: Moving the shelves"
    late = ask(fresh_graph, "POST", f"/me/events/{copy['id']}/accept", {}, who="megan")
    assert error(late) == (400, "ErrorInvalidRequest")
    assert ask(fresh_graph, "DELETE", f"/me/events/{copy['id']}", who="megan").status_code == 204
    assert seen(fresh_graph, "megan") == []


def weekly(**span):
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]}
    return {"pattern": pattern, "range": {"startDate": "2026-11-30", **span}}


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        (
            weekly(type="numbered", numberOfOccurrences=3),
            ["2026-11-30", "2026-12-07", "2026-12-14"],
        ),
        (weekly(type="endDate", endDate="2026-12-07"), ["2026-11-30", "2026-12-07"]),
        (
            {
                "pattern": {"type": "daily", "interval": 2},
                "range": {"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 2},
            },
            ["2026-12-01", "2026-12-03"],
        ),
        (
            {
                "pattern": {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31},
                "range": {"type": "endDate", "startDate": "2026-12-01", "endDate": "2027-04-01"},
            },
            ["2026-12-31", "2027-01-31", "2027-03-31"],
        ),
        (
            {
                "pattern": {
                    "type": "relativeMonthly",
                    "interval": 2,
                    "daysOfWeek": ["friday"],
                    "index": "last",
                },
                "range": {"type": "endDate", "startDate": "2026-11-27", "endDate": "2027-04-01"},
            },
            ["2026-11-27", "2027-01-29", "2027-03-26"],
        ),
        (
            {
                "pattern": {
                    "type": "relativeYearly",
                    "interval": 1,
                    "daysOfWeek": ["thursday"],
                    "index": "fourth",
                    "month": 11,
                },
                "range": {"type": "noEnd", "startDate": "2026-11-26"},
            },
            ["2026-11-26"],
        ),
        (
            {
                "pattern": {
                    "type": "absoluteYearly",
                    "interval": 1,
                    "dayOfMonth": 24,
                    "month": 12,
                },
                "range": {"type": "numbered", "startDate": "2026-12-24", "numberOfOccurrences": 9},
            },
            ["2026-12-24"],
        ),
    ],
)
def test_series_is_shown_day_by_day_to_all(fresh_graph, rule, days):
    event = make(fresh_graph, recurrence=rule, attendees=[guest("megan")])
    assert event["type"] == "seriesMaster"
    assert event["recurrence"]["range"]["type"] == rule["range"]["type"]
    for who in ("adele", "megan"):
        shown = seen(fresh_graph, who)
        assert [each["start"]["dateTime"][:10] for each in shown] == days
        assert {each["type"] for each in shown} == {"occurrence"}
        masters = {each["seriesMasterId"] for each in shown}
        assert len(masters) == 1
        path = f"/me/events/{masters.pop()}"
        assert ask(fresh_graph, "GET", path, who=who).json()["type"] == "seriesMaster"
        assert len(fresh_graph.every(f"{path}/instances?{YEAR}", who=who, scopes=SCOPES)) == len(
            days
        )


def test_one_occurrence_can_be_changed_and_cancelled_alone(fresh_graph):
    rule = weekly(type="numbered", numberOfOccurrences=3)
    make(fresh_graph, recurrence=rule, attendees=[guest("megan")])
    first, second, third = seen(fresh_graph)
    moved = {"start": at("2026-11-30T13:00:00"), "end": at("2026-11-30T14:00:00")}
    changed = ask(fresh_graph, "PATCH", f"/me/events/{first['id']}", moved).json()
    assert changed["type"] == "exception"
    assert ask(fresh_graph, "POST", f"/me/events/{second['id']}/cancel", {}).status_code == 202
    assert [each["id"] for each in seen(fresh_graph)] == [first["id"], third["id"]]
    theirs = seen(fresh_graph, "megan")
    assert [each["start"]["dateTime"][:16] for each in theirs] == [
        "2026-11-30T21:00",
        "2026-12-07T17:00",
        "2026-12-14T17:00",
    ]
    assert [each["isCancelled"] for each in theirs] == [False, True, False]


def test_deleted_series_takes_its_occurrences_along(fresh_graph):
    event = make(fresh_graph, recurrence=weekly(type="noEnd"))
    assert len(seen(fresh_graph)) == 51
    assert ask(fresh_graph, "DELETE", f"/me/events/{event['id']}").status_code == 204
    assert seen(fresh_graph) == []


def test_all_day_event_lies_at_midnight_whatever_the_zone(fresh_graph):
    days = {"start": at("2026-12-01T00:00:00"), "end": at("2026-12-03T00:00:00")}
    make(fresh_graph, isAllDay=True, **days)
    (shown,) = seen(fresh_graph)
    assert shown["start"]["dateTime"] == "2026-12-01T00:00:00.0000000"
    assert shown["end"]["dateTime"] == "2026-12-03T00:00:00.0000000"


def test_event_goes_into_the_calendar_that_is_named(fresh_graph):
    _, other = ask(fresh_graph, "GET", "/me/calendars").json()["value"]
    path = f"/me/calendars/{other['id']}/events"
    made = ask(fresh_graph, "POST", path, meeting()).json()
    assert seen(fresh_graph) == []
    listed = fresh_graph.every(path, scopes=SCOPES)
    assert made["id"] in [each["id"] for each in listed]
    assert ask(fresh_graph, "GET", f"/me/events/{made['id']}").status_code == 200


def test_both_kinds_of_ids_lead_to_a_new_event(fresh_graph):
    made = make(fresh_graph)
    immutable = 'IdType="ImmutableId"'
    other = ask(fresh_graph, "GET", f"/me/events/{made['id']}", Prefer=immutable).json()["id"]
    assert other != made["id"]
    assert ask(fresh_graph, "GET", f"/me/events/{other}").json()["id"] == made["id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"subject": "x"}, "ErrorPropertyValidationFailure"),
        (meeting(end=at("2026-11-25T08:00:00")), "ErrorPropertyValidationFailure"),
        (meeting(end=at("tomorrow")), "RequestBodyRead"),
        (meeting(start=at("2026-11-25T09:00:00", "Middle-earth")), "TimeZoneNotSupportedException"),
        (meeting(subjekt="x"), "RequestBodyRead"),
        (meeting(subject=7), "RequestBodyRead"),
        (meeting(showAs="asleep"), "RequestBodyRead"),
        (meeting(isAllDay=True), "ErrorInvalidRequest"),
        (meeting(attendees=[{"emailAddress": {"address": "nobody"}}]), "ErrorInvalidRecipients"),
        (meeting(recurrence={"pattern": {"type": "weekly"}}), "RequestBodyRead"),
        (meeting(recurrence=weekly(type="endDate")), "ErrorPropertyValidationFailure"),
        (
            meeting(recurrence=weekly(type="numbered", numberOfOccurrences=9999)),
            "ErrorPropertyValidationFailure",
        ),
        (meeting(start=at("9999-12-31T23:00:00")), "ErrorPropertyValidationFailure"),
        ([], "BadRequest"),
    ],
)
def test_events_that_cannot_be_are_refused(fresh_graph, body, code):
    assert error(ask(fresh_graph, "POST", "/me/events", body)) == (400, code)
    assert seen(fresh_graph) == []


def test_writing_needs_its_scope_and_stays_with_its_person(fresh_graph):
    event = make(fresh_graph)
    path = f"/me/events/{event['id']}"
    for method, where in (
        ("POST", "/me/events"),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/cancel"),
        ("POST", f"{path}/accept"),
    ):
        refused = ask(fresh_graph, method, where, meeting(), scopes="Calendars.Read")
        assert error(refused) == (403, "ErrorAccessDenied")
        if where != "/me/events":
            assert error(ask(fresh_graph, method, where, {}, who="megan"))[0] == 404
    assert len(seen(fresh_graph)) == 1


def test_basic_scope_shows_no_body(graph):
    shown = graph.get(f"/me/calendarView?{YEAR}", scopes="Calendars.ReadBasic").json()["value"][0]
    assert not {"body", "bodyPreview"} & shown.keys()
    one = graph.get(f"/me/events/{shown['id']}", scopes="Calendars.ReadBasic").json()
    assert "body" not in one
    assert "body" in graph.get(f"/me/events/{shown['id']}", scopes="Calendars.Read").json()
