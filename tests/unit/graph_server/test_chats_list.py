import pytest

from unit.graph_server.messages import Mailbox
from unit.graph_server.talk import ADELE, ME, MEGAN, chat, member, said
from unit.graph_server.world import World, error, shown, size_bytes, throttled

CHATS = "/v1.0/me/chats"


async def test_a_chat_is_shown_by_its_people_and_its_last_message(world):
    world.network.on(CHATS, {"value": [chat()]})
    assert await world.told("chats_list") == {
        "items": [
            {
                "id": "19:chat1@thread.v2",
                "people": "Megan Bowen",
                "type": "oneOnOne",
                "last": "2026-11-20T11:58+01:00",
                "from": "Megan Bowen",
                "unread": True,
                "preview": "See you at 9",
            }
        ],
        "time_zone": "Europe/Berlin",
    }
    asked = world.network.last(CHATS).url.params
    assert asked["$expand"] == "members,lastMessagePreview"
    assert asked["$orderby"] == "lastMessagePreview/createdDateTime desc"


async def test_what_the_person_said_or_read_is_not_unread(world):
    read_it = {"lastMessageReadDateTime": "2026-11-21T10:00:00Z"}
    rows = [chat(1, lastMessagePreview=said(1, by=ME)), chat(2, viewpoint=read_it)]
    world.network.on(CHATS, {"value": rows})
    mine, seen = (await world.told("chats_list"))["items"]
    assert mine["mine"] is True
    assert "from" not in mine
    assert "unread" not in mine
    assert "unread" not in seen


async def test_an_id_that_is_none_does_not_fill_the_budget():
    world = World(result_budget_bytes=4096)
    world.network.on(CHATS, {"value": [chat(1, id="i" * 9000)]})
    assert size_bytes(await world.call("chats_list")) <= 4096


async def test_a_cursor_too_long_for_the_budget_ends_the_list_and_says_so():
    world = World(result_budget_bytes=4096)
    link = f"https://graph.microsoft.com/v1.0/me/chats?$skiptoken={'a' * 7000}"
    rows = [chat(n) for n in range(3)]
    world.network.on(CHATS, {"value": rows, "@odata.nextLink": link})
    result = await world.call("chats_list", limit=3)
    told = shown(result)
    assert size_bytes(result) <= 4096
    assert len(told["items"]) == 3
    assert "next" not in told
    assert told["ends_here"]


async def test_no_chats_give_no_rows(world):
    world.network.on(CHATS, {"value": []})
    assert (await world.told("chats_list"))["items"] == []


@pytest.mark.parametrize("query", ["WILBER", "launch", "alex@contoso"])
async def test_a_query_looks_into_topic_and_members(world, query):
    alex = member("Alex Wilber", "alex", "alex@contoso.example")
    wanted = chat(7, topic="Launch party", chatType="group", members=[ADELE, MEGAN, alex])
    world.network.on(CHATS, {"value": [chat(n) for n in range(5)] + [wanted]})
    rows = (await world.told("chats_list", query=query))["items"]
    assert [row["id"] for row in rows] == [wanted["id"]]
    assert rows[0]["people"] == "Megan Bowen, Alex Wilber"


async def test_a_guest_without_an_account_is_found_by_name_and_shown(world):
    guest = member("Guest Speaker", None, None)
    world.network.on(CHATS, {"value": [chat(1), chat(2, members=[ADELE, guest])]})
    (row,) = (await world.told("chats_list", query="speaker"))["items"]
    assert row["people"] == "Guest Speaker"


async def test_paging_to_the_end_shows_every_chat_once(world):
    world.network.on(CHATS, Mailbox([chat(n) for n in range(120)], skip="$skiptoken"))
    seen, cursor = [], ""
    async with world.client() as client:
        while True:
            asked = {"limit": 35, "cursor": cursor}
            told = shown(await client.call_tool("chats_list", asked))
            seen += [row["id"] for row in told["items"]]
            if not (cursor := told.get("next", "")):
                break
    assert seen == [f"19:chat{n}@thread.v2" for n in range(120)]


async def test_a_big_group_is_counted_not_listed(world):
    people = [member(f"Person {n}", f"p{n}", f"p{n}@contoso.example") for n in range(25)]
    world.network.on(CHATS, {"value": [chat(members=[ADELE, *people])]})
    (row,) = (await world.told("chats_list"))["items"]
    assert row["people"].endswith("Person 4 +20")


async def test_many_chats_stay_within_the_budget():
    world = World(result_budget_bytes=4096)
    world.network.on(CHATS, {"value": [chat(n, topic="t" * 300) for n in range(50)]})
    result = await world.call("chats_list", limit=50)
    assert size_bytes(result) <= 4096
    assert shown(result)["truncated"] > 0


async def test_texts_of_strangers_are_cleaned(world):
    hidden = "<p>Hi<span style='display:none'>obey</span>\u202e\U000e0041</p>"
    world.network.on(
        CHATS, {"value": [chat(topic="a\u200bb\nc", lastMessagePreview=said(1, hidden))]}
    )
    (row,) = (await world.told("chats_list"))["items"]
    assert (row["topic"], row["preview"]) == ("ab c", "Hi")


async def test_throttled_forbidden_and_gone(world):
    world.network.on(CHATS, throttled(), {"value": []})
    assert (await world.told("chats_list"))["items"] == []
    world.network.on(CHATS, error(403, "Forbidden"))
    refused = await world.refused("chats_list")
    assert refused["missing_scope"] == "Chat.ReadBasic"
    assert "administrator" in refused["who_can_fix"]


@pytest.mark.parametrize(
    "odd",
    [{}, {"members": 1}, {"lastMessagePreview": {}}, {"viewpoint": "x"}, {"topic": ["a"]}],
)
async def test_an_odd_chat_is_no_error(world, odd):
    world.network.on(CHATS, {"value": [{"id": "19:x", **odd}]})
    assert (await world.told("chats_list"))["items"][0]["id"] == "19:x"
