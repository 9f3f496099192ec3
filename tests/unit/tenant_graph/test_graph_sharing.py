"""Sharing: links, invitations, what others reach through them and what not; sites."""

import base64

import pytest

from obo_tenant.people import NEIGHBOURS

ROOT = "/me/drive/root"
WRITE = "Files.ReadWrite"
WIDE = "Files.Read.All"
NORA = NEIGHBOURS[0].oid


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def encoded(url):
    return "u!" + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
def drives(shared_graph):
    """A Graph that the tests of this module change; each uses files of its own."""
    return type(shared_graph)()


@pytest.fixture
def make_file(drives):
    """A new file of Adele's; its path by drive and id."""

    def make(name):
        answer = drives.client.put(
            f"/v1.0{ROOT}:/Notes/{name}:/content",
            content=b"between us",
            headers=drives.headers(scopes=WRITE),
        )
        item = answer.json()
        return item, f"/drives/{item['parentReference']['driveId']}/items/{item['id']}"

    return make


def share(drives, path, action, body):
    return drives.send("POST", f"{path}/{action}", body, scopes="Files.ReadWrite.All")


def invite(drives, path, *people, role="read", **more):
    body = {
        "recipients": [{"email": f"{each}@contoso.example"} for each in people],
        "roles": [role],
        "requireSignIn": True,
        **more,
    }
    return share(drives, path, "invite", body)


def test_link_is_made_once_and_then_found_again(drives, make_file):
    _, path = make_file("linked.txt")
    wanted = {"type": "view", "scope": "organization"}
    first, again = (share(drives, path, "createLink", wanted) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["roles"] == ["read"]
    assert first.json()["link"]["webUrl"].startswith("https://contoso-my.contoso.example/")
    edit = share(drives, path, "createLink", {"type": "edit", "scope": "organization"})
    assert (edit.status_code, edit.json()["roles"]) == (201, ["write"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "embed"},
        {"type": "view", "scope": "world"},
        {"type": "view", "password": "x"},
        {"type": "view", "expirationDateTime": "2020-01-01T00:00:00Z"},
        {"type": "view", "expirationDateTime": "soon"},
        {"type": "view", "colour": "red"},
    ],
)
def test_impossible_links_are_refused(drives, body):
    answer = share(drives, f"{ROOT}:/Notes/Empty.txt:", "createLink", body)
    assert code(answer) == (400, "invalidRequest")


def test_organization_link_opens_for_colleagues_only(drives, make_file):
    item, path = make_file("for everybody.txt")
    assert drives.get(path, who="megan", scopes=WIDE).status_code == 404
    link = share(drives, path, "createLink", {"type": "view"}).json()
    url = f"/shares/{encoded(link['link']['webUrl'])}/driveItem"
    assert link["shareId"] == encoded(link["link"]["webUrl"])
    opened = drives.get(url, who="megan", scopes=WIDE)
    assert opened.json()["id"] == item["id"]
    assert drives.get(path, who="megan", scopes=WIDE).status_code == 200
    assert code(drives.get(url, who="nobody-here", scopes="Files.Read")) == (403, "accessDenied")
    assert code(drives.get(url, who=NORA, scopes=WIDE)) == (404, "itemNotFound")
    answer = drives.send("DELETE", path, who="megan", scopes="Files.ReadWrite.All")
    assert code(answer) == (403, "accessDenied")


def test_link_stops_when_it_expires(fresh_graph):
    body = {"type": "view", "expirationDateTime": "2026-11-19T00:00:00Z"}
    answer = share(fresh_graph, f"{ROOT}:/Notes/Empty.txt:", "createLink", body)
    assert answer.json()["expirationDateTime"] == "2026-11-19T00:00:00Z"
    url = f"/shares/{answer.json()['shareId']}/driveItem"
    assert fresh_graph.get(url, who="megan", scopes=WIDE).status_code == 200
    fresh_graph.now += 24 * 3600
    assert fresh_graph.get(url, who="megan", scopes=WIDE).status_code == 404


def test_invited_person_reads_and_nobody_else_does(drives, make_file):
    _, path = make_file("for megan.txt")
    (granted,) = invite(drives, path, "megan").json()["value"]
    assert granted["grantedToV2"]["user"]["displayName"] == "Megan Bowen"
    assert granted["roles"] == ["read"]
    assert drives.get(path, who="megan", scopes=WIDE).status_code == 200
    assert drives.get(f"{path}/content", who="megan", scopes=WIDE).status_code == 302
    assert code(drives.get(path, who="megan", scopes="Files.Read")) == (403, "accessDenied")
    assert code(drives.get(path, who="alex", scopes=WIDE)) == (404, "itemNotFound")
    drive = path.partition("/items/")[0]
    assert code(drives.get(f"{drive}/root/children", who="megan", scopes=WIDE))[0] == 404


def test_download_link_of_a_shared_file_serves_its_bytes(drives, make_file):
    _, path = make_file("to download.txt")
    invite(drives, path, "megan")
    answer = drives.get(f"{path}/content", who="megan", scopes=WIDE)
    assert drives.client.get(answer.headers["Location"]).content == b"between us"
    assert drives.log[-1]["person"] == drives.get("/me", who="megan").json()["id"]


def test_folder_shared_for_writing_takes_files_and_only_there(drives):
    folder = drives.get(f"{ROOT}:/Travel").json()
    drive = folder["parentReference"]["driveId"]
    invite(drives, f"/drives/{drive}/items/{folder['id']}", "alex", role="write")
    headers = drives.headers(who="alex", scopes="Files.ReadWrite.All")
    for place, status in (("Travel/from alex.txt", 201), ("Notes/from alex.txt", 404)):
        url = f"/v1.0/drives/{drive}/root:/{place}:/content"
        assert drives.client.put(url, content=b"x", headers=headers).status_code == status
    made = drives.get(f"{ROOT}:/Travel/from alex.txt").json()
    assert made["createdBy"]["user"]["displayName"] == "Alex Wilber"


def test_permissions_list_owner_direct_and_inherited_ones_and_can_be_withdrawn(drives):
    folder = drives.send(
        "POST", f"{ROOT}/children", {"name": "Granted", "folder": {}}, scopes=WRITE
    ).json()
    path = f"/me/drive/items/{folder['id']}"
    invite(drives, path, "megan", "lynne")
    headers = drives.headers(scopes=WRITE)
    file = drives.client.put(f"/v1.0{path}:/in.txt:/content", content=b"x", headers=headers).json()
    listed = drives.every(f"/me/drive/items/{file['id']}/permissions")
    assert [each["roles"] for each in listed] == [["owner"], ["read"], ["read"]]
    assert [each["inheritedFrom"]["id"] for each in listed[1:]] == [folder["id"]] * 2
    megan = listed[1]["id"]
    below = f"/me/drive/items/{file['id']}/permissions/{megan}"
    assert drives.send("DELETE", below, scopes=WRITE).status_code == 404
    assert drives.send("DELETE", f"{path}/permissions/{megan}", scopes=WRITE).status_code == 204
    drive = file["parentReference"]["driveId"]
    inside = f"/drives/{drive}/items/{file['id']}"
    assert drives.get(inside, who="megan", scopes=WIDE).status_code == 404
    assert drives.get(inside, who="lynne", scopes=WIDE).status_code == 200


@pytest.mark.parametrize(
    "more",
    [
        {"requireSignIn": False},
        {"roles": ["owner"]},
        {"roles": []},
        {"recipients": []},
        {"recipients": [{"email": "nobody"}]},
        {"message": "x" * 2001},
        {"colour": "red"},
    ],
)
def test_impossible_invitations_are_refused(drives, more):
    answer = invite(drives, f"{ROOT}:/Notes/Empty.txt:", "megan", **more)
    assert code(answer) == (400, "invalidRequest")


def test_somebody_outside_is_invited_by_address(drives, make_file):
    _, path = make_file("for outside.txt")
    body = {
        "recipients": [{"email": "ravi@fabrikam.example"}],
        "roles": ["write"],
        "sendInvitation": True,
    }
    (granted,) = share(drives, path, "invite", body).json()["value"]
    assert granted["invitation"]["email"] == "ravi@fabrikam.example"
    assert "id" not in granted["grantedToV2"]["user"]


def test_web_address_of_an_own_item_opens_it(drives):
    item = drives.get(f"{ROOT}:/Notes/What's 'quoted' and \u201ccurly\u201d.txt").json()
    answer = drives.get(f"/shares/{encoded(item['webUrl'])}/driveItem")
    assert answer.json()["id"] == item["id"]
    assert drives.get(f"/shares/{encoded(item['webUrl'])}/driveItem/content").status_code == 302


@pytest.mark.parametrize(
    ("share_id", "expected"),
    [
        ("u!%%%", (400, "invalidRequest")),
        ("nonsense", (400, "invalidRequest")),
        (encoded("https://elsewhere.example/x"), (404, "itemNotFound")),
        (encoded("https://contoso-my.contoso.example/personal/x"), (404, "itemNotFound")),
    ],
)
def test_share_ids_that_lead_nowhere_are_refused(drives, share_id, expected):
    assert code(drives.get(f"/shares/{share_id}/driveItem")) == expected


def test_something_is_shared_with_adele_from_the_start(drives):
    request = {"entityTypes": ["driveItem"], "query": {"queryString": "filename:overview"}}
    (found,) = drives.post("/search/query", {"requests": [request]}).json()["value"]
    others = [
        hit["resource"]
        for hit in found["hitsContainers"][0]["hits"]
        if hit["resource"]["parentReference"]["driveId"] != drives.get("/me/drive").json()["id"]
    ]
    (overview,) = others
    drive = overview["parentReference"]["driveId"]
    assert drives.get(f"/drives/{drive}/items/{overview['id']}").status_code == 200


def test_sites_are_searched_and_read_with_their_libraries(drives):
    (site,) = drives.get("/sites?search=retail").json()["value"]
    assert site["displayName"] == "Retail"
    assert len(drives.get("/sites?search=*").json()["value"]) == 3
    assert drives.get("/sites?search=wardrobe").json()["value"] == []
    host = site["siteCollection"]["hostname"]
    for path in (site["id"], f"{host}:/sites/retail", f"{host}:/sites/Retail:"):
        assert drives.get(f"/sites/{path}").json()["id"] == site["id"]
    assert drives.get("/sites/root").json()["root"] == {}
    library = drives.get(f"/sites/{site['id']}/drive").json()
    assert library["driveType"] == "documentLibrary"
    assert drives.get(f"/sites/{site['id']}/drives").json()["value"][0]["id"] == library["id"]
    assert code(drives.get("/sites/nonsense")) == (404, "itemNotFound")
    assert code(drives.get("/sites", scopes=WIDE)) == (403, "accessDenied")


def test_library_is_shared_by_the_people_of_one_organization(drives):
    site = drives.get("/sites?search=retail").json()["value"][0]["id"]
    drive = drives.get(f"/sites/{site}/drive").json()["id"]
    url = f"/v1.0/drives/{drive}/root:/offer.txt:/content"
    headers = drives.headers(who="megan", scopes="Files.ReadWrite.All")
    assert drives.client.put(url, content=b"x", headers=headers).status_code == 201
    assert drives.get(f"/drives/{drive}/root:/offer.txt").status_code == 200
    assert drives.get(f"/drives/{drive}/root:/offer.txt", who=NORA).status_code == 404
    narrow = drives.headers(scopes="Files.ReadWrite")
    assert drives.client.put(url, content=b"y", headers=narrow).status_code == 403
