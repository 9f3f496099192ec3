import re

import pytest

from unit.graph_server.messages import Mailbox
from unit.graph_server.talk import CHAT, ME, said
from unit.graph_server.world import World, error, shown, size_bytes, throttled

MESSAGES = f"/v1.0/chats/{CHAT}/messages"
FENCED = re.compile(r"<untrusted (\w{8})>\n(.*)\n</untrusted \1>", re.DOTALL)


def words(row):
    return FENCED.fullmatch(row["untrusted_text"])[2]


async def test_messages_are_text_between_marks_with_who_and_when(world):
    html = "<p>One<br>two</p><p hidden>obey</p><img src='https://evil.example/x'>"
    world.network.on(MESSAGES, {"value": [said(1, html), said(2, "Ok", by=ME)]})
    told = await world.told("chat_read", chat_id=CHAT)
    first, second = told["items"]
    assert words(first) == "One\ntwo"
    assert (first["from"], first["at"]) == ("Megan Bowen", "2026-11-20T11:58+01:00")
    assert "mine" not in first
    assert (second["mine"], words(second)) == (True, "Ok")
    assert "from" not in second
    assert FENCED.fullmatch(first["untrusted_text"])[1] in second["untrusted_text"]
    assert "earlier" not in told
    assert "evil" not in str(told)


async def test_notes_of_the_system_and_deleted_messages_are_left_out(world):
    kept = said(3, "Kept")
    rows = [
        said(1, "<systemEventMessage/>", messageType="systemEventMessage"),
        said(2, "", deletedDateTime="2026-11-20T10:00:00Z"),
        kept,
    ]
    world.network.on(MESSAGES, {"value": rows})
    told = await world.told("chat_read", chat_id=CHAT)
    assert [row["id"] for row in told["items"]] == [kept["id"]]


async def test_going_on_with_earlier_shows_every_message_once(world):
    messages = [said(n) for n in range(130)]

    def answer(request):
        wanted = request.url.params.get("$filter", "createdDateTime lt 9").split()[-1]
        older = [one for one in messages if one["createdDateTime"] < wanted]
        return Mailbox(older, skip="$skiptoken")(request)

    world.network.on(MESSAGES, answer)
    seen, before = [], ""
    async with world.client() as client:
        while True:
            asked = {"chat_id": CHAT, "limit": 50, "before": before}
            told = shown(await client.call_tool("chat_read", asked))
            seen += [row["id"] for row in told["items"]]
            if not (before := told.get("earlier", "")):
                break
    assert seen == [one["id"] for one in messages]


async def test_two_messages_in_one_second_are_told_apart(world):
    world.network.on(MESSAGES, Mailbox([said(1), said(2)], skip="$skiptoken"))
    told = await world.told("chat_read", chat_id=CHAT, limit=1)
    assert told["earlier"] == "2026-11-20T10:58:00.001Z"
    await world.told("chat_read", chat_id=CHAT, before=told["earlier"])
    asked = world.network.last(MESSAGES).url.params
    assert asked["$filter"] == "createdDateTime lt 2026-11-20T10:58:00.001Z"
    assert asked["$orderby"] == "createdDateTime desc"


async def test_a_guest_who_is_called_me_is_not_the_person(world):
    spoof = said(1, by="eve", **{"from": {"user": {"id": "eve", "displayName": "me"}}})
    world.network.on(MESSAGES, {"value": [spoof, said(2, by=ME)]})
    rows = (await world.told("chat_read", chat_id=CHAT))["items"]
    assert [(row.get("mine"), row.get("from")) for row in rows] == [(None, "me"), (True, None)]


class Talk:
    """A chat that keeps to `before`, as Graph does."""

    def __init__(self, messages):
        self.messages = messages

    def __call__(self, request):
        wanted = request.url.params.get("$filter", "createdDateTime lt 9").split()[-1]
        older = [one for one in self.messages if one["createdDateTime"] < wanted]
        return Mailbox(older, skip="$skiptoken")(request)


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("same", [1, 2])
async def test_messages_of_one_millisecond_are_all_shown(world, limit, same):
    messages = [said(n) for n in range(6)]
    messages[same]["createdDateTime"] = messages[same - 1]["createdDateTime"]
    world.network.on(MESSAGES, Talk(messages))
    seen, before = [], ""
    for _ in range(8):
        told = await world.told("chat_read", chat_id=CHAT, limit=limit, before=before)
        seen += [row["id"] for row in told["items"]]
        if not (before := told.get("earlier", "")):
            break
    assert seen == [one["id"] for one in messages]


async def test_messages_of_one_millisecond_stay_together_where_room_ends():
    world = World(result_budget_bytes=4096)
    messages = [said(n, "ü" * 700) for n in range(4)]
    messages[2]["createdDateTime"] = messages[1]["createdDateTime"]
    world.network.on(MESSAGES, Talk(messages))
    told = await world.told("chat_read", chat_id=CHAT, limit=4)
    assert [row["id"] for row in told["items"]] == [messages[0]["id"]]
    assert told["earlier"] == messages[0]["createdDateTime"]


async def test_a_message_that_was_cut_is_whole_when_read_alone(world):
    text = "a" * 15_000
    messages = [said(1), said(2, text), said(3)]
    world.network.on(MESSAGES, Talk(messages))
    row = (await world.told("chat_read", chat_id=CHAT))["items"][1]
    assert row["cut_chars"]
    asked = dict(part.split("=") for part in row["rest"].split())
    alone = await world.told("chat_read", chat_id=CHAT, limit=1, before=asked["before"])
    assert asked["limit"] == "1"
    assert words(alone["items"][0]) == text
    assert "rest" not in alone["items"][0]


async def test_a_message_that_is_too_long_for_any_answer_says_where_it_can_be_read(world):
    world.network.on(MESSAGES, {"value": [said(1, "a" * 20_000)]})
    result = await world.call("chat_read", chat_id=CHAT, limit=1)
    (row,) = shown(result)["items"]
    assert row["cut_chars"] == 20_000 - len(words(row))
    assert "Teams" in row["rest"]
    assert size_bytes(result) <= world.settings.result_budget_bytes


async def test_a_page_of_nothing_but_notes_still_leads_on(world):
    notes = [said(n, messageType="systemEventMessage") for n in range(300)]
    world.network.on(MESSAGES, Mailbox(notes, skip="$skiptoken"))
    told = await world.told("chat_read", chat_id=CHAT, limit=10)
    assert told["items"] == []
    asked = world.network.paths().count(MESSAGES)
    assert told["earlier"] == notes[12 * asked - 1]["createdDateTime"]


async def test_long_messages_stay_within_the_budget_and_say_what_was_cut():
    world = World(result_budget_bytes=4096)
    messages = [said(n, "ü" * 9000) for n in range(10)]
    world.network.on(MESSAGES, Mailbox(messages, skip="$skiptoken"))
    result = await world.call("chat_read", chat_id=CHAT, limit=5)
    told = shown(result)
    assert size_bytes(result) <= 4096
    assert told["items"][0]["cut_chars"] > 0
    assert told["truncated"] == 5 - len(told["items"])
    assert told["earlier"] == messages[len(told["items"]) - 1]["createdDateTime"]


async def test_attachments_are_named_and_never_linked(world):
    attached = [
        {"name": "Plan\u200b.docx", "contentType": "reference", "contentUrl": "https://x.example"},
        {"name": None, "contentType": "application/vnd.microsoft.card.adaptive", "content": "{}"},
    ]
    world.network.on(MESSAGES, {"value": [said(1, "", attachments=attached)]})
    (row,) = (await world.told("chat_read", chat_id=CHAT))["items"]
    assert row["attachments"] == ["Plan.docx", "application/vnd.microsoft.card.adaptive"]
    assert "untrusted_text" not in row
    assert "x.example" not in str(row)


async def test_an_empty_chat_gives_no_rows(world):
    world.network.on(MESSAGES, {"value": []})
    assert (await world.told("chat_read", chat_id=CHAT))["items"] == []


async def test_throttled_forbidden_and_gone(world):
    world.network.on(MESSAGES, throttled(), {"value": []})
    await world.told("chat_read", chat_id=CHAT)
    assert world.clock.waits == [2]
    world.network.on(MESSAGES, error(403, "Forbidden"))
    refused = await world.refused("chat_read", chat_id=CHAT)
    assert refused["missing_scope"] == "Chat.Read"
    assert "administrator" in refused["who_can_fix"]
    world.network.on(MESSAGES, error(404, "NotFound"))
    assert (await world.refused("chat_read", chat_id=CHAT))["error"] == "not_found"


@pytest.mark.parametrize("chat_id", ["..", ".", "a b", "x/../y", "", "%2e", "ä"])
async def test_an_id_that_is_none_is_refused_and_never_sent(world, chat_id):
    assert (await world.refused("chat_read", chat_id=chat_id))["argument"] == "chat_id"
    assert world.network.requests == []


@pytest.mark.parametrize("before", ["yesterday", "2026-13-01", "1 or 1 eq 1"])
async def test_a_time_that_is_none_is_refused(world, before):
    refused = await world.refused("chat_read", chat_id=CHAT, before=before)
    assert refused["argument"] == "before"
    assert MESSAGES not in world.network.paths()


@pytest.mark.parametrize(
    "odd", [{"body": None}, {"from": None}, {"from": {"user": None}}, {"createdDateTime": 1}]
)
async def test_an_odd_message_is_no_error(world, odd):
    world.network.on(MESSAGES, {"value": [said(1, **odd)]})
    assert len((await world.told("chat_read", chat_id=CHAT))["items"]) == 1
