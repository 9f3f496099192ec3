import base64
import json

import httpx
import pytest

from unit.graph_server.outbox import HISTORY, ROOT, Outbox, person, writes
from unit.graph_server.world import ORIGIN, World, error, size_bytes, throttled

MEGAN = "Megan Bowen <megan@contoso.example>"
NEW = {"to": [MEGAN], "subject": "Figures", "body": "Hello Megan"}
FILE = "/v1.0/drives/d1/items/i1"
MB = 1024 * 1024


@pytest.fixture
def world():
    return World(read_only=False)


@pytest.fixture
def outbox(world):
    return Outbox(world)


def made(world):
    return json.loads(world.network.last(ROOT).content)


async def test_a_mail_becomes_a_draft_and_nothing_is_sent(world, outbox):
    told = await world.told("mail_draft", **NEW)
    assert told["draft"] is True
    assert told["to"] == [MEGAN]
    assert told["link"].startswith("https://")
    assert "warnings" not in told
    assert made(world) == {
        "toRecipients": [
            {"emailAddress": {"name": "Megan Bowen", "address": "megan@contoso.example"}}
        ],
        "subject": "Figures",
        "body": {"contentType": "text", "content": "Hello Megan"},
    }
    assert world.network.last(ROOT).headers["prefer"] == 'IdType="ImmutableId"'
    assert writes(world) == [("POST", ROOT)]
    assert outbox.sent == []


async def test_everything_else_goes_where_it_belongs(world, outbox):
    told = await world.told(
        "mail_draft", **NEW, cc=["a@contoso.example"], bcc=["b@contoso.example"], importance="high"
    )
    assert (told["cc"], told["bcc"], told["importance"]) == (
        ["a@contoso.example"],
        ["b@contoso.example"],
        "high",
    )
    assert made(world)["ccRecipients"] == [{"emailAddress": {"address": "a@contoso.example"}}]


async def test_what_is_missing_or_strange_is_pointed_out(world, outbox):
    told = await world.told("mail_draft", body="x")
    assert told["warnings"] == ["It has no recipient yet.", "It has no subject."]
    told = await world.told("mail_draft", to=["pat@fabrikam.example"], subject="x")
    assert told["warnings"] == ["1 recipient is outside contoso.example: fabrikam.example."]


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": ["Megan Bowen"]},
        {"cc": ["a@contoso.example\r\nBcc: b@evil.example"]},
        {"bcc": ["a@contoso.example,b@evil.example"]},
        {"to": ["a@contoso.example"] * 501},
        {"to": "a@contoso.example"},
        {"body": "x" * 100_001},
        {"body_type": "markdown"},
        {"importance": "urgent"},
        {"attach_files": ["https://evil.example/x"]},
        {"attach_files": ["d1/../i1"]},
        {"attach_files": ["d1/i1"] * 11},
        {"draft_id": ".."},
        {"draft_id": "a b"},
        {"draft_id": "x\r\nHost: evil"},
        {"draft_id": "x?$select=body"},
        {"body": "<script>x</script>", "body_type": "html"},
    ],
)
async def test_malformed_arguments_are_refused_before_anything_is_asked(world, arguments):
    refused = await world.refused("mail_draft", **arguments)
    assert (refused["error"], refused["argument"]) == ("bad_argument", next(iter(arguments)))
    assert world.network.requests == []


async def test_html_is_reduced_to_what_a_mail_needs(world, outbox):
    html = (
        '<p onclick="x()">Hello <b>Megan</b></p><img src="https://evil.example/p.gif">'
        '<script>alert(1)</script><a href="javascript:x()">here</a><style>p{}</style>'
        '<div style="display:none">hidden</div><form action="https://evil.example"><input></form>'
    )
    await world.told("mail_draft", **{**NEW, "body": html}, body_type="html")
    body = made(world)["body"]
    assert body["contentType"] == "html"
    for gone in ("onclick", "script", "img", "style", "form", "evil", "alert", "javascript"):
        assert gone not in body["content"]
    assert "<p>Hello <b>Megan</b></p>" in body["content"]


async def test_text_stays_text_whatever_it_looks_like(world, outbox):
    await world.told("mail_draft", **{**NEW, "body": "a <b> & c\n2"})
    assert made(world)["body"] == {"contentType": "text", "content": "a <b> & c\n2"}


async def test_nothing_unseen_leaves_with_a_mail(world, outbox):
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "secret")
    persian = "\u0645\u06cc\u200c\u062e\u0648"
    await world.told(
        "mail_draft", subject=f"a{hidden}\r\nBcc: x", body=f"{hidden}\u202e\x00{persian}"
    )
    assert made(world)["subject"] == "a Bcc: x"
    assert made(world)["body"]["content"] == persian


async def test_a_rehearsal_changes_nothing(world, outbox):
    outbox.draft()
    world.network.on(FILE, drive_file(10))
    for arguments in ({}, {"draft_id": "draft-1"}):
        told = await world.told(
            "mail_draft", **NEW, **arguments, attach_files=["d1/i1"], dry_run=True
        )
        assert told["dry_run"] is True
        (would,) = told["would"].values()
        assert (would["to"], would["body_chars"], would["attach"]) == ([MEGAN], 11, ["Plan.docx"])
    assert writes(world) == []


async def test_the_operators_rules_hold_before_a_draft_is_made():
    world = World(read_only=False, recipient_domains="contoso.example", max_recipients=2)
    Outbox(world)
    refused = await world.refused("mail_draft", to=["pat@fabrikam.example"])
    assert refused["error"] == "recipients_refused"
    assert "fabrikam.example" in refused["hint"]
    people = [f"p{n}@contoso.example" for n in range(3)]
    refused = await world.refused("mail_draft", to=people[:1], cc=people[1:2], bcc=people[2:])
    assert refused["error"] == "recipients_refused"
    assert writes(world) == []


async def test_a_draft_is_changed_where_something_is_given_and_stays_elsewhere(world, outbox):
    outbox.draft(ccRecipients=[person("a@contoso.example")], importance="high")
    told = await world.told("mail_draft", draft_id="draft-1", subject="New", cc=["none"])
    assert writes(world) == [("PATCH", f"{ROOT}/draft-1")]
    request = world.network.last(f"{ROOT}/draft-1")
    assert json.loads(request.content) == {"ccRecipients": [], "subject": "New"}
    assert request.headers["if-match"] == 'W/"draft-1"'
    assert "cc" not in told
    assert (told["subject"], told["importance"]) == ("New", "high")
    assert told["to"] == ["Megan <megan@contoso.example>"]


async def test_a_changed_draft_obeys_the_rules_with_those_who_were_there_before():
    world = World(read_only=False, recipient_domains="contoso.example")
    Outbox(world).draft("draft-1", "pat@fabrikam.example")
    refused = await world.refused("mail_draft", draft_id="draft-1", subject="x")
    assert refused["error"] == "recipients_refused"
    assert writes(world) == []


async def test_the_quoted_history_of_a_reply_outlives_a_new_text(world, outbox):
    outbox.draft(body={"contentType": "html", "content": f"<p>old</p>{HISTORY}"})
    await world.told("mail_draft", draft_id="draft-1", body="1 < 2\nnew")
    content = outbox.mails["draft-1"]["body"]["content"]
    assert content.startswith("<html><body><div>1 &lt; 2<br>\nnew</div><br><hr")
    assert "What was quoted" in content
    assert "old" not in content


@pytest.mark.parametrize("piece", ["<body ", "<div ", "<hr><div ", "<hr ", '<div id="', "<hr> "])
async def test_no_html_keeps_us_busy_for_long(world, outbox, piece):
    outbox.draft(body={"contentType": "html", "content": piece * 200_000})
    assert (await world.told("mail_draft", draft_id="draft-1", body="new"))["draft"] is True
    assert outbox.mails["draft-1"]["body"] == {"contentType": "text", "content": "new"}


async def test_what_is_no_draft_is_not_changed(world, outbox):
    outbox.received()
    refused = await world.refused("mail_draft", draft_id="mail-1", subject="x")
    assert (refused["error"], refused["argument"]) == ("bad_argument", "draft_id")
    assert writes(world) == []


async def test_a_change_of_nothing_is_refused(world, outbox):
    outbox.draft()
    assert "nothing to change" in (await world.refused("mail_draft", draft_id="draft-1"))["hint"]


async def test_a_draft_that_somebody_else_changes_in_that_moment_is_left_alone(world, outbox):
    outbox.draft()
    world.network.on(f"{ROOT}/draft-1", error(412, "ErrorIrresolvableConflict"), method="PATCH")
    refused = await world.refused("mail_draft", draft_id="draft-1", subject="x")
    assert refused["error"] == "changed_meanwhile"


@pytest.mark.parametrize("lost", [error(504, "UnknownError"), httpx.ReadError("reset")])
async def test_a_draft_that_may_have_been_made_is_not_made_again(world, outbox, lost):
    world.network.on(ROOT, lost, method="POST")
    refused = await world.refused("mail_draft", **NEW)
    assert refused["error"] == "maybe_drafted"
    assert "drafts" in refused["hint"]
    assert writes(world) == [("POST", ROOT)]


async def test_a_change_that_may_have_happened_is_told_as_such(world, outbox):
    outbox.draft()
    world.network.on(f"{ROOT}/draft-1", error(503, "UnknownError"), method="PATCH")
    refused = await world.refused("mail_draft", draft_id="draft-1", subject="x")
    assert refused["error"] == "maybe_changed"
    assert len(writes(world)) == 1


async def test_a_busy_mailbox_is_waited_for(world, outbox):
    create = outbox._create
    world.network.on(ROOT, throttled("3"), create, method="POST")
    assert (await world.told("mail_draft", **NEW))["draft"] is True
    assert world.clock.waits == [3]


async def test_a_busy_mailbox_is_not_waited_for_without_end(world):
    world.network.on(ROOT, throttled("60"), method="POST")
    refused = await world.refused("mail_draft", **NEW)
    assert (refused["error"], refused["retry_after_s"]) == ("throttled", 60)


async def test_without_leave_to_write_the_missing_scope_is_named(world):
    world.network.on(ROOT, error(403, "ErrorAccessDenied"), method="POST")
    refused = await world.refused("mail_draft", **NEW)
    assert (refused["error"], refused["missing_scope"]) == ("forbidden", "Mail.ReadWrite")


async def test_a_draft_that_is_gone_is_told_as_such(world):
    assert (await world.refused("mail_draft", draft_id="x", body="y"))["error"] == "not_found"


@pytest.mark.parametrize("answer", [{}, httpx.Response(201, content=b"<html>")])
async def test_an_answer_without_an_id_leaves_open_whether_there_is_a_draft(world, answer):
    world.network.on(ROOT, answer, method="POST")
    assert (await world.call("mail_draft", **NEW)).is_error
    assert writes(world) == [("POST", ROOT)]


async def test_no_crowd_of_recipients_breaks_the_budget():
    world = World(read_only=False, result_budget_bytes=4096, max_recipients=500)
    Outbox(world)
    crowd = [f"{'N' * 100} <{'x' * 60}{n}@{'contoso' * 8}.example>" for n in range(400)]
    result = await world.call("mail_draft", to=crowd, cc=crowd[:50], subject="s" * 255)
    assert not result.is_error
    assert size_bytes(result) <= 4096
    assert "It goes to 400 people." in str(result.structured_content["warnings"])


# --- files ---------------------------------------------------------------------------------------


def drive_file(size, **changes):
    return {
        "id": "i1",
        "name": "Plan.docx",
        "size": size,
        "file": {"mimeType": "application/x-plan"},
        "@microsoft.graph.downloadUrl": f"{ORIGIN}/bytes",
    } | changes


def serving(content):
    def answer(request):
        asked = request.headers.get("range")
        if not asked:
            return httpx.Response(200, content=content)
        start, end = (int(part) for part in asked.removeprefix("bytes=").split("-"))
        piece = content[start : end + 1]
        span = f"bytes {start}-{start + len(piece) - 1}/{len(content)}"
        return httpx.Response(206, content=piece, headers={"Content-Range": span})

    return answer


class Session:
    """An upload session of Exchange: it says from where to go on, and in the end 201 alone."""

    def __init__(self):
        self.got = b""
        self.sizes = []
        self.authorized = False

    def __call__(self, request):
        self.authorized |= "authorization" in request.headers
        place, total = request.headers["content-range"].removeprefix("bytes ").split("/")
        assert int(place.split("-")[0]) == len(self.got)
        self.got += request.content
        self.sizes.append(len(request.content))
        if len(self.got) == int(total):
            return httpx.Response(201, headers={"Location": f"{ORIGIN}/x"})
        return httpx.Response(200, json={"nextExpectedRanges": [str(len(self.got))]})


async def test_a_small_file_is_attached_in_one_request(world, outbox):
    content = b"\x00\xff" * 700
    world.network.on(FILE, drive_file(len(content)))
    world.network.on("/bytes", serving(content))
    told = await world.told("mail_draft", **NEW, attach_files=["d1/i1", "d1/i1"])
    assert told["attached"] == ["Plan.docx"]
    ((key, attachment),) = outbox.uploads
    assert key == told["id"]
    assert attachment["@odata.type"] == "#microsoft.graph.fileAttachment"
    assert (attachment["name"], attachment["contentType"]) == ("Plan.docx", "application/x-plan")
    assert base64.b64decode(attachment["contentBytes"]) == content
    assert "authorization" not in world.network.last("/bytes").headers


async def test_an_empty_file_is_attached_without_a_download(world, outbox):
    world.network.on(FILE, drive_file(0))
    told = await world.told("mail_draft", **NEW, attach_files=["d1/i1"])
    assert told["attached"] == ["Plan.docx"]
    assert outbox.uploads[0][1]["contentBytes"] == ""


@pytest.mark.parametrize("size", [3 * MB, 3 * MB + 1, 2 * 3_276_800, 7 * MB + 5])
async def test_a_large_file_goes_up_in_parts_that_exchange_takes(world, outbox, size):
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    session = Session()
    world.network.on(FILE, drive_file(size))
    world.network.on("/bytes", serving(content))
    address = {"uploadUrl": f"{ORIGIN}/session"}
    path = f"{ROOT}/made-0/attachments/createUploadSession"
    world.network.on(path, httpx.Response(201, json=address), method="POST")
    world.network.on("/session", session, method="PUT")
    told = await world.told("mail_draft", **NEW, attach_files=["d1/i1"])
    assert told["attached"] == ["Plan.docx"]
    assert session.got == content
    assert all(part < 4_000_000 for part in session.sizes)
    assert all(part % 327_680 == 0 for part in session.sizes[:-1])
    assert not session.authorized
    asked = json.loads(world.network.last(path).content)
    assert asked == {
        "AttachmentItem": {"attachmentType": "file", "name": "Plan.docx", "size": size}
    }


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        (drive_file(1, file=None, folder={"childCount": 1}), "folder"),
        (drive_file(150 * MB + 1), "files_share"),
    ],
)
async def test_what_cannot_be_attached_is_refused_before_a_draft(world, outbox, item, hint):
    world.network.on(FILE, item)
    refused = await world.refused("mail_draft", **NEW, attach_files=["d1/i1"])
    assert (refused["error"], refused["argument"]) == ("bad_argument", "attach_files")
    assert hint in refused["hint"]
    assert writes(world) == []


async def test_a_file_that_may_not_be_read_names_the_scope_for_files(world, outbox):
    world.network.on(FILE, error(403, "accessDenied"))
    refused = await world.refused("mail_draft", **NEW, attach_files=["d1/i1"])
    assert refused["missing_scope"] == "Files.Read.All"
    assert writes(world) == []


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (error(504, "UnknownError"), "may be attached or not"),
        (error(400, "ErrorAttachmentSizeLimitExceeded"), "refused"),
    ],
)
async def test_a_file_that_does_not_get_onto_the_draft_is_named(world, outbox, answer, word):
    world.network.on(FILE, drive_file(3))
    world.network.on("/bytes", serving(b"abc"))
    world.network.on(f"{ROOT}/made-0/attachments", answer, method="POST")
    outbox.add = lambda key, **properties: outbox.mails.setdefault(key, {"id": key, **properties})
    told = await world.told("mail_draft", **NEW, attach_files=["d1/i1"])
    assert "attached" not in told
    (failed,) = told["not_attached"]
    assert failed["name"] == "Plan.docx"
    assert word in failed["hint"]
    assert len([one for one in writes(world) if one[1].endswith("attachments")]) == 1


async def test_a_file_that_changes_meanwhile_is_not_attached_in_halves(world, outbox):
    world.network.on(FILE, drive_file(5))
    world.network.on("/bytes", serving(b"abc"))
    told = await world.told("mail_draft", **NEW, attach_files=["d1/i1"])
    assert told["not_attached"][0]["error"] == "download_failed"
    assert "may be attached" not in told["not_attached"][0]["hint"]
    assert outbox.uploads == []


async def test_an_address_that_expired_is_asked_for_once_more(world, outbox):
    fresh = {"@microsoft.graph.downloadUrl": f"{ORIGIN}/fresh"}
    world.network.on(FILE, drive_file(3), fresh)
    world.network.on("/bytes", httpx.Response(401))
    world.network.on("/fresh", serving(b"abc"))
    told = await world.told("mail_draft", **NEW, attach_files=["d1/i1"])
    assert told["attached"] == ["Plan.docx"]


async def test_no_file_is_fetched_from_or_sent_to_a_strange_host(world, outbox):
    world.network.on(FILE, drive_file(3, **{"@microsoft.graph.downloadUrl": "https://e.example/x"}))
    told = await world.told("mail_draft", **NEW, attach_files=["d1/i1"])
    assert told["not_attached"][0]["error"] == "download_refused"
    assert {request.url.host for request in world.network.requests} == {"graph.microsoft.com"}
    world.network.on(FILE, drive_file(3 * MB))
    path = f"{ROOT}/made-1/attachments/createUploadSession"
    session = httpx.Response(201, json={"uploadUrl": "https://e.example/session"})
    world.network.on(path, session, method="POST")
    told = await world.told("mail_draft", **NEW, attach_files=["d1/i1"])
    assert told["not_attached"][0]["error"] == "upload_refused"
    assert "OBO_MCP_UPLOAD_HOSTS" in told["not_attached"][0]["hint"]
    assert {request.url.host for request in world.network.requests} == {"graph.microsoft.com"}
