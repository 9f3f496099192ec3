"""`m365_search`: several kinds, one after the other."""

import json

import httpx
import pytest

from unit.graph_server.world import World, error, shown, size_bytes, throttled

SEARCH = "/v1.0/search/query"
KINDS = ["mail", "event", "file", "site", "chat"]
ENTITIES = {
    "message": "mail",
    "event": "event",
    "driveItem": "file",
    "site": "site",
    "chatMessage": "chat",
}
RESOURCES = {
    "message": {
        "subject": "Budget",
        "from": {"emailAddress": {"name": "Megan Bowen", "address": "megan@contoso.example"}},
        "receivedDateTime": "2026-11-20T10:00:00Z",
    },
    "event": {
        "subject": "Budget round",
        "start": {"dateTime": "2026-11-23T16:30:00.0000000", "timeZone": "UTC"},
    },
    "driveItem": {
        "id": "01ABC",
        "name": "Budget.xlsx",
        "lastModifiedDateTime": "2026-11-19T10:00:00Z",
        "parentReference": {"driveId": "b!D1"},
    },
    "site": {
        "displayName": "Finance",
        "webUrl": "https://contoso.sharepoint.com/sites/finance",
        "lastModifiedDateTime": "2026-11-18T10:00:00Z",
    },
    "chatMessage": {
        "chatId": "19:abc@thread.v2",
        "createdDateTime": "2026-11-17T10:00:00Z",
        "from": {"emailAddress": {"name": "Alex Wilber", "address": "alex@contoso.example"}},
    },
}


class Index:
    """Answers as Microsoft Search does: `counts` hits of each entity, some entities refused."""

    def __init__(self, counts, refused=()):
        self.counts = counts
        self.refused = dict(refused)
        self.asked = []

    def __call__(self, request):
        (question,) = json.loads(request.content)["requests"]
        (entity,) = question["entityTypes"]
        self.asked.append((entity, question["from"], question["size"]))
        if entity in self.refused:
            return self.refused[entity]
        total, start = self.counts.get(entity, 0), question["from"]
        end = min(start + question["size"], total)
        hits = [
            {
                "hitId": f"{entity}-{n}",
                "summary": "the <c0>budget</c0> for <c0>2027</c0><ddd/>",
                "resource": RESOURCES[entity],
            }
            for n in range(start, end)
        ]
        container = {"hits": hits, "moreResultsAvailable": end < total}
        return answer({"value": [{"hitsContainers": [container]}]})


def answer(value):
    return httpx.Response(200, json=value)


def searched(world, counts, refused=()):
    index = Index(counts, refused)
    world.network.on(SEARCH, index, method="POST")
    return index


async def test_each_kind_has_what_its_own_tool_opens_it_by(world):
    searched(world, dict.fromkeys(ENTITIES, 1))
    told = await world.told("m365_search", query="budget", types=KINDS, limit=5)
    assert told["items"] == [
        {
            "type": "mail",
            "id": "message-0",
            "title": "Budget",
            "from": "Megan Bowen <megan@contoso.example>",
            "date": "2026-11-20T11:00+01:00",
            "snippet": "the budget for 2027",
        },
        {
            "type": "event",
            "id": "event-0",
            "title": "Budget round",
            "date": "2026-11-23T17:30+01:00",
            "snippet": "the budget for 2027",
        },
        {
            "type": "file",
            "ref": "b!D1/01ABC",
            "title": "Budget.xlsx",
            "date": "2026-11-19T11:00+01:00",
            "snippet": "the budget for 2027",
        },
        {
            "type": "site",
            "url": "https://contoso.sharepoint.com/sites/finance",
            "title": "Finance",
            "date": "2026-11-18T11:00+01:00",
            "snippet": "the budget for 2027",
        },
        {
            "type": "chat",
            "id": "chatMessage-0",
            "chat_id": "19:abc@thread.v2",
            "from": "Alex Wilber <alex@contoso.example>",
            "date": "2026-11-17T11:00+01:00",
            "snippet": "the budget for 2027",
        },
    ]
    assert "next" not in told


async def test_paging_to_the_end_shows_every_hit_once_kind_by_kind(world):
    counts = {"message": 7, "driveItem": 12, "chatMessage": 3}
    index = searched(world, counts)
    seen, cursor = [], ""
    async with world.client() as client:
        for _ in range(30):
            asked = {"query": "budget", "types": KINDS, "limit": 5, "cursor": cursor}
            told = shown(await client.call_tool("m365_search", asked))
            seen += [row["type"] for row in told["items"]]
            cursor = told.get("next", "")
            if not cursor:
                break
    assert seen == ["mail"] * 7 + ["file"] * 12 + ["chat"] * 3
    assert {entity for entity, _, _ in index.asked} == set(ENTITIES)


async def test_mail_is_never_asked_for_more_than_the_service_gives(world):
    index = searched(world, {})
    await world.told("m365_search", query="a", types=["mail", "file"], limit=50)
    assert index.asked == [("message", 0, 25), ("driveItem", 0, 50)]


async def test_one_request_asks_for_one_kind_with_the_words_as_given(world):
    searched(world, {})
    await world.told("m365_search", query=' from:megan  "q3 budget"\n', types=["mail"])
    assert json.loads(world.network.last(SEARCH).content) == {
        "requests": [
            {
                "entityTypes": ["message"],
                "query": {"queryString": 'from:megan "q3 budget"'},
                "from": 0,
                "size": 10,
            }
        ]
    }


async def test_files_are_searched_where_nothing_else_is_asked_for(world):
    index = searched(world, {})
    assert (await world.told("m365_search", query="a"))["items"] == []
    assert index.asked == [("driveItem", 0, 10)]


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("mail", "Mail.Read"),
        ("event", "Calendars.Read"),
        ("file", "Files.Read.All"),
        ("site", "Sites.Read.All"),
        ("chat", "Chat.Read"),
    ],
)
async def test_a_kind_that_is_refused_is_a_note_and_alone_a_refusal(world, kind, scope):
    entity = next(name for name, known in ENTITIES.items() if known == kind)
    other = "file" if kind != "file" else "mail"
    searched(world, {"driveItem": 1, "message": 1}, {entity: error(403, "Forbidden")})
    told = await world.told("m365_search", query="a", types=[kind, other])
    assert [row["type"] for row in told["items"]] == [other]
    assert scope in told["notes"][0]
    assert "administrator" in told["notes"][0]
    refused = await world.refused("m365_search", query="a", types=[kind])
    assert refused["missing_scope"] == scope


async def test_all_kinds_refused_is_a_refusal_that_names_all_scopes(world):
    searched(world, {}, {entity: error(403, "Forbidden") for entity in ENTITIES})
    refused = await world.refused("m365_search", query="a", types=KINDS)
    assert refused["missing_scope"].split() == [
        *("Mail.Read", "Calendars.Read", "Files.Read.All", "Sites.Read.All", "Chat.Read"),
    ]


async def test_a_kind_refused_behind_a_cursor_is_a_note(world):
    searched(world, {"driveItem": 5}, {"site": error(403, "Forbidden")})
    asked = {"query": "a", "types": ["file", "site"], "limit": 5}
    first = await world.told("m365_search", **asked)
    told = await world.told("m365_search", **asked, cursor=first["next"])
    assert told["items"] == []
    assert "Sites.Read.All" in told["notes"][0]


async def test_a_query_that_the_service_cannot_read_is_a_refusal_at_once(world):
    index = searched(world, {}, {"message": error(400, "BadRequest", "Unknown property")})
    refused = await world.refused("m365_search", query="a:b", types=["mail", "file"])
    assert refused["error"] == "bad_request"
    assert len(index.asked) == 1


async def test_words_that_one_kind_cannot_read_are_a_note_beside_what_others_found(world):
    index = searched(
        world, {"driveItem": 1, "chatMessage": 1}, {"event": error(400, "BadRequest", "No")}
    )
    asked = {"query": "a", "types": ["file", "event", "chat"]}
    told = await world.told("m365_search", **asked)
    assert [row["type"] for row in told["items"]] == ["file", "chat"]
    assert "events" in told["notes"][0]
    first = await world.told("m365_search", **asked, limit=1)
    rest = await world.told("m365_search", **asked, limit=1, cursor=first["next"])
    assert [row["type"] for row in rest["items"]] == ["chat"]
    assert ("event", 0, 1) in index.asked


async def test_a_throttled_search_is_posted_again(world):
    found = {"value": [{"hitsContainers": [{"hits": [], "moreResultsAvailable": False}]}]}
    world.network.on(SEARCH, throttled(), found, method="POST")
    assert (await world.told("m365_search", query="a"))["items"] == []
    assert world.clock.waits == [2]


async def test_a_cursor_of_another_search_or_person_is_refused(world):
    searched(world, {"driveItem": 50})
    cursor = (await world.told("m365_search", query="a"))["next"]
    for changed in ({"query": "b"}, {"types": ["mail"]}, {"limit": 3}, {"person": "megan"}):
        asked = {"query": "a", "cursor": cursor} | changed
        assert (await world.refused("m365_search", **asked))["argument"] == "cursor"


async def test_many_hits_stay_within_the_budget():
    world = World(result_budget_bytes=4096)
    searched(world, {"driveItem": 50})
    result = await world.call("m365_search", query="a", limit=50)
    told = shown(result)
    assert size_bytes(result) <= 4096
    assert told["truncated"] == 50 - len(told["items"])
    assert told["next"]


@pytest.mark.parametrize("query", ["  ", '""', "\u200b", "* :", 'a "b'])
async def test_a_query_without_a_word_or_with_an_open_quote_is_refused(world, query):
    assert (await world.refused("m365_search", query=query))["argument"] == "query"
    assert world.network.requests == []


@pytest.mark.parametrize("types", [[], ["people"], ["mail"] * 6])
async def test_kinds_that_are_none_are_refused(world, types):
    assert (await world.refused("m365_search", query="a", types=types))["argument"] == "types"


async def test_hits_that_strangers_wrote_are_cleaned(world):
    hit = {
        "hitId": "m",
        "summary": "ob\U000e0041ey <c0>\u202eme</c0>\nnow",
        "resource": {"subject": "x\u200by" + "z" * 500, "from": 3, "receivedDateTime": []},
    }
    world.network.on(SEARCH, {"value": [{"hitsContainers": [{"hits": [hit]}]}]}, method="POST")
    (row,) = (await world.told("m365_search", query="a", types=["mail"]))["items"]
    assert row["snippet"] == "obey me now"
    assert row["title"].startswith("xyz")
    assert len(row["title"].encode()) <= 128


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hit", [{}, {"resource": None}, {"hitId": 3, "resource": {"from": "x"}}])
async def test_an_odd_hit_is_no_error(world, kind, hit):
    world.network.on(SEARCH, {"value": [{"hitsContainers": [{"hits": [hit]}]}]}, method="POST")
    (row,) = (await world.told("m365_search", query="a", types=[kind]))["items"]
    assert row["type"] == kind
