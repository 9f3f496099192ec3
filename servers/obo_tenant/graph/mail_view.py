"""A message, a folder, an attachment as Graph's JSON.

Source: Graph "message", "mailFolder" and "fileAttachment" resource types.
"""

import base64
import html
from collections.abc import Mapping
from typing import Any

from obo_tenant.graph.errors import bad_request, denied
from obo_tenant.graph.mailbox import (
    HIDDEN_ROOT,
    Address,
    Attachment,
    Body,
    Folder,
    Mailbox,
    Message,
)
from obo_tenant.graph.odata.page import check_names, show
from obo_tenant.graph.prefer import Preferences
from obo_tenant.graph.visit import Visit
from obo_tenant.graph.zones import utc_text

ON_REQUEST = ("uniqueBody", "internetMessageHeaders")
PREVIEW_LENGTH = 255


def message_json(message: Message, box: Mailbox, prefer: Preferences) -> dict[str, Any]:
    """All properties of a message, also those that are shown on request only."""
    item_id = message.ids.pick(immutable=prefer.immutable_ids)
    received = utc_text(message.received)
    return {
        "@odata.etag": message.etag,
        "id": item_id,
        "createdDateTime": utc_text(message.created or message.received),
        "lastModifiedDateTime": utc_text(message.modified or message.received),
        "changeKey": message.change_key,
        "categories": list(message.categories),
        "receivedDateTime": received,
        "sentDateTime": received,
        "hasAttachments": any(not each.inline for each in message.attachments),
        "internetMessageId": message.internet_message_id,
        "subject": message.subject,
        "bodyPreview": " ".join(message.body.text.split())[:PREVIEW_LENGTH],
        "importance": message.importance,
        "parentFolderId": box.folders[message.folder].ids.pick(immutable=prefer.immutable_ids),
        "conversationId": message.conversation_id,
        "conversationIndex": _conversation_index(message),
        "isDeliveryReceiptRequested": False,
        "isReadReceiptRequested": False,
        "isRead": message.is_read,
        "isDraft": message.is_draft,
        "webLink": f"https://outlook.contoso.example/owa/?ItemID={item_id}&exvsurl=1",
        "inferenceClassification": "focused" if message.focused else "other",
        "body": body_json(message.body, prefer),
        "uniqueBody": body_json(message.unique, prefer),
        "sender": recipient(message.sender),
        "from": recipient(message.sender),
        "toRecipients": [recipient(each) for each in message.to],
        "ccRecipients": [recipient(each) for each in message.cc],
        "bccRecipients": [recipient(each) for each in message.bcc],
        "replyTo": [recipient(each) for each in message.reply_to],
        "flag": {"flagStatus": message.flag},
        "internetMessageHeaders": _headers(message),
    }


MESSAGE_PROPERTIES = frozenset(
    [
        "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories",
        "receivedDateTime", "sentDateTime", "hasAttachments", "internetMessageId", "subject",
        "bodyPreview", "importance", "parentFolderId", "conversationId", "conversationIndex",
        "isDeliveryReceiptRequested", "isReadReceiptRequested", "isRead", "isDraft", "webLink",
        "inferenceClassification", "body", "uniqueBody", "sender", "from", "toRecipients",
        "ccRecipients", "bccRecipients", "replyTo", "flag", "internetMessageHeaders", "attachments",
    ]
)  # fmt: skip
BODY_PROPERTIES = ("body", "bodyPreview", "uniqueBody")
ATTACHMENT_PROPERTIES = [
    "id", "lastModifiedDateTime", "name", "contentType", "size", "isInline", "contentId",
    "contentLocation", "contentBytes",
]  # fmt: skip
READ_BODY = ("Mail.Read", "Mail.ReadWrite")


def check_message_options(visit: Visit) -> None:
    """`$select` and `$expand` of messages. Raises GraphError 400, and 403 for attachments."""
    check_names(visit.options.select, MESSAGE_PROPERTIES, "message")
    for name in visit.options.expand:
        if name.partition("(")[0].casefold() != "attachments":
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.message'."
            )
        check_names(_within(name), ATTACHMENT_PROPERTIES, "attachment")
        if not visit.may(*READ_BODY):
            raise denied("mail")


def _within(name: str) -> tuple[str, ...]:
    """What `attachments($select=id,name)` selects of each; nothing means everything."""
    listed = name.partition("(")[2].removesuffix(")").removeprefix("$select=")
    return tuple(part.strip() for part in listed.split(",") if part.strip())


def shown_message(visit: Visit, message: Message) -> dict[str, Any]:
    """The properties of a message that the caller may see and asked for."""
    full = message_json(message, visit.owner.mailbox, visit.prefer)
    if not visit.may(*READ_BODY):
        full = {name: value for name, value in full.items() if name not in BODY_PROPERTIES}
    if visit.options.select:
        shown = show(full, visit.options.select, always=("@odata.etag", "id"))
    else:
        shown = {name: value for name, value in full.items() if name not in ON_REQUEST}
    if visit.options.expand:
        names = _within(visit.options.expand[0])
        shown["attachments"] = [
            show(attachment_json(each, message, visit.prefer), names, always=("@odata.type", "id"))
            for each in message.attachments
        ]
    return shown


def body_json(body: Body, prefer: Preferences) -> dict[str, str]:
    """The body in the type that was preferred, else in the type in which it was written."""
    if prefer.body == "text" or (prefer.body is None and body.html is None):
        return {"contentType": "text", "content": body.text}
    if body.html is not None:
        return {"contentType": "html", "content": body.html}
    lines = html.escape(body.text).replace("\n", "<br>\n")
    return {"contentType": "html", "content": f"<html><body>{lines}</body></html>"}


def recipient(address: Address) -> dict[str, Any]:
    """Graph's recipient."""
    return {"emailAddress": {"name": address.name, "address": address.address}}


def folder_json(folder: Folder, box: Mailbox, prefer: Preferences) -> dict[str, Any]:
    """A folder with its counts."""
    inside = box.in_folder(folder.key)
    parent = box.folders.get(folder.parent, folder)
    return {
        "id": folder.ids.pick(immutable=prefer.immutable_ids),
        "displayName": folder.name,
        "parentFolderId": parent.ids.pick(immutable=prefer.immutable_ids),
        "childFolderCount": len(box.children(folder.key)),
        "unreadItemCount": sum(not each.is_read for each in inside),
        "totalItemCount": len(inside),
        "isHidden": folder.parent == HIDDEN_ROOT,
    }


def attachment_json(
    attachment: Attachment, message: Message, prefer: Preferences
) -> Mapping[str, Any]:
    """A file attachment with its content, or an attached mail without it."""
    common = {
        "id": attachment.ids.pick(immutable=prefer.immutable_ids),
        "lastModifiedDateTime": utc_text(attachment.modified or message.received),
        "name": attachment.name,
        "contentType": attachment.content_type,
        "size": len(attachment.content),
        "isInline": attachment.inline,
    }
    if attachment.item is not None:
        return {"@odata.type": "#microsoft.graph.itemAttachment", **common, "contentType": None}
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "@odata.mediaContentType": attachment.content_type,
        **common,
        "contentId": attachment.content_id,
        "contentLocation": None,
        "contentBytes": base64.b64encode(attachment.content).decode(),
    }


def _conversation_index(message: Message) -> str:
    stamp = int(message.received.timestamp()).to_bytes(6, "big")
    return base64.b64encode(b"\x01" + stamp + message.conversation_id.encode()[-15:]).decode()


def _headers(message: Message) -> list[dict[str, str]]:
    return [
        {"name": "Date", "value": message.received.strftime("%a, %d %b %Y %H:%M:%S +0000")},
        {"name": "Subject", "value": message.subject},
        {"name": "MIME-Version", "value": "1.0"},
    ]
