import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.shape.cursor import CursorSeal, Position
from unit.graph_server.messages import Mailbox, message
from unit.graph_server.world import World, refusal, shown, size_bytes

ADELE, MEGAN = ("contoso", "adele"), ("contoso", "megan")
PLACE = Position({"$skip": "10"}, 3)
MESSAGES = "/v1.0/me/messages"


def test_a_cursor_leads_back_to_its_position():
    seal = CursorSeal()
    cursor = seal.seal(PLACE, ADELE, "mail_search", {"limit": 10})
    assert seal.open(cursor, ADELE, "mail_search", {"limit": 10}) == PLACE


def test_an_empty_cursor_is_the_beginning():
    assert CursorSeal().open("", ADELE, "mail_search", {}) == Position()


@pytest.mark.parametrize(
    ("person", "tool", "arguments"),
    [
        (MEGAN, "mail_search", {"limit": 10}),
        (("fabrikam", "adele"), "mail_search", {"limit": 10}),
        (ADELE, "calendar_view", {"limit": 10}),
        (ADELE, "mail_search", {"limit": 11}),
        (ADELE, "mail_search", {}),
    ],
)
def test_a_cursor_fits_only_its_own_person_tool_and_arguments(person, tool, arguments):
    seal = CursorSeal()
    cursor = seal.seal(PLACE, ADELE, "mail_search", {"limit": 10})
    with pytest.raises(ToolError, match="cursor does not fit"):
        seal.open(cursor, person, tool, arguments)


def test_a_cursor_of_another_process_is_refused():
    cursor = CursorSeal().seal(PLACE, ADELE, "mail_search", {})
    with pytest.raises(ToolError):
        CursorSeal().open(cursor, ADELE, "mail_search", {})


def test_a_cursor_goes_on_at_every_replica_with_the_same_keys_and_survives_their_rotation():
    old, new, other = (bytes([number]) * 32 for number in range(3))
    cursor = CursorSeal([old]).seal(PLACE, ADELE, "mail_search", {})
    for keys in ([old], [old, new], [new, old]):
        assert CursorSeal(keys).open(cursor, ADELE, "mail_search", {}) == PLACE
    for keys in ([new], [other, new], []):
        with pytest.raises(ToolError, match="cursor does not fit"):
            CursorSeal(keys).open(cursor, ADELE, "mail_search", {})
    newest = CursorSeal([new, old]).seal(PLACE, ADELE, "mail_search", {})
    assert CursorSeal([new]).open(newest, ADELE, "mail_search", {}) == PLACE


def test_every_changed_character_is_noticed():
    seal = CursorSeal()
    cursor = seal.seal(PLACE, ADELE, "mail_search", {})
    for at, letter in enumerate(cursor[:-1]):
        changed = cursor[:at] + ("A" if letter != "A" else "B") + cursor[at + 1 :]
        with pytest.raises(ToolError):
            seal.open(changed, ADELE, "mail_search", {})


@given(st.text(min_size=1, max_size=200))
@settings(max_examples=50, deadline=None)
def test_nothing_a_model_invents_is_a_cursor(text):
    with pytest.raises(ToolError):
        CursorSeal().open(text, ADELE, "mail_search", {})


def test_a_cursor_shows_nothing_of_what_it_holds():
    seal = CursorSeal()
    cursors = {seal.seal(PLACE, ADELE, "mail_search", {}) for _ in range(5)}
    assert len(cursors) == 5
    assert not any("skip" in cursor for cursor in cursors)


async def test_a_cursor_lent_to_somebody_else_is_refused_over_the_wire(world):
    world.network.on(MESSAGES, Mailbox([message(n) for n in range(30)]))
    async with world.client() as client:
        mine = {"person": "adele"}
        cursor = shown(await client.call_tool("mail_search", {}, meta=mine))["next"]
        asked = len(world.network.requests)
        for person, arguments in (
            ("megan", {"cursor": cursor}),
            ("adele", {"cursor": cursor, "limit": 11}),
            ("adele", {"cursor": cursor[:-4] + "AAAA"}),
        ):
            result = await client.call_tool("mail_search", arguments, meta={"person": person})
            assert refusal(result)["argument"] == "cursor"
        assert len(world.network.requests) == asked
        again = await client.call_tool("mail_search", {"cursor": cursor}, meta=mine)
        assert len(shown(again)["items"]) == 10


@pytest.mark.parametrize("skip_chars", [5000, 8000])
async def test_a_long_skip_value_of_graph_makes_a_cursor_that_opens(world, skip_chars):
    link = f"https://graph.microsoft.com{MESSAGES}?$skiptoken={'s' * skip_chars}"
    rows = [message(n) for n in range(10)]
    world.network.on(MESSAGES, {"value": rows, "@odata.nextLink": link}, {"value": [message(11)]})
    async with world.client() as client:
        told = await client.call_tool("mail_search", {})
        cursor = shown(told)["next"]
        assert size_bytes(told) <= world.settings.result_budget_bytes
        rest = shown(await client.call_tool("mail_search", {"cursor": cursor}))
    assert [row["id"] for row in rest["items"]] == [message(11)["id"]]


async def test_a_skip_value_too_long_for_any_cursor_is_an_error_at_once(world):
    link = f"https://graph.microsoft.com{MESSAGES}?$skiptoken={'s' * 9000}"
    world.network.on(MESSAGES, {"value": [message(1)], "@odata.nextLink": link})
    assert (await world.refused("mail_search"))["error"] == "unexpected_answer"


async def test_rows_give_way_to_a_long_cursor():
    world = World(result_budget_bytes=8192)
    link = f"https://graph.microsoft.com{MESSAGES}?$skiptoken={'s' * 4000}"
    rows = [message(n) for n in range(10)]
    world.network.on(MESSAGES, {"value": rows}, {"value": rows, "@odata.nextLink": link})
    world.network.on(MESSAGES, {"value": rows, "@odata.nextLink": link})
    result = await world.call("mail_search")
    assert shown(result)["items"]
    assert size_bytes(result) <= 8192
