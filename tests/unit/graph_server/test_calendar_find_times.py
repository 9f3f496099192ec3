import json

import pytest

from unit.graph_server.world import World, error, shown, size_bytes, throttled

FIND = "/v1.0/me/findMeetingTimes"
ALEX = "alex@contoso.example"
WEEK = {"start": "2026-11-23", "end": "2026-11-27"}


def suggestion(hour=9, **changes):
    return {
        "confidence": 100.0,
        "organizerAvailability": "free",
        "suggestionReason": "Suggested because it is one of the nearest times.",
        "meetingTimeSlot": {
            "start": {"dateTime": f"2026-11-24T{hour:02}:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": f"2026-11-24T{hour:02}:30:00.0000000", "timeZone": "UTC"},
        },
        "attendeeAvailability": [
            {"availability": "free", "attendee": {"emailAddress": {"address": ALEX}}}
        ],
    } | changes


def answers(world, *suggestions, reason=""):
    found = {"emptySuggestionsReason": reason, "meetingTimeSuggestions": list(suggestions)}
    world.network.on(FIND, found, method="POST")


async def find(world, **changes):
    arguments = {"attendees": [ALEX], **WEEK, **changes}
    return await world.told("calendar_find_times", **arguments)


async def test_times_are_shown_with_their_confidence_in_the_time_of_the_mailbox(world):
    answers(world, suggestion())
    assert await find(world) == {
        "items": [
            {
                "start": "2026-11-24T10:00+01:00",
                "end": "2026-11-24T10:30+01:00",
                "confidence": 100,
            }
        ],
        "time_zone": "Europe/Berlin",
    }


async def test_who_is_not_free_is_named(world):
    busy = {"availability": "busy", "attendee": {"emailAddress": {"address": ALEX}}}
    answers(
        world,
        suggestion(confidence=49.6, organizerAvailability="tentative", attendeeAvailability=[busy]),
    )
    (row,) = (await find(world, min_percent=40))["items"]
    assert (row["confidence"], row["me"]) == (50, "tentative")
    assert row["not_free"] == [f"{ALEX} (busy)"]


async def test_outlook_is_asked_with_durations_and_zones_that_it_knows(world):
    answers(world, suggestion())
    await find(
        world,
        attendees=["Alex Wilber <alex@contoso.example>"],
        duration_minutes=90,
        activity="unrestricted",
        min_percent=50,
        limit=3,
        time_zone="Europe/Vienna",
    )
    zone = "W. Europe Standard Time"
    alex = {"name": "Alex Wilber", "address": ALEX}
    assert json.loads(world.network.last(FIND).content) == {
        "attendees": [{"emailAddress": alex, "type": "required"}],
        "timeConstraint": {
            "activityDomain": "unrestricted",
            "timeSlots": [
                {
                    "start": {"dateTime": "2026-11-23T00:00:00", "timeZone": zone},
                    "end": {"dateTime": "2026-11-28T00:00:00", "timeZone": zone},
                }
            ],
        },
        "isOrganizerOptional": False,
        "meetingDuration": "PT90M",
        "minimumAttendeePercentage": 50,
        "maxCandidates": 3,
    }


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("attendeesUnavailable", "attendees are not free"),
        ("attendeesUnavailableOrUnknown", "cannot be seen"),
        ("organizerUnavailable", "The person is not free"),
        ("locationsUnavailable", "No place"),
        ("unknown", "no reason"),
        ("", "no reason"),
        (None, "no reason"),
    ],
)
async def test_when_there_is_no_time_the_reason_is_said_in_words(world, reason, words):
    answers(world, reason=reason)
    told = await find(world)
    assert told["items"] == []
    assert words in told["reason"]


async def test_a_person_alone_can_look_for_time(world):
    answers(world, suggestion())
    assert len((await find(world, attendees=[]))["items"]) == 1


async def test_a_lot_is_cut_to_the_budget_and_said():
    world = World(result_budget_bytes=4096)
    busy = [
        {"availability": "busy", "attendee": {"emailAddress": {"address": f"{n}{'x' * 60}@c"}}}
        for n in range(10)
    ]
    answers(world, *(suggestion(hour, attendeeAvailability=busy) for hour in range(20)))
    result = await world.call("calendar_find_times", attendees=[ALEX], **WEEK, limit=20)
    assert size_bytes(result) <= 4096
    assert shown(result)["truncated"] == 20 - len(shown(result)["items"])


async def test_odd_answers_do_no_harm(world):
    odd = {"meetingTimeSlot": 5, "confidence": "high", "attendeeAvailability": 1}
    answers(world, {}, odd, {"confidence": float("nan")})
    assert (await find(world))["items"] == [{}, {}, {}]


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"attendees": ["Alex"]}, "attendees"),
        ({"start": "soon"}, "start"),
        ({"end": "2026-11-22"}, "end"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"duration_minutes": 1}, "duration_minutes"),
        ({"activity": "sport"}, "activity"),
        ({"min_percent": 101}, "min_percent"),
        ({"limit": 0}, "limit"),
    ],
)
async def test_wrong_arguments_are_refused_before_graph_is_asked(world, changes, argument):
    arguments = {"attendees": [ALEX], **WEEK, **changes}
    assert (await world.refused("calendar_find_times", **arguments))["argument"] == argument
    assert world.network.requests == []


async def test_a_question_is_asked_again_after_what_passes(world):
    found = {"meetingTimeSuggestions": [suggestion()]}
    world.network.on(FIND, throttled(), error(503, "x"), found, method="POST")
    assert len((await find(world))["items"]) == 1


async def test_a_missing_permission_is_named(world):
    world.network.on(FIND, error(403, "ErrorAccessDenied"), method="POST")
    refused = await world.refused("calendar_find_times", attendees=[ALEX], **WEEK)
    assert refused["missing_scope"] == "Calendars.Read.Shared"


async def test_one_time_that_suits_few_of_many_people_fits_the_budget():
    world = World(result_budget_bytes=4096)
    people = [f"{'x' * 60}{number}@contoso.example" for number in range(50)]
    busy = [
        {"availability": "busy", "attendee": {"emailAddress": {"address": address}}}
        for address in people
    ]
    answers(world, suggestion(attendeeAvailability=busy))
    arguments = {"attendees": people, **WEEK, "min_percent": 0}
    result = await world.call("calendar_find_times", **arguments)
    (row,) = shown(result)["items"]
    assert row["not_free"] == [*(f"{address} (busy)" for address in people[:20]), "+30 more"]
    assert size_bytes(result) <= 4096
