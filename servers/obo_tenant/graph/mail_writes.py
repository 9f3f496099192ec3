"""Mail that changes: drafts, updates, moves, deletion.

Sources: Graph "user: create message", "message: update", "message: move", "message: delete".
"""

from typing import Any
from uuid import uuid4

from starlette.responses import Response

from obo_tenant.graph.attachment_body import new_attachments
from obo_tenant.graph.conditional import created, refuse_stale
from obo_tenant.graph.errors import GraphError
from obo_tenant.graph.given import as_text, lowered, read_object
from obo_tenant.graph.ids import change_key, conversation_id, outlook_ids
from obo_tenant.graph.mail_lookup import folder_named, folder_of, message_of
from obo_tenant.graph.mail_view import shown_message
from obo_tenant.graph.mailbox import Address, Body, Message
from obo_tenant.graph.message_body import message_changes
from obo_tenant.graph.visit import Visit, operations

_MOST_BYTES = 400 * 1024 * 1024


def create_draft(visit: Visit) -> Response:
    """`POST /me/messages`."""
    return made(visit, draft_from(visit, read_object(visit.body)))


def create_draft_in_folder(visit: Visit) -> Response:
    """`POST /me/mailFolders/{folder}/messages`."""
    folder = folder_of(visit)
    return made(visit, draft_from(visit, read_object(visit.body), folder=folder.key))


def update_message(visit: Visit) -> Response:
    """`PATCH /me/messages/{message}`."""
    message = message_of(visit)
    refuse_stale(visit, message.change_key)
    given = read_object(visit.body)
    own = visit.owner.profile.address
    changes = message_changes(
        given, own=own, draft=message.is_draft, apart=frozenset({"from", "sender"})
    )
    revised = message.revised(visit.now, **changes)
    visit.owner.mailbox.put(revised)
    return visit.one(visit.mine("messages/$entity"), shown_message(visit, revised))


def delete_message(visit: Visit) -> Response:
    """`DELETE /me/messages/{message}`: it goes where only an administrator finds it."""
    message = message_of(visit)
    refuse_stale(visit, message.change_key)
    visit.owner.mailbox.remove(message)
    return Response(status_code=204)


def move_message(visit: Visit) -> Response:
    """`POST /me/messages/{message}/move`: 201 with the message under its new id."""
    message = message_of(visit)
    wanted = as_text(lowered(read_object(visit.body)).get("destinationid"), longest=512)
    if not wanted:
        raise GraphError(400, "ErrorInvalidRequest", "The destination folder is missing.")
    folder = folder_named(visit, wanted)
    moved = message.moved(visit.owner.profile.oid, folder.key, visit.now)
    return made(visit, moved)


def draft_from(visit: Visit, given: dict[str, Any], **changes: Any) -> Message:
    """A new draft of the caller's with what `given` says. Raises GraphError as the readers do."""
    fields = changes | message_changes(given, own=visit.owner.profile.address)
    if given.get("attachments") is not None:
        oid = visit.owner.profile.oid
        fields["attachments"] = new_attachments(given["attachments"], oid, visit.now)
    return new_draft(visit, **fields)


def new_draft(visit: Visit, **fields: Any) -> Message:
    """An empty draft of the caller's with these fields."""
    profile, key = visit.owner.profile, f"new {uuid4().hex}"
    empty: dict[str, Any] = {
        "folder": "drafts",
        "conversation_id": conversation_id(profile.oid, key),
        "subject": "",
        "to": (),
        "body": Body(""),
        "unique": Body(""),
    }
    return Message(
        key=key,
        ids=outlook_ids(profile.oid, "message", key),
        change_key=change_key(profile.oid, key),
        sender=Address(profile.name, profile.address),
        received=visit.now.replace(microsecond=0),
        is_draft=True,
        **(empty | fields),
    )


def made(visit: Visit, message: Message) -> Response:
    """Keep the message; 201 with it. Raises GraphError 507 for a mailbox that is full."""
    keep(visit, message)
    entity = visit.quirks.entity(shown_message(visit, message))
    response = created(visit.mine("messages/$entity"), entity, etag=message.change_key)
    item_id = message.ids.pick(immutable=visit.prefer.immutable_ids)
    user = visit.owner.profile.oid
    response.headers["Location"] = f"{visit.origin}/v1.0/users/{user}/messages/{item_id}"
    return response


def keep(visit: Visit, message: Message) -> None:
    """Put the message into the caller's mailbox. Raises GraphError 507 when that is full."""
    box = visit.owner.mailbox
    if message.attachments and box.attached_bytes > _MOST_BYTES:
        raise GraphError(
            507, "ErrorQuotaExceeded", "The operation would exceed the quota of the mailbox."
        )
    box.put(message)


_WRITE = "Mail.ReadWrite"

OPERATIONS = (
    *operations(
        "mail",
        _WRITE,
        ("messages", create_draft),
        ("mailFolders/{folder}/messages", create_draft_in_folder),
        ("messages/{message}/move", move_message),
        ("mailFolders/{folder}/messages/{message}/move", move_message),
        method="POST",
    ),
    *operations(
        "mail",
        _WRITE,
        ("messages/{message}", update_message),
        ("mailFolders/{folder}/messages/{message}", update_message),
        method="PATCH",
    ),
    *operations(
        "mail",
        _WRITE,
        ("messages/{message}", delete_message),
        ("mailFolders/{folder}/messages/{message}", delete_message),
        method="DELETE",
    ),
)
