import base64
import json
from secrets import token_urlsafe

import httpx
import pytest

from unit.graph_server.links_world import OURS, SESSION, LinkedWorld, Session
from unit.graph_server.world import World, error, throttled

CONTENT = "/v1.0/me/drive/root:/Reports/new.txt:/content"
CREATE = "/v1.0/me/drive/root:/Reports/new.txt:/createUploadSession"
FOLDER = "/v1.0/me/drive/root:/Reports:"
THERE = "/v1.0/me/drive/root:/Reports/new.txt:"
NEW = {"name": "new.txt", "folder": "/Reports"}
SAVED = {
    "id": "01NEW",
    "name": "new.txt",
    "size": 5,
    "webUrl": "https://contoso.sharepoint.com/x/new.txt",
    "parentReference": {"driveId": "b!D1"},
}


@pytest.fixture
def world():
    world = LinkedWorld(read_only=False)
    world.network.on(FOLDER, {"id": "01F", "folder": {}})
    return world


def changed(world):
    return [request for request in world.network.requests if request.method != "GET"]


async def test_a_text_is_saved_under_its_name(world):
    world.network.on(CONTENT, httpx.Response(201, json=SAVED), method="PUT")
    assert await world.told("files_upload", **NEW, content="Hällo") == {
        "saved": True,
        "ref": "b!D1/01NEW",
        "name": "new.txt",
        "size": 5,
        "web_url": "https://contoso.sharepoint.com/x/new.txt",
    }
    (sent,) = changed(world)
    assert sent.content == "Hällo".encode()
    assert sent.url.params["@microsoft.graph.conflictBehavior"] == "fail"


@pytest.mark.parametrize("if_exists", ["rename", "replace"])
async def test_bytes_are_saved_as_they_are(world, if_exists):
    world.network.on(CONTENT, httpx.Response(200, json=SAVED), method="PUT")
    content = base64.b64encode(b"\x00\xff").decode()
    await world.told("files_upload", **NEW, content=content, encoding="base64", if_exists=if_exists)
    (sent,) = changed(world)
    assert sent.content == b"\x00\xff"
    assert sent.url.params["@microsoft.graph.conflictBehavior"] == if_exists


@pytest.mark.parametrize(
    "arguments",
    [
        {"content": "äöü=", "encoding": "base64"},
        {"content": "QUJD\n", "encoding": "base64"},
        {"content": "QUI", "encoding": "base64"},
        {"content": "QU JD", "encoding": "base64"},
        {"content": "QUJ-", "encoding": "base64"},
        {"content": "ä" * 100_001},
        {"content": base64.b64encode(b"x" * 200_001).decode(), "encoding": "base64"},
        {"content": "x" * 270_001},
        {"content": ""},
        {"content": "x", "link": True},
    ],
)
async def test_content_that_is_none_or_too_much_is_refused(world, arguments):
    refused = await world.refused("files_upload", **NEW, **arguments)
    assert refused["argument"] == "content"
    assert world.network.requests == []


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"name": "../x"}, "name"),
        ({"name": "a:b"}, "name"),
        ({"folder": "/.."}, "folder"),
        ({"folder": "https://contoso.sharepoint.com/x"}, "folder"),
    ],
)
async def test_a_place_that_is_none_is_refused(world, change, argument):
    refused = await world.refused("files_upload", **(NEW | change), content="x")
    assert refused["argument"] == argument
    assert world.network.requests == []


async def test_a_name_that_is_taken_is_told_with_the_ways_out(world):
    world.network.on(CONTENT, error(409, "nameAlreadyExists"), method="PUT")
    refused = await world.refused("files_upload", **NEW, content="x")
    assert refused["argument"] == "name"
    assert "rename or replace" in refused["hint"]


@pytest.mark.parametrize("failure", [error(503, "x"), httpx.ReadError("lost"), error(500, "x")])
async def test_a_failure_that_leaves_it_open_is_told_as_one_and_nothing_is_sent_again(
    world, failure
):
    world.network.on(CONTENT, failure, method="PUT")
    refused = await world.refused("files_upload", **NEW, content="x")
    assert refused["error"] == "maybe_saved"
    assert "files_list" in refused["hint"]
    assert len(changed(world)) == 1


async def test_a_throttled_file_is_sent_again(world):
    world.network.on(CONTENT, throttled(), httpx.Response(201, json=SAVED), method="PUT")
    assert (await world.told("files_upload", **NEW, content="x"))["saved"] is True


@pytest.mark.parametrize(
    "way", [{"content": "x"}, {"link": True}, {"content": "x", "dry_run": True}]
)
async def test_a_folder_that_is_missing_or_none_is_told_and_never_made(world, way):
    world.network.on(FOLDER, error(404, "itemNotFound"))
    assert (await world.refused("files_upload", **NEW, **way))["error"] == "not_found"
    world.network.on(FOLDER, {"id": "01F", "file": {}})
    assert (await world.refused("files_upload", **NEW, **way))["argument"] == "folder"
    assert changed(world) == []


async def test_a_forbidden_folder_is_told(world):
    world.network.on(CONTENT, error(403, "accessDenied"), method="PUT")
    refused = await world.refused("files_upload", **NEW, content="x")
    assert refused["missing_scope"] == "Files.ReadWrite"


@pytest.mark.parametrize(
    ("if_exists", "there", "would"),
    [
        ("fail", False, {"action": "create", "name": "new.txt", "size": 1}),
        ("replace", False, {"action": "create", "name": "new.txt", "size": 1}),
        ("rename", True, {"action": "create under another name", "name": "new.txt", "size": 1}),
        (
            "replace",
            True,
            {"action": "replace", "name": "new.txt", "size": 1, "replaces": "b!D1/01NEW"},
        ),
    ],
)
async def test_a_dry_run_says_what_would_happen_and_changes_nothing(world, if_exists, there, would):
    if there:
        world.network.on(THERE, SAVED)
    told = await world.told("files_upload", **NEW, content="x", if_exists=if_exists, dry_run=True)
    assert told == {"dry_run": True, "would": would}
    assert changed(world) == []


async def test_a_dry_run_refuses_what_would_fail(world):
    world.network.on(THERE, SAVED)
    refused = await world.refused("files_upload", **NEW, content="x", dry_run=True)
    assert refused["argument"] == "name"
    world.network.on(THERE, SAVED | {"folder": {}})
    refused = await world.refused(
        "files_upload", **NEW, content="x", if_exists="replace", dry_run=True
    )
    assert refused["argument"] == "name"


async def test_a_link_takes_the_file_of_the_person(world):
    world.network.on(CREATE, {"uploadUrl": SESSION}, method="POST")
    session = Session(world.network)
    told = await world.told("files_upload", **NEW, link=True, if_exists="rename")
    assert "secret-of-graph" not in json.dumps(told)
    assert told["upload_link"].startswith(f"{OURS}/links/")
    assert told["link_ends"] == "2026-11-18T12:11+01:00"  # in five minutes, in Berlin
    assert json.loads(changed(world)[0].content) == {
        "item": {"@microsoft.graph.conflictBehavior": "rename"}
    }
    assert (await world.visit(told["upload_link"], "PUT", [b"bytes"])).status == 201
    assert session.content == b"bytes"


async def test_a_session_elsewhere_makes_no_link(world):
    world.network.on(CREATE, {"uploadUrl": "https://evil.example/s"}, method="POST")
    refused = await world.refused("files_upload", **NEW, link=True)
    assert refused["code"] == "foreign_upload_host"
    assert "OBO_MCP_UPLOAD_HOSTS" in refused["hint"]


@pytest.mark.parametrize("answer", [{}, {"uploadUrl": 5}, {"uploadUrl": ""}])
async def test_a_session_without_address_is_an_error_in_words(world, answer):
    world.network.on(CREATE, answer, method="POST")
    refused = await world.refused("files_upload", **NEW, link=True)
    assert refused["error"] == "unexpected_answer"


async def test_an_address_too_long_for_a_link_is_told(world):
    long = f"https://contoso.sharepoint.com/{token_urlsafe(9000)}"
    world.network.on(CREATE, {"uploadUrl": long}, method="POST")
    assert (await world.refused("files_upload", **NEW, link=True))["error"] == "unsupported"


async def test_links_that_are_switched_off_are_refused_before_a_session_is_made():
    world = LinkedWorld(read_only=False, link_seconds=0)
    assert (await world.refused("files_upload", **NEW, link=True))["error"] == "unsupported"
    assert world.network.requests == []


async def test_a_server_that_only_reads_offers_no_upload():
    world = World()
    assert (await world.call("files_upload", **NEW, content="x")).is_error
    assert world.network.requests == []
