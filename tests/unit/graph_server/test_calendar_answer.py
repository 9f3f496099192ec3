"""`calendar_event_cancel` and `calendar_event_respond`."""

import json

import httpx
import pytest

from unit.graph_server.world import World, error, throttled

EVENT = "/v1.0/me/events/event-1"
CANCEL, ACCEPT, DECLINE = f"{EVENT}/cancel", f"{EVENT}/accept", f"{EVENT}/decline"
TENTATIVE = f"{EVENT}/tentativelyAccept"
MEGAN = {"emailAddress": {"name": "Megan Bowen", "address": "megan@contoso.example"}}
DONE = httpx.Response(202)


def event(**changes):
    return {
        "@odata.etag": 'W/"1"',
        "id": "event-1",
        "subject": "Budget round",
        "start": {"dateTime": "2026-12-01T08:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"},
        "isAllDay": False,
        "type": "singleInstance",
        "attendees": [MEGAN],
        "organizer": MEGAN,
        "isOrganizer": False,
        "isCancelled": False,
        "allowNewTimeProposals": True,
    } | changes


@pytest.fixture
def world():
    world = World(read_only=False)
    world.network.on(EVENT, event())
    for path in (CANCEL, ACCEPT, DECLINE, TENTATIVE):
        world.network.on(path, DONE, method="POST")
    return world


def sent(world):
    return [
        (request.url.path, json.loads(request.content))
        for request in world.network.requests
        if request.method != "GET"
    ]


async def respond(world, response="accept", **changes):
    arguments = {"event_id": "event-1", "response": response, **changes}
    return await world.told("calendar_event_respond", **arguments)


async def refused(world, response="accept", **changes):
    arguments = {"event_id": "event-1", "response": response, **changes}
    return await world.refused("calendar_event_respond", **arguments)


@pytest.mark.parametrize(
    ("response", "path"),
    [("accept", ACCEPT), ("tentative", TENTATIVE), ("decline", DECLINE)],
)
async def test_an_invitation_is_answered_and_the_organiser_told(world, response, path):
    assert (await respond(world, response, comment="Fine")) == {
        "id": "event-1",
        "response": response,
        "subject": "Budget round",
        "start": "2026-12-01T09:00+01:00",
        "end": "2026-12-01T10:00+01:00",
        "time_zone": "Europe/Berlin",
        "organizer_told": "Megan Bowen <megan@contoso.example>",
    }
    assert sent(world) == [(path, {"sendResponse": True, "comment": "Fine"})]


async def test_an_answer_can_be_kept_from_the_organiser(world):
    assert "organizer_told" not in await respond(world, notify=False)
    assert sent(world) == [(ACCEPT, {"sendResponse": False})]


async def test_another_time_is_proposed_in_the_mailbox_zone(world):
    when = {"propose_start": "2026-12-02T14:00", "propose_end": "2026-12-02T15:00"}
    told = await respond(world, "decline", **when)
    assert told["proposed"]["start"] == "2026-12-02T14:00+01:00"
    zone = "W. Europe Standard Time"
    assert sent(world)[0][1]["proposedNewTime"] == {
        "start": {"dateTime": "2026-12-02T14:00:00", "timeZone": zone},
        "end": {"dateTime": "2026-12-02T15:00:00", "timeZone": zone},
    }


PROPOSAL = {"propose_start": "2026-12-02T14:00", "propose_end": "2026-12-02T15:00"}


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"response": "accept", **PROPOSAL}, "propose_start"),
        ({"response": "decline", "propose_start": "2026-12-02T14:00"}, "propose_end"),
        ({"response": "decline", **PROPOSAL, "propose_end": "2026-12-02"}, "propose_end"),
        ({"response": "decline", **PROPOSAL, "propose_end": "2026-12-01T10:00"}, "propose_end"),
        ({"response": "decline", **PROPOSAL, "notify": False}, "notify"),
        ({"response": "decline", "comment": "x", "notify": False}, "notify"),
        ({"response": "maybe"}, "response"),
        ({"time_zone": "Mars/Base", "response": "decline", **PROPOSAL}, "time_zone"),
        ({"event_id": ".."}, "event_id"),
    ],
)
async def test_what_is_no_answer_is_refused_before_graph_is_asked(world, arguments, argument):
    assert (await refused(world, **arguments))["argument"] == argument
    assert world.network.requests == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"isOrganizer": True}, "is_organizer"),
        ({"isCancelled": True}, "cancelled"),
        ({"allowNewTimeProposals": False}, "no_proposals"),
    ],
)
async def test_an_event_that_takes_no_such_answer_is_left_alone(world, changes, code):
    world.network.on(EVENT, event(**changes))
    assert (await refused(world, "decline", **PROPOSAL))["error"] == code
    assert sent(world) == []


async def test_a_dry_run_answers_nothing(world):
    told = await respond(world, "decline", dry_run=True)
    assert told["dry_run"] is True
    assert told["would"]["response"] == "decline"
    assert sent(world) == []


async def test_an_answer_outside_the_allowed_domains_is_refused_but_not_a_silent_one():
    world = World(read_only=False, recipient_domains="fabrikam.example")
    world.network.on(EVENT, event())
    world.network.on(DECLINE, DONE, method="POST")
    assert (await refused(world, "decline"))["error"] == "recipients_refused"
    assert sent(world) == []
    await respond(world, "decline", notify=False)
    assert len(sent(world)) == 1


async def test_an_external_organiser_is_pointed_out(world):
    stranger = {"emailAddress": {"name": "Megan", "address": "megan@fabrikam.example"}}
    world.network.on(EVENT, event(organizer=stranger))
    warnings = (await respond(world))["warnings"]
    assert warnings == ["1 recipient is outside contoso.example: fabrikam.example."]


@pytest.mark.parametrize("tool", ["calendar_event_respond", "calendar_event_cancel"])
async def test_what_may_have_happened_is_not_repeated_but_said(world, tool):
    world.network.on(EVENT, event(isOrganizer=tool.endswith("cancel")))
    path = CANCEL if tool.endswith("cancel") else ACCEPT
    world.network.on(path, error(503, "serviceNotAvailable"), method="POST")
    more = {} if tool.endswith("cancel") else {"response": "accept"}
    told = await world.refused(tool, event_id="event-1", **more)
    assert told["error"] == "unclear"
    assert "calendar_" in told["hint"]
    assert len(sent(world)) == 1


@pytest.mark.parametrize("tool", ["calendar_event_respond", "calendar_event_cancel"])
async def test_throttled_changes_are_made_after_the_wait(world, tool):
    world.network.on(EVENT, event(isOrganizer=tool.endswith("cancel")))
    path = CANCEL if tool.endswith("cancel") else ACCEPT
    world.network.on(path, throttled(), DONE, method="POST")
    more = {} if tool.endswith("cancel") else {"response": "accept"}
    await world.told(tool, event_id="event-1", **more)
    assert world.clock.waits == [2]


@pytest.mark.parametrize("tool", ["calendar_event_respond", "calendar_event_cancel"])
async def test_events_that_are_gone_and_missing_permissions_are_said(world, tool):
    arguments = {"event_id": "event-1"} | ({} if "cancel" in tool else {"response": "accept"})
    world.network.on(EVENT, error(404, "ErrorItemNotFound"))
    assert (await world.refused(tool, **arguments))["error"] == "not_found"
    world.network.on(EVENT, error(403, "ErrorAccessDenied"))
    assert (await world.refused(tool, **arguments))["missing_scope"] == "Calendars.ReadWrite"


async def test_an_organiser_cancels_with_a_comment(world):
    world.network.on(EVENT, event(isOrganizer=True, type="seriesMaster"))
    told = await world.told("calendar_event_cancel", event_id="event-1", comment="Ill\U000e0041")
    assert told == {
        "cancelled": True,
        "id": "event-1",
        "subject": "Budget round",
        "start": "2026-12-01T09:00+01:00",
        "end": "2026-12-01T10:00+01:00",
        "time_zone": "Europe/Berlin",
        "whole_series": True,
        "attendees": 1,
    }
    assert sent(world) == [(CANCEL, {"comment": "Ill"})]


async def test_an_attendee_is_sent_to_the_other_tool(world):
    told = await world.refused("calendar_event_cancel", event_id="event-1")
    assert told["error"] == "not_organizer"
    assert "calendar_event_respond" in told["hint"]
    assert sent(world) == []


async def test_a_dry_run_cancels_nothing(world):
    world.network.on(EVENT, event(isOrganizer=True))
    told = await world.told("calendar_event_cancel", event_id="event-1", dry_run=True)
    assert told["would"]["cancel"] is True
    assert sent(world) == []


async def test_a_comment_goes_to_nobody_outside_the_allowed_domains():
    world = World(read_only=False, recipient_domains="fabrikam.example")
    world.network.on(EVENT, event(isOrganizer=True))
    world.network.on(CANCEL, DONE, method="POST")
    told = await world.refused("calendar_event_cancel", event_id="event-1", comment="x")
    assert told["error"] == "recipients_refused"
    assert sent(world) == []
    await world.told("calendar_event_cancel", event_id="event-1")
