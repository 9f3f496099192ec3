import httpx
import pytest

from unit.graph_server.links_world import stored_item
from unit.graph_server.messages import Mailbox
from unit.graph_server.world import World, error, shown, size_bytes, throttled

ROOT = "/v1.0/me/drive/root/children"


def file(number=1, **changes):
    return {
        "id": f"01F{number}",
        "name": f"File {number}.txt",
        "size": 10,
        "file": {"mimeType": "text/plain"},
        "parentReference": {"driveId": "b!D1", "path": "/drive/root:"},
        "lastModifiedDateTime": "2026-11-20T10:00:00Z",
    } | changes


def folder(number=1):
    return file(number, name=f"Folder {number}", folder={"childCount": 3}) | {"id": f"01D{number}"}


async def test_a_folder_is_listed_with_folders_first(world):
    world.network.on(ROOT, Mailbox([file(1), folder(1), file(2)]))
    told = await world.told("files_list")
    assert [row["name"] for row in told["items"]] == ["Folder 1", "File 1.txt", "File 2.txt"]
    assert [row["type"] for row in told["items"]] == ["folder", "txt", "txt"]
    assert told["items"][0]["ref"] == "b!D1/01D1"
    assert told["time_zone"] == "Europe/Berlin"
    assert "next" not in told


async def test_an_empty_folder_is_an_empty_list(world):
    world.network.on(ROOT, Mailbox([]))
    assert (await world.told("files_list"))["items"] == []


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"folder": "/Reports/Q3 plan"}, "/v1.0/me/drive/root:/Reports/Q3 plan:/children"),
        ({"folder": "b!D1/01ABC"}, "/v1.0/drives/b!D1/items/01ABC/children"),
        ({"drive": "b!D2"}, "/v1.0/drives/b!D2/root/children"),
        ({"drive": "b!D2", "folder": "/a"}, "/v1.0/drives/b!D2/root:/a:/children"),
    ],
)
async def test_a_folder_is_named_by_ref_or_path(world, arguments, path):
    world.network.on(path, Mailbox([file()]))
    assert len((await world.told("files_list", **arguments))["items"]) == 1


async def test_a_folder_is_paged_to_its_end_without_loss_or_doubles(world):
    world.network.on(ROOT, Mailbox([*(file(n) for n in range(9)), *(folder(n) for n in range(3))]))
    got, cursor = [], ""
    async with world.client() as client:
        while True:
            arguments = {"limit": 5, "cursor": cursor}
            told = shown(await client.call_tool("files_list", arguments))
            got += [row["ref"] for row in told["items"]]
            cursor = told.get("next", "")
            if not cursor:
                break
    assert len(got) == len(set(got)) == 12


async def test_a_cursor_opens_for_its_own_folder_only(world):
    world.network.on(ROOT, Mailbox([file(n) for n in range(9)]))
    async with world.client() as client:
        told = shown(await client.call_tool("files_list", {"limit": 5}))
        other = {"limit": 5, "folder": "/a", "cursor": told["next"]}
        result = await client.call_tool("files_list", other)
    assert result.is_error
    assert "cursor" in result.content[0].text


async def test_many_rows_stay_within_the_budget():
    world = World(result_budget_bytes=4096)
    world.network.on(ROOT, Mailbox([file(n, name="n" * 300 + ".txt") for n in range(50)]))
    result = await world.call("files_list", limit=50)
    assert size_bytes(result) <= 4096
    assert shown(result)["truncated"] > 0


async def test_ten_rows_cost_less_than_four_kilobytes(world):
    world.network.on(ROOT, Mailbox([file(n, id="01" + "A" * 32) for n in range(10)]))
    assert size_bytes(await world.call("files_list", limit=10)) <= 4096


async def test_a_throttled_list_is_asked_again(world):
    rows = httpx.Response(200, json={"value": [file()]})
    world.network.on(ROOT, throttled(), rows)
    assert len((await world.told("files_list"))["items"]) == 1


async def test_a_folder_that_is_gone_or_forbidden_is_told(world):
    assert (await world.refused("files_list", folder="/gone"))["error"] == "not_found"
    world.network.on(ROOT, error(403, "accessDenied"))
    assert (await world.refused("files_list"))["missing_scope"] == "Files.Read.All"


@pytest.mark.parametrize("bad", ["..", "/..", "/a:/b", "https://contoso.sharepoint.com/a", "x"])
async def test_a_folder_that_is_none_is_refused_before_anything_is_sent(world, bad):
    assert (await world.refused("files_list", folder=bad))["argument"] == "folder"
    assert world.network.requests == []


async def test_two_people_see_their_own(world):
    def answer(request):
        name = request.headers["authorization"].removeprefix("Bearer token-of-")
        return httpx.Response(200, json={"value": [file(name=f"{name}.txt")]})

    world.network.on(ROOT, answer)
    for name in ("adele", "megan"):
        told = await world.told("files_list", person=name)
        assert told["items"][0]["name"] == f"{name}.txt"


async def test_a_hostile_name_is_shown_on_one_line_without_unseen_characters(world):
    world.network.on(ROOT, Mailbox([file(name="a\u202eb\n\U000e0041.txt")]))
    assert (await world.told("files_list"))["items"][0]["name"] == "ab .txt"


async def test_an_item_of_no_drive_has_no_ref_and_breaks_nothing(world):
    item = stored_item(world)
    item.pop("parentReference")
    world.network.on(ROOT, Mailbox([item]))
    assert "ref" not in (await world.told("files_list"))["items"][0]
