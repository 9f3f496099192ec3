import json

import httpx
import pytest

from unit.graph_server.world import World, error, shown, size_bytes, throttled

EVENT = "/v1.0/me/events/event-1"
BERLIN = "W. Europe Standard Time"
TEAMS = (
    '<div class="me-email-text" lang="en-US"><div>____________________</div>'
    '<a href="https://teams.microsoft.com/l/meetup-join/1">Join</a></div>'
)
OLD_TEAMS = '<div style="w"><span style="x">' + "_" * 80 + '</span></div><a href="j">Join</a>'


def person(name, **more):
    return {"emailAddress": {"name": name, "address": f"{name.lower()}@contoso.example"}} | more


ALEX = person("Alex", type="optional", status={"response": "accepted"})
LYNNE = person("Lynne", type="required", status={"response": "none"})


def event(**changes):
    return {
        "@odata.etag": 'W/"7"',
        "id": "event-1",
        "subject": "Budget round",
        "body": {"contentType": "html", "content": "<html><body>Old text</body></html>"},
        "start": {"dateTime": "2026-12-01T08:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"},
        "originalStartTimeZone": BERLIN,
        "isAllDay": False,
        "location": {"displayName": "Room 12"},
        "attendees": [ALEX, LYNNE],
        "isOrganizer": True,
        "isOnlineMeeting": False,
        "type": "singleInstance",
    } | changes


def whole_day(**changes):
    return event(
        start={"dateTime": "2026-12-01T00:00:00.0000000", "timeZone": "UTC"},
        end={"dateTime": "2026-12-03T00:00:00.0000000", "timeZone": "UTC"},
        isAllDay=True,
        **changes,
    )


@pytest.fixture
def world():
    world = World(read_only=False)
    world.network.on(EVENT, event())
    world.network.on(EVENT, {"id": "event-1"}, method="PATCH")
    return world


async def update(world, **changes):
    return await world.told("calendar_event_update", event_id="event-1", **changes)


async def refused(world, **changes):
    return await world.refused("calendar_event_update", event_id="event-1", **changes)


def patches(world):
    requests = world.network.requests
    return [json.loads(request.content) for request in requests if request.method == "PATCH"]


async def test_only_what_changes_is_sent_and_only_to_the_version_that_was_read(world):
    told = await update(world, subject="Budget round 2", location="Room 12")
    assert patches(world) == [{"subject": "Budget round 2"}]
    request = world.network.last(EVENT)
    assert request.headers["if-match"] == 'W/"7"'
    assert told == {
        "updated": True,
        "id": "event-1",
        "subject": "Budget round 2",
        "start": "2026-12-01T09:00+01:00",
        "end": "2026-12-01T10:00+01:00",
        "time_zone": "Europe/Berlin",
        "changed": ["subject"],
    }


async def test_a_start_alone_moves_the_event_with_its_length(world):
    told = await update(world, start="2026-12-02T15:00")
    assert patches(world) == [
        {
            "start": {"dateTime": "2026-12-02T15:00:00", "timeZone": BERLIN},
            "end": {"dateTime": "2026-12-02T16:00:00", "timeZone": BERLIN},
            "isAllDay": False,
        }
    ]
    assert told["changed"] == ["start", "end"]
    assert told["end"] == "2026-12-02T16:00+01:00"


async def test_a_length_is_kept_in_hours_when_clocks_change(world):
    await update(world, start="2027-03-28T01:30")
    assert patches(world)[0]["end"]["dateTime"] == "2027-03-28T03:30:00"


async def test_an_end_alone_changes_the_length(world):
    await update(world, end="2026-12-01T09:15")
    sent = patches(world)[0]
    assert (sent["start"]["dateTime"], sent["end"]["dateTime"]) == (
        "2026-12-01T09:00:00",
        "2026-12-01T09:15:00",
    )


async def test_an_event_keeps_the_zone_in_which_it_was_made(world):
    world.network.on(EVENT, event(originalStartTimeZone="Tokyo Standard Time"))
    await update(world, start="2026-12-02T15:00")
    start = patches(world)[0]["start"]
    assert start == {"dateTime": "2026-12-02T23:00:00", "timeZone": "Tokyo Standard Time"}


async def test_a_zone_that_is_given_becomes_the_events(world):
    await update(world, start="2026-12-02T15:00", time_zone="America/New_York")
    start = patches(world)[0]["start"]
    assert start == {"dateTime": "2026-12-02T15:00:00", "timeZone": "Eastern Standard Time"}


async def test_whole_days_move_by_dates(world):
    world.network.on(EVENT, whole_day())
    told = await update(world, start="2026-12-05")
    assert (told["start"], told["end"], told["all_day"]) == ("2026-12-05", "2026-12-06", True)
    assert patches(world)[0]["end"] == {"dateTime": "2026-12-07T00:00:00", "timeZone": BERLIN}


@pytest.mark.parametrize(
    ("there", "changes", "argument"),
    [
        (whole_day(), {"start": "2026-12-05T09:00"}, "start"),
        (whole_day(), {"end": "2026-11-30"}, "end"),
        (event(), {"start": "2026-12-05"}, "start"),
        (event(), {"end": "2026-12-01T08:30"}, "end"),
        (event(), {"start": "2027-03-28T02:30"}, "start"),
    ],
)
async def test_a_time_that_does_not_fit_the_event_is_refused(world, there, changes, argument):
    world.network.on(EVENT, there)
    assert (await refused(world, **changes))["argument"] == argument
    assert patches(world) == []


async def test_a_series_may_begin_later_that_day_but_not_on_another(world):
    world.network.on(EVENT, event(type="seriesMaster"))
    await update(world, start="2026-12-01T11:00")
    assert len(patches(world)) == 1
    told = await refused(world, start="2026-12-02T09:00")
    assert told["error"] == "unsupported"
    assert "calendar_view" in told["hint"]
    assert len(patches(world)) == 1


async def test_attendees_are_merged_into_those_that_are_there(world):
    await update(
        world,
        add_attendees=["Miriam <miriam@contoso.example>", "ALEX@contoso.example"],
        remove_attendees=["lynne@contoso.example"],
    )
    miriam = {"name": "Miriam", "address": "miriam@contoso.example"}
    assert patches(world) == [
        {"attendees": [ALEX, {"emailAddress": miriam, "type": "required"}]},
    ]


async def test_who_was_not_invited_cannot_be_removed_and_that_is_said(world):
    told = await update(world, subject="x", remove_attendees=["nobody@contoso.example"])
    assert told["changed"] == ["subject"]
    assert told["warnings"] == ["1 of those to remove were not invited."]


async def test_new_people_from_outside_are_pointed_out(world):
    told = await update(world, add_attendees=["x@fabrikam.example"])
    assert told["added"] == ["x@fabrikam.example"]
    assert told["warnings"] == ["1 recipient is outside contoso.example: fabrikam.example."]


async def test_nobody_outside_the_allowed_domains_is_added_or_told():
    world = World(read_only=False, recipient_domains="contoso.example")
    world.network.on(EVENT, event())
    told = await refused(world, add_attendees=["x@fabrikam.example"])
    assert told["error"] == "recipients_refused"
    stranger = {"emailAddress": {"address": "x@fabrikam.example"}, "type": "required"}
    world.network.on(EVENT, event(attendees=[stranger]))
    assert (await refused(world, body="secret"))["error"] == "recipients_refused"
    assert patches(world) == []


async def test_many_people_who_are_there_already_do_not_count(world):
    crowd = [person(f"P{number}", type="required") for number in range(60)]
    world.network.on(EVENT, event(attendees=crowd))
    await update(world, add_attendees=["miriam@contoso.example"])
    assert len(patches(world)[0]["attendees"]) == 61


async def test_an_attendee_changes_their_copy_but_not_who_is_invited(world):
    world.network.on(EVENT, event(isOrganizer=False))
    warnings = (await update(world, subject="Mine"))["warnings"]
    assert warnings == ["The person is no organiser: only their own copy changes."]
    told = await refused(world, add_attendees=["miriam@contoso.example"])
    assert told["error"] == "unsupported"
    assert len(patches(world)) == 1


async def test_a_plain_event_gets_a_plain_body(world):
    await update(world, body="New <text>")
    assert patches(world) == [{"body": {"contentType": "text", "content": "New <text>"}}]


@pytest.mark.parametrize("part", [TEAMS, OLD_TEAMS])
async def test_the_part_that_joins_the_meeting_stays_below_a_new_text(world, part):
    body = {"contentType": "html", "content": f"<html><body><p>Old</p>{part}</body></html>"}
    world.network.on(EVENT, event(isOnlineMeeting=True, body=body))
    await update(world, body="New <b>text\nhere")
    content = patches(world)[0]["body"]["content"]
    assert content == (f"<html><body><div>New &lt;b&gt;text<br>\nhere</div>{part}</body></html>")


async def test_where_the_joining_part_is_not_known_all_of_the_old_text_stays(world):
    body = {"contentType": "html", "content": "<body>Meet at https://zoom.example/1</body>"}
    world.network.on(EVENT, event(isOnlineMeeting=True, body=body))
    await update(world, body="New")
    assert patches(world)[0]["body"]["content"] == (
        "<html><body><div>New</div>Meet at https://zoom.example/1</body></html>"
    )


async def test_an_online_meeting_without_text_gets_a_plain_one(world):
    world.network.on(EVENT, event(isOnlineMeeting=True, body={"content": ""}))
    await update(world, body="New")
    assert patches(world)[0]["body"] == {"contentType": "text", "content": "New"}


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"subject": "Budget round", "location": "Room 12"},
        {"start": "2026-12-01T09:00", "end": "2026-12-01T09:00Z"},
        {"add_attendees": ["alex@contoso.example"]},
        {"remove_attendees": ["nobody@contoso.example"]},
    ],
)
async def test_nothing_to_change_is_refused_and_nothing_sent(world, same):
    assert (await refused(world, **same))["error"] == "nothing_to_change"
    assert patches(world) == []


async def test_whole_days_that_stay_are_nothing_to_change(world):
    world.network.on(EVENT, whole_day())
    assert (await refused(world, start="2026-12-01"))["error"] == "nothing_to_change"


async def test_a_dry_run_reads_and_tells_and_changes_nothing(world):
    told = await update(world, subject="New", add_attendees=["x@y.example"], dry_run=True)
    assert patches(world) == []
    assert told["dry_run"] is True
    assert told["would"]["changed"] == ["subject", "attendees"]
    assert told["would"]["warnings"]


@pytest.mark.parametrize("odd", [None, "", 7, "a b", "ä", "\ud800"])
async def test_an_event_without_a_version_is_not_overwritten(world, odd):
    world.network.on(EVENT, event() | {"@odata.etag": odd})
    assert (await refused(world, subject="New"))["error"] == "unexpected_answer"
    assert patches(world) == []


async def test_an_event_that_changed_meanwhile_is_left_alone(world):
    world.network.on(EVENT, error(412, "ErrorIrresolvableConflict"), method="PATCH")
    told = await refused(world, subject="New")
    assert told["error"] == "changed_meanwhile"
    assert "calendar_event_get" in told["hint"]


@pytest.mark.parametrize("failure", [error(503, "x"), httpx.ReadError("lost")])
async def test_a_change_that_may_have_happened_is_not_repeated(world, failure):
    world.network.on(EVENT, failure, method="PATCH")
    assert (await refused(world, subject="New"))["error"] == "unclear"
    assert len(patches(world)) == 1


async def test_a_throttled_change_is_made_after_the_wait(world):
    world.network.on(EVENT, throttled(), {}, method="PATCH")
    await update(world, subject="New")
    assert world.clock.waits == [2]


async def test_events_that_are_gone_and_missing_permissions_are_said(world):
    world.network.on(EVENT, error(404, "ErrorItemNotFound"))
    assert (await refused(world, subject="New"))["error"] == "not_found"
    world.network.on(EVENT, error(403, "ErrorAccessDenied"))
    assert (await refused(world, subject="New"))["missing_scope"] == "Calendars.ReadWrite"


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"event_id": "../x", "subject": "a"}, "event_id"),
        ({"start": "soon"}, "start"),
        ({"end": "2026-13-01"}, "end"),
        ({"subject": "a", "time_zone": "Mars/Base"}, "time_zone"),
        ({"add_attendees": ["Alex"]}, "add_attendees"),
        ({"remove_attendees": ["Alex"]}, "remove_attendees"),
    ],
)
async def test_wrong_arguments_are_refused_before_graph_is_asked(world, changes, argument):
    arguments = {"event_id": "event-1"} | changes
    told = await world.refused("calendar_event_update", **arguments)
    assert told["argument"] == argument
    assert world.network.requests == []


async def test_an_event_whose_own_time_is_odd_is_not_moved(world):
    first = {"dateTime": "0001-01-01T00:00:00", "timeZone": "UTC"}
    for odd in ({"start": None}, {"start": first}, {"end": {"dateTime": 5}, "subject": []}):
        world.network.on(EVENT, event(**odd))
        assert (await refused(world, start="2026-12-01T09:00"))["error"] == "unsupported"
        await update(world, subject="New")


LONG = "l" * 60 + "@" + ".".join(["department"] * 6) + ".contoso.example"


async def test_an_address_of_any_length_is_found_again(world):
    invited = {"emailAddress": {"name": "Long", "address": LONG.upper()}, "type": "resource"}
    world.network.on(EVENT, event(attendees=[ALEX, invited]))
    assert (await refused(world, add_attendees=[LONG]))["error"] == "nothing_to_change"
    told = await update(world, remove_attendees=[LONG])
    assert "warnings" not in told
    assert patches(world) == [{"attendees": [ALEX]}]


async def test_nobody_is_invited_and_removed_at_once(world):
    both = {"add_attendees": ["A <x@contoso.example>"], "remove_attendees": ["X@contoso.example"]}
    assert (await refused(world, **both))["argument"] == "remove_attendees"
    assert world.network.requests == []


async def test_a_new_subject_and_place_are_one_line(world):
    await update(world, subject="New\r\nname ", location="Room\n13")
    assert patches(world) == [{"subject": "New name", "location": {"displayName": "Room 13"}}]


async def test_of_many_new_people_the_first_are_named():
    world = World(read_only=False, max_recipients=500, result_budget_bytes=4096)
    world.network.on(EVENT, event())
    people = [f"{'x' * 60}{number}@contoso.example" for number in range(500)]
    result = await world.call(
        "calendar_event_update", event_id="event-1", add_attendees=people, dry_run=True
    )
    added = shown(result)["would"]["added"]
    assert added == [*people[:20], "+480 more"]
    assert size_bytes(result) <= 4096
