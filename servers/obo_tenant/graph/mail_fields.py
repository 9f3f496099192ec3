"""What may be filtered, sorted and searched in mail."""

from obo_tenant.graph.odata.fields import Field, fields
from obo_tenant.graph.odata.kql import Vocabulary

MESSAGE_FIELDS = fields(
    "message",
    (
        Field(
            "receivedDateTime", "Edm.DateTimeOffset", lambda m: m.received.replace(microsecond=0)
        ),
        Field("sentDateTime", "Edm.DateTimeOffset", lambda m: m.received.replace(microsecond=0)),
        Field("isRead", "Edm.Boolean", lambda m: m.is_read),
        Field("isDraft", "Edm.Boolean", lambda m: m.is_draft),
        Field("hasAttachments", "Edm.Boolean", lambda m: any(not a.inline for a in m.attachments)),
        Field("importance", "Edm.String", lambda m: m.importance),
        Field("subject", "Edm.String", lambda m: m.subject),
        Field("internetMessageId", "Edm.String", lambda m: m.internet_message_id),
        Field("conversationId", "Edm.String", lambda m: m.conversation_id),
        Field("from/emailAddress/address", "Edm.String", lambda m: m.sender.address),
        Field("from/emailAddress/name", "Edm.String", lambda m: m.sender.name),
        Field("sender/emailAddress/address", "Edm.String", lambda m: m.sender.address),
        Field(
            "inferenceClassification", "Edm.String", lambda m: "focused" if m.focused else "other"
        ),
        Field("flag/flagStatus", "Edm.String", lambda m: m.flag),
    ),
)

FOLDER_FIELDS = fields("mailFolder", (Field("displayName", "Edm.String", lambda f: f.name),))

MESSAGE_VOCABULARY = Vocabulary(
    words={
        "from": "from",
        "to": "to",
        "cc": "cc",
        "recipients": "participants",
        "participants": "participants",
        "subject": "subject",
        "body": "body",
        "attachment": "attachment",
        "attachmentnames": "attachment",
        "category": "category",
    },
    flags={
        "hasattachments": "hasattachments",
        "hasattachment": "hasattachments",
        "importance": "importance",
        "isread": "isread",
    },
    moments={"received": "received", "sent": "sent"},
)
