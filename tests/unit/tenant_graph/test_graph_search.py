"""`/search/query` beyond files: sites, several kinds at once, its limits and its scopes."""

import pytest


def ask(graph, kinds, text, scopes="Sites.Read.All Files.Read.All Chat.Read Mail.Read", **more):
    request = {"entityTypes": kinds, "query": {"queryString": text}, **more}
    return graph.post("/search/query", {"requests": [request]}, scopes=scopes)


def hits(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["value"][0]["hitsContainers"][0].get("hits", [])


def test_sites_are_found_by_title_and_description(graph):
    (found,) = hits(ask(graph, ["site"], "retail group"))
    assert found["resource"]["displayName"] == "Retail"
    assert found["hitId"] == found["resource"]["id"]
    assert "<c0>retail</c0>" in found["summary"]


def test_libraries_are_searched_by_their_address(graph):
    (site,) = hits(ask(graph, ["site"], "title:retail"))
    url = site["resource"]["webUrl"]
    found = hits(ask(graph, ["driveItem"], f'filetype:pptx path:"{url}"', size=200))
    assert found
    for hit in found:
        assert hit["resource"]["webUrl"].startswith(f"{url}/Shared%20Documents/")


def test_files_sites_and_list_items_may_be_asked_for_together(graph):
    found = hits(ask(graph, ["driveItem", "listItem", "site"], "retail OR pptx", size=500))
    kinds = {hit["resource"]["@odata.type"].rpartition(".")[2] for hit in found}
    assert kinds == {"driveItem", "listItem", "site"}
    assert [hit["rank"] for hit in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize(
    ("kinds", "more"),
    [
        (["message", "site"], {}),
        ([], {}),
        (["site"], {"size": 1001}),
        (["site"], {"size": 0}),
        (["event"], {"size": 26}),
        (["site"], {"colour": "red"}),
    ],
)
def test_impossible_requests_are_refused(graph, kinds, more):
    answer = ask(graph, kinds, "x", **more)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


def test_two_requests_in_one_call_are_refused(graph):
    request = {"entityTypes": ["site"], "query": {"queryString": "x"}}
    answer = graph.post("/search/query", {"requests": [request, request]})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("site", "Sites.Read.All"), ("listItem", "Sites.Read.All"), ("chatMessage", "Chat.Read")],
)
def test_each_kind_asks_for_its_scope_by_name(graph, kind, needed):
    assert ask(graph, [kind], "x", scopes=needed).status_code == 200
    answer = ask(graph, [kind], "x", scopes="User.Read")
    assert answer.status_code == 403
    assert f"requires the following permissions: {needed}" in answer.json()["error"]["message"]


def test_chat_messages_are_found_only_by_who_is_in_the_chat(graph):
    mine = graph.get("/me/chats?$expand=members", scopes="Chat.Read").json()["value"]
    assert mine
    found = hits(ask(graph, ["chatMessage"], "the", size=200))
    assert found
    for hit in found[:10]:
        path = f"/chats/{hit['resource']['chatId']}/messages/{hit['hitId']}"
        assert graph.get(path, scopes="Chat.Read").status_code == 200
    ids = {(hit["resource"]["chatId"], hit["hitId"]) for hit in found}
    request = {"entityTypes": ["chatMessage"], "query": {"queryString": "the"}, "size": 200}
    answer = graph.post("/search/query", {"requests": [request]}, who="megan", scopes="Chat.Read")
    theirs = {(hit["resource"]["chatId"], hit["hitId"]) for hit in hits(answer)}
    members = {
        chat["id"]
        for chat in mine
        if any(each["displayName"] == "Megan Bowen" for each in chat["members"])
    }
    assert {chat for chat, _ in ids & theirs} <= members
    assert ids != theirs
