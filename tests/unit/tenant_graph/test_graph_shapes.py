"""Every answer parses into the typed models of msgraph-sdk and leaves nothing over.

A property that the model does not know lands in `additional_data`; an enum member it does not know
becomes None. Both would mean that we misspelt something.
"""

import dataclasses
import json

import pytest
from kiota_serialization_json.json_parse_node import JsonParseNode
from msgraph.generated.models.calendar import Calendar
from msgraph.generated.models.contact import Contact
from msgraph.generated.models.drive import Drive
from msgraph.generated.models.drive_item import DriveItem
from msgraph.generated.models.event import Event
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.item_attachment import ItemAttachment
from msgraph.generated.models.mail_folder import MailFolder
from msgraph.generated.models.mailbox_settings import MailboxSettings
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.person import Person
from msgraph.generated.models.search_response import SearchResponse
from msgraph.generated.models.upload_session import UploadSession
from msgraph.generated.models.user import User

WINDOW = "startDateTime=2026-01-01&endDateTime=2027-12-01&$top=1000"


def parse(model, shown):
    node = JsonParseNode(json.loads(json.dumps(shown)))
    return node.get_object_value(model)


def leftovers(value, path=""):
    """What the model did not know, with the path to it."""
    if isinstance(value, list):
        return [each for item in value for each in leftovers(item, path + "[]")]
    if not hasattr(value, "additional_data"):
        return []
    extra = [f"{path}.{name}" for name in value.additional_data if not name.startswith("@")]
    for field in dataclasses.fields(value):
        if field.name not in ("additional_data", "backing_store"):
            extra += leftovers(getattr(value, field.name), f"{path}.{field.name}")
    return extra


def test_leftovers_are_noticed():
    assert leftovers(parse(Message, {"subjekt": "x"})) == [".subjekt"]


def sample(items, wanted):
    """A few of each kind, so that the slow models see every variety."""
    seen, result = {}, []
    for item in items:
        kind = wanted(item)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= 2:
            result.append(item)
    return result


def test_messages_are_typed(graph):
    names = "&$select=*,uniqueBody,internetMessageHeaders"
    listed = graph.every(f"/me/messages?$top=1000&$expand=attachments{names}")
    picked = sample(listed, lambda m: (m["importance"], m["hasAttachments"], m["isDraft"]))
    for shown in picked:
        mail = parse(Message, shown)
        assert leftovers(mail) == []
        assert mail.subject == shown["subject"]
        assert mail.importance.value == shown["importance"]
        assert mail.inference_classification.value == shown["inferenceClassification"]
        assert mail.flag.flag_status.value == shown["flag"]["flagStatus"]
        assert mail.body.content_type.value == shown["body"]["contentType"]
        assert mail.received_date_time.isoformat()[:19] == shown["receivedDateTime"][:19]
        assert mail.unique_body.content == shown["uniqueBody"]["content"]
        for attachment, listed_one in zip(mail.attachments, shown["attachments"], strict=True):
            kind = listed_one["@odata.type"].rpartition(".")[2]
            assert (
                type(attachment)
                is {"fileAttachment": FileAttachment, "itemAttachment": ItemAttachment}[kind]
            )
            assert attachment.name == listed_one["name"]


def test_an_attached_mail_is_typed(graph):
    listed = graph.every("/me/messages?$top=1000&$expand=attachments")
    found = [(mail["id"], each) for mail in listed for each in mail["attachments"]]
    mail_id, shown = next(
        each for each in found if each[1]["@odata.type"].endswith(".itemAttachment")
    )
    path = f"/me/messages/{mail_id}/attachments/{shown['id']}"
    expanded = graph.get(f"{path}?$expand=microsoft.graph.itemattachment/item").json()
    attachment = parse(ItemAttachment, expanded)
    assert leftovers(attachment) == []
    assert attachment.item.subject == expanded["item"]["subject"]


def test_written_mail_is_typed(fresh_graph):
    may = {"scopes": "Mail.ReadWrite"}
    adele = [{"emailAddress": {"address": "adele@contoso.example"}}]
    given = {"subject": "Typed", "bccRecipients": adele, "replyTo": adele}
    made = fresh_graph.send("POST", "/me/messages", given, **may).json()
    path = f"/me/messages/{made['id']}"
    file = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a", "contentBytes": "AAAA"}
    attached = fresh_graph.send("POST", f"{path}/attachments", file, **may).json()
    reply = fresh_graph.send("POST", f"{path}/createReplyAll", {}, **may).json()
    forward = fresh_graph.send("POST", f"{path}/createForward", {}, **may).json()
    changed = fresh_graph.send("PATCH", path, {"flag": {"flagStatus": "complete"}}, **may).json()
    item = {"attachmentType": "file", "name": "b", "size": 4_000_000}
    session = fresh_graph.send(
        "POST", f"{path}/attachments/createUploadSession", {"AttachmentItem": item}, **may
    ).json()
    moved = fresh_graph.send("POST", f"{path}/move", {"destinationId": "archive"}, **may).json()
    for shown in (made, reply, forward, changed, moved):
        mail = parse(Message, shown)
        assert leftovers(mail) == []
        assert mail.flag.flag_status.value == shown["flag"]["flagStatus"]
    assert parse(Message, made).bcc_recipients[0].email_address.address == "adele@contoso.example"
    assert leftovers(parse(FileAttachment, attached)) == []
    upload = parse(UploadSession, session)
    assert leftovers(upload) == []
    assert (upload.upload_url, upload.next_expected_ranges) == (session["uploadUrl"], ["0-"])
    state = fresh_graph.client.get(session["uploadUrl"]).json()
    assert leftovers(parse(UploadSession, state)) == []


@pytest.mark.parametrize(
    ("model", "path"),
    [(Person, "/me/people"), (User, "/users"), (Contact, "/me/contacts")],
)
def test_people_are_typed(graph, model, path):
    scopes = "People.Read User.Read.All Contacts.Read"
    listed = graph.every(f"{path}?$top=100", scopes=scopes)
    assert len(listed) > 10
    for shown in (*listed[:3], listed[-1]):
        person = parse(model, shown)
        assert leftovers(person) == []
        assert person.display_name == shown["displayName"]
    if model is Person:
        score = parse(Person, listed[0]).scored_email_addresses[0]
        assert score.selection_likelihood.value == "notSpecified"


def test_events_are_typed(graph):
    listed = graph.every(f"/me/calendarView?{WINDOW}")
    masters = {each["seriesMasterId"] for each in listed} - {None}
    listed += [graph.get(f"/me/events/{each}").json() for each in masters]

    def kind(event):
        return event["type"], event["isAllDay"], event["isOnlineMeeting"], event["showAs"]

    for shown in sample(listed, kind):
        event = parse(Event, shown)
        assert leftovers(event) == []
        assert event.type.value == shown["type"]
        assert event.show_as.value == shown["showAs"]
        assert event.sensitivity.value == shown["sensitivity"]
        assert event.response_status.response.value == shown["responseStatus"]["response"]
        assert event.online_meeting_provider.value == shown["onlineMeetingProvider"]
        assert event.location.location_type.value == shown["location"]["locationType"]
        assert event.start.date_time == shown["start"]["dateTime"]
        assert [who.status.response.value for who in event.attendees] == [
            who["status"]["response"] for who in shown["attendees"]
        ]
        if shown["recurrence"]:
            rule = event.recurrence
            assert rule.pattern.type.value == shown["recurrence"]["pattern"]["type"]
            assert rule.range.start_date.isoformat() == shown["recurrence"]["range"]["startDate"]


def test_drive_items_are_typed(graph):
    listed = graph.every("/me/drive/root/search(q='')?$top=1000")
    listed.append(graph.get("/me/drive/root").json())
    for shown in sample(listed, lambda item: (item.get("file") or {}).get("mimeType")):
        item = parse(DriveItem, shown)
        assert leftovers(item) == []
        assert (item.name, item.size) == (shown["name"], shown["size"])
        assert (item.file is None) == ("file" not in shown)
        assert (item.folder is None) == ("folder" not in shown)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (User, "/me"),
        (MailboxSettings, "/me/mailboxSettings"),
        (MailFolder, "/me/mailFolders/inbox"),
        (Calendar, "/me/calendar"),
        (Drive, "/me/drive"),
    ],
)
def test_single_things_are_typed(graph, model, path):
    shown = graph.get(path).json()
    assert leftovers(parse(model, shown)) == []


@pytest.mark.parametrize(
    ("kind", "model"), [("message", Message), ("event", Event), ("driveItem", DriveItem)]
)
def test_search_answers_are_typed(graph, kind, model):
    body = {"requests": [{"entityTypes": [kind], "query": {"queryString": "o*"}, "size": 3}]}
    (shown,) = graph.post("/search/query", body).json()["value"]
    response = parse(SearchResponse, shown)
    assert leftovers(response) == []
    hits = response.hits_containers[0].hits
    assert len(hits) == 3
    assert all(isinstance(hit.resource, model) for hit in hits)


def test_errors_are_typed(graph):
    error = parse(ODataError, graph.get("/me/messages/nonsense").json())
    assert leftovers(error) == []
    assert error.error.code == "ErrorInvalidIdMalformed"
    assert error.error.inner_error.request_id
