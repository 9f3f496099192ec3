"""`graph_get`: whatever a model writes, one GET of an allowed path on Graph's own host."""

import json
import re
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.raw.address import headers_of, options_of, path_of, segments_of
from obo_graph.raw.trim import text_within, trimmed
from unit.graph_server.messages import Mailbox
from unit.graph_server.world import World, error, shown, size_bytes, throttled

FENCED = re.compile(r"<untrusted (\w{8})>\n(.*)\n</untrusted \1>", re.DOTALL)
AREAS = {"me", "users", "groups", "sites", "drives", "chats", "planner"}


@pytest.fixture
def world():
    return World(tools="graph_get")


def read(told):
    return json.loads(FENCED.fullmatch(told["untrusted_json"])[2])


async def test_one_thing_is_shown_without_annotations(world):
    thing = {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users",
        "@odata.etag": 'W/"1"',
        "id": "1",
        "name": "a\u200b\U000e0041",
        "empty": None,
        "@microsoft.graph.downloadUrl": "https://contoso.sharepoint.com/x?tempauth=abc",
        "members@odata.navigationLink": "x",
        "thumb": {"url": "https://contoso.sharepoint.com/t?tempauth=abc", "width": 1},
    }
    world.network.on("/v1.0/me/drive/items/01ABC", thing)
    told = await world.told("graph_get", path="/me/drive/items/01ABC")
    assert read(told) == {"id": "1", "name": "a", "thumb": {"width": 1}}
    assert "tempauth" not in str(told)


async def test_a_list_is_bounded_and_its_options_are_written_anew(world):
    world.network.on("/v1.0/me/contacts", {"value": [{"displayName": "A"}]})
    query = "$filter=startswith(displayName,'A %26 B') and x eq 1&$select=displayName"
    told = await world.told("graph_get", path="me/contacts", query=query)
    assert read(told) == {"value": [{"displayName": "A"}]}
    asked = world.network.last("/v1.0/me/contacts")
    assert dict(asked.url.params) == {
        "$filter": "startswith(displayName,'A & B') and x eq 1",
        "$select": "displayName",
        "$top": "25",
    }
    assert "ImmutableId" in asked.headers["prefer"]
    assert "consistencylevel" not in asked.headers


async def test_the_directory_gets_the_header_that_its_searches_want(world):
    world.network.on("/v1.0/users", {"value": []})
    await world.told("graph_get", path="/users", query='$search="displayName:a"&$count=true')
    assert world.network.last("/v1.0/users").headers["consistencylevel"] == "eventual"


@pytest.mark.parametrize(
    ("path", "top"),
    [
        ("/me/messages", "25"),
        ("/me/calendarView", "25"),
        ("/drives/b!D1/items/01/children", "25"),
        ("/users/adele@contoso.example", None),
        ("/me/mailboxSettings", None),
        ("/me/planner/tasks", None),
        ("/planner/tasks/AbC", None),
        ("/me", None),
    ],
)
def test_a_number_of_rows_is_asked_of_lists_only(path, top):
    assert options_of("", segments_of(path)).get("$top") == top


async def test_paging_to_the_end_shows_every_row_once(world):
    rows = [{"id": str(n), "text": "x" * 300} for n in range(60)]
    world.network.on("/v1.0/groups", Mailbox(rows, skip="$skiptoken"))
    seen, cursor = [], ""
    async with world.client() as client:
        while True:
            asked = {"path": "/groups", "max_chars": 2000, "cursor": cursor}
            told = shown(await client.call_tool("graph_get", asked))
            assert len(told["untrusted_json"]) < 2100
            seen += [row["id"] for row in read(told)["value"]]
            if not (cursor := told.get("next", "")):
                break
    assert seen == [str(n) for n in range(60)]


async def test_the_number_of_rows_asked_for_is_kept(world):
    world.network.on("/v1.0/groups", Mailbox([{"id": str(n)} for n in range(9)]))
    told = await world.told("graph_get", path="/groups", query="$top=2")
    assert len(read(told)["value"]) == 2
    assert told["next"]


@pytest.mark.parametrize("chars", [200, 1000, 32_000])
async def test_one_large_thing_stays_within_its_limit_and_the_budget(world, chars):
    world.network.on("/v1.0/me", {"id": "1", "aboutMe": "ü\n" * 20_000})
    result = await world.call("graph_get", path="/me", max_chars=chars)
    told = shown(result)
    assert len(told["untrusted_json"]) <= chars + 60
    assert size_bytes(result) <= world.settings.result_budget_bytes
    assert told["cut"]


async def test_one_large_row_is_shortened_and_the_list_goes_on(world):
    rows = [{"id": "1", "body": "x" * 50_000}, {"id": "2"}]
    world.network.on("/v1.0/groups", {"value": rows})
    told = await world.told("graph_get", path="/groups", max_chars=500)
    assert read(told)["value"][0]["id"] == "1"
    assert (told["truncated"], bool(told["next"])) == (1, True)


async def test_a_cursor_fits_its_own_path_only(world):
    world.network.on("/v1.0/groups", Mailbox([{"id": str(n)} for n in range(60)]))
    cursor = (await world.told("graph_get", path="/groups"))["next"]
    for asked in ({"path": "/users"}, {"path": "/groups", "query": "$top=5"}):
        refused = await world.refused("graph_get", **asked, cursor=cursor)
        assert refused["argument"] == "cursor"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//me",
        "me//messages",
        "me/",
        "/me/../users",
        "/me/./messages",
        "/me/%2e%2e/users",
        "/me%2fmessages",
        "/me/..%2f",
        "https://evil.example/me",
        "//evil.example/me",
        "me@evil.example",
        "/me\\..\\users",
        "/search/query",
        "/$batch",
        "/me/$batch",
        "/me/messages/1/$value",
        "/me/photo/$value",
        "/users/$count",
        "/me/drive/items/1/content",
        "/me/drive/root:/a.docx:/Content",
        "/me/drive/items/1/thumbnails",
        "/me/messages/delta",
        "/me/messages/delta()",
        "/users/microsoft.graph.delta()",
        "/me/drive/root/search(q='x')",
        "/me/messages?$top=1",
        "/me/messages#x",
        "/me/messages;x",
        "/me/ /x",
        "/me/\u200b",
        "/me/\uff0e\uff0e/users",
        "/beta/me",
        "/v1.0/me",
        "/applications",
        "/ME/messages",
        "/me" + "/a" * 20,
        "/me/\r\nHost: evil.example",
        "/me/\ud800",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(ToolError, match='"argument":"path"'):
        segments_of(path)


@pytest.mark.parametrize(
    "query",
    [
        "$skip=5",
        "$skiptoken=x",
        "$format=xml",
        "$apply=x",
        "$top=26",
        "$top=0",
        "$top=-1",
        "$top=²",
        "$top=" + "9" * 2000,
        "$top=5&$top=6",
        "$select",
        "$select=",
        "$filter=a%0d%0ab",
        "top=5",
        "access_token=x",
        "&".join(f"$select=a{n}" for n in range(20)),
    ],
)
async def test_an_option_that_is_not_allowed_is_refused_and_never_sent(world, query):
    refused = await world.refused("graph_get", path="/me/messages", query=query)
    assert refused["argument"] == "query"
    assert world.network.requests == []


async def test_the_plus_of_an_offset_stays_a_plus(world):
    world.network.on("/v1.0/me/calendarView", {"value": []})
    query = "startDateTime=2026-11-23T09:00:00+01:00&endDateTime=2026-11-24T09:00:00%2B01:00"
    await world.told("graph_get", path="/me/calendarView", query=query)
    params = world.network.last("/v1.0/me/calendarView").url.params
    assert params["startDateTime"] == "2026-11-23T09:00:00+01:00"
    assert params["endDateTime"] == "2026-11-24T09:00:00+01:00"


async def test_a_redirect_to_content_is_not_followed(world):
    away = httpx.Response(302, headers={"Location": "https://contoso.sharepoint.com/x"})
    world.network.on("/v1.0/me/drive/items/1/preview", away)
    refused = await world.refused("graph_get", path="/me/drive/items/1/preview")
    assert refused["error"] == "unexpected_answer"
    assert {request.url.host for request in world.network.requests} == {"graph.microsoft.com"}


async def test_a_next_link_to_another_host_is_not_followed(world):
    link = "https://evil.example/v1.0/groups?$skiptoken=1"
    world.network.on("/v1.0/groups", {"value": [], "@odata.nextLink": link})
    assert (await world.refused("graph_get", path="/groups"))["error"] == "unexpected_answer"


async def test_throttled_forbidden_and_gone(world):
    world.network.on("/v1.0/groups", throttled(), {"value": []})
    await world.told("graph_get", path="/groups")
    assert world.clock.waits == [2]
    world.network.on("/v1.0/groups", error(403, "Authorization_RequestDenied"))
    refused = await world.refused("graph_get", path="/groups")
    assert refused["error"] == "forbidden"
    assert "administrator" in refused["who_can_fix"]
    assert (await world.refused("graph_get", path="/groups/1"))["error"] == "not_found"


async def test_it_is_offered_only_where_it_is_asked_for():
    for chosen in ("", "core", "extra", "-mail"):
        async with World(tools=chosen).client() as client:
            assert "graph_get" not in [tool.name for tool in (await client.list_tools()).tools]


ODD = (
    *("messages", "..", ".", "%2e", "%2f", "$batch", "$value", "content", "search", "/", "//"),
    *("@evil.example", "https:", "\\", "?", "#", "\n", "'", "(", ")", ":", "root:", "a b", "é"),
    *("\uff0e", "\u2024", "\u200b", "delta()", ";", "%"),
)
PIECES = st.sampled_from([*sorted(AREAS), *ODD])
WILD = st.one_of(
    st.lists(PIECES, max_size=8).map("/".join),
    st.lists(PIECES, max_size=8).map("".join),
    st.text(max_size=40).map(lambda tail: f"/me/{tail}"),
    st.text("abcXYZ019._-=!'(),:@~+*é/", max_size=30).map(lambda tail: f"/users/{tail}"),
    st.text(max_size=40),
)
OPTION = st.sampled_from(["$select", "$top", "$filter", "$skip", "$search", "&", "=", "%26", "x"])
QUERIES = st.one_of(st.lists(OPTION | st.text(max_size=8), max_size=8).map("".join), st.text())


@settings(max_examples=2000, deadline=None)
@given(WILD, QUERIES)
@example("/me/messages", "$select=a%26b=c")
def test_no_path_and_no_query_leave_the_allowed_part_of_graph(path, query):
    try:
        segments = segments_of(path)
        options = options_of(query, segments)
    except ToolError:
        return
    headers_of(segments, options)
    url = httpx.URL(f"https://graph.microsoft.com/v1.0{path_of(segments)}", params=options)
    assert (url.scheme, url.host, url.port) == ("https", "graph.microsoft.com", None)
    raw = url.raw_path.decode().partition("?")[0]
    assert raw.isascii()
    sent = [unquote(part) for part in raw.split("/")]
    assert sent[:2] == ["", "v1.0"]
    assert sent[2] in AREAS
    assert sent[2:] == segments
    assert all(part.strip(".") and not set(part) & set("/\\$?#%\r\n") for part in sent[2:])
    assert sent[-1].lower() not in {"content", "delta", "search"}
    assert dict(url.params) == options
    assert set(options) <= {
        *("$select", "$filter", "$expand", "$orderby", "$top", "$search", "$count"),
        *("startDateTime", "endDateTime"),
    }
    assert 1 <= int(options.get("$top", "1")) <= 25


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(), JSON), st.integers(200, 2000))
def test_any_answer_is_shown_within_its_limit(answer, chars):
    text, cut = text_within(trimmed(answer), chars)
    assert len(text) <= chars
    assert cut or json.loads(text) == trimmed(answer)


def test_an_answer_as_deep_as_a_stack_is_cut_off():
    deep = value = {}
    for _ in range(900):
        value["a"] = value = {}
    value["a"] = "end"
    assert "end" not in text_within(trimmed(deep), 2000)[0]
