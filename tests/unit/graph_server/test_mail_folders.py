import pytest

from unit.graph_server.messages import Mailbox
from unit.graph_server.world import World, error, refusal, shown, size_bytes, throttled

PATH = "/v1.0/me/mailFolders"


def folder(number, **changes):
    return {
        "id": f"AQMkA{number:03}".ljust(100, "A"),
        "displayName": f"Folder {number}",
        "unreadItemCount": number % 3,
        "totalItemCount": number,
        "childFolderCount": number % 2,
    } | changes


async def test_folders_come_with_their_counts(world):
    world.network.on(PATH, Mailbox([folder(0), folder(1)]))
    told = await world.told("mail_folders")
    first, second = told["items"]
    assert first == {"id": folder(0)["id"], "name": "Folder 0", "unread": 0, "total": 0}
    assert (second["unread"], second["folders"]) == (1, 1)
    asked = world.network.last(PATH)
    assert asked.headers["prefer"] == 'IdType="ImmutableId"'
    assert asked.url.params["$top"] == "25"


@pytest.mark.parametrize("parent", ["inbox", folder(7)["id"]])
async def test_folders_inside_another_are_listed_by_its_name_or_id(world, parent):
    world.network.on(f"{PATH}/{parent}/childFolders", Mailbox([folder(1)]))
    assert len((await world.told("mail_folders", parent=parent))["items"]) == 1


async def test_a_mailbox_without_folders_is_an_empty_list(world):
    world.network.on(PATH, Mailbox([]))
    assert (await world.told("mail_folders", parent=""))["items"] == []


async def test_every_folder_is_shown_once_on_the_way_to_the_end(world):
    world.network.on(PATH, Mailbox([folder(n) for n in range(23)]))
    seen, cursor = [], ""
    async with world.client() as client:
        while True:
            arguments = {"limit": 5} | ({"cursor": cursor} if cursor else {})
            told = shown(await client.call_tool("mail_folders", arguments))
            seen += [row["name"] for row in told["items"]]
            if not (cursor := told.get("next")):
                break
    assert seen == [f"Folder {n}" for n in range(23)]


async def test_a_cursor_of_another_folder_or_person_is_refused(world):
    world.network.on(PATH, Mailbox([folder(n) for n in range(9)]))
    async with world.client() as client:
        first = shown(await client.call_tool("mail_folders", {"limit": 5}))
        again = {"limit": 5, "cursor": first["next"]}
        other = await client.call_tool("mail_folders", again | {"parent": "inbox"})
        megan = await client.call_tool("mail_folders", again, meta={"person": "megan"})
    assert refusal(other)["argument"] == refusal(megan)["argument"] == "cursor"


async def test_ten_folders_are_few_bytes_and_fifty_stay_within_the_budget():
    world = World(result_budget_bytes=8192)
    long = [folder(n, displayName="日" * 500, id="x" * 500 + str(n)) for n in range(50)]
    world.network.on(PATH, Mailbox([folder(n) for n in range(10)]))
    assert size_bytes(await world.call("mail_folders")) <= 4096
    world.network.on(PATH, Mailbox(long))
    result = await world.call("mail_folders", limit=50)
    assert size_bytes(result) <= 8192
    assert result.structured_content["truncated"] > 0
    assert "next" in result.structured_content


async def test_a_name_that_hides_something_is_cleaned(world):
    world.network.on(PATH, Mailbox([folder(1, displayName="In\u202ebox\U000e0041\nx")]))
    assert (await world.told("mail_folders"))["items"][0]["name"] == "Inbox x"


async def test_a_busy_mailbox_is_waited_for_while_folders_are_listed(world):
    world.network.on(PATH, throttled("2"), {"value": [folder(1)]})
    assert len((await world.told("mail_folders"))["items"]) == 1
    assert world.clock.waits == [2]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (error(403, "ErrorAccessDenied"), "forbidden"),
        (error(404, "ErrorItemNotFound"), "not_found"),
        (throttled("99"), "throttled"),
        (error(400, "ErrorInvalidIdMalformed"), "bad_id"),
    ],
)
async def test_what_graph_refuses_is_told_in_words(world, answer, name):
    world.network.on(f"{PATH}/x/childFolders", answer)
    assert (await world.refused("mail_folders", parent="x"))["error"] == name


@pytest.mark.parametrize("bad", ["..", "a b", "x/../y", "ä", "x?y", "x" * 513])
async def test_a_parent_that_is_no_id_is_refused(world, bad):
    assert (await world.refused("mail_folders", parent=bad))["argument"] == "parent"
    assert world.network.requests == []
