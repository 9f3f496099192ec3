import gzip

import httpx
import pytest

from obo_graph.errors import GraphFailure

FILE = "https://contoso.sharepoint.com/f"
CONTENT = bytes(range(100))


def part(start, end, size="100", status=206, content=None, **headers):
    span = {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
    given = CONTENT[start:end] if content is None else content
    return httpx.Response(status, content=given, headers=span | headers)


async def download(world, answer, most, start=0):
    world.network.on("/f", answer)
    async with world.acting() as graph:
        return await graph.download(FILE, most, start=start)


@pytest.mark.parametrize(
    ("answer", "complete"),
    [
        (part(10, 20), False),
        (part(10, 20, "*"), False),
        (part(10, 20, "20"), True),
        (part(10, 15, "15"), True),
    ],
)
async def test_a_part_is_complete_if_the_file_ends_with_it(world, answer, complete):
    got = await download(world, answer, 10, start=10)
    assert got.content == answer.content
    assert got.complete is complete
    assert world.network.last("/f").headers["range"] == "bytes=10-19"


@pytest.mark.parametrize("most", [99, 100])
async def test_a_whole_file_is_complete_if_it_is_no_longer_than_asked_for(world, most):
    got = await download(world, httpx.Response(200, content=CONTENT), most)
    assert got.content == CONTENT[:most]
    assert got.complete is (most == 100)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=CONTENT),
        httpx.Response(206, content=CONTENT[10:20]),
        part(0, 10),
        part(11, 20),
        part(10, 30),
        part(10, 20, content=b"short"),
        part(10, 10),
        httpx.Response(206, content=b"x", headers={"Content-Range": "bytes ten-20/100"}),
        part(10, 20, status=200),
    ],
)
async def test_another_part_than_the_one_asked_for_is_not_taken(world, answer):
    with pytest.raises(GraphFailure, match="no_ranges"):
        await download(world, answer, 10, start=10)


async def test_a_part_that_nobody_asked_for_is_not_taken_for_the_whole(world):
    with pytest.raises(GraphFailure, match="no_ranges"):
        await download(world, part(5, 15), 50)
    assert (await download(world, part(0, 15), 50)).complete is False


async def test_a_file_that_comes_packed_is_not_unpacked(world):
    stream = httpx.ByteStream(gzip.compress(CONTENT))
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)
    with pytest.raises(GraphFailure, match="unexpected"):
        await download(world, answer, 50)
