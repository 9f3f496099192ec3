import pytest

from unit.graph_server.messages import Mailbox
from unit.graph_server.todo import DEFAULT, LISTS, SHOPPING, planned, task, task_list, tasks_of
from unit.graph_server.world import World, error, shown, size_bytes, throttled

PLANNED = "/v1.0/me/planner/tasks"


@pytest.fixture
def world():
    world = World()
    world.network.on(LISTS, {"value": [DEFAULT, SHOPPING]})
    world.network.on(tasks_of(DEFAULT), {"value": []})
    world.network.on(tasks_of(SHOPPING), {"value": []})
    return world


async def test_a_task_is_shown_with_its_list_and_the_id_to_change_it_by(world):
    full = task(
        importance="high",
        status="inProgress",
        body={"content": "call\u200b Megan\nfirst", "contentType": "text"},
        dueDateTime={"dateTime": "2026-11-25T00:00:00.0000000", "timeZone": "UTC"},
    )
    world.network.on(tasks_of(DEFAULT), {"value": [full]})
    assert await world.told("tasks_list") == {
        "items": [
            {
                "id": "AAMkL1=/AAMkT1=",
                "title": "Write report 1",
                "list": "Tasks",
                "due": "2026-11-25",
                "status": "inProgress",
                "important": True,
                "notes": "call Megan first",
            }
        ],
        "time_zone": "Europe/Berlin",
    }


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2026-11-25T00:00:00.0000000", "UTC", "2026-11-25"),
        ("2026-11-24T23:00:00.0000000", "UTC", "2026-11-25"),
        ("2026-11-25T00:00:00.0000000", "Pacific Standard Time", "2026-11-25"),
        ("2026-11-25T08:00:00.0000000", "UTC", "2026-11-25"),
    ],
)
async def test_a_due_day_is_a_day_however_it_was_written(world, moment, zone, day):
    due = {"dateTime": moment, "timeZone": zone}
    world.network.on(tasks_of(DEFAULT), {"value": [task(dueDateTime=due)]})
    assert (await world.told("tasks_list"))["items"][0]["due"] == day


async def test_midnight_elsewhere_is_still_the_day_that_was_written(world):
    world.network.on("/v1.0/me/mailboxSettings", {"timeZone": "Pacific Standard Time"})
    due = {"dateTime": "2026-11-25T00:00:00.0000000", "timeZone": "UTC"}
    world.network.on(tasks_of(DEFAULT), {"value": [task(dueDateTime=due)]})
    assert (await world.told("tasks_list"))["items"][0]["due"] == "2026-11-25"


@pytest.mark.parametrize(
    ("status", "asked"),
    [("open", "status ne 'completed'"), ("done", "status eq 'completed'"), ("all", None)],
)
async def test_the_status_is_asked_of_graph_and_nothing_is_selected(world, status, asked):
    await world.told("tasks_list", status=status, list_name="tasks")
    params = world.network.last(tasks_of(DEFAULT)).url.params
    assert params.get("$filter") == asked
    assert "$select" not in params
    assert tasks_of(SHOPPING) not in world.network.paths()


async def test_paging_to_the_end_goes_through_all_lists(world):
    empty = task_list(3, "Empty")
    world.network.on(LISTS, {"value": [DEFAULT, empty, SHOPPING]})
    world.network.on(tasks_of(DEFAULT), Mailbox([task(n) for n in range(23)]))
    world.network.on(tasks_of(empty), {"value": []})
    world.network.on(tasks_of(SHOPPING), Mailbox([task(n) for n in range(30, 41)]))
    seen, cursor = [], ""
    async with world.client() as client:
        while True:
            asked = {"limit": 10, "cursor": cursor}
            told = shown(await client.call_tool("tasks_list", asked))
            seen += [row["title"] for row in told["items"]]
            if not (cursor := told.get("next", "")):
                break
    assert seen == [f"Write report {n}" for n in (*range(23), *range(30, 41))]


async def test_no_lists_and_no_tasks_give_no_rows(world):
    assert (await world.told("tasks_list"))["items"] == []
    world.network.on(LISTS, {"value": []})
    assert (await world.told("tasks_list"))["items"] == []


async def test_a_list_that_is_gone_ends_the_paging(world):
    world.network.on(tasks_of(DEFAULT), Mailbox([task(n) for n in range(3)]))
    cursor = (await world.told("tasks_list", limit=2))["next"]
    world.network.on(LISTS, {"value": [SHOPPING]})
    told = await world.told("tasks_list", limit=2, cursor=cursor)
    assert told == {"items": [], "time_zone": "Europe/Berlin"}


async def test_a_list_that_does_not_exist_is_refused_with_those_that_do(world):
    refused = await world.refused("tasks_list", list_name="Garden")
    assert refused["argument"] == "list_name"
    assert "Tasks, Shopping" in refused["hint"]


async def test_two_lists_of_one_name_are_not_chosen_between(world):
    world.network.on(LISTS, {"value": [SHOPPING, task_list(9, "shopping")]})
    refused = await world.refused("tasks_list", list_name="SHOPPING")
    assert "more than one" in refused["hint"]


async def test_planner_tasks_are_those_given_to_the_person(world):
    rows = [
        planned(1, dueDateTime="2026-11-25T23:30:00Z", priority=1, percentComplete=50),
        planned(2, percentComplete=100),
        planned(3, hasDescription=True),
    ]
    world.network.on(PLANNED, {"value": rows})
    told = await world.told("tasks_list", source="planner")
    assert told["items"] == [
        {
            "id": rows[0]["id"],
            "title": "Ship part 1",
            "due": "2026-11-26",
            "status": "inProgress",
            "important": True,
        },
        {"id": rows[2]["id"], "title": "Ship part 3", "has_notes": True},
    ]
    done = await world.told("tasks_list", source="planner", status="done")
    assert [row["status"] for row in done["items"]] == ["completed"]
    assert not world.network.last(PLANNED).url.query


async def test_many_planner_tasks_are_paged_here(world):
    world.network.on(PLANNED, {"value": [planned(n) for n in range(30)]})
    seen, cursor = [], ""
    while True:
        told = await world.told("tasks_list", source="planner", limit=12, cursor=cursor)
        seen += [row["title"] for row in told["items"]]
        if not (cursor := told.get("next", "")):
            break
    assert seen == [f"Ship part {n}" for n in range(30)]


async def test_a_list_name_does_not_go_with_planner(world):
    refused = await world.refused("tasks_list", source="planner", list_name="Tasks")
    assert refused["argument"] == "list_name"
    assert world.network.requests == []


async def test_many_tasks_stay_within_the_budget():
    world = World(result_budget_bytes=4096)
    world.network.on(LISTS, {"value": [DEFAULT]})
    world.network.on(tasks_of(DEFAULT), {"value": [task(n, title="t" * 255) for n in range(50)]})
    result = await world.call("tasks_list", limit=50)
    assert size_bytes(result) <= 4096
    assert shown(result)["truncated"] > 0


async def test_throttled_and_forbidden(world):
    world.network.on(LISTS, throttled(), {"value": []})
    await world.told("tasks_list")
    assert world.clock.waits == [2]
    for source, path in (("todo", LISTS), ("planner", PLANNED)):
        world.network.on(path, error(403, ""))
        refused = await world.refused("tasks_list", source=source)
        assert refused["missing_scope"] == "Tasks.Read"
        assert "administrator" in refused["who_can_fix"]


@pytest.mark.parametrize("odd", [{"body": 1}, {"dueDateTime": "x"}, {"title": None}, {"status": 3}])
async def test_an_odd_task_is_no_error(world, odd):
    world.network.on(tasks_of(DEFAULT), {"value": [task(**odd)]})
    assert len((await world.told("tasks_list"))["items"]) == 1


@pytest.mark.parametrize("gone", [1, 2])
async def test_a_list_that_is_gone_between_two_pages_hides_no_other(world, gone):
    lists = [DEFAULT, SHOPPING, task_list(3, "Garden")]
    for number, one in enumerate(lists):
        rows = [task(10 * number + row) for row in range(2)]
        world.network.on(tasks_of(one), Mailbox(rows))
    left = [one for one in lists if one is not lists[gone]]
    world.network.on(LISTS, {"value": lists}, {"value": left})
    limit = 2 * gone
    first = await world.told("tasks_list", limit=limit)
    rest = await world.told("tasks_list", limit=limit, cursor=first["next"])
    expected = [one["displayName"] for one in left for _ in range(2)]
    assert [row["list"] for row in first["items"] + rest["items"]] == expected


async def test_a_list_that_is_gone_midway_leads_to_the_next(world):
    world.network.on(tasks_of(DEFAULT), Mailbox([task(n) for n in range(9)]))
    world.network.on(tasks_of(SHOPPING), Mailbox([task(20)]))
    world.network.on(LISTS, {"value": [DEFAULT, SHOPPING]}, {"value": [SHOPPING]})
    first = await world.told("tasks_list", limit=3)
    rest = await world.told("tasks_list", limit=3, cursor=first["next"])
    assert [row["list"] for row in rest["items"]] == ["Shopping"]
