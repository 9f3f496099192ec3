import json

import pytest

from unit.graph_server.world import World, error, shown, size_bytes, throttled

EVENT = "/v1.0/me/events/event-1"
ATTACHMENTS = f"{EVENT}/attachments"


def person(name, **more):
    address = f"{name.split()[0].lower()}@contoso.example"
    return {"emailAddress": {"name": name, "address": address}} | more


def event(**changes):
    return {
        "id": "event-1",
        "subject": "Budget round",
        "body": {"contentType": "text", "content": "Agenda:\n1. figures"},
        "start": {"dateTime": "2026-11-23T16:30:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-23T17:00:00.0000000", "timeZone": "UTC"},
        "originalStartTimeZone": "Pacific Standard Time",
        "isAllDay": False,
        "location": {"displayName": "Room 12"},
        "onlineMeeting": {"joinUrl": "https://teams.microsoft.com/l/meetup-join/1"},
        "isOnlineMeeting": True,
        "organizer": person("Megan Bowen"),
        "isOrganizer": False,
        "attendees": [
            person("Adele Vance", type="required", status={"response": "accepted"}),
            person("Alex Wilber", type="optional", status={"response": "none"}),
        ],
        "responseStatus": {"response": "accepted"},
        "type": "occurrence",
        "seriesMasterId": "series-1",
        "recurrence": None,
        "isCancelled": False,
        "showAs": "busy",
        "sensitivity": "private",
        "importance": "normal",
        "hasAttachments": False,
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 15,
        "webLink": "https://outlook.office365.com/owa/?itemid=event-1",
    } | changes


def text_of(told):
    return "\n".join(told["untrusted_body"].split("\n")[1:-1])


async def get(world, **arguments):
    return await world.told("calendar_event_get", event_id="event-1", **arguments)


async def test_an_event_is_shown_whole(world):
    world.network.on(EVENT, event())
    told = await get(world)
    assert text_of(told) == "Agenda:\n1. figures"
    told.pop("untrusted_body")
    assert told == {
        "id": "event-1",
        "subject": "Budget round",
        "start": "2026-11-23T17:30+01:00",
        "end": "2026-11-23T18:00+01:00",
        "original_time_zone": "America/Los_Angeles",
        "location": "Room 12",
        "online": True,
        "join_url": "https://teams.microsoft.com/l/meetup-join/1",
        "organizer": "Megan Bowen <megan@contoso.example>",
        "my_response": "accepted",
        "series_id": "series-1",
        "show_as": "busy",
        "sensitivity": "private",
        "reminder_minutes": 15,
        "web_link": "https://outlook.office365.com/owa/?itemid=event-1",
        "time_zone": "Europe/Berlin",
        "attendees": [
            "Adele Vance <adele@contoso.example> (accepted)",
            "Alex Wilber <alex@contoso.example> (no answer, optional)",
        ],
    }


async def test_text_and_immutable_ids_are_preferred(world):
    world.network.on(EVENT, event())
    await get(world)
    prefer = world.network.last(EVENT).headers["prefer"]
    assert prefer == 'IdType="ImmutableId", outlook.body-content-type="text"'


async def test_a_series_is_told_in_a_sentence(world):
    series = {
        "pattern": {"type": "weekly", "interval": 2, "daysOfWeek": ["monday", "friday"]},
        "range": {"type": "endDate", "startDate": "2026-11-23", "endDate": "2026-12-31"},
    }
    world.network.on(EVENT, event(type="seriesMaster", recurrence=series, seriesMasterId=None))
    assert (await get(world))["recurrence"] == "every 2 weeks on mon,fri until 2026-12-31"


async def test_whole_days_are_dates_in_no_zone_of_their_own(world):
    whole = {
        "start": {"dateTime": "2026-11-23T00:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-25T00:00:00.0000000", "timeZone": "UTC"},
        "isAllDay": True,
    }
    world.network.on(EVENT, event(**whole))
    told = await get(world)
    assert (told["start"], told["end"]) == ("2026-11-23", "2026-11-24")
    assert "original_time_zone" not in told


async def test_attachments_are_named(world):
    world.network.on(EVENT, event(hasAttachments=True))
    world.network.on(ATTACHMENTS, {"value": [{"name": "Figures\n.xlsx"}, {"name": "Plan.docx"}]})
    assert (await get(world))["attachments"] == ["Figures .xlsx", "Plan.docx"]


async def test_a_long_text_is_read_piece_by_piece_without_loss(world):
    text = "".join(f"{number} € 日本\n" for number in range(3000))
    world.network.on(EVENT, event(body={"contentType": "text", "content": text}))
    got, offset = "", 0
    async with world.client() as client:
        while True:
            arguments = {"event_id": "event-1", "offset": offset}
            told = shown(await client.call_tool("calendar_event_get", arguments))
            got += text_of(told)
            if "more" not in told:
                break
            offset = told["more"]
    assert got == text


async def test_a_crowd_is_cut_to_the_budget_and_counted():
    world = World(result_budget_bytes=4096)
    crowd = [person(f"P{number} Somebody" + "x" * 40) for number in range(900)]
    body = {"contentType": "text", "content": "y" * 50_000}
    names = {"value": [{"name": "z" * 300}] * 20}
    world.network.on(EVENT, event(attendees=crowd, body=body, hasAttachments=True))
    world.network.on(ATTACHMENTS, names)
    result = await world.call("calendar_event_get", event_id="event-1", max_chars=32_000)
    told = shown(result)
    assert size_bytes(result) <= 4096
    cut = told["attendees"][-1]
    assert cut.endswith((" more", "not shown"))
    assert told["more"] > 0


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"attendees": "x", "organizer": [], "body": "x", "location": 1, "onlineMeeting": 7},
        {"body": {"content": None}, "recurrence": 5, "start": {"dateTime": "x"}},
        {"type": [], "isReminderOn": True, "reminderMinutesBeforeStart": 10**100, "showAs": {}},
        {"recurrence": {"pattern": {"type": []}}, "responseStatus": [], "id": {}},
        {"onlineMeeting": {"joinUrl": "http://a.example"}, "webLink": "https://a b"},
    ],
)
async def test_odd_answers_do_no_harm(world, odd):
    world.network.on(EVENT, odd)
    told = await get(world)
    assert not {"join_url", "web_link", "untrusted_body"} & set(told)


async def test_hidden_characters_of_others_are_not_shown(world):
    world.network.on(EVENT, event(subject="Budget\U000e0041\u202e\nround", body=None))
    assert (await get(world))["subject"] == "Budget round"


@pytest.mark.parametrize("bad", ["..", "a/../b", "a b", "", "%2e%2e", "x" * 513])
async def test_an_id_that_is_none_is_refused(world, bad):
    refused = await world.refused("calendar_event_get", event_id=bad)
    assert (refused["error"], refused["argument"]) == ("bad_argument", "event_id")
    assert world.network.requests == []


async def test_an_id_that_graph_does_not_take_is_a_bad_id(world):
    world.network.on(EVENT, error(400, "ErrorInvalidIdMalformed"))
    refused = await world.refused("calendar_event_get", event_id="event-1")
    assert refused["error"] == "bad_id"


async def test_an_event_that_is_gone_is_not_found(world):
    world.network.on(EVENT, error(404, "ErrorItemNotFound"))
    refused = await world.refused("calendar_event_get", event_id="event-1")
    assert refused["error"] == "not_found"


async def test_a_missing_permission_is_named(world):
    world.network.on(EVENT, error(403, "ErrorAccessDenied"))
    refused = await world.refused("calendar_event_get", event_id="event-1")
    assert refused["missing_scope"] == "Calendars.Read"


async def test_a_throttled_event_is_read_after_the_wait(world):
    world.network.on(EVENT, throttled(), event())
    assert (await get(world))["id"] == "event-1"
    assert json.dumps(world.clock.waits) == "[2.0]"
