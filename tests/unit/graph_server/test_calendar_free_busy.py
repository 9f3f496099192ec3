import json

import pytest

from unit.graph_server.world import World, error, shown, size_bytes, throttled

SCHEDULE = "/v1.0/me/calendar/getSchedule"
ALEX, LYNNE = "alex@contoso.example", "lynne@contoso.example"
DAY = {"start": "2026-11-23", "end": "2026-11-23"}
WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday"]


def at(hour, minute=0, day=23):
    return {"dateTime": f"2026-11-{day}T{hour:02}:{minute:02}:00.0000000", "timeZone": "UTC"}


def item(start, end, status="busy"):
    return {"start": at(*start), "end": at(*end), "status": status, "subject": "Secret plan"}


def hours(start="08:00", end="17:00", zone="W. Europe Standard Time", days=WEEK, **more):
    return {
        "daysOfWeek": days,
        "startTime": f"{start}:00.0000000",
        "endTime": f"{end}:00.0000000",
        "timeZone": {"name": zone, **more},
    }


def schedule(address, *items, working=None, view=""):
    return {
        "scheduleId": address,
        "availabilityView": view,
        "scheduleItems": list(items),
        "workingHours": working or hours(),
    }


def answers(world, *schedules):
    world.network.on(SCHEDULE, {"value": list(schedules)}, method="POST")


async def ask(world, *people, **changes):
    arguments = {"people": list(people) or [ALEX], **DAY, **changes}
    return await world.told("calendar_free_busy", **arguments)


def slots(rows):
    return [(row["start"][11:16], row["end"][11:16]) for row in rows]


async def test_busy_times_are_merged_and_shown_in_the_time_of_the_mailbox(world):
    answers(
        world,
        schedule(ALEX, item((9,), (10,)), item((9, 30), (11,)), item((13,), (14,), "oof")),
    )
    assert await ask(world) == {
        "free": [
            {"start": "2026-11-23T08:00+01:00", "end": "2026-11-23T10:00+01:00"},
            {"start": "2026-11-23T12:00+01:00", "end": "2026-11-23T14:00+01:00"},
            {"start": "2026-11-23T15:00+01:00", "end": "2026-11-23T17:00+01:00"},
        ],
        "people": [
            {
                "person": ALEX,
                "busy": [
                    {
                        "start": "2026-11-23T10:00+01:00",
                        "end": "2026-11-23T12:00+01:00",
                        "status": "busy",
                    },
                    {
                        "start": "2026-11-23T14:00+01:00",
                        "end": "2026-11-23T15:00+01:00",
                        "status": "oof",
                    },
                ],
                "working_hours": "mon,tue,wed,thu,fri 08:00-17:00 Europe/Berlin",
            }
        ],
        "time_zone": "Europe/Berlin",
    }


async def test_graph_is_asked_in_the_mailbox_zone_by_its_windows_name(world):
    answers(world, schedule(ALEX))
    await ask(world, "Alex <alex@contoso.example>", interval_minutes=60)
    assert json.loads(world.network.last(SCHEDULE).content) == {
        "schedules": [ALEX],
        "startTime": {"dateTime": "2026-11-23T00:00:00", "timeZone": "W. Europe Standard Time"},
        "endTime": {"dateTime": "2026-11-24T00:00:00", "timeZone": "W. Europe Standard Time"},
        "availabilityViewInterval": 60,
    }


async def test_what_is_planned_is_never_shown(world):
    answers(world, schedule(ALEX, item((9,), (10,))))
    assert "Secret" not in json.dumps(await ask(world))


async def test_free_is_when_all_are_free_and_at_work(world):
    london = hours("09:00", "17:00", "GMT Standard Time")
    answers(
        world,
        schedule(ALEX, item((9,), (10,))),
        schedule(LYNNE, item((12,), (13,), "tentative"), working=london),
    )
    told = await ask(world, ALEX, LYNNE)
    assert slots(told["free"]) == [("11:00", "13:00"), ("14:00", "17:00")]


async def test_slots_that_are_too_short_are_not_named(world):
    answers(world, schedule(ALEX, item((8,), (10,)), item((10, 20), (16,))))
    assert slots((await ask(world))["free"]) == [("08:00", "09:00")]
    told = await ask(world, interval_minutes=15)
    assert slots(told["free"]) == [("08:00", "09:00"), ("11:00", "11:20")]


async def test_working_elsewhere_is_shown_and_does_not_block(world):
    answers(world, schedule(ALEX, item((7,), (16,), "workingElsewhere")))
    told = await ask(world)
    assert slots(told["free"]) == [("08:00", "17:00")]
    assert told["people"][0]["busy"][0]["status"] == "workingElsewhere"


async def test_what_somebody_marks_as_free_is_no_busy_time(world):
    answers(world, schedule(ALEX, item((9,), (10,), "free")))
    assert (await ask(world))["people"][0]["busy"] == []


async def test_a_calendar_that_shows_only_digits_is_read_by_them(world):
    answers(world, schedule(ALEX, view="0" * 18 + "2213" + "0" * 26))
    told = await ask(world)
    rows = told["people"][0]["busy"]
    assert [(row["start"][11:16], row["end"][11:16], row["status"]) for row in rows] == [
        ("09:00", "10:00", "busy"),
        ("10:00", "10:30", "tentative"),
        ("10:30", "11:00", "oof"),
    ]


async def test_nobody_works_at_the_weekend(world):
    answers(world, schedule(ALEX))
    assert (await ask(world, start="2026-11-21", end="2026-11-22"))["free"] == []


async def test_working_hours_follow_their_own_clocks_over_a_change(world):
    answers(world, schedule(ALEX, working=hours(days=["saturday", "sunday"])))
    told = await ask(world, start="2026-10-24", end="2026-10-25")
    assert [slot["start"] for slot in told["free"]] == [
        "2026-10-24T08:00+02:00",
        "2026-10-25T08:00+01:00",
    ]


async def test_the_day_on_which_clocks_change_is_asked_for_whole(world):
    answers(world, schedule(ALEX, working={"daysOfWeek": []}))
    told = await ask(world, start="2026-10-25", end="2026-10-25")
    (slot,) = told["free"]
    assert (slot["start"], slot["end"]) == ("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00")


async def test_work_at_night_ends_on_the_next_day(world):
    answers(world, schedule(ALEX, working=hours("22:00", "06:00")))
    told = await ask(world, start="2026-11-24", end="2026-11-24")
    assert slots(told["free"]) == [("00:00", "06:00"), ("22:00", "00:00")]


async def test_a_zone_of_somebodys_own_counts_by_its_bias(world):
    custom = hours("09:00", "17:00", "Customized Time Zone", bias=480)
    answers(world, schedule(ALEX, working=custom))
    told = await ask(world)
    assert slots(told["free"]) == [("18:00", "00:00")]
    assert told["people"][0]["working_hours"].endswith("09:00-17:00 UTC-08:00")


@pytest.mark.parametrize("odd", [{}, hours("25:00"), hours(zone="?"), hours(days=["someday"]), 5])
async def test_working_hours_that_cannot_be_read_are_none_and_that_is_said(world, odd):
    answers(world, schedule(ALEX, working=odd) | {"workingHours": odd})
    told = await ask(world)
    assert len(told["free"]) == 1
    assert "working_hours" not in told["people"][0]
    assert told["warnings"] == [
        "1 of 1 people have no working hours; free takes any hour of theirs."
    ]


async def test_who_cannot_be_seen_is_said_and_does_not_count(world):
    def broken(address, code):
        return {"scheduleId": address, "error": {"responseCode": code, "message": "x"}}

    answers(
        world,
        schedule(ALEX),
        broken(LYNNE, "ErrorMailRecipientNotFound"),
        broken("Room@contoso.example", "ErrorNoFreeBusyAccess"),
    )
    told = await ask(world, ALEX, LYNNE, "room@contoso.example", "lost@contoso.example")
    errors = [row.get("error", "") for row in told["people"]]
    assert "people_search" in errors[1]
    assert "ErrorNoFreeBusyAccess" in errors[2]
    assert "did not answer" in errors[3]
    assert slots(told["free"]) == [("08:00", "17:00")]
    assert told["warnings"] == ["3 of 4 people cannot be seen; free does not count them."]


async def test_nobody_is_free_when_nobody_can_be_seen(world):
    answers(world)
    assert (await ask(world))["free"] == []


async def test_odd_answers_do_no_harm(world):
    odd = {"start": None, "end": at(9), "status": 5}
    backwards = item((12,), (9,))
    strange = item((9,), (10,), "asleep")
    answers(world, schedule(ALEX, odd, backwards, strange), {"scheduleId": None})
    rows = (await ask(world))["people"][0]["busy"]
    assert [row["status"] for row in rows] == ["unknown"]


@pytest.mark.parametrize("most", [4096, 16_384])
async def test_a_lot_is_cut_to_the_budget_and_said(most):
    world = World(result_budget_bytes=most)
    people = [f"{'p' * 50}{number:03}@contoso.example" for number in range(20)]
    full = [item((hour, minute), (hour, minute + 10)) for hour in range(24) for minute in (0, 30)]
    answers(world, *(schedule(one, *full) for one in people))
    arguments = {"people": people, **DAY, "interval_minutes": 5}
    result = await world.call("calendar_free_busy", **arguments)
    told = shown(result)
    assert size_bytes(result) <= most
    assert told["warnings"][-1].startswith("Not everything fits")
    cut = sum(row.get("cut", 0) for row in told["people"])
    assert cut + sum(len(row["busy"]) for row in told["people"]) == 48 * len(told["people"])
    assert len(told["people"]) + told.get("truncated", 0) == 20


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"people": []}, "people"),
        ({"people": ["Alex"]}, "people"),
        ({"people": [f"p{n}@c.example" for n in range(21)]}, "people"),
        ({"start": "soon"}, "start"),
        ({"end": "2026-11-22"}, "end"),
        ({"end": "2027-01-25"}, "end"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"interval_minutes": 4}, "interval_minutes"),
        ({"interval_minutes": 1441}, "interval_minutes"),
    ],
)
async def test_wrong_arguments_are_refused_before_graph_is_asked(world, changes, argument):
    arguments = {"people": [ALEX], **DAY, **changes}
    assert (await world.refused("calendar_free_busy", **arguments))["argument"] == argument
    assert world.network.requests == []


async def test_a_question_is_asked_again_after_what_passes(world):
    busy = error(503, "serviceNotAvailable")
    world.network.on(SCHEDULE, throttled(), busy, {"value": [schedule(ALEX)]}, method="POST")
    assert (await ask(world))["people"][0]["busy"] == []


async def test_a_missing_permission_is_named(world):
    world.network.on(SCHEDULE, error(403, "ErrorAccessDenied"), method="POST")
    refused = await world.refused("calendar_free_busy", people=[ALEX], **DAY)
    assert refused["missing_scope"] == "Calendars.ReadBasic"


async def test_an_event_whose_times_nobody_can_read_counts_by_its_digits(world):
    odd = item((9,), (10,)) | {"start": {"dateTime": "soon", "timeZone": "UTC"}}
    view = "0" * 18 + "22" + "0" * 28  # 9 to 10 of a day that begins at midnight, in half hours
    answers(world, schedule(ALEX, odd, item((13,), (14,)), view=view))
    told = await ask(world)
    assert slots(told["people"][0]["busy"]) == [("09:00", "10:00"), ("14:00", "15:00")]
    assert slots(told["free"]) == [("08:00", "09:00"), ("10:00", "14:00"), ("15:00", "17:00")]


async def test_a_digit_that_nobody_knows_is_not_taken_for_free(world):
    answers(world, schedule(ALEX, view="0" * 18 + "7" + "0" * 29))
    told = await ask(world)
    assert told["people"][0]["busy"][0]["status"] == "unknown"
    assert slots(told["free"]) == [("08:00", "09:00"), ("09:30", "17:00")]


async def test_a_night_in_which_clocks_go_forward_is_an_hour_shorter(world):
    # 01:30 to 03:15 by the clocks of Berlin are 45 minutes on 2027-03-28.
    working = hours("01:30", "03:15", days=["sunday"])
    answers(world, schedule(ALEX, working=working))
    day = {"start": "2027-03-28", "end": "2027-03-28"}
    assert (await ask(world, **day, interval_minutes=60))["free"] == []
    assert len((await ask(world, **day, interval_minutes=45))["free"]) == 1
