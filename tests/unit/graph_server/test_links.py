"""Links by which a file moves without passing through a model."""

import asyncio
import base64
import json
import logging
from dataclasses import replace

import anyio
import httpx
import pytest

from obo_graph.app import create_app
from obo_graph.links.desk import Links
from obo_graph.links.headers import content_type, disposition
from obo_graph.links.pace import Pace
from obo_graph.links.ticket import SEALED_CHARS, TicketSeal
from obo_graph.links.upload import PART_BYTES, _Body
from obo_graph.settings import GraphSettings
from obo_graph.shape.link import MOST_BYTES
from obo_mcp import ConfigurationError, Settings
from unit.graph_server.links_world import (
    OURS,
    SESSION,
    STORE,
    LinkedWorld,
    Session,
    Visitor,
    events,
    nothing,
)

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


@pytest.fixture
def linked():
    return LinkedWorld()


@pytest.fixture
def audit(caplog):
    caplog.set_level(logging.INFO, "obo_mcp.audit")
    return lambda: events(caplog)


def holds(world, content=b"Hello", **headers):
    world.network.on("/download/x", httpx.Response(200, content=content, headers=headers))


# --- the ticket --------------------------------------------------------------------------------


def test_a_ticket_opens_with_its_key_and_with_a_later_ring_that_still_has_it():
    link = Links(origin=OURS, seconds=60, seal=TicketSeal([KEY]))
    sealed = link.download(STORE, "a.txt", "text/plain", ("t", "o")).url.rpartition("/")[2]
    for ring in ([KEY], [OTHER_KEY, KEY]):
        ticket = TicketSeal(ring).open(sealed)
        assert (ticket.url, ticket.name, ticket.person) == (STORE, "a.txt", ("t", "o"))
    assert TicketSeal([OTHER_KEY]).open(sealed) is None
    assert TicketSeal().open(sealed) is None


def test_nothing_of_a_file_can_be_read_from_its_link():
    url = Links(origin=OURS, seconds=60).download(STORE, "salaries.txt", "", ("t", "oid-1")).url
    sealed = url.removeprefix(f"{OURS}/links/")
    clear = base64.urlsafe_b64decode(sealed + "==") + sealed.encode() + repr(url).encode()
    for secret in (b"sharepoint", b"secret-of-graph", b"salaries", b"oid-1"):
        assert secret not in clear


def test_no_bit_of_a_link_can_be_changed():
    seal = TicketSeal([KEY])
    url = Links(origin=OURS, seconds=60, seal=seal).upload(SESSION, "a", ("t", "o")).url
    sealed = bytearray(base64.urlsafe_b64decode(url.rpartition("/")[2] + "=="))
    for at in range(len(sealed)):
        sealed[at] ^= 1
        assert seal.open(base64.urlsafe_b64encode(sealed).decode().rstrip("=")) is None
        sealed[at] ^= 1


@pytest.mark.parametrize("sealed", ["", "A", "AAAA", "ä", "%", "A" * (SEALED_CHARS + 1), "=" * 40])
def test_what_is_no_ticket_is_none(sealed):
    assert TicketSeal([KEY]).open(sealed) is None


def test_a_link_holds_the_long_addresses_that_sharepoint_gives():
    address = "https://contoso.sharepoint.com/_layouts/15/download.aspx?tempauth=" + "eyJ0" * 700
    url = Links(origin=OURS, seconds=60).download(address, "a" * 240, "", ("t" * 36, "o" * 36)).url
    assert len(url) <= SEALED_CHARS


def test_secrets_do_not_show_in_reprs():
    seal = TicketSeal([KEY])
    links = Links(origin=OURS, seconds=60, seal=seal)
    link = links.download(STORE, "salaries", "", ("t", "oid-1"))
    ticket = seal.open(link.url.rpartition("/")[2])
    assert "salaries" not in repr((link, ticket, links))
    assert "sharepoint" not in repr((link, ticket, links))
    assert "/links/" not in repr(link)


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("notes.txt", "attachment; filename=\"notes.txt\"; filename*=UTF-8''notes.txt"),
        ("Ä b.pdf", "attachment; filename=\"_ b.pdf\"; filename*=UTF-8''%C3%84%20b.pdf"),
        ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a_b.txt"),
        ("../../etc", "attachment; filename=\"_.._etc\"; filename*=UTF-8''_.._etc"),
        ("a\r\nX: y", "attachment; filename=\"a X_ y\"; filename*=UTF-8''a%20X_%20y"),
        ("", "attachment; filename=\"file\"; filename*=UTF-8''file"),
        ("..", "attachment; filename=\"file\"; filename*=UTF-8''file"),
        ("a%22.txt", "attachment; filename=\"a_22.txt\"; filename*=UTF-8''a%2522.txt"),
        ("cod\u202etxt.exe", "attachment; filename=\"codtxt.exe\"; filename*=UTF-8''codtxt.exe"),
    ],
)  # fmt: skip
def test_a_file_is_named_so_that_no_name_is_a_header_or_a_path(name, header):
    assert disposition(name) == header
    assert disposition(name).isascii()


def test_a_long_name_keeps_its_ending():
    header = disposition("\u8868" * 200 + ".docx")
    assert header.endswith(".docx")
    assert '.docx"' in header
    assert disposition("a" * 300).count("a" * 237) == 2
    assert len(disposition("a." * 500)) < 800


@pytest.mark.parametrize(
    ("named", "sent"),
    [
        ("application/pdf", "application/pdf"),
        ("Image/PNG; x=y", "image/png"),
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/javascript", "application/octet-stream"),
        ("application/pdf\r\nx: y", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_only_types_that_run_nowhere_are_passed_on(named, sent):
    assert content_type(named) == sent


# --- the door ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/mcp", "/", "/link/x", "/livez", "/linksx", "/x/links/y"])
async def test_everything_that_is_no_link_goes_on_to_the_server(linked, path):
    assert (await linked.visit(f"{OURS}{path}")).status == 418


async def test_the_lifespan_goes_on_to_the_server(linked):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    linked.door.app = app
    await linked.serve({"type": "lifespan"}, None, None)
    await linked.serve({"type": "websocket", "path": "/links/x"}, None, None)
    assert seen == ["lifespan", "websocket"]


@pytest.mark.parametrize("host", [b"evil.example", b"mcp.contoso.example:8443", b"localhost", b""])
async def test_a_link_works_under_our_own_host_only(linked, host):
    holds(linked)
    url = linked.download()
    scope_headers = [(b"host", host)]
    answer = await visit_with(linked, url, scope_headers)
    assert answer.status == 404
    assert (await visit_with(linked, url, [])).status == 404
    twice = [(b"host", b"mcp.contoso.example")] * 2
    assert (await visit_with(linked, url, twice)).status == 404
    assert linked.network.requests == []


@pytest.mark.parametrize("host", [b"MCP.contoso.example", b"mcp.contoso.example:443", b"inner:80"])
async def test_our_own_host_has_more_than_one_name(linked, host):
    holds(linked)
    linked.door.hosts = ("inner:80",)
    assert (await visit_with(linked, linked.download(), [(b"host", host)])).status == 200


async def visit_with(world, url, headers):
    visitor = Visitor([])
    scope = {"type": "http", "method": "GET", "path": url.removeprefix(OURS), "headers": headers}
    await world.serve(scope, visitor.receive, visitor.send)
    return visitor.answer


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "PUT", "PATCH"])
async def test_a_download_link_gives_and_takes_nothing(linked, method):
    answer = await linked.visit(linked.download(), method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert linked.network.requests == []


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "PATCH"])
async def test_an_upload_link_knows_no_other_way(linked, method):
    answer = await linked.visit(linked.upload(), method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, PUT")
    assert linked.network.requests == []


async def test_a_link_of_one_direction_does_not_open_in_the_other(linked):
    Session(linked.network)
    answer = await linked.visit(linked.upload())
    assert answer.status == 200
    assert linked.network.requests == []  # a page, and no byte of anything


async def test_no_other_web_page_may_read_an_answer(linked):
    holds(linked)
    for url in (linked.download(), linked.upload(), f"{OURS}/links/x"):
        answer = await linked.visit(url, headers=[(b"origin", b"https://evil.example")])
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_link_that_is_none_of_ours_is_not_found(linked, audit):
    for url in (f"{OURS}/links/", f"{OURS}/links/AAAA", linked.download()[:-1] + "!"):
        answer = await linked.visit(url)
        assert answer.status == 404
        assert b"Ask for a new one" in answer.body
    assert [event["status"] for event in audit()] == [404, 404, 404]
    assert "tid" not in audit()[0]


async def test_a_link_ends_by_the_clock(linked):
    holds(linked)
    url = linked.download()
    linked.clock.seconds += linked.settings.link_seconds - 1
    assert (await linked.visit(url)).status == 200
    linked.clock.seconds += 1
    assert (await linked.visit(url)).status == 410
    assert linked.network.paths().count("/download/x") == 1


async def test_links_that_are_switched_off_do_not_open(linked):
    url = linked.download()
    linked.door.links = replace(linked.links, seconds=0)
    assert (await linked.visit(url)).status == 404
    assert linked.network.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "http://contoso.sharepoint.com/x",
        "https://sharepoint.com.evil.example/x",
        "https://user@contoso.sharepoint.com/x",
        "http://169.254.169.254/x",
        "file:///etc/passwd",
        "",
    ],
)
async def test_an_address_elsewhere_is_not_opened_even_out_of_our_own_seal(linked, address):
    assert (await linked.visit(linked.download(url=address))).status == 404
    assert (await linked.visit(linked.upload(url=address), "PUT", [b"x"])).status == 404
    assert linked.network.requests == []


async def test_no_more_files_move_at_once_than_is_good_for_the_tools(linked):
    linked.door.at_once = 0
    answer = await linked.visit(linked.download())
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")


async def test_one_person_leaves_room_for_others(linked):
    holds(linked)
    linked.door.for_one = 0
    assert (await linked.visit(linked.download())).status == 503
    linked.door.for_one = 1
    assert (await linked.visit(linked.download())).status == 200


# --- down --------------------------------------------------------------------------------------


async def test_a_download_link_gives_the_file_and_nothing_of_the_host_it_came_from(linked, audit):
    holds(linked, b"Hello", **{"Set-Cookie": "a=b", "ETag": "x", "X-Secret": "s", "Location": "y"})
    answer = await linked.visit(
        linked.download("Zahlen.txt"),
        headers=[(b"authorization", b"Bearer x"), (b"cookie", b"a=b"), (b"x-custom", b"y")],
    )
    assert (answer.status, answer.body) == (200, b"Hello")
    assert answer.headers == {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "x-robots-tag": "noindex",
        "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "content-type": "text/plain",
        "content-disposition": "attachment; filename=\"Zahlen.txt\"; filename*=UTF-8''Zahlen.txt",
        "accept-ranges": "bytes",
        "content-length": "5",
    }
    asked = linked.network.requests[-1]
    assert str(asked.url) == STORE
    assert not {"authorization", "cookie", "x-custom", "range"} & set(asked.headers)
    (event,) = audit()
    assert event == {
        "event": "file_link",
        "outcome": "done",
        "status": 200,
        "size_bytes": 5,
        "milliseconds": 0,
        "direction": "download",
        "tid": "contoso",
        "oid": "adele",
    }


async def test_a_head_gets_the_headers_alone(linked):
    holds(linked)
    answer = await linked.visit(linked.download(), "HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "5")


async def test_a_range_passes_through(linked):
    part = {"Content-Range": "bytes 1-2/5"}
    linked.network.on("/download/x", httpx.Response(206, content=b"el", headers=part))
    answer = await linked.visit(linked.download(), headers=[(b"range", b"bytes=1-2")])
    assert (answer.status, answer.body) == (206, b"el")
    assert answer.headers["content-range"] == "bytes 1-2/5"
    assert linked.network.requests[-1].headers["range"] == "bytes=1-2"


@pytest.mark.parametrize("wanted", [b"bytes=0-1,3-4", b"lines=1-2", b"bytes=a-b", b"bytes=-", b""])
async def test_a_range_that_is_not_one_plain_range_is_left_out(linked, wanted):
    holds(linked)
    assert (await linked.visit(linked.download(), headers=[(b"range", wanted)])).status == 200
    assert "range" not in linked.network.requests[-1].headers


async def test_a_part_of_a_version_that_we_never_named_is_the_whole(linked):
    holds(linked)
    asked = [(b"range", b"bytes=1-2"), (b"if-range", b'"x"')]
    assert (await linked.visit(linked.download(), headers=asked)).status == 200
    assert "range" not in linked.network.requests[-1].headers


async def test_a_length_in_other_digits_is_left_out(linked):
    answer = httpx.Response(200, content=b"Hello")
    answer.headers = httpx.Headers([(b"content-length", "\u0665".encode())])
    linked.network.on("/download/x", answer)
    answer = await linked.visit(linked.download())
    assert (answer.status, answer.body) == (200, b"Hello")
    assert "content-length" not in answer.headers


async def test_a_range_behind_the_end_is_told_as_one(linked):
    end = {"Content-Range": "bytes */5"}
    linked.network.on("/download/x", httpx.Response(416, headers=end))
    answer = await linked.visit(linked.download(), headers=[(b"range", b"bytes=9-")])
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */5")


@pytest.mark.parametrize(
    ("upstream", "status"),
    [
        (httpx.Response(401), 410),
        (httpx.Response(404), 410),
        (httpx.Response(429, headers={"Retry-After": "9"}), 503),
        (httpx.Response(503), 503),
        (httpx.Response(500, content=b"secret-of-graph"), 502),
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), 502),
        (httpx.Response(200, headers={"Content-Encoding": "br"}, content=b""), 502),
        (httpx.Response(200, headers={"Content-Length": str(MOST_BYTES + 1)}), 502),
        (httpx.ConnectError("https://contoso.sharepoint.com/secret-of-graph"), 502),
        (httpx.InvalidURL("secret-of-graph"), 502),
    ],
)  # fmt: skip
async def test_what_the_host_refuses_is_told_in_our_words(linked, audit, caplog, upstream, status):
    linked.network.on("/download/x", upstream)
    answer = await linked.visit(linked.download())
    assert answer.status == status
    told = json.dumps(answer.headers) + answer.body.decode() + caplog.text
    assert "secret-of-graph" not in told
    assert "sharepoint" not in told
    assert "location" not in answer.headers
    assert len(linked.network.requests) == 1
    assert audit()[0]["outcome"] == "refused"


class Stream(httpx.AsyncByteStream):
    """Endless, or broken off after some chunks; knows whether it was closed."""

    def __init__(self, *chunks, then=None):
        self.chunks = chunks
        self.then = then
        self.read = 0
        self.closed = False

    async def __aiter__(self):
        for chunk in self.chunks or _endless():
            self.read += 1
            yield chunk
            await anyio.lowlevel.checkpoint()
        if self.then:
            raise self.then

    async def aclose(self):
        self.closed = True


def _endless():
    while True:
        yield b"x" * 1000


async def test_a_file_is_passed_on_chunk_by_chunk(linked):
    stream = Stream(*[b"a", b"bc", b"d"] * 50)
    linked.network.on("/download/x", httpx.Response(200, stream=stream))
    answer = await linked.visit(linked.download())
    assert answer.body == b"abcd" * 50
    assert "content-length" not in answer.headers


async def test_a_client_that_leaves_frees_the_host(linked, audit):
    stream = Stream()
    linked.network.on("/download/x", httpx.Response(200, stream=stream))
    left = anyio.Event()

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    started = []

    async def send(message):
        started.append(message)
        if len(started) > 3:
            left.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": linked.download().removeprefix(OURS),
        "headers": [(b"host", b"mcp.contoso.example")],
    }
    with anyio.fail_after(10):
        await linked.serve(scope, receive, send)
    assert stream.closed
    assert audit()[0]["outcome"] == "left"
    assert linked.door._moving == []


async def test_a_client_that_does_not_read_is_left(linked, audit):
    stream = Stream()
    linked.network.on("/download/x", httpx.Response(200, stream=stream))
    linked.door.pace = Pace(idle_seconds=0)
    await _without_reading(linked)
    assert stream.closed
    assert audit()[0]["outcome"] == "left"


async def test_a_client_that_takes_for_ever_is_left(linked, audit):
    stream = Stream()
    linked.network.on("/download/x", httpx.Response(200, stream=stream))
    linked.door.pace = Pace(whole_seconds=0)
    await _without_reading(linked)
    assert audit()[0]["outcome"] == "left"


async def _without_reading(world):
    scope = {
        "type": "http",
        "method": "GET",
        "path": world.download().removeprefix(OURS),
        "headers": [(b"host", b"mcp.contoso.example")],
    }
    with anyio.fail_after(10):
        await world.serve(scope, nothing, nothing)


async def test_an_address_that_no_client_can_ask_for_is_told_in_words(linked, audit):
    broken = f"{STORE}\ud800"
    for answer in (
        await linked.visit(linked.download(url=broken)),
        await linked.visit(linked.upload(url=broken), "PUT", [b"x"]),
    ):
        assert (answer.status, answer.headers["cache-control"]) == (502, "no-store")
    assert [event["outcome"] for event in audit()] == ["refused", "refused"]


async def test_a_server_that_says_by_an_error_that_the_client_left_is_understood(linked, audit):
    holds(linked)

    async def send(_message):
        raise BrokenPipeError

    scope = {
        "type": "http",
        "method": "GET",
        "path": linked.download().removeprefix(OURS),
        "headers": [(b"host", b"mcp.contoso.example")],
    }
    await linked.serve(scope, nothing, send)
    assert audit()[0]["outcome"] == "left"


@pytest.mark.parametrize(
    "stream", [Stream(b"x" * 10, then=httpx.ReadError("lost")), Stream(b"x" * 10, b"y" * 91)]
)  # fmt: skip
async def test_a_file_that_breaks_off_or_grows_too_large_is_not_shown_as_whole(
    linked, audit, stream
):
    linked.network.on("/download/x", httpx.Response(200, stream=stream))
    url = linked.download()
    ticket = linked.links.seal.open(url.rpartition("/")[2])
    small = linked.links.seal.seal(replace(ticket, max_bytes=100))
    ends = []

    async def send(message):
        ends.append(message.get("more_body", True))

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/links/{small}",
        "headers": [(b"host", b"mcp.contoso.example")],
    }
    await linked.serve(scope, nothing, send)
    assert all(ends)
    assert (audit()[0]["outcome"], audit()[0]["size_bytes"]) == ("failed", 10)
    assert stream.closed


def test_what_is_kept_of_an_upload_is_bounded():
    async def receive():
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    async def most_kept():
        body, most = _Body(receive, Pace()), 0
        for start in range(0, 40 * PART_BYTES, PART_BYTES):
            part = await body.read(start, start + PART_BYTES)
            most = max(most, len(part) + len(body.kept))
        return most

    assert asyncio.run(most_kept()) <= 4_000_000


# --- up ----------------------------------------------------------------------------------------


async def test_a_file_goes_up_in_parts_and_its_name_comes_back(linked, audit):
    session = Session(linked.network)
    content = bytes(range(256)) * 10_000
    chunks = [content[at : at + 60_000] for at in range(0, len(content), 60_000)]
    answer = await linked.visit(linked.upload(), "PUT", chunks)
    assert answer.status == 201
    assert answer.json == {"saved": "new 1.txt", "size_bytes": len(content)}
    assert bytes(session.content) == content
    assert session.parts == [PART_BYTES, len(content) - PART_BYTES]
    assert PART_BYTES % 327_680 == 0
    assert "content-security-policy" in answer.headers
    (event,) = audit()
    assert (event["outcome"], event["direction"]) == ("done", "upload")
    assert (event["status"], event["size_bytes"]) == (201, len(content))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"content-length", b"0")], 400),
        ([(b"content-length", b"-1")], 400),
        ([(b"content-length", b"1e3")], 400),
        ([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], 400),
        ([(b"content-length", str(MOST_BYTES + 1).encode())], 413),
    ],
)
async def test_an_upload_says_how_large_it_is(linked, headers, status):
    Session(linked.network)
    answer = await linked.visit(linked.upload(), "PUT", [b"x"], headers=headers)
    assert answer.status == status
    assert linked.network.requests == []


async def test_an_upload_without_a_length_is_refused(linked):
    scope = {
        "type": "http",
        "method": "PUT",
        "path": linked.upload().removeprefix(OURS),
        "headers": [(b"host", b"mcp.contoso.example")],
    }
    answered = []

    async def send(message):
        answered.append(message.get("status"))

    await linked.serve(scope, None, send)
    assert answered[0] == 411
    assert linked.network.requests == []


async def test_an_upload_link_works_once(linked):
    Session(linked.network)
    url = linked.upload()
    assert (await linked.visit(url, "PUT", [b"first"])).status == 201
    assert (await linked.visit(url, "PUT", [b"second"])).status == 410


async def test_an_upload_that_was_begun_elsewhere_is_not_mixed_with_another(linked):
    session = Session(linked.network)
    session.content += b"x" * 327_680
    answer = await linked.visit(linked.upload(), "PUT", [b"second"])
    assert answer.status == 409
    assert session.parts == []


async def test_two_at_once_with_one_link_are_not_mixed(linked):
    session = Session(linked.network)
    url, answers = linked.upload(), []
    waiting = anyio.Event()

    async def receive():
        if not answers:
            answers.append(await linked.visit(url, "PUT", [b"bb"]))
            waiting.set()
            return {"type": "http.request", "body": b"a", "more_body": True}
        return {"type": "http.request", "body": b"a", "more_body": False}

    first = await linked.visit(url, "PUT", receive=receive, headers=[(b"content-length", b"2")])
    assert (first.status, answers[0].status) == (201, 409)
    assert session.content == b"aa"


async def test_two_replicas_do_not_make_one_file_of_two(linked):
    session = Session(linked.network)
    there = replace(linked.door)
    url, answers = linked.upload(), []
    size = [(b"content-length", str(2 * PART_BYTES).encode())]

    def sending(letter, begun):
        async def receive():
            await begun()
            return {"type": "http.request", "body": letter * PART_BYTES, "more_body": True}

        return receive

    async def other_replica():  # is let in while the first one's first part is on its way
        if not answers:
            answers.append(None)
            here, linked.door = linked.door, there
            slow = sending(b"b", first_part_through)
            answers[0] = await linked.visit(url, "PUT", receive=slow, headers=size)
            linked.door = here

    async def first_part_through():
        if not session.parts:
            part = {"Content-Range": f"bytes 0-{PART_BYTES - 1}/{2 * PART_BYTES}"}
            http = linked.graph.transport.http
            await http.put(SESSION, content=b"a" * PART_BYTES, headers=part)

    took = await linked.visit(url, "PUT", receive=sending(b"c", other_replica), headers=size)
    assert [answers[0].status, took.status] == [409, 409]
    assert b"begun already" in answers[0].body
    assert bytes(session.content) == b"a" * PART_BYTES
    assert session.state == "open"  # for whoever fills it


async def test_a_client_that_leaves_midway_ends_the_session(linked, audit):
    session = Session(linked.network)
    messages = [
        {"type": "http.request", "body": b"x" * PART_BYTES, "more_body": True},
        {"type": "http.request", "body": b"x", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages.pop(0)

    size = [(b"content-length", str(PART_BYTES * 2).encode())]
    url = linked.upload()
    await linked.visit(url, "PUT", receive=receive, headers=size)
    assert session.state == "ended"
    assert audit()[0]["outcome"] == "left"
    assert linked.door._moving == []
    assert (await linked.visit(url, "PUT", [b"again"])).status == 410


async def test_a_client_that_sends_nothing_is_left(linked, audit):
    session = Session(linked.network)
    linked.door.pace = Pace(idle_seconds=0)
    with anyio.fail_after(10):
        answer = await linked.visit(linked.upload(), "PUT", headers=[(b"content-length", b"9")])
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert b"none of it is kept" in answer.body
    assert session.state == "ended"
    assert (audit()[0]["outcome"], audit()[0]["status"]) == ("left", 408)


async def test_a_client_that_sends_for_ever_is_left(linked, audit):
    session = Session(linked.network)
    linked.door.pace = Pace(whole_seconds=0)
    with anyio.fail_after(10):
        answer = await linked.visit(linked.upload(), "PUT", headers=[(b"content-length", b"9")])
    assert (answer.status, session.state) == (408, "ended")


async def test_an_upload_without_a_last_answer_is_told_as_open_and_its_session_ended(linked):
    session = Session(linked.network)
    linked.network.on("/session/s1", httpx.ReadError("secret-of-graph"), method="PUT")
    url = linked.upload()
    answer = await linked.visit(url, "PUT", [b"x"])
    assert answer.status == 502
    assert b"may be saved or not" in answer.body
    assert session.state == "ended"
    assert (await linked.visit(url, "PUT", [b"x"])).status == 410


async def test_a_part_that_got_lost_is_sent_again(linked):
    session = Session(linked.network)
    lost = [httpx.ReadError("lost")]
    take = session._put
    linked.network.on("/session/s1", lambda r: lost.pop() if lost else take(r), method="PUT")
    answer = await linked.visit(linked.upload(), "PUT", [b"x" * 100])
    assert answer.status == 201
    assert session.content == b"x" * 100


async def test_a_part_that_arrived_though_its_answer_got_lost_is_not_doubled(linked):
    session = Session(linked.network)
    take, lost = session._put, [True]

    def put(request):
        answer = take(request)
        return httpx.ReadError("lost") if lost and lost.pop() else answer

    linked.network.on("/session/s1", put, method="PUT")
    content = bytes(range(250)) * 10_000
    chunks = [content[at : at + 60_000] for at in range(0, len(content), 60_000)]
    assert (await linked.visit(linked.upload(), "PUT", chunks)).status == 201
    assert bytes(session.content) == content


async def test_a_session_that_took_less_gets_the_rest_of_the_part_again(linked):
    session = Session(linked.network)
    take, short = session._put, [True]

    def put(request):
        if short and short.pop():
            session.content += request.content[:327_680]
            return httpx.Response(202, json={"nextExpectedRanges": ["327680-"]})
        return take(request)

    linked.network.on("/session/s1", put, method="PUT")
    content = bytes(range(250)) * 10_000
    chunks = [content[at : at + 60_000] for at in range(0, len(content), 60_000)]
    assert (await linked.visit(linked.upload(), "PUT", chunks)).status == 201
    assert bytes(session.content) == content


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (httpx.Response(200, json={"nextExpectedRanges": []}), 410),
        (httpx.Response(200, json={"nextExpectedRanges": ["26-"]}), 409),
        (httpx.Response(200, json={}), 502),
        (httpx.Response(200, content=b"<html>"), 502),
        (httpx.Response(200, content=b"x" * 70_000), 502),
        (httpx.Response(500), 502),
        (httpx.Response(302, headers={"Location": "https://evil.example/"}), 502),
        (httpx.Response(404), 410),
        (httpx.ReadError("secret-of-graph"), 502),
    ],
)
async def test_a_session_in_another_state_takes_nothing(linked, state, status):
    Session(linked.network)
    linked.network.on("/session/s1", state)
    answer = await linked.visit(linked.upload(), "PUT", [b"x"])
    assert answer.status == status
    assert b"secret-of-graph" not in answer.body
    assert [request.method for request in linked.network.requests] == ["GET"]


async def test_a_name_that_is_taken_is_told_in_words(linked):
    session = Session(linked.network)
    session.last_status = 409
    answer = await linked.visit(linked.upload(), "PUT", [b"x"])
    assert answer.status == 409
    assert b"of this name is there" in answer.body


async def test_an_upload_that_the_session_refuses_midway_leaves_no_session(linked):
    session = Session(linked.network)
    linked.network.on("/session/s1", httpx.Response(507), method="PUT")
    assert (await linked.visit(linked.upload(), "PUT", [b"x"])).status >= 400
    assert session.state == "ended"


# --- the page ----------------------------------------------------------------------------------


async def test_the_page_of_an_upload_link_runs_only_its_own_script(linked):
    pages = [await linked.visit(linked.upload("<b onload=x>&.txt")) for _ in range(2)]
    page = pages[0].body.decode()
    policy = pages[0].headers["content-security-policy"]
    nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
    assert len(nonce) >= 22
    assert pages[1].headers["content-security-policy"] != policy
    assert policy == (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert page.count(f'<script nonce="{nonce}">') == page.count("<script") == 1
    assert "&lt;b onload=x&gt;&amp;.txt" in page
    assert "<b" not in page.replace("<body", "").replace("<button", "")
    for event in (" onclick", " onsubmit", ' onload="', " style=", "http://", "https://", "src="):
        assert event not in page.replace("&lt;b onload=x", "")
    assert pages[0].headers["referrer-policy"] == "no-referrer"
    assert pages[0].headers["cache-control"] == "no-store"
    assert "sharepoint" not in page


async def test_the_page_of_an_upload_link_asks_the_host_nothing(linked, audit):
    assert (await linked.visit(linked.upload(), "HEAD")).status == 200
    assert linked.network.requests == []
    assert audit()[0]["outcome"] == "shown"


# --- the whole server --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/links", "/links/mcp", "/%6Cinks/mcp"])
def test_an_endpoint_that_links_would_hide_stops_the_start(path):
    guid = "6b2f3a54-90c1-4c1d-8f0e-2d7c5a9e4b10"
    settings = Settings(
        tenant_id=guid,
        client_id=guid,
        client_secret="hunter2-hunter2",
        resource_url=f"https://mcp.example{path}",
        required_scope="mcp.access",
    )
    with pytest.raises(ConfigurationError, match=r"^OBO_MCP_RESOURCE_URL: .*/links/"):
        create_app(settings, GraphSettings())
