import json

import httpx
import pytest

from unit.graph_server.world import World, error, throttled

EVENTS = "/v1.0/me/events"
ME = "/v1.0/me"
PLAN = {"subject": "Plan", "start": "2026-12-01T09:00", "end": "2026-12-01T09:30"}
MADE = {
    "id": "event-1",
    "webLink": "https://outlook.office365.com/owa/?itemid=event-1",
    "onlineMeeting": {"joinUrl": "https://teams.microsoft.com/l/meetup-join/1"},
}


@pytest.fixture
def world():
    world = World(read_only=False)
    world.network.on(EVENTS, MADE, method="POST")
    return world


async def create(world, **changes):
    return await world.told("calendar_event_create", **{**PLAN, **changes})


async def refused(world, **changes):
    return await world.refused("calendar_event_create", **{**PLAN, **changes})


def posts(world):
    requests = world.network.requests
    return [json.loads(r.content) for r in requests if r.method == "POST" and r.url.path == EVENTS]


async def test_an_event_is_made_in_the_mailbox_zone_under_its_windows_name(world):
    told = await create(world)
    (event,) = posts(world)
    assert event.pop("transactionId")
    assert event == {
        "subject": "Plan",
        "start": {"dateTime": "2026-12-01T09:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-12-01T09:30:00", "timeZone": "W. Europe Standard Time"},
        "isAllDay": False,
        "showAs": "busy",
        "attendees": [],
    }
    assert told == {
        "created": True,
        "id": "event-1",
        "subject": "Plan",
        "start": "2026-12-01T09:00+01:00",
        "end": "2026-12-01T09:30+01:00",
        "time_zone": "Europe/Berlin",
        "invited": 0,
        "join_url": "https://teams.microsoft.com/l/meetup-join/1",
        "web_link": "https://outlook.office365.com/owa/?itemid=event-1",
    }


async def test_a_new_event_has_an_immutable_id(world):
    await create(world)
    assert world.network.last(EVENTS).headers["prefer"] == 'IdType="ImmutableId"'


async def test_everything_that_can_be_said_of_an_event_is_sent(world):
    await create(
        world,
        attendees=["Alex Wilber <alex@contoso.example>"],
        optional_attendees=["lynne@contoso.example", "ALEX@contoso.example"],
        location="Room 12",
        body="Bring <figures>\nplease",
        online=True,
        recurrence="weekly on tue 10 times",
        show_as="tentative",
        reminder_minutes=0,
    )
    (event,) = posts(world)
    alex = {"name": "Alex Wilber", "address": "alex@contoso.example"}
    assert event["attendees"] == [
        {"emailAddress": alex, "type": "required"},
        {"emailAddress": {"address": "lynne@contoso.example"}, "type": "optional"},
    ]
    assert event["location"] == {"displayName": "Room 12"}
    assert event["body"] == {"contentType": "text", "content": "Bring <figures>\nplease"}
    assert event["isOnlineMeeting"] is True
    assert (event["isReminderOn"], event["reminderMinutesBeforeStart"]) == (True, 0)
    assert event["showAs"] == "tentative"
    assert event["recurrence"]["range"] == {
        "type": "numbered",
        "numberOfOccurrences": 10,
        "startDate": "2026-12-01",
        "recurrenceTimeZone": "W. Europe Standard Time",
    }


@pytest.mark.parametrize(
    ("zone", "sent"),
    [
        ("America/New_York", ("2026-12-01T09:00:00", "Eastern Standard Time")),
        ("Eastern Standard Time", ("2026-12-01T09:00:00", "Eastern Standard Time")),
        ("Europe/Vienna", ("2026-12-01T09:00:00", "W. Europe Standard Time")),
        ("Asia/Calcutta", ("2026-12-01T09:00:00", "India Standard Time")),
        ("Antarctica/Troll", ("2026-12-01T09:00:00", "UTC")),
        ("UTC", ("2026-12-01T09:00:00", "UTC")),
    ],
)
async def test_a_zone_is_sent_by_a_name_that_exchange_knows(world, zone, sent):
    await create(world, time_zone=zone)
    start = posts(world)[0]["start"]
    assert (start["dateTime"], start["timeZone"]) == sent


async def test_a_zone_without_a_windows_name_is_converted_to_utc(world):
    when = {"start": "2026-07-01T09:00", "end": "2026-07-01T10:00"}
    await create(world, time_zone="Antarctica/Troll", **when)  # two hours ahead in July
    assert posts(world)[0]["start"] == {"dateTime": "2026-07-01T07:00:00", "timeZone": "UTC"}


async def test_a_time_with_offset_is_moved_to_the_zone(world):
    await create(world, start="2026-12-01T08:00Z", end="2026-12-01T03:30-05:00")
    (event,) = posts(world)
    assert event["start"]["dateTime"] == "2026-12-01T09:00:00"
    assert event["end"]["dateTime"] == "2026-12-01T09:30:00"


async def test_a_time_that_clocks_skip_is_refused(world):
    told = await refused(world, start="2027-03-28T02:30", end="2027-03-28T04:00")
    assert told["argument"] == "start"
    assert "does not exist" in told["hint"]
    assert posts(world) == []


async def test_a_time_that_clocks_show_twice_is_sent_in_utc(world):
    when = {"start": "2026-10-25T02:30+02:00", "end": "2026-10-25T02:30+01:00"}
    told = await create(world, **when)
    (event,) = posts(world)
    assert event["start"] == {"dateTime": "2026-10-25T00:30:00", "timeZone": "UTC"}
    assert event["end"] == {"dateTime": "2026-10-25T01:30:00", "timeZone": "UTC"}
    assert (told["start"], told["end"]) == ("2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00")


async def test_whole_days_are_dates_with_the_last_one_included(world):
    told = await create(world, start="2026-12-24", end="2026-12-26", all_day=True)
    (event,) = posts(world)
    assert event["isAllDay"] is True
    assert event["start"]["dateTime"] == "2026-12-24T00:00:00"
    assert event["end"]["dateTime"] == "2026-12-27T00:00:00"
    assert (told["start"], told["end"], told["all_day"]) == ("2026-12-24", "2026-12-26", True)


async def test_whole_days_stay_dates_where_exchange_does_not_know_the_zone(world):
    zone = {"time_zone": "Antarctica/Troll", "all_day": True}
    await create(world, start="2026-07-01", end="2026-07-01", **zone)
    (event,) = posts(world)
    assert event["start"] == {"dateTime": "2026-07-01T00:00:00", "timeZone": "UTC"}


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"start": "tomorrow"}, "start"),
        ({"start": "2026-12-01"}, "start"),
        ({"end": "2026-12-01T08:00"}, "end"),
        ({"end": "2028-12-01T08:00"}, "end"),
        ({"all_day": True}, "start"),
        ({"all_day": True, "start": "2026-12-02", "end": "2026-12-01"}, "end"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"time_zone": "../etc"}, "time_zone"),
        ({"recurrence": "now and then"}, "recurrence"),
        ({"recurrence": "weekly on mon", "time_zone": "UTC"}, "recurrence"),
        ({"time_zone": "Antarctica/Troll", "recurrence": "daily"}, "time_zone"),
        ({"attendees": ["Alex"]}, "attendees"),
        ({"attendees": ["a@b.example\nBcc: x@y.example"]}, "attendees"),
        ({"subject": ""}, "subject"),
        ({"subject": "x" * 256}, "subject"),
        ({"reminder_minutes": -2}, "reminder_minutes"),
        ({"show_as": "away"}, "show_as"),
    ],
)
async def test_what_cannot_be_an_event_is_refused_before_graph_is_asked(world, changes, argument):
    told = await refused(world, **changes)
    assert (told["error"], told["argument"]) == ("bad_argument", argument)
    assert world.network.requests == []


async def test_the_first_day_of_a_series_is_that_of_its_zone(world):
    when = {"start": "2026-12-01T23:30Z", "end": "2026-12-01T23:45Z"}  # Wednesday in Berlin
    await create(world, **when, recurrence="weekly on wed")
    assert posts(world)[0]["recurrence"]["range"]["startDate"] == "2026-12-02"
    assert (await refused(world, **when, recurrence="weekly on tue"))["argument"] == "recurrence"
    assert len(posts(world)) == 1


async def test_a_dry_run_checks_everything_and_changes_nothing(world):
    told = await create(world, dry_run=True, attendees=["x@fabrikam.example"], recurrence="daily")
    assert posts(world) == []
    assert {request.method for request in world.network.requests} == {"GET"}
    assert told == {
        "dry_run": True,
        "would": {
            "create": True,
            "subject": "Plan",
            "start": "2026-12-01T09:00+01:00",
            "end": "2026-12-01T09:30+01:00",
            "time_zone": "Europe/Berlin",
            "recurrence": "daily",
            "invited": 1,
            "warnings": ["1 recipient is outside contoso.example: fabrikam.example."],
            "attendees": ["x@fabrikam.example"],
        },
    }


async def test_the_same_arguments_of_the_same_person_have_the_same_transaction(world):
    await create(world, body="one")
    await create(world, body="one")
    await create(world, body="two")
    await create(world, body="one", person="megan")
    ids = [event["transactionId"] for event in posts(world)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


async def test_an_event_that_may_exist_is_asked_for_again_under_one_transaction(world):
    broken = httpx.ReadError("connection lost")
    world.network.on(EVENTS, broken, error(503, "serviceNotAvailable"), MADE, method="POST")
    assert (await create(world))["id"] == "event-1"
    ids = {event["transactionId"] for event in posts(world)}
    assert (len(posts(world)), len(ids)) == (3, 1)


async def test_an_event_of_which_nothing_is_known_may_be_asked_for_again_by_the_model(world):
    world.network.on(EVENTS, error(504, "UnknownError"), method="POST")
    told = await refused(world)
    assert told["error"] == "unclear"
    assert "very same arguments" in told["hint"]


@pytest.mark.parametrize("status", [400, 409])
async def test_an_event_that_was_made_and_changed_is_not_made_again(world, status):
    world.network.on(EVENTS, error(status, "ErrorDuplicateTransactionId"), method="POST")
    assert (await refused(world))["error"] == "exists_already"


async def test_a_throttled_event_is_made_after_the_wait(world):
    world.network.on(EVENTS, throttled(), MADE, method="POST")
    assert (await create(world))["id"] == "event-1"
    assert world.clock.waits == [2]


async def test_a_missing_permission_is_named(world):
    world.network.on(EVENTS, error(403, "ErrorAccessDenied"), method="POST")
    assert (await refused(world))["missing_scope"] == "Calendars.ReadWrite"


async def test_too_many_people_are_refused_before_anything_is_made(world):
    people = [f"p{number}@contoso.example" for number in range(15)]
    more = [f"q{number}@contoso.example" for number in range(6)]
    told = await refused(world, attendees=people, optional_attendees=more)
    assert told["error"] == "recipients_refused"
    assert posts(world) == []


async def test_people_outside_the_allowed_domains_are_refused():
    world = World(read_only=False, recipient_domains="contoso.example")
    told = await world.refused("calendar_event_create", **PLAN, attendees=["a@x.example"])
    assert told["error"] == "recipients_refused"
    assert posts(world) == []


async def test_a_start_in_the_past_and_a_missing_join_link_are_said(world):
    world.network.on(EVENTS, {"id": "event-1"}, method="POST")
    when = {"start": "2026-01-01T09:00", "end": "2026-01-01T10:00"}
    assert (await create(world, **when, online=True))["warnings"] == [
        "It starts in the past.",
        "No join link yet: read the event again in a moment.",
    ]


async def test_a_link_that_is_not_https_is_not_shown(world):
    odd = {"id": "e", "webLink": "javascript:x", "onlineMeeting": {"joinUrl": "http://a.example"}}
    world.network.on(EVENTS, odd, method="POST")
    told = await create(world)
    assert not {"web_link", "join_url"} & set(told)


async def test_nobody_is_told_what_nobody_can_see(world):
    await create(world, subject="Plan\U000e0041\u202e", body="a\U000e0041b\nc")
    (event,) = posts(world)
    assert event["subject"] == "Plan"
    assert event["body"]["content"] == "ab\nc"


async def test_without_write_permission_of_the_operator_there_is_no_such_tool():
    world = World()
    assert (await world.call("calendar_event_create", **PLAN)).is_error
    assert world.network.requests == []


async def test_a_subject_and_a_place_are_one_line(world):
    await create(world, subject=" Plan\r\nBCC: x ", location="Room\n12")
    (event,) = posts(world)
    assert event["subject"] == "Plan BCC: x"
    assert event["location"] == {"displayName": "Room 12"}


@pytest.mark.parametrize("subject", [" ", "\n\t", "\u202e", "\U000e0041"])
async def test_a_subject_that_nobody_can_read_is_refused(world, subject):
    assert (await refused(world, subject=subject))["argument"] == "subject"
    assert posts(world) == []
