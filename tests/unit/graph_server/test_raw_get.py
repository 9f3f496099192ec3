"""`graph_get`: whatever a model writes, one GET of an allowed path on Graph's own host."""

import json
import re
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError

from obo_graph.raw.address import headers_of, is_list, options_of, path_of, segments_of
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
    "path",
    [
        "/me/messages",
        "/me/calendarView",
        "/drives/b!D1/items/01/children",
        "/me/drive/root:/Reports:/children",
        "/me/mailFolders/drafts/messages",
        "/chats/19:abc@thread.v2/messages",
        "/sites/contoso.sharepoint.com:/sites/Teams:/lists",
        "/users",
    ],
)
async def test_few_rows_are_asked_of_a_list(world, path):
    world.network.on(f"/v1.0{path}", {"value": []})
    await world.told("graph_get", path=path)
    assert dict(world.network.last(f"/v1.0{path}").url.params) == {"$top": "25"}


@pytest.mark.parametrize(
    "path",
    [
        "/users/adele@contoso.example",
        "/me/mailboxSettings",
        "/me/planner/tasks",
        "/planner/tasks/AbC",
        "/me",
        "/me/mailFolders/drafts",
        "/me/drive/special/documents",
        "/me/drive/items/ABCDEFs",
        "/drives/d/root:/Reports",
        "/drives/d/root:/Reports/Sales",
        "/sites/contoso.sharepoint.com:/sites/Teams",
        "/sites/root/lists/Documents",
        "/me/todo/lists/Tasks",
    ],
)
async def test_one_thing_is_asked_for_without_a_number_of_rows(world, path):
    world.network.on(f"/v1.0{path}", {"id": "1"})
    await world.told("graph_get", path=path)
    assert not world.network.last(f"/v1.0{path}").url.params


async def test_what_takes_no_number_of_rows_is_asked_again_without(world):
    world.network.on("/v1.0/me/odds", error(400, "BadRequest", "$top"), {"value": [{"id": "1"}]})
    assert read(await world.told("graph_get", path="/me/odds")) == {"value": [{"id": "1"}]}
    assert [dict(r.url.params) for r in world.network.requests] == [{"$top": "25"}, {}]


async def test_a_number_of_rows_that_was_asked_for_is_never_left_out(world):
    world.network.on("/v1.0/me/odds", error(400, "BadRequest", "$top"))
    refused = await world.refused("graph_get", path="/me/odds", query="$top=3")
    assert refused["error"] == "bad_request"
    assert len(world.network.requests) == 1


async def test_a_list_of_plain_texts_is_shown(world):
    world.network.on("/v1.0/me/businessPhones", {"value": ["+1 555", 7, ["a"]]})
    told = await world.told("graph_get", path="/me/businessPhones")
    assert read(told) == {"value": ["+1 555", 7, ["a"]]}


async def test_an_answer_too_large_to_show_is_refused(world):
    large = httpx.ByteStream(json.dumps({"text": "x" * 1_100_000}).encode())
    world.network.on("/v1.0/me/drive", httpx.Response(200, stream=large))
    assert (await world.refused("graph_get", path="/me/drive"))["error"] == "too_large"


class Counted(list):
    """A list that counts how many of its parts were looked at."""

    looks = 0

    def __iter__(self):
        for part in super().__iter__():
            self.looks += 1
            yield part


def test_what_has_no_room_is_not_looked_at():
    table = Counted([str(n)] for n in range(100_000))
    text, cut = text_within(trimmed({"values": table}, 500), 500)
    assert (len(text), cut) == (500, True)
    assert table.looks <= 501


def test_what_is_left_out_takes_no_room_from_what_is_shown():
    nothing = {f"n{n}": None for n in range(5000)}
    assert trimmed({**nothing, "id": "1"}, 200) == {"id": "1"}


@pytest.mark.parametrize(
    "address",
    [
        "https://x.sharepoint.com/x?tempauth=SECRET",
        "HTTPS://x.sharepoint.com/x?TempAuth=SECRET",
        "https://p.example/t?docid=https%3A%2F%2Fx.sharepoint.com%2Fa%3Ftempauth%3DSECRET",
        "https://p.example/t?u=https%253A%252F%252Fx.example%252Fa%253Ftempauth%253DSECRET",
        "https%3A%2F%2Fx.sharepoint.com%2Fa%3Ftempauth%3DSECRET",
        "https://x.blob.core.windows.net/a?sv=1&sig=SECRET",
        "https://x.blob.core.windows.net/a?sv=1&amp;sig=SECRET",
        "https://ne1-mediap.svc.ms/transform/thumbnail?SECRET",
        "https://x.sharepoint.com/:w:/g/SECRET",
        "https://x-my.sharepoint.com/:f:/s/team/SECRET?e=1",
        "https://1drv.ms/w/SECRET",
    ],
)
@pytest.mark.parametrize("around", ["{}", "see {} now", '<a href="{}">x</a>', "a {}"])
def test_an_address_that_opens_by_itself_is_left_out_wherever_it_stands(address, around):
    text = around.format(address)
    kept = trimmed({"id": "1", "deep": [{"text": text}]})
    assert "SECRET" not in json.dumps(kept)
    assert kept["id"] == "1"
    if around == "see {} now":
        assert kept["deep"][0]["text"] == "see … now"


def test_a_permission_is_shown_without_its_link():
    link = {"scope": "anonymous", "webUrl": "https://x.sharepoint.com/:w:/g/SECRET"}
    permission = {"id": "1", "shareId": "u!SECRET", "link": link}
    assert trimmed(permission) == {"id": "1", "link": {"scope": "anonymous"}}


@pytest.mark.parametrize(
    "text",
    [
        "https://x.sharepoint.com/:w:/r/sites/a/Doc.aspx?sourcedoc=1",
        "https://x.sharepoint.com/sites/a/Shared%20Documents/Plan.docx",
        "see https://example.org/a?design=1, and tempauth= alone",
    ],
)
def test_an_address_that_asks_who_comes_stays(text):
    assert trimmed({"text": text}) == {"text": text}


async def test_a_cursor_never_goes_beyond_the_budget():
    world = World(tools="graph_get", result_budget_bytes=4096)
    link = f"https://graph.microsoft.com/v1.0/groups?$skiptoken={'a' * 7000}"
    world.network.on("/v1.0/groups", {"value": [{"id": "1"}], "@odata.nextLink": link})
    result = await world.call("graph_get", path="/groups", query="$top=1")
    told = shown(result)
    assert size_bytes(result) <= 4096
    assert read(told)["value"] == [{"id": "1"}]
    assert "next" not in told
    assert told["ends_here"]


@pytest.mark.parametrize("name", ["$skipToken", "$SKIPTOKEN", "$skip"])
async def test_a_list_goes_on_however_its_skip_value_is_spelled(world, name):
    link = f"https://graph.microsoft.com/v1.0/groups?{name}=abc"
    world.network.on("/v1.0/groups", {"value": [{"id": "1"}], "@odata.nextLink": link}, {})
    told = await world.told("graph_get", path="/groups", query="$top=1")
    world.network.on("/v1.0/groups", {"value": [{"id": "2"}]})
    asked = {"path": "/groups", "query": "$top=1", "cursor": told["next"]}
    assert read(await world.told("graph_get", **asked))["value"] == [{"id": "2"}]
    assert world.network.last("/v1.0/groups").url.params[name] == "abc"


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
        "/me/messages/graph.delta()",
        "/me/messages/Graph.Delta()",
        "/me/messages/microsoft.graph.graph.delta",
        "/me/drive/root/oneDrive.search(q='x.y')",
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
        options = options_of(query)
    except ToolError:
        return
    headers_of(segments, options)
    is_list(segments)
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
