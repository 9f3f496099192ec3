"""Files over links: real server, real sockets, the local tenant, a real browser."""

import asyncio
import json
import logging
import os
import socket
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from obo_graph.app import create_app
from obo_graph.settings import GraphSettings
from support.callers import connected, text
from support.chromium import MISSING, chromium
from support.serving import Serving

BIG = bytes(range(251)) * 20_000


@pytest.fixture
def server(world):
    graph = GraphSettings(
        graph_url=world.url,
        graph_resource=world.about["graph_resource"],
        read_only=False,
        download_hosts=".contoso.example",
    )
    with Serving(lambda url: create_app(world.settings(f"{url}/mcp"), graph)) as serving:
        yield serving.url


@contextmanager
def hearing(outcome):
    """Waits, on leaving, for the event of a link whose use ended so."""
    heard = threading.Event()

    class Ear(logging.Handler):
        def emit(self, record):
            fields = getattr(record, "obo_mcp_fields", {})
            if (fields.get("event"), fields.get("outcome")) == ("file_link", outcome):
                heard.set()

    logger, ear = logging.getLogger("obo_mcp.audit"), Ear()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(ear)
    try:
        yield
        assert heard.wait(20)
    finally:
        logger.removeHandler(ear)
        logger.setLevel(before)


async def called(world, server, tool, person="adele", **arguments):
    async with connected(f"{server}/mcp", world.token(person)) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    return result.structured_content


async def uploaded(world, server, name, content, **more):
    told = await called(world, server, "files_upload", name=name, link=True, **more)
    async with httpx.AsyncClient(trust_env=False) as http:
        return told["upload_link"], await http.put(told["upload_link"], content=content)


async def test_a_large_file_goes_up_and_comes_down_past_the_model(world, server):
    link, answer = await uploaded(world, server, "Große Datei.bin", BIG)
    assert answer.status_code == 201
    assert answer.json() == {"saved": "Große Datei.bin", "size_bytes": len(BIG)}
    told = await called(world, server, "files_get", item="/Große Datei.bin", link=True)
    assert told["size"] == len(BIG)
    async with httpx.AsyncClient(trust_env=False) as http:
        whole = await http.get(told["download_link"])
        assert whole.content == BIG
        assert whole.headers["content-length"] == str(len(BIG))
        assert "filename*=UTF-8''Gro%C3%9Fe%20Datei.bin" in whole.headers["content-disposition"]
        assert whole.headers["content-security-policy"].startswith("sandbox;")
        part = await http.get(told["download_link"], headers={"Range": "bytes=251-501"})
        assert (part.status_code, part.content) == (206, BIG[251:502])
        behind = await http.get(told["download_link"], headers={"Range": f"bytes={len(BIG)}-"})
        assert behind.status_code == 416
        head = await http.head(told["download_link"])
        assert head.headers["content-length"] == str(len(BIG))
        again = await http.put(link, content=b"again")
        assert again.status_code == 410
    shown = json.dumps(told) + str(whole.headers)
    assert world.url not in shown.replace(told["web_url"], "")
    assert "_download" not in shown


async def test_no_access_token_of_anybody_reaches_a_file_host(world, server):
    await uploaded(world, server, "plain.txt", b"Hello")
    told = await called(world, server, "files_get", item="/plain.txt", link=True)
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(told["download_link"], headers={"Authorization": "Bearer x"})
    assert answer.content == b"Hello"
    moved = [entry for entry in world.log("graph") if entry["path"].startswith("/_")]
    assert moved
    assert all(entry["status"] < 400 for entry in moved)  # the hosts refuse any Authorization


async def test_a_file_in_chunks_without_a_length_is_refused(world, server):
    async def chunks():
        yield b"a"
        yield b"b"

    _, answer = await uploaded(world, server, "chunks.txt", chunks())
    assert answer.status_code == 411


async def test_two_people_send_and_fetch_at_once_and_each_gets_their_own(world, server):
    async def both_ways(person):
        content = person.encode() * 100_000
        told = await called(world, server, "files_upload", person, name="mine.bin", link=True)
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.put(told["upload_link"], content=content)
            got = await called(world, server, "files_get", person, item="/mine.bin", link=True)
            assert (await http.get(got["download_link"])).content == content

    await asyncio.gather(*(both_ways(person) for person in ("adele", "megan")))


async def test_a_name_that_is_taken_is_refused_and_renamed_or_replaced_on_wish(world, server):
    _, first = await uploaded(world, server, "taken.txt", b"1")
    assert first.status_code == 201
    async with connected(f"{server}/mcp", world.token("adele")) as client:
        wanted = {"name": "taken.txt", "content": "2"}
        refused = await client.call_tool("files_upload", wanted)
        assert "is taken" in text(refused)
        renamed = await client.call_tool("files_upload", wanted | {"if_exists": "rename"})
        assert renamed.structured_content["name"] != "taken.txt"
        replaced = await client.call_tool("files_upload", wanted | {"if_exists": "replace"})
        assert replaced.structured_content["name"] == "taken.txt"
        read = await client.call_tool("files_read", {"item": "/taken.txt"})
        assert "\n2\n" in read.structured_content["untrusted_text"]


async def test_an_upload_whose_sender_hangs_up_leaves_no_file(world, server):
    told = await called(world, server, "files_upload", name="half.bin", link=True)
    parts = urlsplit(told["upload_link"])
    head = f"PUT {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 5000000"
    with hearing("left"), socket.create_connection((parts.hostname, parts.port)) as client:
        client.sendall(head.encode() + b"\r\n\r\n" + b"x" * 2_000_000)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.put(told["upload_link"], content=b"x")).status_code == 410
    listed = await called(world, server, "files_list", limit=50)
    assert "half.bin" not in [row["name"] for row in listed["items"]]


async def test_a_download_whose_reader_hangs_up_ends(world, server):
    await uploaded(world, server, "long.bin", BIG * 4)
    told = await called(world, server, "files_get", item="/long.bin", link=True)
    parts = urlsplit(told["download_link"])
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n"
    with hearing("left"), socket.create_connection((parts.hostname, parts.port)) as client:
        client.sendall(request.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 200")


async def test_a_link_works_under_our_own_host_only(world, server):
    await uploaded(world, server, "host.txt", b"1")
    told = await called(world, server, "files_get", item="/host.txt", link=True)
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(told["download_link"], headers={"Host": "evil.example"})
        assert answer.status_code == 404
        options = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
        asked = await http.options(told["download_link"], headers=options)
        assert asked.status_code == 405
        assert not [name for name in asked.headers if name.startswith("access-control")]


async def test_sharing_and_its_dry_run_work_in_the_tenant(world, server):
    await uploaded(world, server, "shared.txt", b"1")
    megan = world.person("megan")["user_principal_name"]
    for people in ([], [megan]):
        wanted = {"item": "/shared.txt", "people": people}
        would = await called(world, server, "files_share", **wanted, dry_run=True)
        assert would["would"]["audience"] == ("people" if people else "organization")
        done = await called(world, server, "files_share", **wanted)
        assert done["link"].startswith("https://")


async def test_the_address_that_a_person_sees_names_the_same_file(world, server):
    await uploaded(world, server, "seen.txt", b"1")
    told = await called(world, server, "files_get", item="/seen.txt")
    assert await called(world, server, "files_get", item=told["web_url"]) == told
    read = await called(world, server, "files_read", item=told["web_url"])
    assert read["ref"] == told["ref"]


@pytest.mark.chromium
@pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"), reason=f"not on this machine: {MISSING}"
)
async def test_a_person_sends_a_file_with_their_browser(world, server, tmp_path):
    chosen = tmp_path / "chosen.bin"
    chosen.write_bytes(BIG)
    told = await called(world, server, "files_upload", name="From & 'browser'.bin", link=True)
    seen = {}

    def in_the_browser():
        with chromium() as page:
            page.open(told["upload_link"])
            seen["title"], seen["words"] = page.title(), page.text()
            seen["styled"] = page.run("return getComputedStyle(document.body).maxWidth")
            page.type("#file", str(chosen))
            page.press("#send")
            while "Sending" in page.text("#status"):
                pass
            seen["done"] = page.text("#status")
            seen["hidden"] = page.run("return document.querySelector('#progress').hidden")

    await asyncio.to_thread(in_the_browser)
    assert seen["title"] == "Send a file"
    assert "From & 'browser'.bin" in seen["words"]
    assert seen["styled"] != "none"
    assert seen["hidden"] is True
    assert seen["done"].startswith("Saved as From & 'browser'.bin.")
    got = await called(world, server, "files_get", item="/From & 'browser'.bin", link=True)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(got["download_link"])).content == BIG
