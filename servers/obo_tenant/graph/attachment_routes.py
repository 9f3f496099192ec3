"""The attachments of a message.

Sources: Graph "message: list attachments", "attachment: get", "message: add attachment".
"""

from typing import Any

from starlette.responses import Response

from obo_tenant.graph.attachment_body import new_attachment
from obo_tenant.graph.errors import bad_request
from obo_tenant.graph.given import read_object
from obo_tenant.graph.mail_lookup import attachment_of, message_of
from obo_tenant.graph.mail_view import ATTACHMENT_PROPERTIES, attachment_json, message_json
from obo_tenant.graph.mail_writes import keep
from obo_tenant.graph.mailbox import Attachment, Message
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.visit import Visit, operations

_ITEM = "microsoft.graph.itemattachment/item"
_IN_ITEM = ("id", "parentFolderId", "uniqueBody", "changeKey", "@odata.etag", "webLink")


def list_attachments(visit: Visit) -> Response:
    """The attachments of a message."""
    _check(visit)
    message = message_of(visit)
    size = page_size(visit.options, default=100, maximum=1000, preferred=visit.prefer.page_size)
    page = cut(message.attachments, visit.options, size=size, by="$skip")
    shown = [_shown(visit, each, message) for each in page.items]
    context = visit.mine(f"messages('{visit.variables['message']}')/attachments")
    return visit.many(context, page, shown)


def get_attachment(visit: Visit) -> Response:
    """One attachment of a message; of another mail with `$expand` also that."""
    _check(visit)
    attachment, message = attachment_of(visit)
    return visit.one(_context(visit), _shown(visit, attachment, message))


def get_attachment_value(visit: Visit) -> Response:
    """The bytes of one attachment; of another mail its MIME form."""
    attachment, _ = attachment_of(visit)
    return Response(attachment.content, media_type=attachment.content_type)


def add_attachment(visit: Visit) -> Response:
    """`POST /me/messages/{message}/attachments`: 201; below 3 MB."""
    message = message_of(visit)
    attachment = new_attachment(read_object(visit.body), visit.owner.profile.oid, visit.now)
    attached = message.revised(visit.now, attachments=(*message.attachments, attachment))
    keep(visit, attached)
    return visit.one(_context(visit), _shown(visit, attachment, attached), 201)


def delete_attachment(visit: Visit) -> Response:
    """`DELETE /me/messages/{message}/attachments/{attachment}`."""
    attachment, message = attachment_of(visit)
    left = tuple(each for each in message.attachments if each is not attachment)
    visit.owner.mailbox.put(message.revised(visit.now, attachments=left))
    return Response(status_code=204)


def _context(visit: Visit) -> str:
    return visit.mine(f"messages('{visit.variables['message']}')/attachments/$entity")


def _check(visit: Visit) -> None:
    check_names(visit.options.select, ATTACHMENT_PROPERTIES, "attachment")
    for name in visit.options.expand:
        if name.partition("(")[0].casefold() != _ITEM:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.attachment'."
            )


def _shown(visit: Visit, attachment: Attachment, message: Message) -> dict[str, Any]:
    full = dict(attachment_json(attachment, message, visit.prefer))
    always = ("@odata.type", "@odata.mediaContentType", "id")
    shown = show(full, visit.options.select, always=always)
    if attachment.item is not None and visit.options.expand:
        item = message_json(attachment.item, visit.owner.mailbox, visit.prefer)
        inside = {name: value for name, value in item.items() if name not in _IN_ITEM}
        shown["item"] = {"@odata.type": "#microsoft.graph.message", "id": "", **inside}
    return shown


_PATH = "messages/{message}/attachments"

OPERATIONS = (
    *operations(
        "mail",
        "Mail.Read Mail.ReadWrite",
        (_PATH, list_attachments),
        (f"{_PATH}/{{attachment}}", get_attachment),
        (f"{_PATH}/{{attachment}}/$value", get_attachment_value),
    ),
    *operations("mail", "Mail.ReadWrite", (_PATH, add_attachment), method="POST"),
    *operations(
        "mail", "Mail.ReadWrite", (f"{_PATH}/{{attachment}}", delete_attachment), method="DELETE"
    ),
)
