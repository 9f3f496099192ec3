"""Mail that is read: folders and messages.

Sources: Graph "user: list messages", "message: get", "mailFolder" pages.
"""

from typing import Any

from starlette.responses import PlainTextResponse, Response

from obo_tenant.graph.errors import GraphError, denied
from obo_tenant.graph.mail_fields import FOLDER_FIELDS, MESSAGE_FIELDS, MESSAGE_VOCABULARY
from obo_tenant.graph.mail_lookup import folder_of, message_of
from obo_tenant.graph.mail_view import (
    READ_BODY,
    check_message_options,
    folder_json,
    shown_message,
)
from obo_tenant.graph.mailbox import ROOT, Folder, Mailbox, Message
from obo_tenant.graph.odata.filters import parse_filter
from obo_tenant.graph.odata.kql import parse_kql, unquote_search
from obo_tenant.graph.odata.order import in_order, parse_order, refuse_inefficient
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.visit import Visit, operations

_SEARCH_LIMIT = 1000
_FOLDER_PROPERTIES = [
    "id",
    "displayName",
    "parentFolderId",
    "childFolderCount",
    "unreadItemCount",
    "totalItemCount",
    "isHidden",
]


def list_folders(visit: Visit) -> Response:
    """The folders at the top."""
    return _folders(visit, visit.owner.mailbox.children(ROOT), "mailFolders")


def get_folder(visit: Visit) -> Response:
    """One folder by id or well-known name."""
    check_names(visit.options.select, _FOLDER_PROPERTIES, "mailFolder")
    folder = folder_of(visit)
    full = folder_json(folder, visit.owner.mailbox, visit.prefer)
    context = visit.mine("mailFolders/$entity")
    return visit.one(context, show(full, visit.options.select, always=("id",)))


def list_child_folders(visit: Visit) -> Response:
    """The folders directly below one folder."""
    folder = folder_of(visit)
    below = visit.owner.mailbox.children(folder.key)
    return _folders(visit, below, f"mailFolders('{visit.variables['folder']}')/childFolders")


def list_messages(visit: Visit) -> Response:
    """All messages of the mailbox."""
    return _messages(visit, list(visit.owner.mailbox.messages), "messages")


def list_folder_messages(visit: Visit) -> Response:
    """The messages of one folder."""
    inside = visit.owner.mailbox.in_folder(folder_of(visit).key)
    return _messages(visit, inside, f"mailFolders('{visit.variables['folder']}')/messages")


def count_messages(visit: Visit) -> Response:
    """How many messages match."""
    return PlainTextResponse(str(len(_wanted(visit, list(visit.owner.mailbox.messages)))))


def count_folder_messages(visit: Visit) -> Response:
    """How many messages of one folder match."""
    inside = visit.owner.mailbox.in_folder(folder_of(visit).key)
    return PlainTextResponse(str(len(_wanted(visit, inside))))


def get_message(visit: Visit) -> Response:
    """One message by either id."""
    check_message_options(visit)
    return visit.one(visit.mine("messages/$entity"), shown_message(visit, message_of(visit)))


def _folders(visit: Visit, found: list[Folder], context: str) -> Response:
    options = visit.options
    check_names(options.select, _FOLDER_PROPERTIES, "mailFolder")
    if options.filter is not None:
        found = list(filter(parse_filter(options.filter, FOLDER_FIELDS).matches, found))
    if options.order_by is not None:
        found = in_order(found, parse_order(options.order_by, FOLDER_FIELDS))
    size = page_size(options, default=10, maximum=1000, preferred=visit.prefer.page_size)
    page = cut(found, options, size=size, by="$skip")
    box = visit.owner.mailbox
    full = [folder_json(each, box, visit.prefer) for each in page.items]
    shown = [show(each, options.select, always=("id",)) for each in full]
    return visit.many(visit.mine(context), page, shown, len(found) if options.count else None)


def _messages(visit: Visit, found: list[Message], context: str) -> Response:
    options = visit.options
    check_message_options(visit)
    size = page_size(options, default=10, maximum=1000, preferred=visit.prefer.page_size)
    found = _wanted(visit, found)
    page = cut(found, options, size=size, by="$skiptoken" if options.search else "$skip")
    names = f"({','.join(options.select)})" if options.select else ""
    shown = [shown_message(visit, each) for each in page.items]
    total = len(found) if options.count else None
    return visit.many(visit.mine(context + names), page, shown, total)


def _wanted(visit: Visit, found: list[Message]) -> list[Message]:
    options = visit.options
    if options.search is not None:
        return _searched(visit, found, options.search)
    filtered: tuple[str, ...] | None = None
    if options.filter is not None:
        parsed = parse_filter(options.filter, MESSAGE_FIELDS)
        filtered = parsed.properties
        found = list(filter(parsed.matches, found))
    if options.order_by is not None:
        orders = parse_order(options.order_by, MESSAGE_FIELDS)
        if filtered is not None:
            refuse_inefficient(filtered, orders)
        found = in_order(found, orders)
    return found


def _searched(visit: Visit, found: list[Message], text: str) -> list[Message]:
    if visit.options.order_by is not None:
        raise _not_with_search("SearchWithOrderBy", "$orderBy")
    if visit.options.filter is not None:
        raise _not_with_search("SearchWithFilter", "$filter")
    if not visit.may(*READ_BODY):
        raise denied("mail")
    search = parse_kql(unquote_search(text), MESSAGE_VOCABULARY)
    return search_messages(visit.owner.mailbox, found, search.matches)


def search_messages(box: Mailbox, found: list[Message], matches: Any) -> list[Message]:
    """The messages that match, newest first, at most a thousand."""
    return [each for each in found if matches(box.words(each))][:_SEARCH_LIMIT]


def _not_with_search(code: str, option: str) -> GraphError:
    return GraphError(400, code, f"The query parameter '{option}' is not supported with '$search'.")


OPERATIONS = (
    *operations(
        "mail",
        "Mail.ReadBasic Mail.Read Mail.ReadWrite",
        ("mailFolders", list_folders),
        ("mailFolders/{folder}", get_folder),
        ("mailFolders/{folder}/childFolders", list_child_folders),
        ("mailFolders/{folder}/messages", list_folder_messages),
        ("mailFolders/{folder}/messages/$count", count_folder_messages),
        ("mailFolders/{folder}/messages/{message}", get_message),
        ("messages", list_messages),
        ("messages/$count", count_messages),
        ("messages/{message}", get_message),
    ),
)
