"""Upload sessions for attachments of 3 MB and more: in parts, in order, without an access token."""

import pytest
from starlette.responses import JSONResponse

MAY = {"scopes": "Mail.ReadWrite Mail.Send"}
SIZE = 5_000_000
PART = 2_097_152
CONTENT = bytes(range(250)) * (SIZE // 250)


@pytest.fixture
def graph(fresh_graph):
    return fresh_graph


@pytest.fixture
def draft(graph):
    return graph.send("POST", "/me/messages", {"subject": "Large"}, **MAY).json()["id"]


def ordered(graph, draft, **item):
    wanted = {"attachmentType": "file", "name": "large.bin", "size": SIZE} | item
    path = f"/me/messages/{draft}/attachments/createUploadSession"
    return graph.send("POST", path, {"AttachmentItem": wanted}, **MAY)


def put(graph, url, start, end=None, size=SIZE, **headers):
    end = min(start + PART, SIZE) if end is None else end
    given = {"Content-Range": f"bytes {start}-{end - 1}/{size}"} | headers
    return graph.client.put(url, content=CONTENT[start:end], headers=given)


def refused(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code, answer.text


def test_a_large_attachment_arrives_in_parts(graph, draft):
    made = ordered(graph, draft, contentType="application/x-large", isInline=False)
    assert made.status_code == 201
    url = made.json()["uploadUrl"]
    assert url.startswith("https://graph.test/")
    assert "/v1.0/" not in url
    first = put(graph, url, 0)
    assert (first.status_code, first.json()["nextExpectedRanges"]) == (200, ["2097152"])
    assert graph.client.get(url).json()["nextExpectedRanges"] == ["2097152"]
    assert put(graph, url, PART).json()["nextExpectedRanges"] == ["4194304"]
    last = put(graph, url, 2 * PART)
    assert (last.status_code, last.content) == (201, b"")
    place = last.headers["Location"]
    value = graph.client.get(f"{place}/$value", headers=graph.headers())
    assert value.content == CONTENT
    assert value.headers["content-type"] == "application/x-large"
    shown = graph.client.get(f"{place}?$select=name,size", headers=graph.headers()).json()
    assert (shown["name"], shown["size"]) == ("large.bin", SIZE)
    refused(put(graph, url, 0), 404, "ErrorItemNotFound")


def test_an_access_token_at_the_address_is_refused(graph, draft):
    url = ordered(graph, draft).json()["uploadUrl"]
    answer = put(graph, url, 0, **graph.headers(**MAY))
    assert answer.status_code == 401
    assert graph.client.get(url).json()["nextExpectedRanges"] == ["0"]


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ((PART, 2 * PART, SIZE), 416),
        ((0, PART, SIZE + 1), 400),
        ((0, 4 * 1024 * 1024, SIZE), 413),
    ],
)
def test_a_part_that_does_not_fit_is_refused_and_changes_nothing(graph, draft, part, status):
    url = ordered(graph, draft).json()["uploadUrl"]
    assert put(graph, url, *part).status_code == status
    assert graph.client.get(url).json()["nextExpectedRanges"] == ["0"]


def test_a_part_that_came_already_is_refused(graph, draft):
    url = ordered(graph, draft).json()["uploadUrl"]
    put(graph, url, 0)
    assert put(graph, url, 0).status_code == 416
    assert graph.client.put(url, content=b"x").status_code == 400


def test_an_upload_can_be_given_up_and_comes_to_its_end(graph, draft):
    url = ordered(graph, draft).json()["uploadUrl"]
    assert graph.client.delete(url).status_code == 204
    refused(graph.client.get(url), 404, "ErrorItemNotFound")
    url = ordered(graph, draft).json()["uploadUrl"]
    graph.now += 3601
    refused(graph.client.get(url), 404, "ErrorItemNotFound")


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (3 * 1024 * 1024 - 1, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        (150 * 1024 * 1024 + 1, "ErrorAttachmentSizeLimitExceeded"),
        ("large", "RequestBodyRead"),
    ],
)
def test_only_large_files_have_sessions(graph, draft, size, code):
    refused(ordered(graph, draft, size=size), 400, code)


def test_the_log_does_not_tell_the_address(graph, draft):
    url = ordered(graph, draft).json()["uploadUrl"]
    put(graph, url, 0)
    assert graph.log[-1]["path"] == "/_attach/..."
    assert graph.log[-1]["person"]
    assert url.rpartition("/")[2] not in str(graph.log)


def test_a_lost_answer_leaves_the_part_where_it_is(graph, draft):
    url = ordered(graph, draft).json()["uploadUrl"]

    async def throttled(_oid):
        return JSONResponse({}, 503)

    graph.faults.append(throttled)
    assert put(graph, url, 0).status_code == 503
    assert graph.asked[-1] == ("PUT", "/_attach/...")
    assert put(graph, url, 0).status_code == 200
