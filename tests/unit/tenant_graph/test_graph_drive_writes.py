"""Files change: upload, folders, names, ETags, quota."""

import pytest

WRITE = "Files.ReadWrite"
ROOT = "/me/drive/root"
CONFLICT = "@microsoft.graph.conflictBehavior"


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture(scope="module")
def drives(shared_graph):
    """A Graph that the tests of this module change; each uses names of its own."""
    return type(shared_graph)()


def send(graph, method, path, body=None, scopes=WRITE, **headers):
    return graph.send(method, path, body, scopes=scopes, **headers)


def put(graph, path, content, scopes=WRITE, **headers):
    given = graph.headers(scopes=scopes, **headers)
    return graph.client.put(f"/v1.0{path}", content=content, headers=given)


def bytes_of(graph, item):
    answer = graph.get(f"/me/drive/items/{item['id']}/content")
    return graph.client.get(answer.headers["Location"]).content


def test_new_file_is_created_and_can_be_read_listed_and_found(drives):
    answer = put(drives, f"{ROOT}:/Notes/fresh lamp.txt:/content", b"a lamp nobody has seen")
    assert answer.status_code == 201
    item = answer.json()
    assert bytes_of(drives, item) == b"a lamp nobody has seen"
    assert item["file"]["mimeType"] == "text/plain"
    assert item["createdBy"]["user"]["displayName"] == "Adele Vance"
    assert item["createdDateTime"] == "2026-11-18T11:06:40Z"
    listed = drives.every(f"{ROOT}:/Notes:/children")
    assert item["id"] in [each["id"] for each in listed]
    found = drives.get(f"{ROOT}/search(q='nobody has seen')").json()["value"]
    assert [each["id"] for each in found] == [item["id"]]


def test_replacing_keeps_the_id_and_changes_both_tags(drives):
    path = f"{ROOT}:/Notes/replaced.txt:/content"
    old, new = put(drives, path, b"one"), put(drives, path, b"two")
    assert (old.status_code, new.status_code) == (201, 200)
    assert old.json()["id"] == new.json()["id"]
    for tag in ("eTag", "cTag"):
        assert old.json()[tag] != new.json()[tag]
    assert bytes_of(drives, new.json()) == b"two"


def test_renaming_changes_the_etag_and_not_the_ctag(drives):
    item = put(drives, f"{ROOT}:/Notes/before.txt:/content", b"x").json()
    path = f"/me/drive/items/{item['id']}"
    renamed = send(drives, "PATCH", path, {"name": "after.txt"}).json()
    assert (renamed["name"], renamed["cTag"]) == ("after.txt", item["cTag"])
    assert renamed["eTag"] != item["eTag"]
    assert drives.get(f"{ROOT}:/Notes/before.txt").status_code == 404
    assert drives.get(f"{ROOT}:/Notes/after.txt").json()["id"] == item["id"]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [("fail", (409, "nameAlreadyExists")), ("wardrobe", (400, "invalidRequest"))],
)
def test_conflict_is_refused(drives, behaviour, expected):
    path = f"{ROOT}:/Notes/taken {behaviour}.txt:/content"
    put(drives, path, b"first")
    assert code(put(drives, f"{path}?{CONFLICT}={behaviour}", b"second")) == expected
    assert bytes_of(drives, drives.get(path.removesuffix(":/content")).json()) == b"first"


def test_conflict_is_solved_by_a_number_behind_the_name(drives):
    path = f"{ROOT}:/Notes/twice.txt:/content"
    names = [put(drives, f"{path}?{CONFLICT}=rename", b"x").json()["name"] for _ in range(3)]
    assert names == ["twice.txt", "twice 1.txt", "twice 2.txt"]


def test_upload_below_a_folder_id_and_over_an_item_id(drives):
    folder = drives.get(f"{ROOT}:/Notes").json()["id"]
    item = put(drives, f"/me/drive/items/{folder}:/by id.txt:/content", b"1")
    assert item.status_code == 201
    again = put(drives, f"/me/drive/items/{item.json()['id']}/content", b"22")
    assert (again.status_code, again.json()["size"]) == (200, 2)
    assert code(put(drives, f"/me/drive/items/{folder}/content", b"1")) == (400, "invalidRequest")


def test_missing_folders_on_the_way_are_made(drives):
    answer = put(drives, f"{ROOT}:/Notes/new/deep/leaf.txt:/content", b"x")
    assert answer.status_code == 201
    assert answer.json()["parentReference"]["path"].endswith("/root:/Notes/new/deep")
    assert "folder" in drives.get(f"{ROOT}:/notes/NEW/Deep").json()


@pytest.mark.parametrize(
    "name", ["a*b.txt", "a|b", "%20lead.txt", "end.", "CON", "~$open.docx", "x" * 256, "a%3Ab"]
)
def test_names_that_onedrive_refuses_are_refused(drives, name):
    answer = put(drives, f"{ROOT}:/Notes/{name}:/content", b"x")
    assert code(answer) == (400, "invalidRequest")


def test_if_match_lets_through_only_who_knows_the_present_state(drives):
    item = put(drives, f"{ROOT}:/Notes/matched.txt:/content", b"1").json()
    path = f"/me/drive/items/{item['id']}"
    assert send(drives, "PATCH", path, {"description": "d"}, If_Match=item["eTag"]).is_success
    for method, body in (("PATCH", {"name": "z.txt"}), ("DELETE", None)):
        answer = send(drives, method, path, body, If_Match=item["eTag"])
        assert code(answer) == (412, "resourceModified")
    answer = put(drives, f"{path}/content", b"2", If_Match=item["eTag"])
    assert code(answer) == (412, "resourceModified")
    assert put(drives, f"{path}/content", b"2", If_Match=item["cTag"]).status_code == 200
    assert send(drives, "DELETE", path, If_Match="*").status_code == 204


def test_folders_are_made_moved_and_deleted_with_all_in_them(drives):
    def make(name, **more):
        body = {"name": name, "folder": {}, **more}
        return send(drives, "POST", f"{ROOT}/children", body)

    outer, other = make("Outer").json(), make("Other").json()
    assert code(make("outer")) == (409, "nameAlreadyExists")
    assert make("outer", **{CONFLICT: "rename"}).json()["name"] == "outer 1"
    put(drives, f"{ROOT}:/Outer/inside.txt:/content", b"x")
    moved = {"parentReference": {"id": other["id"]}}
    path = f"/me/drive/items/{outer['id']}"
    assert send(drives, "PATCH", path, moved).status_code == 200
    assert drives.get(f"{ROOT}:/Other/Outer/inside.txt").status_code == 200
    into_itself = {"parentReference": {"id": outer["id"]}}
    answer = send(drives, "PATCH", f"/me/drive/items/{other['id']}", into_itself)
    assert code(answer) == (400, "invalidRequest")
    assert send(drives, "DELETE", f"/me/drive/items/{other['id']}").status_code == 204
    assert drives.get(path).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_root_stays(drives, method):
    root = drives.get(ROOT).json()["id"]
    answer = send(drives, method, f"/me/drive/items/{root}", {"name": "x"})
    assert code(answer) == (400, "invalidRequest")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"{ROOT}:/Notes/Empty.txt", {"size": 3}),
        ("POST", f"{ROOT}/children", {"name": "x", "colour": "red", "folder": {}}),
        ("POST", f"{ROOT}/children", {"name": "x"}),
        ("POST", f"{ROOT}:/Notes/Empty.txt:/children", {"name": "x", "folder": {}}),
        ("POST", f"{ROOT}:/Notes/x.bin:/createUploadSession", {"item": {"colour": "red"}}),
    ],
)
def test_members_that_cannot_be_written_are_refused(drives, method, path, body):
    assert code(send(drives, method, path, body)) == (400, "invalidRequest")


@pytest.mark.parametrize("scope", ["Files.Read", "Files.Read.All", "Sites.Read.All"])
def test_reading_scopes_write_nothing(drives, scope):
    path = f"{ROOT}:/Notes/Empty.txt"
    item = drives.get(path).json()["id"]
    answers = [
        put(drives, f"{path}:/content", b"x", scopes=scope),
        send(drives, "PATCH", path, {"name": "y.txt"}, scopes=scope),
        send(drives, "DELETE", path, scopes=scope),
        send(drives, "POST", f"{ROOT}/children", {"name": "n", "folder": {}}, scopes=scope),
        send(drives, "POST", f"{path}:/createUploadSession", {}, scopes=scope),
        send(drives, "POST", f"/me/drive/items/{item}/createLink", {"type": "view"}, scopes=scope),
        send(drives, "POST", f"/me/drive/items/{item}/invite", {}, scopes=scope),
    ]
    assert {code(each) for each in answers} == {(403, "accessDenied")}
    assert drives.get(path).json()["size"] == 0


def test_uploads_beyond_four_megabytes_pass_and_absurd_ones_do_not(drives):
    path = f"{ROOT}:/Archive/big.bin:/content"
    assert put(drives, path, bytes(5_000_000)).json()["size"] == 5_000_000
    answer = put(drives, path, bytes(64 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert drives.get(path.removesuffix(":/content")).json()["size"] == 5_000_000


def test_full_drive_takes_no_more(drives):
    path = f"{ROOT}:/Archive/huge.bin:/createUploadSession"
    room = drives.get("/me/drive").json()["quota"]["remaining"]
    for size, expected in ((room + 1, 507), (room, 200)):
        answer = send(drives, "POST", path, {"item": {"fileSize": size}})
        assert answer.status_code == expected
    session = answer.json()["uploadUrl"]
    claimed = {"Content-Range": f"bytes 0-327679/{room + 1}"}
    answer = drives.client.put(session, content=bytes(327_680), headers=claimed)
    assert code(answer) == (507, "quotaLimitReached")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("Archive/Every door of the year.csv", 302),
        ("Notes/Lamp page.html", 406),
        ("Notes/READ ME FIRST.md", 406),
    ],
)
def test_only_some_kinds_become_pdf(drives, name, status):
    answer = drives.get(f"{ROOT}:/{name}:/content?format=pdf")
    assert answer.status_code == status
    if status == 302:
        document = drives.client.get(answer.headers["Location"])
        assert document.headers["Content-Type"] == "application/pdf"
        start = int(document.content.rstrip().splitlines()[-2])
        assert document.content[start:].startswith(b"xref")
        assert b"number,door,opened" in document.content


def test_two_people_change_only_their_own_drives(drives):
    put(drives, f"{ROOT}:/Notes/mine.txt:/content", b"adele")
    assert drives.get(f"{ROOT}:/Notes/mine.txt", who="megan").status_code == 404
    item = drives.get(f"{ROOT}:/Notes/mine.txt").json()
    drive = item["parentReference"]["driveId"]
    path = f"/drives/{drive}/items/{item['id']}"
    answer = drives.send("DELETE", path, who="megan", scopes="Files.ReadWrite.All")
    assert code(answer) == (404, "itemNotFound")
    assert drives.get(path).status_code == 200
