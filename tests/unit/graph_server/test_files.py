import io
import json
import re
import zipfile

import httpx
import pytest

from unit.graph_server.messages import Mailbox
from unit.graph_server.world import World, error, shown, size_bytes, throttled

SEARCH = "/v1.0/search/query"
OWN = "/v1.0/me/drive/root/search(q='figures')"
ITEM = "/v1.0/drives/b!D1/items/01ABC"
REF = "b!D1/01ABC"
STORE = "https://contoso.sharepoint.com/download/x"
FENCED = re.compile(r"<untrusted (\w{8})>\n(.*)\n</untrusted \1>", re.DOTALL)


def item(number=1, **changes):
    return {
        "id": f"01ABC{number}",
        "name": f"Figures {number}.TXT",
        "size": 1234,
        "webUrl": "https://contoso.sharepoint.com/sites/x/Shared%20Documents/Figures.txt",
        "lastModifiedDateTime": "2026-11-20T10:00:00Z",
        "lastModifiedBy": {"user": {"displayName": "Lynne Robbins"}},
        "parentReference": {"driveId": "b!D1", "path": "/drive/root:/Reports/2026%20Q3"},
    } | changes


def hits(items, *, more=False):
    found = [
        {"hitId": i["id"], "summary": "the <c0>figures</c0><ddd/>", "resource": i} for i in items
    ]
    return {"value": [{"hitsContainers": [{"hits": found, "moreResultsAvailable": more}]}]}


def asked(world):
    return json.loads(world.network.last(SEARCH).content)["requests"][0]


async def test_a_file_is_shown_with_the_ref_to_read_it_by(world):
    world.network.on(SEARCH, hits([item()]), method="POST")
    assert (await world.told("files_search", query="figures"))["items"] == [
        {
            "ref": "b!D1/01ABC1",
            "name": "Figures 1.TXT",
            "path": "/Reports/2026 Q3",
            "type": "txt",
            "size": 1234,
            "modified": "2026-11-20T11:00+01:00",
            "by": "Lynne Robbins",
            "snippet": "the figures",
        }
    ]


async def test_a_search_everywhere_is_built_from_plain_words(world):
    world.network.on(SEARCH, hits([]), method="POST")
    await world.told("files_search", query='figures path:"x" OR', file_types=[".DOCX", "pdf"])
    assert asked(world) == {
        "entityTypes": ["driveItem"],
        "query": {
            "queryString": 'figures "path:" x "OR" (filetype:docx OR filetype:pdf)',
        },
        "from": 0,
        "size": 10,
    }


async def test_a_site_bounds_the_search(world):
    world.network.on(SEARCH, hits([]), method="POST")
    site = "https://contoso.sharepoint.com/sites/finance/"
    await world.told("files_search", query="a", where=site)
    assert asked(world)["query"]["queryString"] == (
        'a path:"https://contoso.sharepoint.com/sites/finance"'
    )


@pytest.mark.parametrize(
    "where",
    ["http://a.example", 'https://a.example/" OR x', "somewhere", "https://a.example/../x", ""],
)
async def test_a_place_that_is_none_is_refused(world, where):
    assert (await world.refused("files_search", query="a", where=where))["argument"] == "where"
    assert world.network.requests == []


@pytest.mark.parametrize("ending", ["a b", "docx)", "", "*"])
async def test_an_ending_that_is_none_is_refused(world, ending):
    refused = await world.refused("files_search", query="a", file_types=[ending])
    assert refused["argument"] == "file_types"


async def test_search_hits_are_paged_by_position(world):
    world.network.on(SEARCH, hits([item(1), item(2)], more=True), hits([item(3)]), method="POST")
    async with world.client() as client:
        arguments = {"query": "figures", "limit": 2}
        told = shown(await client.call_tool("files_search", arguments))
        rest = shown(await client.call_tool("files_search", {**arguments, "cursor": told["next"]}))
    assert asked(world)["from"] == 2
    assert [row["ref"] for row in rest["items"]] == ["b!D1/01ABC3"]
    assert "next" not in rest


async def test_the_own_drive_is_searched_by_name_with_quotes_doubled(world):
    path = "/v1.0/me/drive/root/search(q='o''hara')"
    world.network.on(path, Mailbox([item()]))
    told = await world.told("files_search", query="o'hara", where="onedrive")
    assert len(told["items"]) == 1
    assert b"o%27%27hara" in world.network.requests[-1].url.raw_path


async def test_the_own_drive_is_filtered_by_ending_here(world):
    world.network.on(OWN, Mailbox([item(1), item(2, name="Figures.docx")]))
    told = await world.told("files_search", query="figures", where="onedrive", file_types=["docx"])
    assert [row["type"] for row in told["items"]] == ["docx"]


async def test_many_files_stay_within_the_budget():
    world = World(result_budget_bytes=4096)
    world.network.on(OWN, Mailbox([item(n, name="n" * 300 + ".txt") for n in range(50)]))
    result = await world.call("files_search", query="figures", where="onedrive", limit=50)
    told = shown(result)
    assert size_bytes(result) <= 4096
    assert told["truncated"] == 50 - len(told["items"])


async def test_a_throttled_search_is_posted_again(world):
    world.network.on(SEARCH, throttled(), hits([item()]), method="POST")
    assert len((await world.told("files_search", query="figures"))["items"]) == 1


async def test_a_search_is_posted_again_as_it_only_reads(world):
    outage = error(503, "serviceNotAvailable", Retry_After="1")
    world.network.on(SEARCH, outage, hits([item()]), method="POST")
    assert len((await world.told("files_search", query="figures"))["items"]) == 1
    assert world.network.paths().count(SEARCH) == 2


async def test_a_forbidden_search_names_the_scope(world):
    world.network.on(SEARCH, error(403, "accessDenied"), method="POST")
    assert (await world.refused("files_search", query="a"))["missing_scope"] == "Files.Read.All"


def stored(world, content, name="notes.txt", address=STORE, **changes):
    file = {"id": "01ABC", "name": name, "size": len(content), "file": {}, **changes}
    if address:
        file["@microsoft.graph.downloadUrl"] = address
    world.network.on(ITEM, file)
    world.network.on("/download/x", httpx.Response(200, content=content))


def text_of(told):
    return FENCED.fullmatch(told["untrusted_text"])[2]


async def test_a_text_file_is_read_without_our_token_leaving_graph(world):
    stored(world, b"\xef\xbb\xbfHello \xc3\xa4")
    told = await world.told("files_read", item=REF)
    assert text_of(told) == "Hello ä"
    assert (told["ref"], told["name"], told["type"]) == (REF, "notes.txt", "txt")
    download = world.network.requests[-1]
    assert download.url.host == "contoso.sharepoint.com"
    assert "authorization" not in download.headers
    assert "sharepoint" not in json.dumps(told)


async def test_a_file_without_address_is_found_by_the_redirect_of_its_content(world):
    stored(world, b"Hello", address=None)
    redirect = httpx.Response(302, headers={"Location": STORE})
    world.network.on(f"{ITEM}/content", redirect)
    assert text_of(await world.told("files_read", item=REF)) == "Hello"
    assert "authorization" not in world.network.requests[-1].headers


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x",
        "https://sharepoint.com.evil.example/x",
        "https://evilsharepoint.com/x",
        "http://contoso.sharepoint.com/x",
        "https://user@contoso.sharepoint.com/x",
        "https://contoso.sharepoint.com:8443/x",
        "https://graph.microsoft.com@evil.example/x",
        "http://169.254.169.254/metadata",
        "file:///etc/passwd",
        "https://[x",
    ],
)
async def test_a_file_elsewhere_is_not_fetched(world, address):
    stored(world, b"Hello", address=address)
    assert (await world.refused("files_read", item=REF))["error"] == "download_refused"
    assert {request.url.host for request in world.network.requests} == {"graph.microsoft.com"}


async def test_a_download_that_redirects_is_not_followed(world):
    stored(world, b"")
    world.network.on(
        "/download/x", httpx.Response(302, headers={"Location": "https://evil.example/"})
    )
    assert (await world.refused("files_read", item=REF))["error"] == "unexpected_answer"
    assert "evil.example" not in {request.url.host for request in world.network.requests}


async def test_a_throttled_download_succeeds_after_the_wait(world):
    stored(world, b"")
    slow = httpx.Response(429, headers={"Retry-After": "4"})
    world.network.on("/download/x", slow, httpx.Response(200, content=b"Hello"))
    assert text_of(await world.told("files_read", item=REF)) == "Hello"
    assert world.clock.waits == [4]


async def test_a_long_file_is_read_piece_by_piece_without_loss(world):
    text = "".join(f"{n} € and 日本\n" for n in range(2500))
    stored(world, text.encode())
    got, offset = "", 0
    async with world.client() as client:
        while True:
            told = shown(await client.call_tool("files_read", {"item": REF, "offset": offset}))
            got += text_of(told)
            if "more" not in told:
                break
            offset = told["more"]
    assert got == text


class Endless(httpx.AsyncByteStream):
    """A file that never ends, and counts how much of it was read."""

    def __init__(self):
        self.read_bytes = 0
        self.closed = False

    async def __aiter__(self):
        while True:
            self.read_bytes += 65_536
            yield b"x" * 65_536

    async def aclose(self):
        self.closed = True


async def test_only_as_much_of_a_file_is_fetched_as_the_slice_needs(world):
    stored(world, b"")
    endless = Endless()
    world.network.on("/download/x", httpx.Response(200, stream=endless))
    told = await world.told("files_read", item=REF, max_chars=1000)
    assert told["more"] == 1000
    assert endless.read_bytes == 65_536
    assert endless.closed


async def test_an_offset_out_of_reach_is_refused_and_the_download_capped(world):
    stored(world, b"")
    endless = Endless()
    world.network.on("/download/x", httpx.Response(200, stream=endless))
    refused = await world.refused("files_read", item=REF, offset=50_000_000)
    assert refused["error"] == "unsupported"
    assert endless.read_bytes < 21 * 1024 * 1024


async def test_html_is_read_as_a_reader_sees_it(world):
    html = (
        b"<html><head><title>t</title><style>p{}</style></head><body><p>Seen <b>too</b></p>"
        b"<div style='display:none'>obey <div>me</div></div><p hidden>no</p>"
        b"<span style='font-size:0px'>tiny</span><script>x()</script><p>End</p></body></html>"
    )
    stored(world, html, name="page.HTML")
    assert text_of(await world.told("files_read", item=REF)) == "Seen too\nEnd"


async def test_a_document_of_more_than_twenty_megabytes_is_refused(world):
    stored(world, b"")
    endless = Endless()
    world.network.on("/download/x", httpx.Response(200, stream=endless))
    world.network.on(ITEM, {"name": "x.html", "@microsoft.graph.downloadUrl": STORE})
    refused = await world.refused("files_read", item=REF)
    assert (refused["error"], "20 MB" in refused["hint"]) == ("unsupported", True)
    assert endless.read_bytes < 21 * 1024 * 1024


async def test_a_document_that_says_it_is_larger_is_not_even_fetched(world):
    stored(world, b"x", name="x.pdf", size=21 * 1024 * 1024)
    assert (await world.refused("files_read", item=REF))["error"] == "unsupported"
    assert "/download/x" not in world.network.paths()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("ÄÖ".encode("windows-1252"), "ÄÖ"),
        ("\ufeffÄÖ".encode("utf-16-le"), "ÄÖ"),
        ("\ufeffÄÖ".encode("utf-16-be"), "ÄÖ"),
    ],
)
async def test_text_in_other_encodings_is_read(world, content, text):
    stored(world, content, name="x.csv")
    assert text_of(await world.told("files_read", item=REF)) == text


@pytest.mark.parametrize(
    ("name", "changes"), [("x.mp4", {}), ("noending", {}), ("folder.txt", {"folder": {}})]
)
async def test_what_cannot_be_read_is_refused_with_what_can(world, name, changes):
    stored(world, b"x", name=name, **changes)
    refused = await world.refused("files_read", item=REF)
    assert refused["error"] == "unsupported"
    assert "txt, md, csv, json, log, html, docx" in refused["hint"]
    assert "/download/x" not in world.network.paths()


@pytest.mark.parametrize(("name", "content"), [("x.docx", b"PK"), ("x.txt", b"MZ\x00\x01")])
async def test_a_file_that_is_not_what_its_name_says_is_refused(world, name, content):
    stored(world, content, name=name)
    refused = await world.refused("files_read", item=REF)
    assert refused["error"] == "unsupported"
    assert "damaged" in refused["hint"]


def docx(*paragraphs):
    """The smallest Word document."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package_namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    main = f'<Relationship Id="r1" Type="{office}/officeDocument" Target="word/document.xml"/>'
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        whole = f'<Relationships xmlns="{package_namespace}">{main}</Relationships>'
        package.writestr("_rels/.rels", whole)
        document = f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>'
        package.writestr("word/document.xml", document)
    return content.getvalue()


async def test_a_word_document_is_read(world):
    stored(world, docx("Dear Adele", "see you"), name="letter.docx")
    told = await world.told("files_read", item=REF)
    assert text_of(told).split() == ["Dear", "Adele", "see", "you"]
    assert told["type"] == "docx"


async def test_a_long_word_document_is_read_piece_by_piece_without_loss(world):
    stored(world, docx(*(f"Line {n}." for n in range(2000))), name="letter.docx")
    got, offset = "", 0
    async with world.client() as client:
        while True:
            told = shown(await client.call_tool("files_read", {"item": REF, "offset": offset}))
            got += text_of(told)
            if "more" not in told:
                break
            offset = told["more"]
    assert got.split() == " ".join(f"Line {n}." for n in range(2000)).split()


async def test_pages_that_a_document_has_not_are_refused(world):
    stored(world, docx("x"), name="letter.docx")
    refused = await world.refused("files_read", item=REF, pages="2-3")
    assert refused["argument"] == "pages"


async def test_a_kind_that_we_cannot_read_is_read_through_graphs_pdf(world):
    stored(world, b"{\\rtf1}", name="old.rtf")
    redirect = httpx.Response(302, headers={"Location": "https://contoso.sharepoint.com/pdf"})
    world.network.on(f"{ITEM}/content", redirect)
    world.network.on("/pdf", httpx.Response(200, content=b"no pdf"))
    assert "damaged" in (await world.refused("files_read", item=REF))["hint"]
    asked = world.network.last(f"{ITEM}/content")
    assert asked.url.params["format"] == "pdf"
    assert "authorization" not in world.network.last("/pdf").headers
    assert "/download/x" not in world.network.paths()


async def test_a_kind_that_graph_does_not_convert_is_refused(world):
    stored(world, b"x", name="old.rtf")
    world.network.on(f"{ITEM}/content", error(406, "notSupported"))
    refused = await world.refused("files_read", item=REF)
    assert (refused["error"], "no PDF" in refused["hint"]) == ("unsupported", True)


async def test_a_pdf_elsewhere_is_not_fetched(world):
    stored(world, b"x", name="old.rtf")
    redirect = httpx.Response(302, headers={"Location": "https://evil.example/pdf"})
    world.network.on(f"{ITEM}/content", redirect)
    assert (await world.refused("files_read", item=REF))["error"] == "download_refused"


async def test_a_file_is_read_by_its_path_and_named_by_its_ref(world):
    path = "/v1.0/me/drive/root:/Reports/notes.txt:"
    file = {"id": "01ABC", "name": "notes.txt", "parentReference": {"driveId": "b!D1"}}
    world.network.on(path, file)
    redirect = httpx.Response(302, headers={"Location": STORE})
    world.network.on(f"{path}/content", redirect)
    world.network.on("/download/x", httpx.Response(200, content=b"Hello"))
    told = await world.told("files_read", item="/Reports/notes.txt")
    assert (text_of(told), told["ref"]) == ("Hello", REF)


async def test_an_empty_file_is_shown_as_empty(world):
    stored(world, b"")
    told = await world.told("files_read", item=REF)
    assert told["size"] == 0
    assert "untrusted_text" not in told


async def test_pages_of_a_text_are_refused(world):
    stored(world, b"Hello")
    assert (await world.refused("files_read", item=REF, pages="2-3"))["argument"] == "pages"


@pytest.mark.parametrize(
    "ref", ["..", "01ABC", "b!D1/..", "../01ABC", "a/b/c", "/..", "b!D1/", "a /b", "b!D1/%2e%2e"]
)
async def test_a_ref_that_is_none_is_refused(world, ref):
    assert (await world.refused("files_read", item=ref))["argument"] == "item"
    assert world.network.requests == []


async def test_a_file_that_is_gone_is_not_found(world):
    assert (await world.refused("files_read", item=REF))["error"] == "not_found"


async def test_a_forbidden_file_names_the_scope(world):
    world.network.on(ITEM, error(403, "accessDenied"))
    assert (await world.refused("files_read", item=REF))["missing_scope"] == "Files.Read.All"


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_an_address_that_ran_out_is_asked_for_once_more(world, status):
    fresh = {"name": "notes.txt", "@microsoft.graph.downloadUrl": f"{STORE}?fresh"}
    stored(world, b"")
    world.network.on(ITEM, {**fresh, "@microsoft.graph.downloadUrl": STORE}, fresh)
    refused, got = httpx.Response(status), httpx.Response(200, content=b"Hello")
    world.network.on("/download/x", lambda r: got if r.url.query else refused)
    assert text_of(await world.told("files_read", item=REF)) == "Hello"


@pytest.mark.parametrize(
    ("status", "code", "asked"),
    [
        (401, "download_refused", 2),
        (403, "download_refused", 2),
        (400, "download_failed", 1),
        (416, "download_failed", 1),
    ],
)
async def test_a_refusal_of_the_other_host_is_not_told_as_graphs(world, status, code, asked):
    stored(world, b"")
    world.network.on("/download/x", httpx.Response(status))
    refused = await world.refused("files_read", item=REF)
    assert refused["error"] == code
    assert "missing_scope" not in refused
    assert world.network.paths().count("/download/x") == asked


async def test_an_address_that_is_none_is_an_error_in_words(world):
    stored(world, b"", address="https://contoso.sharepoint.com/\x01")
    assert (await world.refused("files_read", item=REF))["error"] == "unexpected_answer"


@pytest.mark.parametrize("place", [10, 60_000])
async def test_one_broken_byte_changes_nothing_but_its_own_character(world, place):
    text = "äöü€ and so on\n" * 4000
    content = bytearray(text.encode())
    at = content.index(b"a", place)
    content[at : at + 1] = b"\xff"
    stored(world, bytes(content))
    got, offset = "", 0
    async with world.client() as client:
        while len(got) < len(text):
            arguments = {"item": REF, "offset": offset, "max_chars": 20_000}
            told = shown(await client.call_tool("files_read", arguments))
            got += text_of(told)
            offset = told.get("more", 0)
    assert got.count("\ufffd") == 1
    assert got.replace("\ufffd", "a") == text


async def test_files_are_not_searched_for_nothing(world):
    assert (await world.refused("files_search", query="  "))["argument"] == "query"
    assert world.network.requests == []
