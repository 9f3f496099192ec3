import json

import httpx
import pytest

from unit.graph_server.world import World, error, size_bytes, throttled

BATCH = "/v1.0/$batch"
MOVE = {"message_ids": ["a1", "a2", "a3"], "folder": "archive"}
UPDATE = {"message_ids": ["a1", "a2", "a3"], "read": "yes"}
TOOLS = [("mail_move", MOVE), ("mail_update", UPDATE)]


class Batches:
    """Answers each step of a batch by its mail's id, in reverse order, as Graph may."""

    def __init__(self, network, **statuses):
        self.steps = []
        self.rounds = []
        self.statuses = statuses
        network.on(BATCH, self, method="POST")

    def __call__(self, request):
        steps = json.loads(request.content)["requests"]
        self.rounds.append([step["id"] for step in steps])
        self.steps += steps
        answers = [self._answer(step) for step in steps]
        return httpx.Response(200, json={"responses": answers[::-1]})

    def _answer(self, step):
        key = step["url"].split("?")[0].removesuffix("/move").rpartition("/")[2]
        planned = self.statuses.get(key, 200)
        status = planned.pop(0) if isinstance(planned, list) else planned
        body = {"id": key, "subject": f"About {key}"}
        if status >= 400:
            body = {"error": {"code": {404: "ErrorItemNotFound"}.get(status, "x"), "message": ""}}
        headers = {"Retry-After": "2"} if status == 429 else {}
        return {"id": step["id"], "status": status, "headers": headers, "body": body}


@pytest.fixture
def world():
    return World(read_only=False)


def changed(batches):
    return [step for step in batches.steps if step["method"] != "GET"]


async def test_mails_are_moved_one_at_a_time_in_one_request(world):
    batches = Batches(world.network)
    told = await world.told("mail_move", **MOVE)
    assert told == {
        "done": 3,
        "failed": 0,
        "items": [{"id": key, "ok": True} for key in MOVE["message_ids"]],
    }
    assert [step["url"] for step in batches.steps] == [
        f"/me/messages/{key}/move" for key in MOVE["message_ids"]
    ]
    assert all(step["body"] == {"destinationId": "archive"} for step in batches.steps)
    assert all(step["headers"]["Prefer"] == 'IdType="ImmutableId"' for step in batches.steps)
    assert [step.get("dependsOn") for step in batches.steps] == [None, ["0"], ["1"]]
    assert world.network.paths() == [BATCH]


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        ({"read": "yes"}, {"isRead": True}),
        ({"read": "no"}, {"isRead": False}),
        ({"flag": "flagged"}, {"flag": {"flagStatus": "flagged"}}),
        ({"flag": "complete"}, {"flag": {"flagStatus": "complete"}}),
        ({"flag": "none"}, {"flag": {"flagStatus": "notFlagged"}}),
        ({"categories": ["Red", " To  do", "Red"]}, {"categories": ["Red", "To do"]}),
        ({"categories": ["none"]}, {"categories": []}),
        ({"importance": "low"}, {"importance": "low"}),
        (
            {"read": "yes", "flag": "none", "importance": "high"},
            {"isRead": True, "flag": {"flagStatus": "notFlagged"}, "importance": "high"},
        ),
    ],
)
async def test_a_mark_changes_what_was_given_and_nothing_else(world, arguments, change):
    batches = Batches(world.network)
    await world.told("mail_update", message_ids=["a1"], **arguments)
    (step,) = batches.steps
    assert (step["method"], step["url"], step["body"]) == ("PATCH", "/me/messages/a1", change)


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_each_mail_has_an_outcome_of_its_own(world, tool, arguments):
    Batches(world.network, a2=404)
    told = await world.told(tool, **arguments)
    assert (told["done"], told["failed"]) == (2, 1)
    assert told["items"] == [
        {"id": "a1", "ok": True},
        {"id": "a2", "error": "not_found"},
        {"id": "a3", "ok": True},
    ]
    assert list(told["hints"]) == ["not_found"]


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_forbidden_mails_name_what_is_missing(world, tool, arguments):
    Batches(world.network, a1=403)
    told = await world.told(tool, **arguments)
    assert told["items"][0] == {"id": "a1", "error": "forbidden"}
    assert "Mail.ReadWrite" in told["hints"]["forbidden"]


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_a_mail_that_was_throttled_is_tried_again_alone(world, tool, arguments):
    batches = Batches(world.network, a2=[429, 200], a3=[424, 200])
    told = await world.told(tool, **arguments)
    assert told["done"] == 3
    assert batches.rounds == [["0", "1", "2"], ["1", "2"]]
    assert world.clock.waits == [2]


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_a_mailbox_that_stays_busy_is_told_per_mail(world, tool, arguments):
    Batches(world.network, a2=429, a3=424)
    told = await world.told(tool, **arguments)
    assert told["items"][1:] == [
        {"id": "a2", "error": "throttled"},
        {"id": "a3", "error": "not_tried"},
    ]


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_a_rehearsal_names_the_mails_and_changes_none(world, tool, arguments):
    batches = Batches(world.network, a2=404)
    world.network.on("/v1.0/me/mailFolders/archive", {"id": "f", "displayName": "Archive"})
    told = await world.told(tool, **arguments, dry_run=True)
    assert told["dry_run"] is True
    assert told["would"] in ({"move_to": "Archive"}, {"isRead": True})
    assert told["items"][:2] == [
        {"id": "a1", "subject": "About a1"},
        {"id": "a2", "error": "not_found"},
    ]
    assert changed(batches) == []
    assert {step["method"] for step in batches.steps} == {"GET"}


async def test_a_rehearsed_move_into_no_folder_is_refused(world):
    assert (await world.refused("mail_move", **MOVE, dry_run=True))["error"] == "not_found"


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_a_mail_named_twice_is_changed_once(world, tool, arguments):
    batches = Batches(world.network)
    told = await world.told(tool, **{**arguments, "message_ids": ["a1", "a2", "a1"]})
    assert (told["done"], len(batches.steps)) == (2, 2)


async def test_an_id_that_does_not_outlive_the_move_is_replaced(world):
    answer = {"responses": [{"id": "0", "status": 201, "body": {"id": "new"}}]}
    world.network.on(BATCH, answer, method="POST")
    told = await world.told("mail_move", message_ids=["old"], folder="archive")
    assert told["items"] == [{"id": "old", "ok": True, "new_id": "new"}]


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
@pytest.mark.parametrize(
    "lost", [error(504, "UnknownError"), httpx.ReadError("x"), {"responses": []}]
)
async def test_a_batch_whose_answer_got_lost_is_told_as_such(world, tool, arguments, lost):
    world.network.on(BATCH, lost, method="POST")
    assert (await world.refused(tool, **arguments))["error"] == "maybe_done"
    assert len(world.network.requests) == 1


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_a_batch_that_was_refused_did_nothing(world, tool, arguments):
    world.network.on(BATCH, throttled("60"), method="POST")
    assert (await world.refused(tool, **arguments))["error"] == "throttled"
    world.network.on(BATCH, error(403, "ErrorAccessDenied"), method="POST")
    assert (await world.refused(tool, **arguments))["missing_scope"] == "Mail.ReadWrite"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("mail_move", {**MOVE, "message_ids": []}),
        ("mail_move", {**MOVE, "message_ids": [f"a{n}" for n in range(21)]}),
        ("mail_move", {**MOVE, "message_ids": ["a1", "../x"]}),
        ("mail_move", {**MOVE, "message_ids": ["a1", ""]}),
        ("mail_move", {**MOVE, "message_ids": ["a1?$select=body"]}),
        ("mail_move", {**MOVE, "message_ids": "a1"}),
        ("mail_move", {**MOVE, "folder": ".."}),
        ("mail_move", {**MOVE, "folder": ""}),
        ("mail_move", {**MOVE, "folder": "My folder"}),
        ("mail_update", {**UPDATE, "message_ids": ["a b"]}),
        ("mail_update", {**UPDATE, "read": "true"}),
        ("mail_update", {**UPDATE, "flag": "red"}),
        ("mail_update", {**UPDATE, "categories": ["\u200b"]}),
        ("mail_update", {**UPDATE, "categories": ["x"] * 26}),
        ("mail_update", {"message_ids": ["a1"]}),
    ],
)
async def test_malformed_arguments_for_many_are_refused_before_anything_is_asked(
    world, tool, arguments
):
    assert (await world.refused(tool, **arguments))["error"] == "bad_argument"
    assert world.network.requests == []


async def test_an_id_in_a_batch_cannot_lead_to_another_path(world):
    batches = Batches(world.network)
    await world.told("mail_update", message_ids=["a/b=", "x@y"], read="no")
    assert [step["url"] for step in batches.steps] == [
        "/me/messages/a%2Fb%3D",
        "/me/messages/x%40y",
    ]


@pytest.mark.parametrize("tool", ["mail_update", "mail_move"])
async def test_what_fails_for_all_alike_is_a_refusal_of_the_call(tool):
    world = World(read_only=False)
    Batches(world.network, m1=403, m2=403)
    wanted = {"read": "yes"} if tool == "mail_update" else {"folder": "archive"}
    refused = await world.refused(tool, message_ids=["m1", "m2"], **wanted)
    assert (refused["error"], refused["missing_scope"]) == ("forbidden", "Mail.ReadWrite")


@pytest.mark.parametrize("status", [200, 404, 403])
async def test_long_ids_do_not_break_the_budget(status):
    world = World(read_only=False, result_budget_bytes=4096)
    keys = [f"{n:02}" + "x" * 510 for n in range(20)]
    Batches(world.network, **dict.fromkeys(keys[1:], status))
    result = await world.call("mail_update", message_ids=keys, read="yes")
    assert size_bytes(result) <= 4096
    assert [item["id"] for item in result.structured_content["items"]][:2] == ["#1", "#2"]
    assert world.network.paths() == [BATCH]
