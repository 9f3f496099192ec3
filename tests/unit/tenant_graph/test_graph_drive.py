"""Files: by id, by path, content by link, search."""

import io
import json
import zipfile
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

ROOT = "/me/drive/root"


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def walk(graph, path=f"{ROOT}/children", **more):
    found = []
    for item in graph.every(f"{path}?$top=3", **more):
        found.append(item)
        if "folder" in item:
            below = walk(graph, f"/me/drive/items/{item['id']}/children", **more)
            assert (
                len([e for e in below if e["parentReference"]["id"] == item["id"]])
                == (item["folder"]["childCount"])
            )
            found += below
    return found


@pytest.fixture(scope="module")
def items(shared_graph):
    return walk(shared_graph)


@pytest.fixture
def named(items):
    return {item["name"]: item for item in items}


def content(graph, item, **headers):
    answer = graph.get(f"/me/drive/items/{item['id']}/content")
    assert answer.status_code == 302
    return graph.client.get(answer.headers["Location"], headers=headers)


def test_tree_can_be_walked_and_has_several_hundred_files(items):
    files = [item for item in items if "file" in item]
    assert 260 <= len(files) <= 320
    assert len({item["id"] for item in items}) == len(items)
    assert {item["name"].rpartition(".")[2] for item in files} >= {
        "txt", "md", "csv", "json", "html", "docx", "xlsx", "pptx", "pdf",
    }  # fmt: skip
    assert sum(item["size"] == 0 for item in files) == 1
    assert sum("shared" in item for item in files) == 1


def test_drive_and_root_agree(graph, items):
    drive = graph.get("/me/drive").json()
    root = graph.get(ROOT).json()
    assert root["parentReference"]["driveId"] == drive["id"]
    assert root["root"] == {}
    assert root["size"] == sum(item["size"] for item in items if "file" in item)
    assert drive["quota"]["used"] == root["size"]


def test_item_is_the_same_by_id_by_drive_and_by_path(graph, named):
    item = named["Door log.txt"]
    drive = item["parentReference"]["driveId"]
    for path in (
        f"/me/drive/items/{item['id']}",
        f"/drives/{drive}/items/{item['id']}",
        f"{ROOT}:/Notes/Door%20log.txt:",
        f"{ROOT}:/notes/DOOR log.txt",
        "/me/drive/root%3A%2FNotes%2FDoor%20log.txt%3A",
        f"/me/drive/items/{item['parentReference']['id']}:/Door%20log.txt",
        f"/Drives/{drive}/ROOT:/Notes/Door%20log.txt:",
    ):
        assert graph.get(path).json()["id"] == item["id"], path


@pytest.mark.parametrize(
    "name", ["Offer & plan #1 (50% off).txt", "\u00dcberblick \u2013 M\u00e4rz.txt"]
)
def test_awkward_names_work_in_paths(graph, named, name):
    for path in (f"{ROOT}:/Notes/{quote(name)}", f"{ROOT}:/Notes/{quote(name)}:/content"):
        assert graph.get(path).status_code in (200, 302)
    assert graph.get(f"{ROOT}:/Notes/{quote(name)}:").json()["id"] == named[name]["id"]


def test_children_by_path_come_folders_first(graph):
    shown = graph.get(f"{ROOT}:/Suppliers/Fabrikam:/children").json()["value"]
    kinds = ["folder" in item for item in shown]
    assert kinds == sorted(kinds, reverse=True)
    assert kinds[0]


def test_every_content_is_what_it_claims_to_be(graph, items):
    for item in items:
        if "file" not in item:
            assert code(graph.get(f"/me/drive/items/{item['id']}/content"))[0] == 400
            continue
        answer = content(graph, item)
        assert len(answer.content) == item["size"]
        assert answer.headers["Content-Type"].startswith(item["file"]["mimeType"])
        kind = item["name"].rpartition(".")[2]
        if kind in ("docx", "xlsx", "pptx"):
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert archive.testzip() is None
                for name in archive.namelist():
                    ET.fromstring(archive.read(name))
        elif kind == "json":
            assert json.loads(answer.content)[0]["week"] == "1"
        elif kind == "pdf":
            start = int(answer.content.rstrip().splitlines()[-2])
            assert answer.content[start:].startswith(b"xref")


@pytest.mark.parametrize(
    ("wanted", "status", "expected"),
    [
        ("bytes=0-4", 206, slice(0, 5)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=0-99999999", 206, slice(0, None)),
        ("bytes=-99999999", 206, slice(0, None)),
        ("bytes=5-2", 200, slice(0, None)),
        ("bytes=0-1,4-5", 200, slice(0, None)),
        ("lines=1-2", 200, slice(0, None)),
    ],
)
def test_download_answers_byte_ranges(graph, named, wanted, status, expected):
    item = named["Door log.txt"]
    whole = content(graph, item).content
    answer = content(graph, item, Range=wanted)
    assert answer.status_code == status
    assert answer.content == whole[expected]
    if status == 206:
        size = len(whole)
        first, last = expected.indices(size)[:2]
        assert answer.headers["Content-Range"] == f"bytes {first}-{last - 1}/{size}"


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0"])
def test_range_outside_the_file_is_refused(graph, named, wanted):
    answer = content(graph, named["Door log.txt"], Range=wanted)
    assert code(answer) == (416, "invalidRange")
    assert answer.headers["Content-Range"] == f"bytes */{named['Door log.txt']['size']}"


def test_download_link_refuses_an_access_token(graph, named):
    url = named["Door log.txt"]["@microsoft.graph.downloadUrl"]
    answer = graph.client.get(url, headers={"Authorization": "Bearer x"})
    assert code(answer) == (401, "unauthenticated")


def test_download_link_lives_five_minutes(graph, named):
    item = graph.get(f"/me/drive/items/{named['Door log.txt']['id']}").json()
    url = item["@microsoft.graph.downloadUrl"]
    graph.now += 299
    assert graph.client.get(url).status_code == 200
    graph.now += 2
    assert code(graph.client.get(url)) == (401, "unauthenticated")


def test_tampered_download_link_opens_nothing(graph, named):
    url = graph.get(f"/me/drive/items/{named['Door log.txt']['id']}").json()[
        "@microsoft.graph.downloadUrl"
    ]
    for bad in (url[:-9] + "AAAAAAAA=", url[:-20], "/_download/x", "/_download/%C3%A9"):
        assert graph.client.get(bad).status_code == 401


def test_download_is_recorded_without_its_token(graph, named):
    url = graph.get(f"/me/drive/items/{named['Empty.txt']['id']}").json()[
        "@microsoft.graph.downloadUrl"
    ]
    assert graph.client.get(url).content == b""
    assert graph.log[-1]["path"] == "/_download/..."
    assert url.rpartition("/")[2] not in json.dumps(graph.log)


def test_selecting_the_download_link_alone_works(graph, named):
    path = f"/me/drive/items/{named['Door log.txt']['id']}?$select="
    for names in ("id,name,size,file,@microsoft.graph.downloadUrl", "name,content.downloadUrl"):
        assert "@microsoft.graph.downloadUrl" in graph.get(path + names).json()
    assert "@microsoft.graph.downloadUrl" not in graph.get(path + "name").json()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/me/drive/items/nonsense", (404, "itemNotFound")),
        (f"{ROOT}:/Notes/nothing.txt:", (404, "itemNotFound")),
        (f"{ROOT}:/Notes/Empty.txt/below:", (404, "itemNotFound")),
        ("/drives/b!nonsense/root", (404, "itemNotFound")),
        (f"{ROOT}/children?$skip=3", (400, "invalidRequest")),
        (f"{ROOT}/children?$filter=name eq 'x'", (400, "invalidRequest")),
        (f"{ROOT}/children?$select=wardrobe", (400, "BadRequest")),
        (f"{ROOT}/content", (400, "BadRequest")),
        (f"{ROOT}:/Notes/Empty.txt:/content?format=pdf", (406, "notSupported")),
    ],
)
def test_wrong_paths_and_options_are_refused(graph, path, expected):
    assert code(graph.get(path)) == expected


def test_children_come_along_when_expanded(graph, items):
    shown = graph.get(f"{ROOT}?$expand=children").json()
    assert [each["id"] for each in shown["children"]] == [
        each["id"] for each in graph.get(f"{ROOT}/children").json()["value"]
    ]


@pytest.mark.parametrize("path", [f"{ROOT}?$expand=wardrobe", f"{ROOT}/children?$expand=children"])
def test_what_cannot_be_expanded_is_refused(graph, path):
    assert code(graph.get(path)) == (400, "BadRequest")


def test_own_drives_are_one(graph):
    (drive,) = graph.get("/me/drives").json()["value"]
    assert drive["id"] == graph.get("/me/drive").json()["id"]


def test_drive_search_looks_into_names_and_content(graph, named):
    shown = graph.get(f"{ROOT}/search(q='door log')?$select=name").json()["value"]
    assert {"name": "Door log.txt"} in shown
    shown = graph.get(f"{ROOT}/search(q='who''s')").json()["value"]
    assert shown == []
    (shared,) = graph.get(f"{ROOT}/search(q='saturday bread')").json()["value"]
    assert shared["id"] == named["Shared list.txt"]["id"]


def ask(graph, kind, text, **more):
    request = {"entityTypes": [kind], "query": {"queryString": text}, **more}
    return graph.post("/search/query", {"requests": [request]})


def test_search_query_has_the_nested_shape(graph, items):
    body = ask(graph, "driveItem", "door", size=2).json()
    (response,) = body["value"]
    (container,) = response["hitsContainers"]
    assert response["searchTerms"] == ["door"]
    assert container["moreResultsAvailable"] is True
    assert [hit["rank"] for hit in container["hits"]] == [1, 2]
    hit = container["hits"][0]
    assert hit["resource"]["@odata.type"] == "#microsoft.graph.driveItem"
    assert hit["hitId"] == hit["resource"]["id"]
    assert "<c0>" in hit["summary"].lower()
    assert "@microsoft.graph.downloadUrl" not in hit["resource"]


def test_search_query_pages_by_from_and_ends(graph):
    seen, start = [], 0
    while True:
        (container,) = ask(graph, "message", "re", size=25, **{"from": start}).json()["value"][0][
            "hitsContainers"
        ]
        seen += [hit["hitId"] for hit in container.get("hits", [])]
        start += 25
        if not container["moreResultsAvailable"]:
            break
    assert len(seen) == len(set(seen)) == container["total"] > 50
    assert graph.get(f"/me/messages/{seen[0]}").status_code == 200


def test_search_query_understands_file_properties(graph, items):
    (container,) = ask(graph, "driveItem", "filetype:docx", size=100).json()["value"][0][
        "hitsContainers"
    ]
    own = graph.get("/me/drive").json()["id"]
    names = {
        hit["resource"]["name"]
        for hit in container["hits"]
        if hit["resource"]["parentReference"]["driveId"] == own
    }
    assert names == {item["name"] for item in items if item["name"].endswith(".docx")}
    (empty,) = ask(graph, "driveItem", "filetype:wardrobe").json()["value"][0]["hitsContainers"]
    assert empty == {"total": 0, "moreResultsAvailable": False}


def test_search_query_finds_events(graph):
    (container,) = ask(graph, "event", "subject:dentist").json()["value"][0]["hitsContainers"]
    assert {hit["resource"]["subject"] for hit in container["hits"]} == {"Dentist"}
    assert graph.get(f"/me/events/{container['hits'][0]['hitId']}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"requests": []},
        {"requests": [{"entityTypes": ["driveItem"]}]},
        {"requests": [{"entityTypes": ["driveItem", "message"], "query": {"queryString": "x"}}]},
        {"requests": [{"entityTypes": ["wardrobe"], "query": {"queryString": "x"}}]},
        {"requests": [{"entityTypes": ["message"], "query": {"queryString": 1}}]},
        {"requests": [{"entityTypes": ["message"], "query": {"queryString": "x"}, "size": 26}]},
        {"requests": [{"entityTypes": ["message"], "query": {"queryString": "x"}, "from": -1}]},
        {"requests": [{"entityTypes": ["message"], "query": {"queryString": "("}}]},
    ],
)
def test_wrong_search_requests_are_refused(graph, body):
    assert code(graph.post("/search/query", body)) == (400, "BadRequest")
