import base64
import json

import httpx
import pytest

from unit.graph_server.links_world import OURS, STORE, LinkedWorld, stored_item
from unit.graph_server.world import error, throttled

REF = "b!D1/01ABC"
ITEM = "/v1.0/drives/b!D1/items/01ABC"


@pytest.fixture
def linked():
    world = LinkedWorld()
    stored_item(world)
    return world


async def test_what_is_known_of_a_file_is_shown(linked):
    stored_item(linked, shared={"scope": "users"})
    assert await linked.told("files_get", item=REF) == {
        "ref": REF,
        "name": "Figures.pdf",
        "path": "/Reports",
        "type": "pdf",
        "size": 1234,
        "modified": "2026-11-20T11:00+01:00",
        "by": "Lynne Robbins",
        "mime_type": "application/pdf",
        "created": "2026-11-19T11:00+01:00",
        "created_by": "Adele Vance",
        "shared_with": "users",
        "web_url": "https://contoso.sharepoint.com/x/Figures.pdf",
        "time_zone": "Europe/Berlin",
    }
    assert "downloadUrl" not in str(linked.network.last(ITEM).url)


async def test_graphs_own_download_address_is_never_shown(linked):
    for link in (False, True):
        told = json.dumps(await linked.told("files_get", item=REF, link=link))
        assert "secret-of-graph" not in told
        assert "download/x" not in told


async def test_a_link_gives_the_file(linked):
    told = await linked.told("files_get", item=REF, link=True)
    assert told["download_link"].startswith(f"{OURS}/links/")
    linked.network.on("/download/x", httpx.Response(200, content=b"%PDF"))
    answer = await linked.visit(told["download_link"])
    assert (answer.status, answer.body) == (200, b"%PDF")
    assert answer.headers["content-type"] == "application/pdf"
    assert 'filename="Figures.pdf"' in answer.headers["content-disposition"]
    assert told["link_ends"] == "2026-11-18T12:11+01:00"


async def test_a_file_without_address_is_linked_by_the_redirect_of_its_content(linked):
    stored_item(linked, **{"@microsoft.graph.downloadUrl": None})
    redirect = httpx.Response(302, headers={"Location": STORE})
    linked.network.on(f"{ITEM}/content", redirect)
    told = await linked.told("files_get", item=REF, link=True)
    ticket = linked.links.seal.open(told["download_link"].rpartition("/")[2])
    assert (ticket.url, ticket.person) == (STORE, ("contoso", "adele"))


async def test_a_file_elsewhere_gets_no_link(linked):
    stored_item(linked, **{"@microsoft.graph.downloadUrl": "https://evil.example/x"})
    refused = await linked.refused("files_get", item=REF, link=True)
    assert refused["error"] == "download_refused"


async def test_links_that_are_switched_off_are_refused_in_words():
    world = LinkedWorld(link_seconds=0)
    refused = await world.refused("files_get", item=REF, link=True)
    assert refused["error"] == "unsupported"
    assert "operator" in refused["hint"]
    assert world.network.requests == []


async def test_a_server_without_an_address_makes_no_links(world):
    assert (await world.refused("files_get", item=REF, link=True))["error"] == "unsupported"


@pytest.mark.parametrize("changes", [{"folder": {"childCount": 2}}, {"size": 3 * 1024**3}])
async def test_a_folder_or_a_giant_gets_no_link(linked, changes):
    stored_item(linked, **changes)
    refused = await linked.refused("files_get", item=REF, link=True)
    assert refused["error"] == "unsupported"


async def test_a_folder_is_shown_with_how_much_is_in_it(linked):
    stored_item(linked, folder={"childCount": 2})
    told = await linked.told("files_get", item=REF)
    assert (told["type"], told["children"]) == ("folder", 2)


async def test_a_page_is_found_through_its_share_and_never_fetched(linked):
    address = "https://contoso.sharepoint.com/:w:/s/x/Eabc?e=1"
    key = base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")
    stored_item(linked, f"/v1.0/shares/u!{key}/driveItem")
    assert (await linked.told("files_get", item=address))["ref"] == REF
    assert {request.url.host for request in linked.network.requests} == {"graph.microsoft.com"}


async def test_a_path_is_found_in_the_own_drive(linked):
    stored_item(linked, "/v1.0/me/drive/root:/Reports/Q3 plan.pdf:")
    assert (await linked.told("files_get", item="/Reports/Q3 plan.pdf"))["ref"] == REF
    assert b"/root:/Reports/Q3%20plan.pdf:" in linked.network.requests[0].url.raw_path


@pytest.mark.parametrize("bad", ["..", "/a/..", "https://evil.example/x", "http://x", "a b", "x/"])
async def test_an_item_that_is_none_is_refused_before_anything_is_sent(linked, bad):
    assert (await linked.refused("files_get", item=bad))["argument"] == "item"
    assert linked.network.requests == []


@pytest.mark.parametrize(
    "url", ["http://contoso.sharepoint.com/x", "javascript:alert(1)", "https://x/" + "a" * 2000, 5]
)
async def test_a_web_address_that_is_none_is_left_out(linked, url):
    stored_item(linked, webUrl=url)
    assert "web_url" not in await linked.told("files_get", item=REF)


async def test_a_file_that_is_gone_throttled_or_forbidden_is_told(linked):
    assert (await linked.refused("files_get", item="b!D1/GONE"))["error"] == "not_found"
    linked.network.on(ITEM, error(403, "accessDenied"))
    assert (await linked.refused("files_get", item=REF))["missing_scope"] == "Files.Read.All"
    linked.network.on(ITEM, throttled("90"))
    assert (await linked.refused("files_get", item=REF))["retry_after_s"] == 90
