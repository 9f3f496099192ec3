"""Drafts, sending, answers, moves, attachments: what they change, and what refuses to change."""

import base64
import email

import pytest

SCOPES = "Mail.ReadWrite Mail.Send User.Read"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@pytest.fixture
def graph(fresh_graph):
    """Nobody else's: these tests write."""
    return fresh_graph


def refused(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code, answer.text


def ask(graph, method, path, body=None, *, who="adele", scopes=SCOPES, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return graph.client.request(
        method, graph._url(path), json=body, headers=graph.headers(who, scopes) | given
    )


def people(*names):
    return [{"emailAddress": {"address": f"{name}@contoso.example"}} for name in names]


def draft(graph, who="adele", **fields):
    body = {
        "subject": "Oak benches",
        "body": {"contentType": "text", "content": "How many?"},
        "toRecipients": people("megan"),
    }
    answer = ask(graph, "POST", "/me/messages", body | fields, who=who, **IMMUTABLE)
    assert answer.status_code == 201, answer.text
    return answer.json()


def file(name="a.txt", content=b"wood", **more):
    kind = "#microsoft.graph.fileAttachment"
    return {"@odata.type": kind, "name": name, "contentBytes": encoded(content), **more}


def encoded(content):
    return base64.b64encode(content).decode()


def inbox_of(graph, who, subject):
    found = graph.every("/me/mailFolders/inbox/messages?$top=1000", who=who, scopes=SCOPES)
    return [mail for mail in found if mail["subject"] == subject]


# --- drafts --------------------------------------------------------------------------------------


def test_a_draft_says_what_it_was_given(graph):
    made = draft(
        graph,
        ccRecipients=[{"emailAddress": {"name": "Lynne", "address": "lynne@contoso.example"}}],
        importance="High",
        categories=["Blue category"],
    )
    shown = ask(graph, "GET", f"/me/messages/{made['id']}", **IMMUTABLE).json()
    assert shown["isDraft"]
    assert shown["toRecipients"] == [
        {"emailAddress": {"name": "megan@contoso.example", "address": "megan@contoso.example"}}
    ]
    assert shown["ccRecipients"][0]["emailAddress"]["name"] == "Lynne"
    assert (shown["importance"], shown["categories"]) == ("high", ["Blue category"])
    assert shown["from"]["emailAddress"]["address"] == "adele@contoso.example"
    assert shown["createdDateTime"] == "2026-11-18T11:06:40Z"
    drafts = graph.every("/me/mailFolders/drafts/messages?$top=1000", scopes=SCOPES, **IMMUTABLE)
    assert drafts[0]["id"] == made["id"]


def test_where_a_draft_is_stands_in_its_location(graph):
    answer = ask(graph, "POST", "/me/messages", {"subject": "Where"})
    place = answer.headers["Location"]
    assert answer.headers["ETag"] == answer.json()["@odata.etag"]
    assert graph.client.get(place, headers=graph.headers()).json()["subject"] == "Where"


def test_html_is_kept_and_read_as_text_by_who_prefers_text(graph):
    made = draft(
        graph, body={"contentType": "HTML", "content": "<p>Two</p><p>lines &amp; <b>x</b></p>"}
    )
    html = ask(graph, "GET", f"/me/messages/{made['id']}").json()["body"]
    assert html["contentType"] == "html"
    assert "<p>lines &amp; <b>x</b></p></body>" in html["content"].replace("\n", "")
    text = ask(
        graph, "GET", f"/me/messages/{made['id']}", Prefer='outlook.body-content-type="text"'
    )
    assert text.json()["body"] == {"contentType": "text", "content": "Two\n\nlines & x"}
    assert text.json()["bodyPreview"] == "Two lines & x"


def test_a_draft_may_be_made_in_a_folder(graph):
    answer = ask(graph, "POST", "/me/mailFolders/archive/messages", {"subject": "Kept"})
    folder = ask(graph, "GET", "/me/mailFolders/archive").json()["id"]
    assert answer.json()["parentFolderId"] == folder


def test_a_draft_can_be_changed_and_every_change_is_a_new_version(graph):
    made = draft(graph)
    path = f"/me/messages/{made['id']}"
    versions = {made["@odata.etag"]}
    for change in (
        {"subject": "Pine benches"},
        {"toRecipients": people("lynne")},
        {"isRead": False},
        {"flag": {"flagStatus": "flagged"}},
    ):
        changed = ask(graph, "PATCH", path, change)
        assert changed.status_code == 200
        versions.add(changed.json()["@odata.etag"])
    assert len(versions) == 5
    shown = ask(graph, "GET", path).json()
    assert shown["subject"] == "Pine benches"
    assert shown["flag"] == {"flagStatus": "flagged"}
    assert shown["changeKey"] in shown["@odata.etag"]


def test_a_changed_subject_is_what_search_finds(graph):
    made = draft(graph, subject="Quinces")
    assert ask(graph, "GET", '/me/messages?$search="quinces"').json()["value"]
    ask(graph, "PATCH", f"/me/messages/{made['id']}", {"subject": "Medlars"})
    assert not ask(graph, "GET", '/me/messages?$search="quinces"').json()["value"]
    assert ask(graph, "GET", '/me/messages?$search="medlars"').json()["value"]


def test_a_stale_version_changes_nothing(graph):
    made = draft(graph)
    path, first = f"/me/messages/{made['id']}", made["@odata.etag"]
    assert ask(graph, "PATCH", path, {"importance": "low"}, If_Match=first).status_code == 200
    stale = ask(graph, "PATCH", path, {"importance": "high"}, If_Match=first)
    refused(stale, 412, "ErrorIrresolvableConflict")
    refused(ask(graph, "DELETE", path, If_Match=first), 412, "ErrorIrresolvableConflict")
    refused(ask(graph, "POST", f"{path}/send", If_Match=first), 412, "ErrorIrresolvableConflict")
    assert ask(graph, "GET", path).json()["importance"] == "low"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subjekt": "x"}, "RequestBodyRead"),
        ({"isDraft": False}, "ErrorInvalidPropertySet"),
        ({"receivedDateTime": "2026-11-18T11:06:40Z"}, "ErrorInvalidPropertySet"),
        ({"importance": "vital"}, "RequestBodyRead"),
        ({"isRead": "yes"}, "RequestBodyRead"),
        ({"toRecipients": "adele@contoso.example"}, "RequestBodyRead"),
        ({"flag": {"flagStatus": "red"}}, "RequestBodyRead"),
        ({"body": {"contentType": "rtf", "content": ""}}, "RequestBodyRead"),
    ],
)
def test_what_cannot_be_set_is_refused(graph, change, code):
    made = draft(graph)
    refused(ask(graph, "PATCH", f"/me/messages/{made['id']}", change), 400, code)
    refused(ask(graph, "POST", "/me/messages", change), 400, code)


def test_a_received_mail_keeps_its_words_but_not_its_marks(graph):
    mail = graph.get("/me/mailFolders/inbox/messages?$top=1").json()["value"][0]
    path = f"/me/messages/{mail['id']}"
    changed = ask(graph, "PATCH", path, {"subject": "Changed"})
    refused(changed, 400, "ErrorInvalidPropertyUpdateSentMessage")
    marks = {"isRead": not mail["isRead"], "categories": ["Red category"], "importance": "low"}
    assert ask(graph, "PATCH", path, marks).status_code == 200
    shown = ask(graph, "GET", path).json()
    assert {name: shown[name] for name in marks} == marks
    ask(graph, "PATCH", path, {name: mail[name] for name in marks})


def test_nobody_writes_in_the_name_of_another(graph):
    body = {"from": people("megan")[0], "toRecipients": people("adele")}
    refused(ask(graph, "POST", "/me/messages", body), 403, "ErrorSendAsDenied")


def test_a_deleted_draft_is_gone(graph):
    made = draft(graph)
    assert ask(graph, "DELETE", f"/me/messages/{made['id']}").status_code == 204
    refused(ask(graph, "GET", f"/me/messages/{made['id']}"), 404, "ErrorItemNotFound")


WRITES = [
    ("POST", "/me/messages", {"subject": "x"}, "Mail.ReadWrite", "Mail.Read Mail.Send"),
    ("POST", "/me/sendMail", {}, "Mail.Send", "Mail.ReadWrite"),
]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write[1])
def test_each_write_asks_for_its_scope(graph, write):
    method, path, body, enough, other = write
    refused(ask(graph, method, path, body, scopes=other), 403, "ErrorAccessDenied")
    assert ask(graph, method, path, body, scopes=enough).status_code != 403


def test_each_write_to_a_message_asks_for_its_scope(graph):
    path = f"/me/messages/{draft(graph)['id']}"
    for method, tail, scopes in [
        ("PATCH", "", "Mail.Read Mail.Send"),
        ("DELETE", "", "Mail.Read Mail.Send"),
        ("POST", "/send", "Mail.ReadWrite"),
        ("POST", "/move", "Mail.Read Mail.Send"),
        ("POST", "/createReply", "Mail.Read Mail.Send"),
        ("POST", "/createForward", "Mail.Read Mail.Send"),
        ("POST", "/attachments", "Mail.Read Mail.Send"),
        ("POST", "/attachments/createUploadSession", "Mail.Read Mail.Send"),
    ]:
        answer = ask(graph, method, path + tail, {}, scopes=scopes)
        refused(answer, 403, "ErrorAccessDenied")


def test_nobody_writes_to_anothers_mail(graph):
    made = draft(graph)
    for method, tail in [("PATCH", ""), ("DELETE", ""), ("POST", "/send"), ("POST", "/move")]:
        answer = ask(graph, method, f"/me/messages/{made['id']}{tail}", {}, who="megan")
        refused(answer, 404, "ErrorItemNotFound")
    assert ask(graph, "GET", f"/me/messages/{made['id']}").json()["isDraft"]


# --- sending -------------------------------------------------------------------------------------


def test_a_sent_draft_is_in_sent_items_and_with_its_addressees(graph):
    made = draft(
        graph,
        subject="Sent once",
        ccRecipients=people("megan", "lynne", "nobody"),
        bccRecipients=people("alex"),
        attachments=[file()],
    )
    path = f"/me/messages/{made['id']}"
    answer = ask(graph, "POST", f"{path}/send")
    assert (answer.status_code, answer.content) == (202, b"")
    sent = ask(graph, "GET", path, **IMMUTABLE).json()
    assert (sent["isDraft"], sent["isRead"]) == (False, True)
    sent_items = ask(graph, "GET", "/me/mailFolders/sentitems", **IMMUTABLE).json()
    assert sent["parentFolderId"] == sent_items["id"]
    name = sent["internetMessageId"]
    assert name == made["internetMessageId"]
    found = ask(graph, "GET", f"/me/messages?$filter=internetMessageId eq '{name}'").json()["value"]
    assert [mail["subject"] for mail in found] == ["Sent once"]
    assert sent["bccRecipients"][0]["emailAddress"]["address"] == "alex@contoso.example"
    for who in ("megan", "lynne", "alex"):
        (arrived,) = inbox_of(graph, who, "Sent once")
        assert (arrived["isRead"], arrived["bccRecipients"]) == (False, [])
        assert arrived["internetMessageId"] == sent["internetMessageId"]
        assert arrived["id"] != sent["id"]
        inside = ask(graph, "GET", f"/me/messages/{arrived['id']}/attachments", who=who).json()
        assert base64.b64decode(inside["value"][0]["contentBytes"]) == b"wood"


def test_the_default_id_of_a_draft_ends_with_its_sending(graph):
    made = ask(graph, "POST", "/me/messages", {"toRecipients": people("adele")}).json()
    ask(graph, "POST", f"/me/messages/{made['id']}/send")
    refused(ask(graph, "GET", f"/me/messages/{made['id']}"), 404, "ErrorItemNotFound")


def test_a_draft_can_be_sent_only_once(graph):
    made = draft(graph, subject="No twins")
    assert ask(graph, "POST", f"/me/messages/{made['id']}/send").status_code == 202
    again = ask(graph, "POST", f"/me/messages/{made['id']}/send")
    refused(again, 400, "ErrorInvalidRequest")
    assert len(inbox_of(graph, "megan", "No twins")) == 1


@pytest.mark.parametrize("listed", [[], [{"emailAddress": {"name": "Megan", "address": "megan"}}]])
def test_without_a_good_address_nothing_leaves(graph, listed):
    made = draft(graph, toRecipients=listed)
    refused(ask(graph, "POST", f"/me/messages/{made['id']}/send"), 400, "ErrorInvalidRecipients")
    assert ask(graph, "GET", f"/me/messages/{made['id']}").json()["isDraft"]


@pytest.mark.parametrize("saved", [True, False])
def test_a_mail_can_be_sent_at_once(graph, saved):
    subject = f"At once, saved {saved}"
    body = {"message": {"subject": subject, "toRecipients": people("megan")}}
    answer = ask(graph, "POST", "/me/sendMail", body | {"saveToSentItems": saved})
    assert (answer.status_code, answer.content) == (202, b"")
    assert len(inbox_of(graph, "megan", subject)) == 1
    kept = graph.every("/me/mailFolders/sentitems/messages?$top=1000", scopes=SCOPES)
    assert [mail["subject"] for mail in kept].count(subject) == saved


def test_the_sent_copy_may_be_late_and_its_id_leads_nowhere_until_then(graph):
    made = draft(graph, subject="Late copy")
    graph.quirks.sent_copy_after = 2
    assert ask(graph, "POST", f"/me/messages/{made['id']}/send").status_code == 202
    refused(ask(graph, "GET", f"/me/messages/{made['id']}"), 404, "ErrorItemNotFound")
    assert not ask(graph, "GET", f"/me/messages/{made['id']}").json()["isDraft"]
    assert len(inbox_of(graph, "megan", "Late copy")) == 1


# --- answers -------------------------------------------------------------------------------------


def received(graph, subject, who="megan", **fields):
    made = draft(graph, subject=subject, **fields)
    ask(graph, "POST", f"/me/messages/{made['id']}/send")
    return made, inbox_of(graph, who, subject)[0]


def test_a_reply_quotes_what_it_answers_in_the_same_conversation(graph):
    made, mail = received(graph, "Benches for Porto")
    answer = ask(
        graph, "POST", f"/me/messages/{mail['id']}/createReply", {"comment": "Twelve."}, who="megan"
    )
    assert answer.status_code == 201
    reply = answer.json()
    assert (reply["subject"], reply["isDraft"]) == ("RE: Benches for Porto", True)
    assert reply["conversationId"] == mail["conversationId"]
    (to,) = reply["toRecipients"]
    assert to["emailAddress"] == {"name": "Adele Vance", "address": "adele@contoso.example"}
    content = reply["body"]["content"]
    assert content.startswith("Twelve.")
    assert "How many?" in content
    ask(graph, "POST", f"/me/messages/{reply['id']}/send", who="megan")
    (back,) = inbox_of(graph, "adele", "RE: Benches for Porto")
    sent = ask(graph, "GET", f"/me/messages/{made['id']}").json()
    assert back["conversationId"] == sent["conversationId"]
    again = ask(graph, "POST", f"/me/messages/{back['id']}/createReply").json()
    assert again["subject"] == "RE: Benches for Porto"


def test_a_reply_to_all_leaves_nobody_out_but_oneself(graph):
    _, mail = received(
        graph,
        "For everybody",
        toRecipients=people("megan", "alex"),
        ccRecipients=people("lynne", "megan"),
    )
    path = f"/me/messages/{mail['id']}/createReplyAll"
    reply = ask(graph, "POST", path, who="megan").json()

    def addresses(name):
        return [each["emailAddress"]["address"] for each in reply[name]]

    assert addresses("toRecipients") == ["adele@contoso.example", "alex@contoso.example"]
    assert addresses("ccRecipients") == ["lynne@contoso.example"]


def test_a_forward_takes_the_attachments_along(graph):
    _, mail = received(graph, "Plan of the stand", attachments=[file("plan.txt")])
    path = f"/me/messages/{mail['id']}/createForward"
    body = {"comment": "Have a look.", "toRecipients": people("lynne")}
    draft_made = ask(graph, "POST", path, body, who="megan").json()
    assert draft_made["subject"] == "FW: Plan of the stand"
    assert draft_made["toRecipients"][0]["emailAddress"]["address"] == "lynne@contoso.example"
    assert draft_made["hasAttachments"]
    listed = ask(graph, "GET", f"/me/messages/{draft_made['id']}/attachments", who="megan").json()
    assert [each["name"] for each in listed["value"]] == ["plan.txt"]


def test_a_comment_and_a_body_at_once_are_refused(graph):
    _, mail = received(graph, "Two voices")
    body = {"comment": "a", "message": {"body": {"contentType": "text", "content": "b"}}}
    path = f"/me/messages/{mail['id']}/createReply"
    refused(ask(graph, "POST", path, body, who="megan"), 400, "ErrorInvalidRequest")


# --- moving --------------------------------------------------------------------------------------


def test_a_moved_mail_has_a_new_id_and_the_same_immutable_one(graph):
    made = draft(graph, subject="On the move")
    before = ask(graph, "GET", f"/me/messages/{made['id']}").json()["id"]
    answer = ask(graph, "POST", f"/me/messages/{before}/move", {"destinationId": "deleteditems"})
    assert answer.status_code == 201
    after = answer.json()["id"]
    assert after != before
    refused(ask(graph, "GET", f"/me/messages/{before}"), 404, "ErrorItemNotFound")
    shown = ask(graph, "GET", f"/me/messages/{made['id']}", **IMMUTABLE).json()
    assert shown["id"] == made["id"]
    bin_id = ask(graph, "GET", "/me/mailFolders/deleteditems", **IMMUTABLE).json()["id"]
    assert shown["parentFolderId"] == bin_id
    moved = ask(
        graph, "POST", f"/me/messages/{made['id']}/move", {"DestinationId": bin_id}, **IMMUTABLE
    )
    assert moved.json()["id"] == made["id"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"destinationId": "attic"}, 400, "ErrorInvalidIdMalformed"),
        ({}, 400, "ErrorInvalidRequest"),
        ({"destinationId": "AAMk" + "A" * 147 + "="}, 404, "ErrorItemNotFound"),
    ],
)
def test_a_mail_moves_only_to_a_folder_that_is_there(graph, body, status, code):
    made = draft(graph)
    refused(ask(graph, "POST", f"/me/messages/{made['id']}/move", body), status, code)


# --- attachments ---------------------------------------------------------------------------------


def test_attachments_come_and_go(graph):
    made = draft(graph)
    path = f"/me/messages/{made['id']}/attachments"
    answer = ask(graph, "POST", path, file("b.bin", b"\x00\x01", contentType="application/x-b"))
    assert answer.status_code == 201
    one = answer.json()
    assert (one["name"], one["size"], one["contentType"]) == ("b.bin", 2, "application/x-b")
    listed = ask(graph, "GET", f"{path}?$select=id,name").json()["value"]
    assert [each["name"] for each in listed] == ["b.bin"]
    value = ask(graph, "GET", f"{path}/{one['id']}/$value")
    assert (value.content, value.headers["content-type"]) == (b"\x00\x01", "application/x-b")
    after = ask(graph, "GET", f"/me/messages/{made['id']}").json()
    assert after["hasAttachments"]
    assert after["@odata.etag"] != made["@odata.etag"]
    assert ask(graph, "DELETE", f"{path}/{one['id']}").status_code == 204
    assert ask(graph, "GET", path).json()["value"] == []


def test_what_is_too_large_for_one_request_is_refused(graph):
    path = f"/me/messages/{draft(graph)['id']}/attachments"
    small = file("small", bytes(3 * 1024 * 1024 - 1))
    assert ask(graph, "POST", path, small).status_code == 201
    refused(
        ask(graph, "POST", path, file("large", bytes(3 * 1024 * 1024))),
        413,
        "ErrorMessageSizeExceeded",
    )
    refused(
        ask(graph, "POST", path, file("larger", bytes(4 * 1024 * 1024))),
        413,
        "RequestEntityTooLarge",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a", "contentBytes": "AA=="},
        file(name=""),
        {**file(), "contentBytes": "not base64!"},
        {**file(), "@odata.type": "#microsoft.graph.event"},
    ],
)
def test_what_is_no_file_is_refused(graph, wrong):
    path = f"/me/messages/{draft(graph)['id']}/attachments"
    assert ask(graph, "POST", path, wrong).status_code == 400


def attached_mail(graph):
    mails = graph.every("/me/messages?$top=1000&$expand=attachments")
    return next(
        (mail, each)
        for mail in mails
        for each in mail["attachments"]
        if each["@odata.type"] == "#microsoft.graph.itemAttachment"
    )


def test_an_attached_mail_is_shown_on_request_and_has_a_mime_form(graph):
    mail, attachment = attached_mail(graph)
    assert not {"contentBytes", "item"} & attachment.keys()
    path = f"/me/messages/{mail['id']}/attachments/{attachment['id']}"
    expanded = graph.get(f"{path}?$expand=microsoft.graph.itemattachment/item").json()["item"]
    assert expanded["@odata.type"] == "#microsoft.graph.message"
    assert expanded["subject"]
    parsed = email.message_from_bytes(graph.get(f"{path}/$value").content)
    assert parsed["Subject"] == expanded["subject"]
    wrong = graph.get(f"{path}?$expand=owner")
    refused(wrong, 400, "BadRequest")
