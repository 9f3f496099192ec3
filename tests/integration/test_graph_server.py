"""The Graph server in the local tenant: real client, exchange and Graph routes, both wires."""

import asyncio
import json

import httpx
import pytest

from obo_graph.app import create_app
from obo_graph.settings import GraphSettings
from support.callers import ERAS, connected, text
from support.serving import Serving

READING = ["mail_search", "calendar_view", "files_search"]
WEEK = {"start": "2026-11-20", "end": "2026-12-20"}
TOOLS_LIST_BYTES = 25 * 1024
TEN_MAILS_BYTES = 4 * 1024


@pytest.fixture
def url(world):
    graph = GraphSettings(graph_url=world.url, graph_resource=world.about["graph_resource"])
    with Serving(lambda url: create_app(world.settings(f"{url}/mcp"), graph)) as serving:
        yield f"{serving.url}/mcp"


def arguments(tool):
    return {"calendar_view": WEEK, "files_search": {"query": "minutes"}}.get(tool, {})


@pytest.mark.promise("P-03")
@pytest.mark.parametrize("era", ERAS)
async def test_two_people_ask_at_once_and_each_gets_only_their_own(world, url, era):
    found = {}

    async def ask(key):
        async with connected(url, world.token(key), era) as client:
            me = (await client.call_tool("whoami", {})).structured_content
            assert me["id"] == world.person(key)["oid"]
            for tool in READING:
                result = await client.call_tool(tool, arguments(tool))
                assert not result.is_error, text(result)
                rows = result.structured_content["items"]
                assert rows
                found.setdefault(key, set()).update(row.get("id") or row["ref"] for row in rows)

    await asyncio.gather(*(ask(key) for key in ("adele", "megan") for _ in range(2)))
    assert not found["adele"] & found["megan"]
    assert len(world.exchanges()) <= 4


@pytest.mark.parametrize("era", ERAS)
async def test_what_was_found_can_be_read(world, url, era):
    async with connected(url, world.token("adele"), era) as client:
        mails = (await client.call_tool("mail_search", {})).structured_content["items"]
        mail = await client.call_tool("mail_read", {"message_id": mails[0]["id"]})
        assert mails[0]["subject"] in text(mail)
        files = (await client.call_tool("files_search", {"query": "minutes"})).structured_content
        readable = next(row for row in files["items"] if row["name"].endswith((".md", ".txt")))
        file = await client.call_tool("files_read", {"item": readable["ref"]})
        assert not file.is_error, text(file)


@pytest.mark.promise("P-03")
async def test_another_persons_ids_open_nothing(world, url):
    async with connected(url, world.token("megan")) as client:
        mail = (await client.call_tool("mail_search", {})).structured_content["items"][0]["id"]
        found = await client.call_tool("files_search", {"query": "minutes"})
        file = found.structured_content["items"][0]["ref"]
    async with connected(url, world.token("adele")) as client:
        for tool, wanted in (("mail_read", {"message_id": mail}), ("files_read", {"item": file})):
            result = await client.call_tool(tool, wanted)
            assert result.is_error
            assert "not_found" in text(result) or "forbidden" in text(result)


@pytest.mark.parametrize("bad", ["..", ".", "../../users", "a b", "%2e%2e", "x/../y", "", "ä"])
async def test_an_id_that_would_lead_elsewhere_is_refused_and_never_sent(world, url, bad):
    async with connected(url, world.token("adele")) as client:
        for tool, name in (("mail_read", "message_id"), ("files_read", "item")):
            result = await client.call_tool(tool, {name: bad})
            assert result.is_error
    paths = [entry["path"] for entry in world.log("graph")]
    assert not any("users" in path or ".." in path for path in paths)


async def test_unknown_arguments_are_refused_by_name(world, url):
    async with connected(url, world.token("adele")) as client:
        result = await client.call_tool("mail_search", {"folders": "inbox"})
    assert result.is_error
    assert "folders" in text(result)
    assert world.log("graph") == []


@pytest.mark.promise("P-09")
@pytest.mark.parametrize("era", ERAS)
async def test_listing_the_tools_costs_no_exchange_and_few_bytes(world, url, era):
    async with connected(url, world.token("diego"), era) as client:
        listed = await client.list_tools()
    as_sent = {"mode": "json", "by_alias": True, "exclude_none": True}
    tools = [tool.model_dump(**as_sent) for tool in listed.tools]
    assert len(json.dumps(tools)) < TOOLS_LIST_BYTES
    assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
    assert world.exchanges() == []


async def test_ten_mails_are_few_bytes(world, url):
    async with connected(url, world.token("adele")) as client:
        result = await client.call_tool("mail_search", {"limit": 10})
    assert len(result.structured_content["items"]) == 10
    assert len(text(result).encode()) < TEN_MAILS_BYTES


async def test_paging_shows_every_mail_once(world, url):
    seen, cursor = [], ""
    async with connected(url, world.token("alex")) as client:
        while True:
            asked = {"limit": 50} | ({"cursor": cursor} if cursor else {})
            page = (await client.call_tool("mail_search", asked)).structured_content
            seen += [row["id"] for row in page["items"]]
            if not (cursor := page.get("next")):
                break
    assert len(seen) == len(set(seen)) > 200


async def test_graph_down_for_one_person_is_told_in_words_and_spares_the_others(world, url):
    world.fault("graph", person="adele", status=503, count=20, headers={"Retry-After": "60"})
    async with (
        connected(url, world.token("adele")) as adele,
        connected(url, world.token("megan")) as megan,
    ):
        refused, served = await asyncio.gather(
            adele.call_tool("mail_search", {}), megan.call_tool("mail_search", {})
        )
    assert refused.is_error
    assert "retry_after" in text(refused)
    assert not served.is_error


@pytest.mark.promise("P-12")
async def test_graph_never_sees_the_access_token_of_the_caller(world, url):
    async with connected(url, world.token("adele")) as client:
        await client.call_tool("mail_search", {})
    server = world.about["apps"]["mcp-server"]["client_id"]
    seen = {entry["client_id"] for entry in world.log("graph") if entry["status"] != 401}
    assert seen == {server}
    assert not [entry for entry in world.log("graph") if entry["status"] == 401]


@pytest.mark.promise("P-10")
@pytest.mark.parametrize("era", ERAS)
async def test_a_person_without_consent_is_told_who_can_grant_it(world, url, era):
    async with connected(url, world.token("diego"), era) as client:
        result = await client.call_tool("mail_search", {})
    assert result.is_error
    assert "consent" in text(result)


async def test_the_correlation_id_of_the_caller_reaches_graph(world, url):
    async with httpx.AsyncClient(trust_env=False) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        body["params"] = {"name": "whoami", "arguments": {}}
        headers = {
            "Authorization": f"Bearer {world.token('adele').reveal()}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
            "client-request-id": "22222222-0000-4000-8000-000000000000",
        }
        assert (await http.post(url, json=body, headers=headers)).status_code == 200
    ids = {entry["client_request_id"] for entry in [*world.log("graph"), *world.exchanges()]}
    assert ids == {"22222222-0000-4000-8000-000000000000"}


async def test_a_large_request_is_refused_and_the_server_goes_on(world, url):
    bearer = {"Authorization": f"Bearer {world.token('adele').reveal()}"}
    async with httpx.AsyncClient(headers=bearer, trust_env=False) as http:
        large = await http.post(url, content=b"x" * (5 * 1024 * 1024))
        assert large.status_code == 413
        header = await http.post(url, headers={"Authorization": "Bearer " + "a" * 20_000})
        assert header.status_code == 401
        assert "16 KiB" in header.json()["error_description"]
    async with connected(url, world.token("adele")) as client:
        assert not (await client.call_tool("whoami", {})).is_error


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil"])
async def test_a_foreign_host_name_is_refused(world, url, host):
    headers = {"Authorization": f"Bearer {world.token('adele').reveal()}", "Host": host}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(url, headers=headers, json={})
    assert answer.status_code == 421
