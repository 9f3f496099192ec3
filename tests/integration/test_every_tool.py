"""All 34 tools through the real client, exchange and tenant: what works, what goes wrong."""

import asyncio
import json
import re
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest

from obo_graph.app import create_app
from obo_graph.catalogue import BY_NAME, permissions
from support.callers import connected, text
from support.serving import Serving
from support.tool_cases import CASES, all_tools, look_around, result_of

WRITERS = [name for name, entry in BY_NAME.items() if entry.writes]
READERS = [name for name in BY_NAME if name not in WRITERS]
BY_ID = [(name, argument) for name, case in CASES.items() for argument in case.ids]
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
ASKING = re.compile(r".*/(getSchedule|findMeetingTimes|query)$")
MARK = re.compile(r"untrusted \w{8}")


@pytest.fixture(scope="module")
def server(tenant_world):
    with Serving(
        lambda url: create_app(tenant_world.settings(f"{url}/mcp"), all_tools(tenant_world))
    ) as serving:
        yield f"{serving.url}/mcp"


@asynccontextmanager
async def acting(world, server, who="adele"):
    async with connected(server, world.token(who)) as client:
        yield client


def told(result):
    assert result.is_error, result.content
    words = text(result)
    return json.loads(words[words.index("{") :])


def address(world, key):
    return world.person(key)["user_principal_name"]


def test_the_table_has_every_tool():
    assert list(CASES) == list(BY_NAME)


@pytest.mark.promise("P-29")
async def test_every_tool_works_and_stays_within_its_budget(world, server):
    async with acting(world, server) as client:
        scene = await look_around(client, address(world, "megan"))
        for tool, case in CASES.items():
            result = await client.call_tool(tool, case.happy(scene))
            assert not result.is_error, (tool, text(result))
            assert len(text(result).encode()) <= 16_384, tool
            assert json.loads(text(result)) == result.structured_content, tool
            rows = result.structured_content.get("items")
            assert rows or rows is None, tool


async def test_every_result_obeys_a_smaller_budget_too(world):
    small = all_tools(world, result_budget_bytes=4096)
    with Serving(lambda url: create_app(world.settings(f"{url}/mcp"), small)) as serving:
        async with acting(world, f"{serving.url}/mcp", "megan") as client:
            scene = await look_around(client, address(world, "adele"))
            for tool, case in CASES.items():
                result = await client.call_tool(tool, case.happy(scene))
                assert not result.is_error, (tool, text(result))
                assert len(text(result).encode()) <= 4096, tool


@pytest.mark.parametrize("tool", [name for name, case in CASES.items() if case.empty])
async def test_where_nothing_is_found_the_list_is_empty_and_ends(world, server, tool):
    async with acting(world, server) as client:
        found = await result_of(client, tool, **CASES[tool].empty)
        assert found["items"] == []
        assert "next" not in found


@pytest.mark.parametrize("tool", [name for name, case in CASES.items() if case.pages])
async def test_pages_lead_to_the_end_and_show_everything_once(world, server, tool):
    wanted = CASES[tool].pages
    async with acting(world, server, "alex") as client:
        seen, cursor, pages = [], "", 0
        while pages == 0 or cursor:
            page = await result_of(client, tool, **wanted, cursor=cursor)
            seen += [row.get("id") or row["ref"] for row in page["items"]]
            cursor, pages = page.get("next", ""), pages + 1
            assert pages < 60
        assert pages > 1
        assert len(seen) == len(set(seen)) > wanted["limit"]


@pytest.mark.parametrize("tool", BY_NAME)
async def test_throttling_for_long_is_told_with_the_time_to_wait(world, server, tool):
    async with acting(world, server, "lynne") as client:
        scene = await scene_of(world, client)
        world.clear()
        world.fault("graph", status=429, count=50, headers={"Retry-After": "60"})
        refused = told(await client.call_tool(tool, CASES[tool].happy(scene)))
        assert (refused["error"], refused["retry_after_s"]) == ("throttled", 60)
        assert changes(world) == []


@pytest.mark.parametrize("tool", [name for name in BY_NAME if name != "whoami"])
async def test_a_missing_permission_is_named_with_who_can_grant_it(world, server, tool):
    async with acting(world, server, "lynne") as client:
        scene = await scene_of(world, client)
    with only_consented(world, "lynne", "User.Read"):
        async with acting(world, server, "lynne") as client:
            refused = told(await client.call_tool(tool, CASES[tool].happy(scene)))
    assert refused["error"] == "forbidden"
    assert "administrator" in refused["who_can_fix"]
    needed = {*BY_NAME[tool].scopes, *BY_NAME[tool].optional} or {""}
    assert set(refused.get("missing_scope", "").split()) <= needed


@pytest.mark.parametrize(("tool", "argument"), BY_ID)
async def test_what_is_not_there_is_not_found(world, server, tool, argument):
    async with acting(world, server, "megan") as client:
        theirs = await scene_of(world, client)
    async with acting(world, server, "alex") as client:
        own = await scene_of(world, client)
        wanted = CASES[tool].happy(own) | {argument: elses(tool, own, theirs, argument)}
        refused = told(await client.call_tool(tool, wanted))
        assert refused["error"] in {"not_found", "forbidden", "bad_id"}, refused


@pytest.mark.parametrize("bad", ["..", "../../users", "a b", "%2e%2e", "x/../y", "\u202e"])
async def test_an_id_that_cannot_be_one_is_refused_before_graph_is_asked(world, server, bad):
    async with acting(world, server, "megan") as client:
        scene = await scene_of(world, client)
        world.clear()
        for tool, argument in BY_ID:
            refused = told(await client.call_tool(tool, CASES[tool].happy(scene) | {argument: bad}))
            assert (refused["error"], refused["argument"]) == ("bad_argument", argument), tool
    allowed = {"/v1.0/me", "/v1.0/me/mailboxSettings"}
    assert {entry["path"] for entry in world.log("graph")} <= allowed


async def test_arguments_that_are_too_long_are_refused_before_graph_is_asked(world, server):
    async with acting(world, server, "megan") as client:
        scene = await scene_of(world, client)
        tools = (await client.list_tools()).tools
        world.clear()
        for tool in tools:
            for name, part in tool.input_schema["properties"].items():
                if "maxLength" not in part:
                    continue
                wanted = CASES[tool.name].happy(scene) | {name: "x" * (part["maxLength"] + 1)}
                refused = told(await client.call_tool(tool.name, wanted))
                assert (refused["error"], refused["argument"]) == ("bad_argument", name), tool.name
    assert world.log("graph") == []


@pytest.mark.parametrize("tool", WRITERS)
async def test_a_dry_run_changes_nothing_and_says_what_would_happen(world, server, tool):
    async with acting(world, server, "megan") as client:
        scene = await scene_of(world, client)
        world.clear()
        said = await result_of(client, tool, **CASES[tool].happy(scene), dry_run=True)
        assert said["dry_run"] is True
        assert changes(world) == []


async def test_tools_that_read_change_nothing(world, server):
    async with acting(world, server, "megan") as client:
        scene = await scene_of(world, client)
        world.clear()
        for tool in READERS:
            await result_of(client, tool, **CASES[tool].happy(scene))
        assert changes(world) == []


async def test_empty_pages_and_properties_that_nobody_knows_disturb_nothing(world, server):
    async with acting(world, server, "alex") as client:
        scene = await scene_of(world, client)
        world.oddities(empty_pages=True, unknown_fields=True)
        for tool in READERS:
            found = await result_of(client, tool, **CASES[tool].happy(scene))
            assert found.get("items", ["something"]), tool


@pytest.mark.promise("P-30")
async def test_with_a_token_for_each_tool_none_asks_for_more_than_it_needs(world):
    own = all_tools(world, graph_scopes="tool")
    with Serving(lambda url: create_app(world.settings(f"{url}/mcp"), own)) as serving:
        url = f"{serving.url}/mcp"
        async with acting(world, url, "megan") as client:
            scene = await scene_of(world, client)
        for tool, case in CASES.items():
            if tool == "graph_get":  # nobody knows what it will be used for
                continue
            world.clear()
            async with acting(world, url, "megan") as client:  # a new sign-in: nothing is kept
                await result_of(client, tool, **case.happy(scene))
            (exchange,) = world.exchanges()
            asked = {scope.rpartition("/")[2] for scope in exchange["scope"].split()}
            allowed = {*BY_NAME[tool].scopes, *BY_NAME[tool].optional}
            assert asked & set(permissions(BY_NAME, each=True)) <= allowed, tool


@pytest.mark.promise("P-03")
async def test_with_everybody_calling_everything_each_gets_what_they_get_alone(world, server):
    people = ("adele", "megan", "alex", "lynne")
    alone, together = {}, {}

    async def everything(who, client, scene, into):
        for tool in READERS:
            if tool != "whoami":  # it tells the time
                wanted = CASES[tool].happy(scene)
                into.setdefault((who, tool), []).append(shown(await client.call_tool(tool, wanted)))

    async with AsyncExitStack() as open_clients:
        clients = {
            who: await open_clients.enter_async_context(acting(world, server, who))
            for who in people
        }
        scenes = {who: await scene_of(world, client) for who, client in clients.items()}
        for who, client in clients.items():
            await everything(who, client, scenes[who], alone)
        await asyncio.gather(
            *(everything(w, c, scenes[w], together) for w, c in list(clients.items()) * 2)
        )
    for call, (only,) in alone.items():
        assert set(together[call]) == {only}, call


SCENES = {}


async def scene_of(world, client):
    """The person's scene, looked up once; those who only need things to refuse share it."""
    me = (await result_of(client, "whoami"))["mail"]
    if (world.url, me) not in SCENES:
        partner = address(world, "adele" if not me.startswith("adele") else "megan")
        SCENES[world.url, me] = await look_around(client, partner)
    return SCENES[world.url, me]


def elses(tool, own, theirs, argument):
    """Somebody else's id for `argument`, or a well-formed one of nothing."""
    case = CASES[tool]
    known = case.happy(theirs).get(argument)
    if known != case.happy(own).get(argument):
        return known
    if tool.startswith("files_"):
        return "b!nothing" if argument == "drive" else "b!nothing/01NOTHING"
    return theirs.mail


def changes(world):
    """The requests that changed something at Graph."""
    return [
        f"{entry['method']} {entry['path']}"
        for entry in world.log("graph")
        if entry["method"] in CHANGING
        and not ASKING.fullmatch(entry["path"])
        and entry["status"] < 400
        and not entry["path"].endswith("/$batch")
    ]


def shown(result):
    """A result without what is different every time: fence marks and sealed cursors."""
    if result.is_error:
        return text(result)
    value = {key: part for key, part in result.structured_content.items() if key != "next"}
    return MARK.sub("untrusted", json.dumps(value))


@contextmanager
def only_consented(world, who, *scopes):
    """While entered, the server may do for `who` no more than `scopes`."""

    def consents(method, named):
        body = {"client": "mcp-server", "person": who, "resource": "graph", "scopes": named}
        world._ask(method, "/_tenant/consents", body)

    consents("DELETE", [])
    consents("PUT", list(scopes))
    try:
        yield
    finally:
        consents("PUT", permissions(BY_NAME, each=True))
