import gzip
import re

import httpx
import pytest

from obo_graph.errors import GraphFailure
from obo_graph.wire.upload import PART_UNIT_BYTES, Source

SESSION = "https://contoso.sharepoint.com/upload/1"
CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes: three parts and a bit
PLACE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Session:
    """An upload session as `style` answers: OneDrive `26-`, Outlook `26`."""

    def __init__(self, world, style="drive", troubles=()):
        self.received = bytearray()
        self.style, self.troubles, self.puts = style, list(troubles), 0
        world.network.on("/upload/1", self.put, method="PUT")
        world.network.on("/upload/1", self.status)

    def put(self, request):
        assert "authorization" not in request.headers
        self.puts += 1
        start, end, size = map(int, PLACE.fullmatch(request.headers["content-range"]).groups())
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, httpx.Response):
            return trouble
        if start != len(self.received):
            return httpx.Response(416)
        assert len(request.content) == end - start + 1
        assert end + 1 == size or len(request.content) % PART_UNIT_BYTES == 0
        self.received += request.content
        if isinstance(trouble, Exception):
            raise trouble
        if len(self.received) < size:
            return self.status(request)
        body = {"id": "new"} if self.style == "drive" else None
        return httpx.Response(201, json=body) if body else httpx.Response(201)

    def status(self, _request):
        following = f"{len(self.received)}" + ("-" if self.style == "drive" else "")
        status = 202 if self.style == "drive" else 200
        return httpx.Response(status, json={"nextExpectedRanges": [following]})


async def read(start, end):
    return CONTENT[start:end]


SOURCE = Source(size_bytes=len(CONTENT), read=read)


async def upload(world, *arguments, **options):
    async with world.acting() as graph:
        return await graph.upload(*arguments, **options)


@pytest.mark.parametrize(("style", "item"), [("drive", {"id": "new"}), ("outlook", {})])
async def test_a_file_goes_up_in_parts_without_the_token(world, style, item):
    session = Session(world, style)
    assert await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES) == item
    assert bytes(session.received) == CONTENT
    assert session.puts == 4


async def test_a_file_of_one_part_is_sent_once(world):
    session = Session(world)
    await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES * 10)
    assert session.puts == 1


@pytest.mark.parametrize("status", [429, 503, 504])
async def test_a_part_that_was_refused_for_now_is_sent_again(world, status):
    session = Session(world, troubles=[None, httpx.Response(status)])
    await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES)
    assert bytes(session.received) == CONTENT


async def test_a_part_whose_answer_was_lost_is_not_written_twice(world):
    session = Session(world, troubles=[None, httpx.ReadError("reset")])
    await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES)
    assert bytes(session.received) == CONTENT


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413])
async def test_a_session_that_ends_is_told(world, status):
    Session(world, troubles=[None, httpx.Response(status)])
    with pytest.raises(GraphFailure, match="upload_failed"):
        await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES)


async def test_a_name_that_was_taken_meanwhile_keeps_its_status(world):
    Session(world, troubles=[None, httpx.Response(409)])
    with pytest.raises(GraphFailure, match="409 upload_conflict"):
        await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES)


@pytest.mark.parametrize("following", ["0-", "x", "99999999-", "-5", 7, None])
async def test_a_session_that_leads_in_circles_is_left(world, following):
    again = httpx.Response(202, json={"nextExpectedRanges": [following]})
    Session(world, troubles=[again])
    with pytest.raises(GraphFailure, match="upload_failed"):
        await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES)


@pytest.mark.parametrize(
    "url", ["https://evil.example/upload/1", "http://contoso.sharepoint.com/upload/1", "no url"]
)
async def test_nothing_is_sent_to_a_host_that_is_not_on_the_list(world, url):
    with pytest.raises(GraphFailure, match="foreign_upload_host"):
        await upload(world, url, SOURCE, part_bytes=PART_UNIT_BYTES)
    assert world.network.requests == []


async def test_parts_of_an_odd_size_are_a_mistake_of_ours(world):
    with pytest.raises(ValueError, match="327,680"):
        await upload(world, SESSION, SOURCE, part_bytes=1000)


@pytest.mark.parametrize("status", [403, 404, 409, 410])
@pytest.mark.parametrize("lost", [httpx.ReadError("reset"), httpx.Response(504)])
async def test_a_last_part_without_an_answer_may_have_been_saved(world, lost, status):
    world.network.on("/upload/1", lost, httpx.Response(status), method="PUT")
    with pytest.raises(GraphFailure, match="upload_unsure") as unsure:
        await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES * 10)
    assert unsure.value.ambiguous
    assert len(world.network.requests) == 2


async def test_a_session_that_is_over_after_the_last_part_got_lost_may_have_saved_it(world):
    lost = httpx.ReadError("reset")
    world.network.on("/upload/1", lost, httpx.Response(416), method="PUT")
    world.network.on("/upload/1", httpx.Response(404))
    with pytest.raises(GraphFailure, match="upload_unsure"):
        await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES * 10)


async def test_a_last_part_that_never_gets_an_answer_may_have_been_saved(world):
    world.network.on("/upload/1", httpx.ReadError("reset"), method="PUT")
    with pytest.raises(GraphFailure, match="upload_unsure"):
        await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES * 10)


async def test_an_earlier_part_that_got_lost_saved_nothing(world):
    world.network.on("/upload/1", httpx.ReadError("reset"), httpx.Response(404), method="PUT")
    with pytest.raises(GraphFailure, match="upload_failed"):
        await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES)


@pytest.mark.parametrize("end", [httpx.Response(202), httpx.Response(200, json={})])
async def test_an_earlier_part_is_not_taken_for_the_last(world, end):
    world.network.on("/upload/1", end, method="PUT")
    world.network.on("/upload/1", httpx.Response(200, json={}))
    with pytest.raises(GraphFailure, match="upload_failed"):
        await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES)


async def test_a_part_whose_answer_says_nothing_is_followed_by_what_the_session_wants(world):
    session = Session(world)
    put = session.put

    def silent(request):
        answer = put(request)
        return httpx.Response(202) if answer.status_code == 202 else answer

    world.network.on("/upload/1", silent, method="PUT")
    assert await upload(world, SESSION, SOURCE, part_bytes=PART_UNIT_BYTES) == {"id": "new"}
    assert bytes(session.received) == CONTENT


async def test_a_packed_answer_is_unpacked_within_its_bounds(world):
    def packed(text):
        stream = httpx.ByteStream(gzip.compress(text))
        return httpx.Response(201, headers={"Content-Encoding": "gzip"}, stream=stream)

    world.network.on("/upload/1", packed(b'{"id": "new"}'), method="PUT")
    sent = {"part_bytes": PART_UNIT_BYTES * 10}
    assert await upload(world, SESSION, SOURCE, **sent) == {"id": "new"}
    assert world.network.requests[0].headers["accept-encoding"] == "identity"
    world.network.on("/upload/1", packed(b" " * 1_000_000), method="PUT")
    with pytest.raises(GraphFailure, match="upload_unsure"):
        await upload(world, SESSION, SOURCE, **sent)
