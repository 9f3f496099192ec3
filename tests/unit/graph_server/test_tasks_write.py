"""Tasks that are made and changed."""

import json

import httpx
import pytest

from unit.graph_server.todo import DEFAULT, LISTS, SHOPPING, planned, task, task_list, tasks_of
from unit.graph_server.world import World, error, throttled

ONE = f"{tasks_of(DEFAULT)}/AAMkT1="
REF = "AAMkL1=/AAMkT1="
PLANNED = planned(1)
PLAN = f"/v1.0/planner/tasks/{PLANNED['id']}"
DONE = httpx.Response(204)


@pytest.fixture
def world():
    world = World(read_only=False)
    world.network.on(LISTS, {"value": [DEFAULT, SHOPPING]})
    world.network.on(tasks_of(DEFAULT), task(9), method="POST")
    world.network.on(tasks_of(SHOPPING), task(9), method="POST")
    world.network.on(ONE, task(1))
    world.network.on(ONE, task(1), method="PATCH")
    world.network.on(PLAN, PLANNED)
    world.network.on(PLAN, DONE, method="PATCH")
    return world


def writes(world):
    return [request for request in world.network.requests if request.method != "GET"]


def written(world):
    (write,) = writes(world)
    return json.loads(write.content)


async def test_a_task_is_made_in_the_persons_own_list(world):
    told = await world.told("task_create", title=" Call\u200b Megan\n", due="2026-11-25")
    assert told == {
        "id": "AAMkL1=/AAMkT9=",
        "title": "Call Megan",
        "list": "Tasks",
        "due": "2026-11-25",
    }
    due = {"dateTime": "2026-11-25T00:00:00", "timeZone": "W. Europe Standard Time"}
    assert written(world) == {"title": "Call Megan", "dueDateTime": due}


async def test_a_task_is_made_with_all_there_is_in_another_list(world):
    asked = {"title": "Milk", "list_name": "shopping", "notes": "2 l\nfresh", "important": True}
    assert (await world.told("task_create", **asked))["list"] == "Shopping"
    assert writes(world)[0].url.path == tasks_of(SHOPPING)
    assert written(world) == {
        "title": "Milk",
        "body": {"content": "2 l\nfresh", "contentType": "text"},
        "importance": "high",
    }


async def test_a_dry_run_makes_nothing(world):
    told = await world.told("task_create", title="Milk", list_name="Shopping", dry_run=True)
    assert told == {"dry_run": True, "would": {"create": {"title": "Milk", "list": "Shopping"}}}
    assert writes(world) == []


@pytest.mark.parametrize(
    ("argument", "value"),
    [("title", " \u200b"), ("due", "tomorrow"), ("due", "2026-02-30"), ("due", "25.11.2026")],
)
async def test_what_makes_no_task_is_refused_and_never_sent(world, argument, value):
    refused = await world.refused("task_create", **{"title": "x", argument: value})
    assert refused["argument"] == argument
    assert world.network.requests == []


async def test_a_list_that_does_not_exist_is_refused(world):
    world.network.on(LISTS, {"value": [SHOPPING, task_list(3, "Garden")]})
    for name in ("", "Holidays"):
        refused = await world.refused("task_create", title="x", list_name=name)
        assert refused["argument"] == "list_name"
        assert "Shopping, Garden" in refused["hint"]
    assert writes(world) == []


@pytest.mark.parametrize("lost", [error(503, "x"), httpx.ReadError("reset")])
async def test_a_task_that_may_have_been_made_is_not_made_again(world, lost):
    world.network.on(tasks_of(DEFAULT), lost, method="POST")
    refused = await world.refused("task_create", title="x")
    assert refused["error"] == "unclear"
    assert "tasks_list" in refused["hint"]
    assert len(writes(world)) == 1


async def test_a_throttled_creation_is_repeated(world):
    world.network.on(tasks_of(DEFAULT), throttled(), task(9), method="POST")
    assert (await world.told("task_create", title="x"))["id"] == "AAMkL1=/AAMkT9="


async def test_a_forbidden_creation_names_the_scope(world):
    world.network.on(tasks_of(DEFAULT), error(403, "ErrorAccessDenied"), method="POST")
    refused = await world.refused("task_create", title="x")
    assert refused["missing_scope"] == "Tasks.ReadWrite"
    assert "administrator" in refused["who_can_fix"]


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"status": "done"}, {"status": "completed"}),
        ({"status": "open"}, {"status": "notStarted"}),
        ({"title": "New"}, {"title": "New"}),
        ({"due": "none"}, {"dueDateTime": None}),
        (
            {"due": "2026-12-24"},
            {
                "dueDateTime": {
                    "dateTime": "2026-12-24T00:00:00",
                    "timeZone": "W. Europe Standard Time",
                }
            },
        ),
        ({"notes": "a"}, {"body": {"content": "a", "contentType": "text"}}),
        ({"important": "yes"}, {"importance": "high"}),
        ({"important": "no"}, {"importance": "normal"}),
    ],
)
async def test_only_what_is_given_changes_in_to_do(world, change, body):
    began = task(1, status="completed" if change.get("status") == "open" else "inProgress")
    world.network.on(ONE, began)
    told = await world.told("task_update", task_id=REF, **change)
    assert (told["id"], told["changed"], told["changes"]) == (REF, True, change)
    assert writes(world)[0].url.path == ONE
    assert written(world) == body


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"status": "done"}, {"percentComplete": 100}),
        ({"status": "open"}, {"percentComplete": 0}),
        ({"title": "New", "important": "yes"}, {"title": "New", "priority": 3}),
        ({"due": "2026-12-24"}, {"dueDateTime": "2026-12-24T11:00:00Z"}),
        ({"due": "none"}, {"dueDateTime": None}),
    ],
)
async def test_a_planner_task_changes_only_in_the_version_that_was_read(world, change, body):
    world.network.on(PLAN, PLANNED | {"percentComplete": 100 if "status" in change else 50})
    await world.told("task_update", task_id=PLANNED["id"], **change)
    assert written(world) == body
    assert writes(world)[0].headers["if-match"] == PLANNED["@odata.etag"]


async def test_notes_of_a_planner_task_are_changed_in_its_details(world):
    world.network.on(f"{PLAN}/details", {"@odata.etag": 'W/"d1"', "description": "old"})
    world.network.on(f"{PLAN}/details", DONE, method="PATCH")
    await world.told("task_update", task_id=PLANNED["id"], notes="new")
    (write,) = writes(world)
    assert (write.url.path, write.headers["if-match"]) == (f"{PLAN}/details", 'W/"d1"')
    assert json.loads(write.content) == {"description": "new"}


@pytest.mark.parametrize("status", ["inProgress", "notStarted", "waitingOnOthers"])
async def test_a_task_that_was_begun_is_open_already(world, status):
    world.network.on(ONE, task(1, status=status))
    told = await world.told("task_update", task_id=REF, status="open")
    assert "changed" not in told
    assert told["note"]
    await world.told("task_update", task_id=REF, status="open", title="New")
    assert written(world) == {"title": "New"}


async def test_a_planner_task_that_was_begun_is_open_already(world):
    world.network.on(PLAN, PLANNED | {"percentComplete": 50})
    told = await world.told("task_update", task_id=PLANNED["id"], status="open")
    assert "changed" not in told
    assert writes(world) == []


@pytest.mark.parametrize("at", ["GET", "PATCH"])
async def test_a_planner_task_without_its_new_notes_is_half_done(world, at):
    world.network.on(f"{PLAN}/details", {"@odata.etag": 'W/"d1"'})
    world.network.on(f"{PLAN}/details", DONE, method="PATCH")
    world.network.on(f"{PLAN}/details", error(412, "Conflict"), method=at)
    change = {"task_id": PLANNED["id"], "notes": "new"}
    refused = await world.refused("task_update", **change, title="New", status="done")
    assert refused["error"] == "half_done"
    assert "Everything but the notes" in refused["hint"]
    alone = await world.refused("task_update", **change)
    assert alone["error"] != "half_done"


async def test_notes_that_have_to_wait_say_how_long(world):
    world.network.on(f"{PLAN}/details", throttled("600"))
    change = {"task_id": PLANNED["id"], "notes": "new", "status": "done"}
    refused = await world.refused("task_update", **change)
    assert (refused["error"], refused["retry_after_s"]) == ("half_done", 600)


async def test_a_task_without_an_answer_has_no_id_that_is_none(world):
    world.network.on(tasks_of(DEFAULT), httpx.Response(201), method="POST")
    told = await world.told("task_create", title="x")
    assert "id" not in told
    assert told["created"] is True
    assert "tasks_list" in told["note"]


async def test_a_planner_task_that_changed_meanwhile_is_to_be_read_again(world):
    world.network.on(PLAN, error(412, ""), method="PATCH")
    refused = await world.refused("task_update", task_id=PLANNED["id"], status="done")
    assert refused["error"] == "changed_meanwhile"
    assert "tasks_list" in refused["hint"]


async def test_a_planner_task_without_version_is_not_changed(world):
    world.network.on(PLAN, {"title": "x"})
    refused = await world.refused("task_update", task_id=PLANNED["id"], status="done")
    assert refused["error"] == "unexpected_answer"
    assert writes(world) == []


@pytest.mark.parametrize("task_id", [REF, PLANNED["id"]])
async def test_a_dry_run_reads_and_changes_nothing(world, task_id):
    told = await world.told("task_update", task_id=task_id, status="done", dry_run=True)
    assert told["would"]["changes"] == {"status": "done"}
    assert told["would"]["title"]
    assert writes(world) == []


@pytest.mark.parametrize(
    "task_id", ["", "..", "../x", "x/..", "a/b/c", "/x", "x/", "a b", "%2e%2e", "ä", "x/a b"]
)
async def test_an_id_that_is_none_is_refused_and_never_sent(world, task_id):
    refused = await world.refused("task_update", task_id=task_id, status="done")
    assert refused["argument"] == "task_id"
    assert world.network.requests == []


async def test_a_change_of_nothing_is_refused(world):
    assert (await world.refused("task_update", task_id=REF))["error"] == "bad_argument"
    assert world.network.requests == []


async def test_a_task_that_is_gone_is_not_found(world):
    world.network.on(ONE, error(404, "ErrorItemNotFound"))
    refused = await world.refused("task_update", task_id=REF, status="done")
    assert refused["error"] == "not_found"


async def test_a_forbidden_change_names_the_scope(world):
    world.network.on(ONE, error(403, "ErrorAccessDenied"), method="PATCH")
    refused = await world.refused("task_update", task_id=REF, status="done")
    assert refused["missing_scope"] == "Tasks.ReadWrite"


async def test_a_change_that_may_have_happened_may_be_repeated(world):
    world.network.on(ONE, error(504, "x"), method="PATCH")
    refused = await world.refused("task_update", task_id=REF, status="done")
    assert refused["error"] == "unclear"
    assert "same call again" in refused["hint"]
