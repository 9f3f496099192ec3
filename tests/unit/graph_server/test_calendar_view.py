import pytest

from unit.graph_server.messages import Mailbox
from unit.graph_server.world import World, error, shown, size_bytes, throttled

VIEW = "/v1.0/me/calendarView"
DAY = {"start": "2026-11-23", "end": "2026-11-23"}


def event(number=1, **changes):
    return {
        "id": f"event-{number}",
        "subject": f"Budget round {number}",
        "start": {"dateTime": "2026-11-23T16:30:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-23T17:00:00.0000000", "timeZone": "UTC"},
        "isAllDay": False,
        "location": {"displayName": "Room 12"},
        "organizer": {"emailAddress": {"name": "Megan Bowen", "address": "megan@c.example"}},
        "attendees": [
            {"emailAddress": {"name": "Adele Vance", "address": "adele@contoso.example"}},
            {"emailAddress": {"name": "Alex Wilber", "address": "alex@contoso.example"}},
        ],
        "responseStatus": {"response": "tentativelyAccepted"},
        "type": "occurrence",
        "isCancelled": False,
        "isOnlineMeeting": True,
    } | changes


async def test_an_event_is_shown_in_the_time_of_the_mailbox(world):
    world.network.on(VIEW, {"value": [event()]})
    assert (await world.told("calendar_view", **DAY)) == {
        "items": [
            {
                "id": "event-1",
                "subject": "Budget round 1",
                "start": "2026-11-23T17:30+01:00",
                "end": "2026-11-23T18:00+01:00",
                "location": "Room 12",
                "online": True,
                "organizer": "Megan Bowen",
                "my_response": "tentativelyAccepted",
                "attendees": 2,
                "recurring": True,
            }
        ],
        "time_zone": "Europe/Berlin",
    }


async def test_bare_days_mean_whole_days_of_the_mailbox_asked_a_day_wider(world):
    world.network.on(VIEW, {"value": []})
    await world.told("calendar_view", **DAY)
    params = world.network.last(VIEW).url.params
    assert params["startDateTime"] == "2026-11-21T23:00:00Z"
    assert params["endDateTime"] == "2026-11-24T23:00:00Z"
    assert params["$orderby"] == "start/dateTime"


async def test_a_day_on_which_clocks_change_has_its_own_length(world):
    world.network.on(VIEW, {"value": []})
    await world.told("calendar_view", start="2026-10-25", end="2026-10-25")
    params = world.network.last(VIEW).url.params
    assert params["startDateTime"] == "2026-10-23T22:00:00Z"
    assert params["endDateTime"] == "2026-10-26T23:00:00Z"


async def test_times_in_a_windows_zone_are_understood(world):
    start = {"dateTime": "2026-11-23T08:30:00.0000000", "timeZone": "Pacific Standard Time"}
    world.network.on(VIEW, {"value": [event(start=start)]})
    told = await world.told("calendar_view", **DAY)
    assert told["items"][0]["start"] == "2026-11-23T17:30+01:00"


async def test_a_whole_day_is_a_date_and_ends_on_its_last_day(world):
    whole = {
        "start": {"dateTime": "2026-11-23T00:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-25T00:00:00.0000000", "timeZone": "UTC"},
        "isAllDay": True,
    }
    world.network.on(VIEW, {"value": [event(**whole)]})
    row = (await world.told("calendar_view", **DAY))["items"][0]
    assert (row["start"], row["end"], row["all_day"]) == ("2026-11-23", "2026-11-24", True)


async def test_an_empty_calendar_gives_no_rows(world):
    world.network.on(VIEW, {"value": []})
    assert (await world.told("calendar_view", **DAY))["items"] == []


@pytest.mark.parametrize("query", ["round 7", "ALEX WILBER", "megan@c."])
async def test_a_query_looks_into_subject_and_people(world, query):
    events = [event(n, attendees=[], organizer={}) for n in range(6)] + [event(7)]
    world.network.on(VIEW, {"value": events})
    told = await world.told("calendar_view", **DAY, query=query)
    assert [row["id"] for row in told["items"]] == ["event-7"]


async def test_a_query_goes_on_over_pages_and_its_cursor_over_calls(world):
    events = [event(n, subject="Rare" if n % 40 == 0 else "Daily") for n in range(240)]
    world.network.on(VIEW, Mailbox(events))
    seen, cursor = [], ""
    async with world.client() as client:
        for _ in range(6):
            arguments = {**DAY, "query": "rare", "limit": 4, "cursor": cursor}
            told = shown(await client.call_tool("calendar_view", arguments))
            seen += [row["id"] for row in told["items"]]
            cursor = told.get("next", "")
            if not cursor:
                break
    assert seen == [f"event-{n}" for n in range(0, 240, 40)]


async def test_long_lists_stay_within_the_budget_and_say_how_many_were_cut():
    world = World(result_budget_bytes=4096)
    world.network.on(VIEW, Mailbox([event(n, subject="x" * 300) for n in range(50)]))
    result = await world.call("calendar_view", **DAY, limit=50)
    told = shown(result)
    assert size_bytes(result) <= 4096
    assert told["truncated"] == 50 - len(told["items"])
    assert told["next"]


@pytest.mark.parametrize(
    ("start", "end", "argument"),
    [
        ("tomorrow", "2026-11-24", "start"),
        ("2026-11-24", "2026-13-01", "end"),
        ("2026-11-24", "2026-11-23", "end"),
        ("2026-11-24T10:00", "2026-11-24T10:00", "end"),
        ("2020-01-01", "2026-01-01", "end"),
        ("9999-12-31", "9999-12-31", "start"),
        ("2026-11-24", "2101-01-01", "end"),
        ("0001-01-01", "2026-11-24", "start"),
    ],
)
async def test_a_period_that_is_none_is_refused(world, start, end, argument):
    refused = await world.refused("calendar_view", start=start, end=end)
    assert (refused["error"], refused["argument"]) == ("bad_argument", argument)
    assert VIEW not in world.network.paths()


@pytest.mark.parametrize("calendar", ["..", "a/../../me", "a b"])
async def test_a_calendar_that_is_no_id_is_refused(world, calendar):
    refused = await world.refused("calendar_view", **DAY, calendar=calendar)
    assert refused["argument"] == "calendar"


async def test_a_missing_scope_is_named(world):
    world.network.on(VIEW, error(403, "ErrorAccessDenied"))
    assert (await world.refused("calendar_view", **DAY))["missing_scope"] == "Calendars.ReadBasic"


async def test_a_calendar_that_does_not_exist_is_not_found(world):
    refused = await world.refused("calendar_view", **DAY, calendar="nowhere")
    assert refused["error"] == "not_found"


async def test_a_person_without_mailbox_is_told_so(world):
    world.network.on(VIEW, error(404, "MailboxNotEnabledForRESTAPI"))
    assert (await world.refused("calendar_view", **DAY))["error"] == "no_mailbox"


async def test_a_throttled_view_succeeds_after_the_wait(world):
    world.network.on(VIEW, throttled(), {"value": [event()]})
    assert len((await world.told("calendar_view", **DAY))["items"]) == 1


def at(day, hour=0):
    return {"dateTime": f"2026-11-{day:02}T{hour:02}:00:00.0000000", "timeZone": "UTC"}


def whole_day(name, first, behind):
    return event(name, start=at(first), end=at(behind), isAllDay=True)


@pytest.mark.parametrize("zone", ["W. Europe Standard Time", "Line Islands Standard Time"])
async def test_a_whole_day_belongs_to_its_date_and_not_to_the_day_beside_it(world, zone):
    world.network.on("/v1.0/me/mailboxSettings", {"timeZone": zone})
    days = [whole_day("before", 22, 23), whole_day("day", 23, 24), whole_day("after", 24, 25)]
    world.network.on(VIEW, {"value": [*days, whole_day("around", 20, 27)]})
    told = await world.told("calendar_view", **DAY)
    assert [row["id"] for row in told["items"]] == ["event-day", "event-around"]


async def test_hours_outside_the_period_are_not_shown_for_the_wider_request(world):
    rows = [
        event("too early", start=at(22, 21), end=at(22, 23)),
        event("over midnight", start=at(22, 22), end=at(23, 1)),
        event("no length", start=at(22, 23), end=at(22, 23)),
        event("too late", start=at(23, 23), end=at(24, 1)),
    ]
    world.network.on(VIEW, {"value": rows})
    told = await world.told("calendar_view", **DAY)
    assert [row["id"] for row in told["items"]] == ["event-over midnight", "event-no length"]


async def test_a_calendar_that_is_none_is_refused_with_what_may_stand_there(world):
    assert "leave it empty" in (await world.refused("calendar_view", **DAY, calendar=".."))["hint"]


async def test_odd_times_of_an_event_do_no_harm(world):
    first = {"dateTime": "0001-01-01T00:00:00", "timeZone": "UTC"}
    world.network.on(VIEW, {"value": [event(start=None, end=first, isAllDay=True)]})
    assert len((await world.told("calendar_view", **DAY))["items"]) == 1
