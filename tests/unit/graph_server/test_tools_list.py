import json

import pytest

from obo_graph.catalogue import BY_NAME
from unit.graph_server.world import World, refusal

TOOLS = tuple(name for name, entry in BY_NAME.items() if not entry.writes and not entry.on_request)


def everything():
    return World(read_only=False, tools="core write extra graph")


async def list_bytes(world):
    tools = json.dumps({"tools": await listed(world)}, separators=(",", ":"), ensure_ascii=False)
    return len(tools.encode())


async def listed(world):
    async with world.client() as client:
        tools = (await client.list_tools()).tools
    return [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in tools]


def keys_in(value):
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from keys_in(part)


async def test_the_tools_are_those_of_the_catalogue_in_its_order(world):
    assert tuple(tool["name"] for tool in await listed(world)) == TOOLS
    assert tuple(tool["name"] for tool in await listed(everything())) == tuple(BY_NAME)


async def test_the_list_is_the_same_every_time():
    assert await listed(World()) == await listed(World())


@pytest.mark.promise("P-29")
async def test_the_list_stays_small_for_a_model_that_reads_it_on_every_turn(world):
    assert await list_bytes(world) <= 25 * 1024
    assert await list_bytes(everything()) <= 32 * 1024


async def test_no_schema_uses_what_foundry_refuses():
    for tool in await listed(everything()):
        schemas = {"in": tool["inputSchema"], "out": tool["outputSchema"]}
        assert not {"anyOf", "allOf", "oneOf", "$ref", "$defs"} & set(keys_in(schemas)), tool
        for part in tool["inputSchema"]["properties"].values():
            assert part["type"] in {"string", "integer", "boolean", "array"}
            assert part.get("items", {"type": "string"})["type"] == "string"


async def test_the_check_for_refused_keywords_finds_them():
    assert "$ref" in set(keys_in({"properties": {"a": {"items": [{"$ref": "#/x"}]}}}))


async def test_nothing_of_our_own_parameters_is_shown():
    for tool in await listed(everything()):
        assert not {"tokens", "who"} & set(tool["inputSchema"]["properties"])


async def test_every_tool_says_what_it_does_and_whether_it_changes_anything():
    for tool in await listed(everything()):
        notes, name = tool["annotations"], tool["name"]
        assert notes["readOnlyHint"] is not BY_NAME[name].writes
        assert set(notes) == {
            "readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint",
        }  # fmt: skip
        assert notes["idempotentHint"] or BY_NAME[name].writes
        assert not (notes["readOnlyHint"] and notes["destructiveHint"])
        assert ("dry_run" in tool["inputSchema"]["properties"]) is BY_NAME[name].writes
        assert tool["title"]
        assert tool["inputSchema"]["additionalProperties"] is False
        assert tool["description"].count(". ") <= 3


async def test_what_cannot_be_taken_back_is_marked():
    marked = {t["name"] for t in await listed(everything()) if t["annotations"]["destructiveHint"]}
    assert {"mail_send", "mail_move", "calendar_event_cancel", "files_share"} <= marked
    assert not marked & {"mail_draft", "task_create", "calendar_event_create"}


async def test_every_argument_is_bounded():
    for tool in await listed(everything()):
        for name, part in tool["inputSchema"]["properties"].items():
            where = f"{tool['name']}.{name}"
            match part["type"]:
                case "string":
                    assert "maxLength" in part or "enum" in part or "const" in part, where
                case "integer":
                    assert {"minimum", "maximum"} <= set(part), where
                case "array":
                    assert part["maxItems"] <= 500, where
                    assert "maxLength" in part["items"] or "enum" in part["items"], where


@pytest.mark.parametrize("tool", BY_NAME)
async def test_an_argument_that_does_not_exist_is_refused_by_name(tool):
    world = everything()
    result = await world.call(tool, colour="red")
    assert result.is_error
    assert "unknown argument 'colour'" in result.content[0].text
    assert world.network.requests == []


@pytest.mark.parametrize("name", ["token", "tokens", "who"])
async def test_a_caller_cannot_pass_a_token_or_a_person(world, name):
    result = await world.call("whoami", **{name: "x"})
    assert result.is_error
    assert world.network.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": 0},
        {"limit": 51},
        {"limit": "many"},
        {"unread": True},
        {"query": "x" * 257},
        {"query": ["a"]},
        {"cursor": "x" * 20_000},
    ],
)
async def test_arguments_out_of_range_are_refused_without_repeating_them(world, arguments):
    result = await world.call("mail_search", **arguments)
    assert result.is_error
    assert next(iter(arguments)) in result.content[0].text
    refused = refusal(result)  # JSON, without a link
    assert (refused["error"], refused["argument"]) == ("bad_argument", next(iter(arguments)))
    assert "pydantic" not in str(refused)
    assert len(result.content[0].text) < 500
    assert world.network.requests == []


@pytest.mark.parametrize(
    ("chosen", "offered"),
    [
        ("mail_search mail_read", ("mail_search", "mail_read")),
        ("files_read, whoami", ("whoami", "files_read")),
        ("people calendar_view", ("whoami", "people_search", "calendar_view")),
    ],
)
async def test_only_the_chosen_tools_are_offered(chosen, offered):
    world = World(tools=chosen)
    assert tuple(tool["name"] for tool in await listed(world)) == offered


async def test_a_tool_that_is_not_offered_cannot_be_called():
    world = World(tools="mail")
    assert (await world.call("whoami")).is_error
    assert world.network.requests == []
