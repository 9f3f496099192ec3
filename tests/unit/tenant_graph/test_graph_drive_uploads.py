"""Upload sessions of a drive: ranges in order, without a token, until the last one."""

import pytest

ROOT = "/me/drive/root"
UNIT = 327_680
CONFLICT = "@microsoft.graph.conflictBehavior"


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture(scope="module")
def drives(shared_graph):
    """A Graph that the tests of this module change; each uses names of its own."""
    return type(shared_graph)()


class Upload:
    """A session for `name`, and what is said to it."""

    def __init__(self, graph, name, **item):
        self.client = graph.client
        answer = graph.send(
            "POST",
            f"{ROOT}:/Notes/{name}:/createUploadSession",
            {"item": item},
            scopes="Files.ReadWrite",
        )
        assert answer.status_code == 200, answer.text
        self.opened = answer.json()
        self.url = self.opened["uploadUrl"]

    def put(self, start, content, total, **headers):
        claimed = f"bytes {start}-{start + len(content) - 1}/{total}"
        return self.client.put(
            self.url, content=content, headers={"Content-Range": claimed, **headers}
        )


def test_session_lives_outside_the_api_and_says_what_it_expects(drives):
    upload = Upload(drives, "opened.bin")
    assert "/v1.0/" not in upload.url
    assert upload.opened["nextExpectedRanges"] == ["0-"]
    assert upload.opened["expirationDateTime"] == "2026-11-19T11:06:40Z"


def test_file_appears_with_its_last_range(drives):
    content = bytes(range(256)) * (2 * UNIT // 256) + b"the end"
    upload, total = Upload(drives, "three.bin"), len(content)
    first = upload.put(0, content[:UNIT], total)
    assert first.status_code == 202
    assert first.json()["nextExpectedRanges"] == [f"{UNIT}-"]
    assert drives.get(f"{ROOT}:/Notes/three.bin").status_code == 404
    assert drives.client.get(upload.url).json()["nextExpectedRanges"] == [f"{UNIT}-"]
    assert upload.put(UNIT, content[UNIT : 2 * UNIT], total).status_code == 202
    last = upload.put(2 * UNIT, content[2 * UNIT :], total)
    assert last.status_code == 201
    assert (last.json()["name"], last.json()["size"]) == ("three.bin", total)
    link = drives.client.get(last.json()["@microsoft.graph.downloadUrl"])
    assert link.content == content
    assert code(drives.client.get(upload.url)) == (404, "itemNotFound")


def test_session_refuses_an_access_token(drives):
    upload = Upload(drives, "token.bin")
    answer = upload.put(0, b"x", 1, Authorization="Bearer x")
    assert code(answer) == (401, "unauthenticated")
    assert upload.put(0, b"x", 1).status_code == 201


@pytest.mark.parametrize("start", [0, UNIT - 1, UNIT + 1, 2 * UNIT])
def test_overlap_and_gap_are_refused_and_change_nothing(drives, start):
    upload, total = Upload(drives, f"order {start}.bin"), 4 * UNIT
    upload.put(0, bytes(UNIT), total)
    assert code(upload.put(start, bytes(UNIT), total)) == (416, "invalidRange")
    assert drives.client.get(upload.url).json()["nextExpectedRanges"] == [f"{UNIT}-"]


@pytest.mark.parametrize(
    ("claimed", "size", "status"),
    [
        ("bytes 0-99/1000", 100, 400),
        ("bytes 0-327679/1000000", 100, 400),
        ("bytes 0-99/1000000", 327_680, 400),
        ("bytes 9-0/1000", 10, 400),
        ("bytes 0-1000/1000", 1001, 400),
        ("bytes 0-62914559/99999999", 10, 413),
        ("lines 0-9/10", 10, 400),
        ("", 10, 400),
    ],
)
def test_impossible_ranges_are_refused(drives, claimed, size, status):
    upload = Upload(drives, "impossible.bin")
    answer = drives.client.put(upload.url, content=bytes(size), headers={"Content-Range": claimed})
    assert answer.status_code == status
    assert drives.client.delete(upload.url).status_code == 204


def test_total_may_not_change_on_the_way(drives):
    upload = Upload(drives, "total.bin")
    upload.put(0, bytes(UNIT), 2 * UNIT)
    assert upload.put(UNIT, bytes(UNIT), 3 * UNIT).status_code == 400


def test_cancelled_session_is_gone_and_leaves_no_file(drives):
    upload = Upload(drives, "cancelled.bin")
    upload.put(0, bytes(UNIT), 2 * UNIT)
    assert drives.client.delete(upload.url).status_code == 204
    assert code(upload.put(UNIT, bytes(UNIT), 2 * UNIT)) == (404, "itemNotFound")
    assert drives.get(f"{ROOT}:/Notes/cancelled.bin").status_code == 404


def test_session_expires(fresh_graph):
    upload = Upload(fresh_graph, "late.bin")
    fresh_graph.now += 24 * 3600 + 1
    assert code(upload.put(0, b"x", 1)) == (404, "itemNotFound")


def test_name_that_was_taken_meanwhile_is_refused_on_the_last_range(drives):
    upload = Upload(drives, "race.bin", **{CONFLICT: "fail"})
    upload.put(0, bytes(UNIT), UNIT + 1)
    other = Upload(drives, "race.bin")
    assert other.put(0, b"first", 5).status_code == 201
    for _ in range(2):
        assert code(upload.put(UNIT, b"x", UNIT + 1)) == (409, "nameAlreadyExists")
    assert drives.get(f"{ROOT}:/Notes/race.bin").json()["size"] == 5


@pytest.mark.parametrize(
    ("behaviour", "status", "name"), [("replace", 200, "both.bin"), ("rename", 201, "both 1.bin")]
)
def test_behaviour_decides_what_becomes_of_the_old_file(fresh_graph, behaviour, status, name):
    Upload(fresh_graph, "both.bin").put(0, b"old", 3)
    answer = Upload(fresh_graph, "both.bin", **{CONFLICT: behaviour}).put(0, b"newer", 5)
    assert (answer.status_code, answer.json()["name"], answer.json()["size"]) == (status, name, 5)


def test_upload_is_recorded_without_its_secret(fresh_graph):
    upload = Upload(fresh_graph, "secret.bin")
    upload.put(0, b"x", 1)
    assert fresh_graph.log[-1]["path"] == "/_upload/..."
    assert fresh_graph.log[-1]["person"] == fresh_graph.get("/me").json()["id"]
    assert upload.url.rpartition("/")[2] not in str(fresh_graph.log)
