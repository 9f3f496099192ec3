"""Chats: what a member sees, what others do not, and new messages and chats."""

import itertools

import pytest

from obo_tenant.people import PEOPLE

SCOPES = "Chat.ReadBasic Chat.Read ChatMessage.Send Chat.Create"
OIDS = {person.key: person.oid for person in PEOPLE}
NEWEST = "$orderby=lastMessagePreview/createdDateTime desc"
DATED = "$orderby=createdDateTime desc"


def ask(graph, method, path, body=None, **more):
    return graph.send(method, path, body, **{"scopes": SCOPES, **more})


def chats(graph, query="$expand=members,lastMessagePreview", **more):
    return graph.every(f"/me/chats?{query}", scopes=SCOPES, **more)


def messages(graph, chat, query="$top=50", **more):
    return graph.every(f"/chats/{chat['id']}/messages?{query}", scopes=SCOPES, **more)


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


def start(graph, *keys, kind="oneOnOne", who="adele", **more):
    members = [
        {
            "@odata.type": "#microsoft.graph.aadUserConversationMember",
            "roles": ["owner"],
            "user@odata.bind": f"https://graph.microsoft.com/v1.0/users('{OIDS.get(key, key)}')",
        }
        for key in keys
    ]
    body = {"chatType": kind, "members": members, **more}
    return ask(graph, "POST", "/chats", body, who=who)


def test_list_shows_every_chat_once_with_the_newest_first(graph):
    whole = chats(graph)
    assert 15 <= len(whole) <= 50
    assert {each["chatType"] for each in whole} == {"oneOnOne", "group", "meeting"}
    sent = [each["lastMessagePreview"]["createdDateTime"] for each in whole]
    assert sent == sorted(sent, reverse=True)
    paged = chats(graph, f"$top=4&$expand=members&{NEWEST}")
    assert [each["id"] for each in paged] == [each["id"] for each in whole]
    assert "lastMessagePreview" not in paged[0]
    first = ask(graph, "GET", "/me/chats?$top=4").json()
    assert "$skiptoken=" in first["@odata.nextLink"]
    assert "members" not in first["value"][0]


def test_chat_holds_the_caller_and_its_last_message(graph):
    for chat in chats(graph):
        assert OIDS["adele"] in [each["userId"] for each in chat["members"]]
        newest = messages(graph, chat)[0]
        assert newest["id"] == chat["lastMessagePreview"]["id"]
        assert newest["body"] == chat["lastMessagePreview"]["body"]


def test_messages_come_newest_first_and_in_pages(graph):
    chat = max(chats(graph), key=lambda each: len(messages(graph, each)))
    whole = messages(graph, chat)
    assert len(whole) > 10
    assert messages(graph, chat, f"$top=3&{DATED}") == whole
    sent = [each["createdDateTime"] for each in whole]
    assert sent == sorted(sent, reverse=True)
    assert len(ask(graph, "GET", f"/chats/{chat['id']}/messages").json()["value"]) <= 20
    one = ask(graph, "GET", f"/chats/{chat['id']}/messages/{whole[1]['id']}").json()
    assert whole[1].items() <= one.items()


def test_messages_can_be_cut_at_a_date(graph):
    chat = max(chats(graph), key=lambda each: len(messages(graph, each)))
    whole = messages(graph, chat)
    border = whole[3]["createdDateTime"]
    older = messages(graph, chat, f"{DATED}&$filter=createdDateTime lt {border}")
    assert older == whole[4:]


def test_system_entries_have_their_kind_only_for_those_who_know_it(graph):
    entries = [
        each
        for chat in chats(graph)
        for each in messages(graph, chat)
        if each["messageType"] != "message"
    ]
    assert entries
    for each in entries:
        assert each["messageType"] == "unknownFutureValue"
        assert each["from"] is None
        assert each["body"]["content"] == "<systemEventMessage/>"
        assert each["eventDetail"]["members"]
    path = f"/chats/{entries[0]['chatId']}/messages/{entries[0]['id']}"
    told = ask(graph, "GET", path, Prefer="include-unknown-enum-members").json()
    assert told["messageType"] == "systemEventMessage"


def test_some_messages_are_deleted_edited_and_hostile(graph):
    every = list(itertools.chain(*(messages(graph, chat) for chat in chats(graph))))
    assert len(every) > 150
    assert all(each["body"]["content"] == "" for each in every if each["deletedDateTime"])
    assert any(each["deletedDateTime"] for each in every)
    assert any(each["lastEditedDateTime"] for each in every)
    assert {each["body"]["contentType"] for each in every} == {"text", "html"}
    text = "".join(each["body"]["content"] for each in every)
    for attack in ("display:none", "\U000e0049", "\u202e", "\u200b", "<|im_start|>", "<script>"):
        assert attack in text
    assert any(each["attachments"] for each in every)


def test_both_see_the_same_chat_whoever_asks_first(fresh_graph):
    theirs = {each["id"] for each in chats(fresh_graph, who="megan")}
    mine = {each["id"]: each for each in chats(fresh_graph)}
    (shared,) = [
        each
        for each in mine.values()
        if each["chatType"] == "oneOnOne"
        and OIDS["megan"] in [m["userId"] for m in each["members"]]
    ]
    assert shared["id"] in theirs
    assert messages(fresh_graph, shared) == messages(fresh_graph, shared, who="megan")
    assert theirs - set(mine)


def test_sent_message_is_the_newest_for_both(fresh_graph):
    chat = start(fresh_graph, "adele", "megan").json()
    path = f"/chats/{chat['id']}/messages"
    body = {"body": {"contentType": "html", "content": "<b>Hello</b> &amp; good bye"}}
    sent = ask(fresh_graph, "POST", path, body)
    assert sent.status_code == 201
    assert sent.json()["body"] == body["body"]
    plain = ask(fresh_graph, "POST", path, {"body": {"content": "1 < 2"}}).json()
    assert plain["body"] == {"contentType": "text", "content": "1 < 2"}
    for who in ("adele", "megan"):
        newest = messages(fresh_graph, chat, who=who)
        assert [each["id"] for each in newest[:2]] == [plain["id"], sent.json()["id"]]
        assert newest[0]["from"]["user"]["id"] == OIDS["adele"]
        top = ask(fresh_graph, "GET", "/me/chats?$expand=lastMessagePreview&$top=1", who=who)
        assert top.json()["value"][0]["lastMessagePreview"]["id"] == plain["id"]


def test_two_people_have_one_chat_however_often_it_is_started(fresh_graph):
    first = start(fresh_graph, "adele", "megan")
    assert first.status_code == 201
    again = start(fresh_graph, "megan", "adele", who="megan")
    assert again.json()["id"] == first.json()["id"]
    assert first.json()["id"] in [each["id"] for each in chats(fresh_graph)]


def test_group_is_new_each_time_and_reaches_all_members(fresh_graph):
    made = [
        start(fresh_graph, "adele", "megan", "alex", kind="group", topic="Ladder").json()
        for _ in range(2)
    ]
    assert made[0]["id"] != made[1]["id"]
    for who in ("adele", "megan", "alex"):
        topics = [each["topic"] for each in chats(fresh_graph, who=who)]
        assert topics.count("Ladder") == 2
    members = ask(fresh_graph, "GET", f"/chats/{made[0]['id']}/members").json()["value"]
    assert {each["userId"] for each in members} == {OIDS[k] for k in ("adele", "megan", "alex")}


@pytest.mark.parametrize(
    ("keys", "more", "refusal"),
    [
        (("adele",), {}, (400, "BadRequest")),
        (("adele", "adele"), {}, (400, "BadRequest")),
        (("adele", "megan", "alex"), {}, (400, "BadRequest")),
        (("megan", "alex"), {}, (403, "Forbidden")),
        (("adele", "00000000-0000-4000-8000-000000000000"), {}, (404, "NotFound")),
        (("adele", "megan"), {"chatType": "party"}, (400, "RequestBodyRead")),
        (("adele", "megan"), {"colour": "blue"}, (400, "RequestBodyRead")),
        (("adele", "megan"), {"members": [{}]}, (400, "BadRequest")),
    ],
)
def test_chats_that_cannot_be_are_refused(fresh_graph, keys, more, refusal):
    assert error(start(fresh_graph, *keys, **more)) == refusal


def test_only_members_may_read_and_write(graph):
    mine = {each["id"] for each in chats(graph, who="megan")}
    strange = [each for each in chats(graph) if each["id"] not in mine]
    assert len(strange) > 5
    for chat in strange:
        for method, path, body in (
            ("GET", f"/chats/{chat['id']}", None),
            ("GET", f"/chats/{chat['id']}/members", None),
            ("GET", f"/me/chats/{chat['id']}/messages", None),
            ("POST", f"/chats/{chat['id']}/messages", {"body": {"content": "let me in"}}),
        ):
            assert error(ask(graph, method, path, body, who="megan")) == (403, "Forbidden")


def test_chat_of_another_organization_does_not_exist(graph):
    imran = "c14f7a68-9be2-4d05-8371-5ae60d92bf1c"
    chat = chats(graph)[0]
    assert error(ask(graph, "GET", f"/chats/{chat['id']}", who=imran)) == (404, "NotFound")


def test_unknown_and_malformed_chats_are_told_apart(graph):
    nobody = "19:" + "0" * 32 + "@thread.v2"
    assert error(ask(graph, "GET", f"/chats/{nobody}")) == (404, "NotFound")
    assert error(ask(graph, "GET", "/chats/nonsense")) == (400, "BadRequest")
    chat = chats(graph)[0]
    assert error(ask(graph, "GET", f"/chats/{chat['id']}/messages/1")) == (404, "NotFound")


@pytest.mark.parametrize(
    "query",
    [
        "$top=51",
        "$orderby=createdDateTime",
        "$orderby=subject desc",
        "$select=id",
        '$search="x"',
        "$skip=3",
        "$filter=createdDateTime lt 2026-01-01T00:00:00Z",
        f"{DATED}&$filter=lastModifiedDateTime gt 2026-01-01T00:00:00Z",
    ],
)
def test_messages_refuse_what_graph_refuses(graph, query):
    chat = chats(graph)[0]
    answer = ask(graph, "GET", f"/chats/{chat['id']}/messages?{query}")
    assert error(answer) == (400, "BadRequest")


@pytest.mark.parametrize(
    "query", ["$top=51", "$orderby=topic", "$expand=wardrobe", "$skip=1", "$select=colour"]
)
def test_list_refuses_what_graph_refuses(graph, query):
    assert error(ask(graph, "GET", f"/me/chats?{query}")) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, (400, "BadRequest")),
        ({"body": {"content": "  "}}, (400, "BadRequest")),
        ({"body": {"content": "x", "contentType": "markdown"}}, (400, "RequestBodyRead")),
        ({"body": {"content": "x" * 30_000}}, (413, "RequestEntityTooLarge")),
        ({"text": "x"}, (400, "RequestBodyRead")),
    ],
)
def test_messages_that_cannot_be_are_refused(fresh_graph, body, refusal):
    chat = chats(fresh_graph)[0]
    before = messages(fresh_graph, chat)
    assert error(ask(fresh_graph, "POST", f"/chats/{chat['id']}/messages", body)) == refusal
    assert messages(fresh_graph, chat) == before


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/me/chats", "ChatMessage.Send"),
        ("GET", "/chats/{id}/messages", "Chat.ReadBasic"),
        ("POST", "/chats/{id}/messages", "Chat.Read"),
        ("POST", "/chats", "Chat.Read ChatMessage.Send"),
    ],
)
def test_each_needs_its_own_scope(graph, method, path, scopes):
    chat = chats(graph)[0]
    answer = ask(graph, method, path.replace("{id}", chat["id"]), {}, scopes=scopes)
    assert error(answer) == (403, "Forbidden")


def test_synthetic_person_has_a_few_chats_of_their_own(graph):
    mine = chats(graph, who="synthetic-1")
    theirs = chats(graph, who="synthetic-2")
    assert len(mine) == len(theirs) == 3
    assert not {each["id"] for each in mine} & {each["id"] for each in theirs}


def test_colleague_who_cannot_sign_in_can_be_written_to(fresh_graph):
    chat = start(fresh_graph, "adele", "patti.fernandez%40contoso.example").json()
    names = [
        each["displayName"]
        for each in ask(fresh_graph, "GET", f"/chats/{chat['id']}/members").json()["value"]
    ]
    assert sorted(names) == ["Adele Vance", "Patti Fernandez"]


def test_who_writes_has_read_what_came_before(fresh_graph):
    chat = start(fresh_graph, "adele", "megan").json()
    body = {"body": {"content": "Hello"}}
    sent = ask(fresh_graph, "POST", f"/chats/{chat['id']}/messages", body).json()
    path = f"/chats/{chat['id']}"
    mine = ask(fresh_graph, "GET", path).json()["viewpoint"]["lastMessageReadDateTime"]
    theirs = ask(fresh_graph, "GET", path, who="megan").json()["viewpoint"]
    assert mine == sent["createdDateTime"] > theirs["lastMessageReadDateTime"]


def test_pace_of_teams_can_be_switched_on(graph):
    first, second = chats(graph)[:2]

    def read(chat, **more):
        return ask(graph, "GET", f"/chats/{chat['id']}/messages", **more)

    assert [read(first).status_code for _ in range(3)] == [200] * 3
    graph.quirks.teams_limits = True
    assert [read(first).status_code for _ in range(2)] == [200, 429]
    refused = read(first)
    assert error(refused) == (429, "TooManyRequests")
    assert refused.headers["Retry-After"] == "1"
    assert read(second).status_code == 200
    lists = [ask(graph, "GET", "/me/chats").status_code for _ in range(2)]
    assert lists == [200, 429]
    assert ask(graph, "GET", "/me/chats", who="megan").status_code == 200
    graph.now += 1
    assert read(first).status_code == 200
