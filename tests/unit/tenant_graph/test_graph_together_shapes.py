"""Meetings, chats and tasks in the typed models and URL templates of msgraph-sdk."""

import re
from pathlib import Path

import msgraph
import pytest
from msgraph.generated.models.chat import Chat
from msgraph.generated.models.chat_message import ChatMessage
from msgraph.generated.models.conversation_member import ConversationMember
from msgraph.generated.models.event import Event
from msgraph.generated.models.meeting_time_suggestions_result import MeetingTimeSuggestionsResult
from msgraph.generated.models.planner_task import PlannerTask
from msgraph.generated.models.planner_task_details import PlannerTaskDetails
from msgraph.generated.models.schedule_information import ScheduleInformation
from msgraph.generated.models.todo_task import TodoTask
from msgraph.generated.models.todo_task_list import TodoTaskList

from support.typed import leftovers, parse

SCOPES = "Calendars.ReadWrite Calendars.Read.Shared Chat.ReadWrite Tasks.ReadWrite"
AREAS = ("calendar", "teams", "tasks", "planner")
OPEN_TYPES = (".assignments.", ".applied_categories.")  # keyed by people and categories
BUILDERS = Path(msgraph.__file__).parent / "generated"


def at(moment):
    return {"dateTime": moment, "timeZone": "UTC"}


def test_written_events_are_typed(fresh_graph):
    body = {
        "subject": "Plan",
        "start": at("2026-11-25T17:00:00"),
        "end": at("2026-11-25T18:00:00"),
        "isOnlineMeeting": True,
        "transactionId": "1",
        "attendees": [{"emailAddress": {"address": "megan@contoso.example"}}],
        "recurrence": {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["wednesday"]},
            "range": {"type": "numbered", "startDate": "2026-11-25", "numberOfOccurrences": 2},
        },
    }
    made = fresh_graph.send("POST", "/me/events", body, scopes=SCOPES).json()
    window = "startDateTime=2026-11-25&endDateTime=2026-11-26&$filter=subject eq 'Plan'"
    (copy,) = fresh_graph.every(f"/me/calendarView?{window}", who="megan", scopes=SCOPES)
    slot = {"start": body["start"], "end": body["end"]}
    path = f"/me/events/{copy['id']}/tentativelyAccept"
    fresh_graph.send("POST", path, {"proposedNewTime": slot}, who="megan", scopes=SCOPES)
    listed = fresh_graph.every(f"/me/calendarView?{window}", scopes=SCOPES)
    for shown in (made, copy, *listed):
        event = parse(Event, shown)
        assert leftovers(event) == []
        assert event.online_meeting.join_url == shown["onlineMeeting"]["joinUrl"]
        assert event.transaction_id == shown["transactionId"]
    assert parse(Event, made).recurrence.range.number_of_occurrences == 2
    (guest,) = parse(Event, listed[0]).attendees
    assert guest.status.response.value == "tentativelyAccepted"
    assert guest.proposed_new_time.start.date_time == "2026-11-25T17:00:00.0000000"


def test_schedules_are_typed(graph):
    body = {
        "schedules": ["adele@contoso.example", "lynne@contoso.example", "ghost@contoso.example"],
        "startTime": at("2026-11-23T00:00:00"),
        "endTime": at("2026-11-28T00:00:00"),
    }
    shown = graph.send("POST", "/me/calendar/getSchedule", body, scopes=SCOPES).json()["value"]
    for each in shown:
        entry = parse(ScheduleInformation, each)
        assert leftovers(entry) == []
        assert [item.status.value for item in entry.schedule_items] == [
            item["status"] for item in each["scheduleItems"]
        ]
    assert parse(ScheduleInformation, shown[0]).working_hours.start_time.hour == 8
    assert parse(ScheduleInformation, shown[2]).error.response_code == "ErrorMailRecipientNotFound"


def test_meeting_times_are_typed(graph):
    body = {
        "attendees": [{"type": "required", "emailAddress": {"address": "megan@contoso.example"}}],
        "returnSuggestionReasons": True,
    }
    shown = graph.send("POST", "/me/findMeetingTimes", body, scopes=SCOPES).json()
    result = parse(MeetingTimeSuggestionsResult, shown)
    assert leftovers(result) == []
    best = result.meeting_time_suggestions[0]
    assert best.organizer_availability.value == "free"
    assert best.attendee_availability[0].attendee.type.value == "required"
    assert best.meeting_time_slot.start.time_zone == "UTC"


def test_chats_and_messages_are_typed(graph):
    known = {"scopes": SCOPES, "Prefer": "include-unknown-enum-members"}
    for shown in graph.every("/me/chats?$expand=members,lastMessagePreview", **known):
        chat = parse(Chat, shown)
        assert leftovers(chat) == []
        assert chat.chat_type.value == shown["chatType"]
        assert chat.members[0].user_id == shown["members"][0]["userId"]
        preview = shown["lastMessagePreview"]
        assert chat.last_message_preview.message_type.value == preview["messageType"]
        for message_shown in graph.every(f"/chats/{shown['id']}/messages?$top=50", **known):
            message = parse(ChatMessage, message_shown)
            assert leftovers(message) == []
            assert message.message_type.value == message_shown["messageType"]
            assert message.importance.value == message_shown["importance"]
            if message_shown["from"]:
                kind = message_shown["from"]["user"]["userIdentityType"]
                assert message.from_.user.user_identity_type.value == kind
            if message_shown["eventDetail"]:
                assert message.event_detail.members[0].display_name
        for member in graph.every(f"/chats/{shown['id']}/members", **known):
            assert leftovers(parse(ConversationMember, member)) == []


def test_tasks_are_typed(graph):
    for listed in graph.every("/me/todo/lists", scopes=SCOPES):
        shown = parse(TodoTaskList, listed)
        assert leftovers(shown) == []
        assert shown.wellknown_list_name.value == listed["wellknownListName"]
        for each in graph.every(f"/me/todo/lists/{listed['id']}/tasks?$top=100", scopes=SCOPES):
            task = parse(TodoTask, each)
            assert leftovers(task) == []
            assert (task.status.value, task.importance.value) == (
                each["status"],
                each["importance"],
            )
    for each in graph.every("/me/planner/tasks", scopes=SCOPES):
        planned = parse(PlannerTask, each)
        assert [e for e in leftovers(planned) if not e.startswith(OPEN_TYPES)] == []
        assert planned.preview_type.value == each["previewType"]
        assert planned.percent_complete == each["percentComplete"]
    notes = graph.get(f"/planner/tasks/{each['id']}/details", scopes=SCOPES).json()
    assert leftovers(parse(PlannerTaskDetails, notes)) == []


def folder_of(pattern):
    """Where the SDK keeps the request builder of a path."""
    if pattern[0] == "me":
        pattern = ("users", "{user}", *pattern[1:])
    snake = (re.sub(r"(?<=[a-z])([A-Z])", r"_\1", part).lower() for part in pattern)
    return "/".join("item" if part.startswith("{") else part for part in snake)


def plain(template):
    """A path with every name in braces made the same."""
    return re.sub(r"\{[^}]*\}", "{}", template).casefold()


def test_every_route_is_a_template_of_the_sdk(graph):
    gate = graph.app.routes[0].endpoint.__self__
    mine = [each for each in gate.operations if each.area in AREAS]
    assert len(mine) >= 60
    for operation in mine:
        pattern = operation.pattern
        (builder,) = (BUILDERS / folder_of(pattern)).glob("*_request_builder.py")
        source = builder.read_text()
        template = re.search(r'"\{\+baseurl\}/([^"]*)"', source)[1]
        wanted = pattern if pattern[0] != "me" else ("users", "{user}", *pattern[1:])
        assert plain(re.split(r"\?|\{\?", template)[0]) == plain("/".join(wanted))
        assert f"async def {operation.method.lower()}(" in source, pattern


@pytest.mark.parametrize("name", ["wardrobe", "me2"])
def test_a_route_of_our_own_would_be_noticed(name):
    assert list((BUILDERS / folder_of(("me", name))).glob("*_request_builder.py")) == []
