"""The folder, message or attachment that a path names, of the caller's own."""

from obo_tenant.graph.errors import GraphError, item_not_found, malformed_id
from obo_tenant.graph.ids import is_outlook_id
from obo_tenant.graph.mailbox import Attachment, Folder, Message
from obo_tenant.graph.visit import Visit


def folder_of(visit: Visit) -> Folder:
    """The folder in the path. Raises GraphError 404, or 400 for what is no id."""
    return folder_named(visit, visit.variables["folder"])


def folder_named(visit: Visit, name: str) -> Folder:
    """The folder with this id or well-known name. Raises as `folder_of`."""
    folder = visit.owner.mailbox.folder(name)
    if folder is None:
        raise _missing(name)
    return folder


def message_of(visit: Visit) -> Message:
    """The message in the path, in its folder if that names one. Raises as `folder_of`."""
    name = visit.variables["message"]
    message = visit.owner.mailbox.message(name)
    if message is None:
        raise _missing(name)
    if "folder" in visit.variables and message.folder != folder_of(visit).key:
        raise item_not_found("mail")
    return message


def attachment_of(visit: Visit) -> tuple[Attachment, Message]:
    """The attachment in the path, and its message. Raises as `folder_of`."""
    message, name = message_of(visit), visit.variables["attachment"]
    for each in message.attachments:
        if name in (each.ids.default, each.ids.immutable):
            return each, message
    raise _missing(name)


def _missing(name: str) -> GraphError:
    return item_not_found("mail") if is_outlook_id(name) else malformed_id()
